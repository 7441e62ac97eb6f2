package flowsync

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wavesiddhartha/flowsync/store"
)

func httpHub(t *testing.T, o Options) *hubServer {
	t.Helper()
	if o.Auth == nil {
		o.Auth = Anonymous
	}
	hs := serveHub(t, o)
	hs.Stream("counter:*", Counter)
	hs.Stream("set:*", Set)
	hs.Stream("log:*", Log)
	return hs
}

// post sends a body with an idempotency key and returns status and answer.
func (hs *hubServer) post(stream, key, body string) (int, string) {
	hs.t.Helper()
	resp := hs.call("POST", "/streams/"+stream+"/ops", body, "Idempotency-Key", key)
	return resp.StatusCode, bodyOf(hs.t, resp)
}

func TestGetValue(t *testing.T) {
	hs := httpHub(t, Options{})
	if err := hs.Push(t.Context(), "counter:a", map[string]any{"op": "increment", "amount": 7}); err != nil {
		t.Fatal(err)
	}
	resp := hs.call("GET", "/streams/counter:a", "")
	cursor, digest := hs.cursorOf("counter:a")
	for key, want := range map[string]string{
		"Content-Type": "application/json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
		"Flowsync-Rule": "crdt-counter", "Flowsync-Cursor": cursor.String(), "Flowsync-Digest": hex.EncodeToString(digest[:]),
	} {
		if got := resp.Header.Get(key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	if body := bodyOf(t, resp); resp.StatusCode != http.StatusOK || body != "7\n" {
		t.Errorf("%s %q", resp.Status, body)
	}
	state := `{"base":["0","0"],"dec":{},"inc":{"hub:app":"7"},"v":1}`
	if want := sha256.Sum256([]byte(state)); digest != want {
		t.Errorf("the digest is not that of %s", state)
	}
}

func TestIdempotencyKey(t *testing.T) {
	hs := httpHub(t, Options{})
	const batch = `[{"op":"increment","amount":5},{"op":"increment"}]`
	status, first := hs.post("counter:a", "k1", batch)
	if f := fields(t, first); status != http.StatusOK || f["acked"] != 2.0 || f["rejected"] != nil {
		t.Fatalf("%d %s", status, first)
	}
	if _, err := hs.Get(t.Context(), "counter:a"); err != nil {
		t.Fatal(err)
	}
	for range 3 { // a repeat: the same answer, no effect
		if again, answer := hs.post("counter:a", "k1", batch); again != status || answer != first {
			t.Errorf("a repeat is answered %d %s, first %d %s", again, answer, status, first)
		}
	}
	if got := hs.value("counter:a"); got != "6" {
		t.Errorf("the value is %s, want 6", got)
	}
	if status, answer := hs.post("counter:a", "k1", `{"op":"increment"}`); status != http.StatusConflict || fields(t, answer)["code"] != "op_conflict" {
		t.Errorf("another body under the key: %d %s", status, answer)
	}
	if status, _ := hs.post("counter:a", "k2", batch); status != http.StatusOK || hs.value("counter:a") != "12" {
		t.Errorf("another key: %d, value %s", status, hs.value("counter:a"))
	}
	if status, _ := hs.post("counter:b", "k1", `{"op":"increment"}`); status != http.StatusOK {
		t.Errorf("the key on another stream: %d", status)
	}
	for range 2 { // without a key every request is one of its own
		hs.call("POST", "/streams/counter:b/ops", `{"op":"increment"}`)
	}
	if got := hs.value("counter:b"); got != "3" {
		t.Errorf("without a key the value is %s, want 3", got)
	}
}

// A repeat is answered like the first time also when others wrote meanwhile: the
// cursor is that of the answer, the effect is none.
func TestIdempotencyKeyAfterOthers(t *testing.T) {
	hs := httpHub(t, Options{})
	_, first := hs.post("counter:a", "k", `{"op":"increment"}`)
	hs.post("counter:a", "other", `{"op":"increment"}`)
	_, again := hs.post("counter:a", "k", `{"op":"increment"}`)
	if fields(t, first)["acked"] != fields(t, again)["acked"] || hs.value("counter:a") != "2" {
		t.Errorf("first %s, again %s, value %s", first, again, hs.value("counter:a"))
	}
}

// Two requests under one key at once have one effect, and one of two bodies wins.
func TestIdempotencyKeyAtOnce(t *testing.T) {
	held := &heldStore{Store: store.NewMemory()}
	hs := httpHub(t, Options{Store: held})
	hs.value("counter:a") // it is loaded
	held.hold()
	bodies := []string{`{"op":"increment"}`, `{"op":"increment","amount":100}`, `{"op":"increment"}`, `{"op":"increment","amount":100}`}
	status := make([]int, len(bodies))
	var wg sync.WaitGroup
	for i, body := range bodies {
		wg.Go(func() {
			for range 100 {
				if status[i], _ = hs.post("counter:a", "k", body); status[i] != http.StatusServiceUnavailable {
					return
				}
				time.Sleep(10 * time.Millisecond)
			}
		})
		time.Sleep(20 * time.Millisecond) // they overlap: nothing commits
	}
	held.release()
	wg.Wait()
	if fmt.Sprint(status) != "[200 409 200 409]" || hs.value("counter:a") != "1" {
		t.Errorf("answers %v, value %s; want one effect of the first body", status, hs.value("counter:a"))
	}
}

func TestPostStopsAtTheFirstRejectedOp(t *testing.T) {
	hs := httpHub(t, Options{})
	for name, c := range map[string]struct{ body, code string }{
		"by the rule":   {`[{"op":"increment","amount":2},{"op":"increment","amount":0},{"op":"increment","amount":50}]`, "bad_op"},
		"malformed":     {`[{"op":"increment","amount":2},{"op":"increment","amount":2e0},{"op":"increment","amount":50}]`, "bad_op"},
		"not an object": {`[{"op":"increment","amount":2},17,{"op":"increment","amount":50}]`, "bad_op"},
		"half a pair":   {`[{"op":"increment","amount":2},{"op":"\ud800"},{"op":"increment","amount":50}]`, "bad_text"},
	} {
		t.Run(name, func(t *testing.T) {
			stream := "counter:" + strings.ReplaceAll(name, " ", "-")
			for range 2 { // a retry: the same answer
				status, answer := hs.post(stream, "k", c.body)
				f := fields(t, answer)
				rejected, _ := f["rejected"].(map[string]any)
				if status != http.StatusUnprocessableEntity || f["acked"] != 1.0 || rejected["seq"] != 2.0 || rejected["code"] != c.code || rejected["msg"] == "" {
					t.Errorf("%d %s", status, answer)
				}
			}
			if got := hs.value(stream); got != "2" {
				t.Errorf("the value is %s, want 2", got)
			}
		})
	}
}

// A retry goes on after what is in, once what refused the rest is gone.
func TestPostGoesOn(t *testing.T) {
	hs := httpHub(t, Options{})
	hs.Stream("full:set", ORSet)
	const body = `[{"op":"add","value":"a"},{"op":"add","value":"b"},{"op":"add","value":"c"}]`
	hs.core.StateBytes = 100
	status, answer := hs.post("full:set", "k", body)
	if f := fields(t, answer); status != http.StatusUnprocessableEntity || f["acked"] != 1.0 {
		t.Fatalf("%d %s", status, answer)
	}
	if err := hs.Push(t.Context(), "full:set", map[string]any{"op": "remove", "value": "a"}); err != nil {
		t.Fatal(err)
	}
	hs.core.StateBytes = 1000 // there is room again
	status, answer = hs.post("full:set", "k", body)
	if f := fields(t, answer); status != http.StatusOK || f["acked"] != 3.0 {
		t.Errorf("the retry: %d %s", status, answer)
	}
	if got := hs.value("full:set"); got != `["b","c"]` {
		t.Errorf("the value is %s: the retry repeated what was in", got)
	}
}

// sse reads Server-Sent Events.
type sse struct {
	t     testing.TB
	resp  *http.Response
	lines *bufio.Scanner
}

func (hs *hubServer) events(stream string) *sse {
	hs.t.Helper()
	client := oneShot()
	client.Timeout = 0
	resp, err := client.Get(hs.url + "/streams/" + stream + "/events")
	if err != nil {
		hs.t.Fatal(err)
	}
	hs.t.Cleanup(func() { resp.Body.Close() })
	return &sse{hs.t, resp, bufio.NewScanner(resp.Body)}
}

// next returns id and data of the next event; false at the end.
func (e *sse) next() (id, data string, ok bool) {
	e.t.Helper()
	for e.lines.Scan() {
		name, value, _ := strings.Cut(e.lines.Text(), ": ")
		switch name {
		case "id":
			id = value
		case "data":
			data = value
		case "event":
			if value != "value" {
				e.t.Errorf("an event is named %q", value)
			}
		case "":
			return id, data, true
		}
	}
	return "", "", false
}

func TestEvents(t *testing.T) {
	hs := httpHub(t, Options{})
	hs.post("counter:a", "0", `{"op":"increment","amount":3}`)
	e := hs.events("counter:a")
	if kind := e.resp.Header.Get("Content-Type"); kind != "text/event-stream" || e.resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", e.resp.Header)
	}
	for i, want := range []string{"3", "4", "5"} {
		id, data, ok := e.next()
		cursor, _ := hs.cursorOf("counter:a")
		if !ok || data != want || id != cursor.String() {
			t.Errorf("event %d: id %q data %q, want %s and %s", i, id, data, cursor, want)
		}
		hs.post("counter:a", fmt.Sprint(i+1), `{"op":"increment"}`)
	}
	go hs.Shutdown(context.Background())
	began := time.Now()
	for ok := true; ok; {
		_, _, ok = e.next()
	}
	if took := time.Since(began); e.lines.Err() != nil || took > 5*time.Second {
		t.Errorf("the events ended after %v with %v", took, e.lines.Err())
	}
}

// The server's write time-out counts from the start of a request; events go on.
func TestEventsOutliveTheWriteTimeout(t *testing.T) {
	noLeaks(t)
	hub, book := newHub(t, Options{Auth: Anonymous})
	hub.Stream("counter:a", Counter)
	hs := &hubServer{Hub: hub, t: t, log: book}
	hs.srv = newUnstarted(hub)
	hs.srv.Config.WriteTimeout = 200 * time.Millisecond
	hs.srv.Start()
	hs.url = hs.srv.URL
	defer func() {
		_ = hub.Shutdown(t.Context())
		hs.srv.Close()
	}()
	e := hs.events("counter:a")
	for i := range 4 {
		if _, data, ok := e.next(); !ok || data != fmt.Sprint(i) {
			t.Fatalf("event %d is %q, %v after the write time-out", i, data, e.lines.Err())
		}
		time.Sleep(150 * time.Millisecond)
		if err := hub.Push(t.Context(), "counter:a", map[string]string{"op": "increment"}); err != nil {
			t.Fatal(err)
		}
	}
}

// Nobody can subscribe away the hub: a listener that leaves is let go.
func TestEventsLetGo(t *testing.T) {
	hs := httpHub(t, Options{})
	e := hs.events("counter:a")
	e.next()
	st := hs.stream("counter:a", "")
	members := func() int {
		st.mu.Lock()
		defer st.mu.Unlock()
		return st.core.Members()
	}
	if members() != 1 {
		t.Fatalf("%d members listen", members())
	}
	e.resp.Body.Close()
	eventually(t, "the listener is still a member", func() bool { return members() == 0 })
}

// Every code has a status, and what may be tried again says so.
func TestStatuses(t *testing.T) {
	failing := &failingStore{Store: store.NewMemory()}
	hs := httpHub(t, Options{Store: failing})
	hs.value("counter:a")
	for _, c := range []struct {
		err    error
		status int
		code   string
	}{
		{store.ErrReadonly, http.StatusServiceUnavailable, "store_readonly"},
		{store.ErrUnavailable, http.StatusServiceUnavailable, "unavailable"},
	} {
		failing.fail(c.err)
		resp := hs.call("POST", "/streams/counter:a/ops", `{"op":"increment"}`)
		f := fields(t, bodyOf(t, resp))
		if resp.StatusCode != c.status || f["code"] != c.code || f["retry"] != true || resp.Header.Get("Retry-After") == "" {
			t.Errorf("%v: %s %v, Retry-After %q", c.err, resp.Status, f, resp.Header.Get("Retry-After"))
		}
		failing.fail(nil)
	}
	if got := hs.value("counter:a"); got != "0" {
		t.Errorf("the value is %s", got)
	}
	if err := hs.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/streams/counter:a", "/streams/counter:a/events", "/healthz"} {
		if resp := hs.call("GET", path, ""); resp.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("%s of a hub that shut down: %s", path, resp.Status)
		}
	}
	if _, err := hs.Get(t.Context(), "counter:a"); !errors.Is(err, ErrShutdown) {
		t.Errorf("Get after the shutdown: %v", err)
	}
}

// failingStore refuses appends with an error while one is set.
type failingStore struct {
	store.Store
	mu  sync.Mutex // guards err
	err error
}

func (f *failingStore) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func (f *failingStore) Append(batches []store.Batch, done func([]store.Result)) {
	f.mu.Lock()
	err := f.err
	f.mu.Unlock()
	if err == nil {
		f.Store.Append(batches, done)
		return
	}
	results := make([]store.Result, len(batches))
	for i := range results {
		results[i].Err = err
	}
	done(results)
}
