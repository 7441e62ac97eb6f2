package flowsync

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wavesiddhartha/flowsync/auth"
	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/internal/socket/sockettest"
	"github.com/wavesiddhartha/flowsync/wire"
)

func TestServerSide(t *testing.T) {
	hs := serveHub(t, Options{Auth: Anonymous})
	hs.Stream("counter:a", Counter, Initial(40))
	ctx := t.Context()
	p, _ := hs.join("tab", r("counter:a"))
	if err := hs.Push(ctx, "counter:a", map[string]any{"op": "increment", "amount": 2}); err != nil {
		t.Fatal(err)
	}
	e := await[*wire.Ops](p).Entries[0]
	if e.Client != "hub:app" || string(e.Op) != `{"amount":2,"op":"increment"}` {
		t.Errorf("a client sees %+v", e)
	}
	if got := hs.value("counter:a"); got != "42" {
		t.Errorf("Get: %s", got)
	}
	entries, more, err := hs.History(ctx, "counter:a", 0, 10)
	if err != nil || more || len(entries) != 2 || entries[0].Client != "hub:initial" {
		t.Errorf("History: %v %v %v", entries, more, err)
	}
	var refused *wire.Error
	for _, c := range []struct {
		name, stream string
		op           any
		code         wire.Code
	}{
		{"a bad op", "counter:a", map[string]any{"op": "increment", "amount": 0}, wire.BadOp},
		{"another rule's op", "counter:a", map[string]any{"op": "append", "value": 1}, wire.WrongRule},
		{"half an emoji", "counter:a", map[string]any{"op": "\xff"}, wire.BadText},
		{"no JSON", "counter:a", make(chan int), wire.BadOp},
		{"an amount with an exponent", "counter:a", json.RawMessage(`{"op":"increment","amount":1e3}`), wire.BadOp},
		{"an amount with a point", "counter:a", json.RawMessage(`{"op":"increment","amount":7.0}`), wire.BadOp},
		{"an array", "counter:a", json.RawMessage(`[{"op":"increment"}]`), wire.BadOp},
		{"no such stream", "nothing:here", map[string]any{"op": "increment"}, wire.StreamUnknown},
		{"no name of a stream", "a::b", map[string]any{"op": "increment"}, wire.BadStream},
	} {
		if err := hs.Push(ctx, c.stream, c.op); !errors.As(err, &refused) || refused.Code != c.code {
			t.Errorf("%s: %v, want %s", c.name, err, c.code)
		}
	}
	if _, err := hs.Get(ctx, "nothing:here"); !errors.As(err, &refused) || refused.Code != wire.StreamUnknown {
		t.Errorf("Get of nothing: %v", err)
	}
	if got := hs.value("counter:a"); got != "42" {
		t.Errorf("a refused op changed the value to %s", got)
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if err := hs.Push(gone, "counter:a", map[string]any{"op": "increment"}); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("Push without time: %v", err)
	}
}

