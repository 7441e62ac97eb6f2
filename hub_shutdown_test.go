package flowsync

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/wavesiddhartha/flowsync/internal/socket/sockettest"
	"github.com/wavesiddhartha/flowsync/store"
	"github.com/wavesiddhartha/flowsync/wire"
)

// TestShutdown ends a hub under load: clients are told, what was accepted is
// committed and acknowledged, sessions are closed with 4503, and the server has
// nothing left to wait for. serveHub sees to it that no goroutine is left.
func TestShutdown(t *testing.T) {
	held := &heldStore{Store: store.NewMemory()}
	hs := serveHub(t, Options{Auth: Anonymous, Store: held})
	hs.Stream("counter:*", Counter)
	var peers []*peer
	for i := range 20 {
		p, _ := hs.join(fmt.Sprintf("tab-%d", i), rw("counter:a"))
		peers = append(peers, p)
	}
	idle := hs.dial() // has not said hello
	held.hold()
	for _, p := range peers {
		p.push("counter:a", 1, increment, increment)
	}
	eventually(t, "not all pushes are in flight", func() bool {
		n := 0
		for _, s := range hs.sessions.all() {
			pushes, _ := s.flow.now()
			n += pushes
		}
		return n == len(peers)
	})
	done := make(chan error, 1)
	go func() { done <- hs.Shutdown(context.Background()) }()
	drain := await[*wire.Drain](peers[0])
	if drain.AfterMS < 250 || drain.AfterMS > 1250 {
		t.Errorf("come back after %d ms", drain.AfterMS)
	}
	held.release()
	hints := map[int]bool{drain.AfterMS: true}
	for i, p := range peers {
		acked := false
		for msg := p.next(); msg != nil; msg = p.next() {
			switch msg := msg.(type) {
			case *wire.Ack:
				acked = acked || msg.Seq == 2
			case *wire.Drain:
				hints[msg.AfterMS] = true
			}
		}
		if !acked || p.closed != wire.CloseShutdown {
			t.Errorf("client %d: acked %v, closed with %d", i, acked, p.closed)
		}
		p.Conn.Conn.Close()
	}
	if len(hints) < 10 {
		t.Errorf("20 clients come back at %d times", len(hints))
	}
	idle.awaitClose(wire.CloseShutdown)
	idle.Conn.Conn.Close()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("the shutdown takes more than 5 s")
	}
	began := time.Now()
	if err := hs.srv.Config.Shutdown(t.Context()); err != nil || time.Since(began) > time.Second {
		t.Errorf("the server's shutdown took %v: %v", time.Since(began), err)
	}
	requireShutDown(t, hs)
}

// requireShutDown uses every door of a hub that shut down.
func requireShutDown(t *testing.T, hs *hubServer) {
	t.Helper()
	ctx := t.Context()
	_, errGet := hs.Get(ctx, "counter:a")
	_, errPresence := hs.Presence(ctx, "counter:a")
	_, _, errHistory := hs.History(ctx, "counter:a", 0, 1)
	errs := map[string]error{
		"Push": hs.Push(ctx, "counter:a", map[string]string{"op": "increment"}), "Get": errGet,
		"Emit": hs.Emit(ctx, "counter:a", "e", 1), "Presence": errPresence, "History": errHistory,
	}
	for _, err := range hs.Watch(ctx, "counter:a") {
		errs["Watch"] = err
	}
	for door, err := range errs {
		if !errors.Is(err, ErrShutdown) {
			t.Errorf("%s after the shutdown: %v", door, err)
		}
	}
	if err := hs.Shutdown(ctx); err != nil {
		t.Errorf("a second shutdown: %v", err)
	}
}

// While it drains the hub refuses newcomers in HTTP.
func TestDrainingHubRefuses(t *testing.T) {
	hs := serveHub(t, Options{Auth: Anonymous})
	if err := hs.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	resp := sockettest.DialTCP(t, hs.url).Request("GET", hs.url, sockettest.ValidUpgrade())
	if f := fields(t, bodyOf(t, resp)); resp.StatusCode != http.StatusServiceUnavailable || f["code"] != "shutdown" || f["retry"] != true {
		t.Errorf("%s %v", resp.Status, f)
	}
	if resp := hs.call("GET", "/healthz", ""); resp.StatusCode != http.StatusServiceUnavailable || fields(t, bodyOf(t, resp))["status"] != "draining" {
		t.Errorf("healthz: %s", resp.Status)
	}
}

// A shutdown whose time is up says so, and goes on in the background.
func TestShutdownInNoTime(t *testing.T) {
	held := &heldStore{Store: store.NewMemory()}
	hs := serveHub(t, Options{Auth: Anonymous, Store: held})
	hs.Stream("counter:a", Counter)
	p, _ := hs.join("tab", rw("counter:a"))
	held.hold()
	p.push("counter:a", 1, increment)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := hs.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the shutdown ends with %v", err)
	}
	held.release()
	p.Conn.Conn.Close()
	if err := hs.Shutdown(t.Context()); err != nil {
		t.Errorf("the shutdown after it: %v", err)
	}
}