func TestWatch(t *testing.T) {
	hs := serveHub(t, Options{Auth: Anonymous})
	hs.Stream("counter:a", Counter)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	want := 0
	for value, err := range hs.Watch(ctx, "counter:a") {
		if err != nil || string(value) != fmt.Sprint(want) {
			t.Fatalf("value %s, %v; want %d", value, err, want)
		}
		if want == 5 {
			break
		}
		want++
		if err := hs.Push(ctx, "counter:a", map[string]string{"op": "increment"}); err != nil {
			t.Fatal(err)
		}
	}
	// A loop that is slow misses values, never the newest.
	var last string
	for value, err := range hs.Watch(ctx, "counter:a") {
		if err != nil {
			t.Fatal(err)
		}
		if last = string(value); last == "105" {
			break
		}
		if last == "5" {
			for range 100 {
				if err := hs.Push(ctx, "counter:a", map[string]string{"op": "increment"}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if last != "105" {
		t.Errorf("the last value is %s", last)
	}
	over, stop := context.WithCancel(ctx)
	defer stop()
	var end error
	for _, err := range hs.Watch(over, "counter:a") {
		end = err
		stop()
	}
	if !errors.Is(end, context.Canceled) {
		t.Errorf("Watch ends with %v", end)
	}
}

func TestCreateOnUse(t *testing.T) {
	hs := serveHub(t, Options{
		Auth: keyed(map[string]*Grant{
			"ann": {Subject: "ann", Rights: verbsOnAll}, "bob": {Subject: "bob", Rights: verbsOnAll},
		}),
		CreateOnUse: func(stream string) (crdt.Rule, bool) { return Counter, !strings.HasPrefix(stream, "private:") },
		Limits:      Limits{CreatedOnUse: 3},
	})
	ann, _ := hs.joinAs("ann", "tab-a")
	open := func(p *peer, stream string) string {
		p.say(&wire.Sub{Ref: "1", Open: rw(stream)})
		for {
			switch m := p.next().(type) {
			case *wire.Synced:
				return string(m.Outcome)
			case *wire.Error:
				return string(m.Code)
			case nil:
				t.Fatal("closed")
			}
		}
	}
	for i, want := range []string{"snapshot", "snapshot", "snapshot", "stream_unknown"} {
		if got := open(ann, fmt.Sprint("new:", i)); got != want {
			t.Errorf("stream %d: %s, want %s", i, got, want)
		}
	}
	if got := open(ann, "private:a"); got != "stream_unknown" {
		t.Errorf("a stream that may not be created: %s", got)
	}
	hs.streams.sweep(time.Now().Add(time.Hour)) // nobody used it for an hour
	if got := open(ann, "new:1"); got != "snapshot" {
		t.Errorf("one of its own, again: %s", got)
	}
	bob, _ := hs.joinAs("bob", "tab-b")
	for _, stream := range []string{"new:2", "new:9"} { // ann's, and bob's first
		if got := open(bob, stream); got != "snapshot" {
			t.Errorf("another subject opens %s: %s", stream, got)
		}
	}
}

var verbsOnAll = verbs{"read": {"*"}, "write": {"*"}, "presence": {"*"}, "history": {"*"}}

func TestRegistrationPanics(t *testing.T) {
	hub, _ := newHub(t, Options{Auth: Anonymous})
	defer hub.Shutdown(t.Context())
	hub.Stream("counter:a", Counter)
	hub.Stream("chat:*", Log)
	for name, register := range map[string]func(){
		"no pattern":              func() { hub.Stream("", Counter) },
		"empty segment":           func() { hub.Stream("a::b", Counter) },
		"star in a segment":       func() { hub.Stream("a:b*", Counter) },
		"no rule":                 func() { hub.Stream("b", nil) },
		"twice":                   func() { hub.Stream("counter:a", Counter) },
		"a pattern twice":         func() { hub.Stream("chat:*", Log) },
		"initial of another kind": func() { hub.Stream("c", Counter, Initial("many")) },
		"initial without JSON":    func() { hub.Stream("d", LWW, Initial(make(chan int))) },
		"keep of a counter":       func() { hub.Stream("e", Counter, Keep(5)) },
		"keep of nothing":         func() { hub.Stream("f", Log, Keep(0)) },
		"keep of too much":        func() { hub.Stream("g", Log, Keep(100_001)) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if text, ok := recover().(string); !ok || !strings.HasPrefix(text, "flowsync: ") {
					t.Errorf("it panics with %q", text)
				}
			}()
			register()
		})
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for name, l := range map[string]Limits{
		"negative":          {QueueBytes: -1},
		"too many in batch": {BatchOps: 1001},
		"too many inflight": {InflightOps: 1025},
		"state too large":   {StateBytes: 9 << 20},
	} {
		if hub, err := New(Options{Limits: l}); err == nil || !strings.HasPrefix(err.Error(), "flowsync: ") {
			t.Errorf("%s: %v, %v", name, hub, err)
		}
	}
}

func TestInitialAndKeepAreCommittedOnce(t *testing.T) {
	hs := serveHub(t, Options{Auth: Anonymous})
	hs.Stream("log:*", Log, Initial([]int{1, 2, 3}), Keep(4))
	for range 2 { // the second time as loaded anew
		_, synced := hs.join("tab", rw("log:a"))
		if s := synced[0]; string(s.Options) != `{"keep":4}` {
			t.Errorf("options %s", s.Options)
		}
		if got := hs.value("log:a"); got != `[1,2,3]` {
			t.Errorf("the value is %s", got)
		}
		if cursor, _ := hs.cursorOf("log:a"); cursor.Offset != 2 {
			t.Errorf("the log has %d entries, want initial and options", cursor.Offset)
		}
		hs.streams.sweep(time.Now().Add(time.Hour))
	}
}

func TestNobodyIsAdmittedWithoutAuth(t *testing.T) {
	hs := serveHub(t, Options{})
	hs.Stream("counter:a", Counter)
	resp := sockettest.DialTCP(t, hs.url).Request("GET", hs.url, sockettest.ValidUpgrade())
	if f := fields(t, bodyOf(t, resp)); resp.StatusCode != 401 || f["code"] != "auth_required" {
		t.Errorf("upgrade: %s %v", resp.Status, f)
	}
	for _, path := range []string{"/streams/counter:a", "/streams/counter:a/events"} {
		if resp := hs.call("GET", path, ""); resp.StatusCode != 401 {
			t.Errorf("%s: %s", path, resp.Status)
		}
	}
	if resp := hs.call("POST", "/streams/counter:a/ops", increment, "Authorization", "Bearer x"); resp.StatusCode != 401 {
		t.Errorf("post: %s", resp.Status)
	}
	if !strings.Contains(hs.log.String(), "Auth is nil") {
		t.Error("the log does not say why everyone is refused")
	}
}

func TestAnonymousIsSaidInTheLog(t *testing.T) {
	hub, book := newHub(t, Options{Auth: Anonymous})
	defer hub.Shutdown(t.Context())
	for _, want := range []string{"level=WARN msg=\"authentication is off", "level=WARN msg=\"state is kept in memory"} {
		if !strings.Contains(book.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, book)
		}
	}
}

// TestLogsTellNoSecrets does all that is logged, with text that must not be.
func TestLogsTellNoSecrets(t *testing.T) {
	hs := serveHub(t, Options{Auth: auth.Func(badWorldAuth)})
	hs.Stream("lww:a", LWW)
	p, _ := hs.joinAs("all", "tab", rw("lww:a"))
	p.push("lww:a", 1, `{"op":"set","value":"`+payload+`"}`)
	p.acked(1)
	p.push("lww:a", 2, `{"op":"`+payload+`"}`)
	await[*wire.Reject](p)
	p.say(&wire.SetPresence{Stream: "lww:a", State: []byte(`"` + payload + `"`)}, &wire.Emit{Stream: "lww:a", Event: payload, Data: []byte(`1`)}, &wire.Auth{Ref: "1", Token: secret})
	await[*wire.Error](p)
	p.Text(`{"` + payload)
	await[*wire.Error](p)
	p.Write(sockettest.Frame(0xff, []byte(payload)))
	p.awaitClose(wire.CloseBadFrame)
	lost, _ := hs.joinAs("all", "lost")
	lost.Conn.Conn.Close()
	hs.call("GET", "/streams/lww:a?token="+secret, "")
	hs.call("POST", "/streams/lww:a/ops", `{"op":"set","value":"`+payload+`"}`, "Authorization", "Bearer all", "Idempotency-Key", secret)
	hs.call("GET", "/streams/lww:a", "", "Authorization", "Bearer "+secret)
	eventually(t, "the sessions have not left", func() bool { return strings.Count(hs.log.String(), "msg=leave") == 2 })
	log := hs.log.String()
	for _, text := range []string{secret, payload, "127.0.0.1", "Bearer"} {
		if at := strings.Index(log, text); at >= 0 {
			t.Errorf("the log holds %q: %s", text, log[max(0, at-100):min(len(log), at+50)])
		}
	}
	for _, want := range []string{"msg=join", "addr=127.0.***.***", "client=tab", "reason="} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %q:\n%s", want, log)
		}
	}
}
