package node_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wavesiddhartha/flowsync"
	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/node"
	"github.com/wavesiddhartha/flowsync/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a hub on a loopback port that can be killed and started again over
// the same store.
type world struct {
	t     *testing.T
	addr  string
	store store.Store

	mu     sync.Mutex
	hub    *flowsync.Hub
	server *http.Server
	conns  map[net.Conn]struct{}
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, addr: "127.0.0.1:0", store: store.NewMemory(), conns: map[net.Conn]struct{}{}}
	w.up()
	t.Cleanup(w.down)
	return w
}

// up starts a hub.
func (w *world) up() {
	w.t.Helper()
	hub, err := flowsync.New(flowsync.Options{Auth: flowsync.Anonymous, Store: lasting{w.store}, Logger: quiet()})
	if err != nil {
		w.t.Fatal(err)
	}
	hub.Stream("n", flowsync.Counter)
	hub.Stream("n:*", flowsync.Counter)
	hub.Stream("guests", flowsync.ORSet)
	hub.Stream("map", flowsync.Map)
	hub.Stream("reg", flowsync.LWW)
	hub.Stream("log", flowsync.Log)
	hub.Stream("game", flowsync.Ephemeral)
	l, err := net.Listen("tcp", w.addr)
	if err != nil {
		w.t.Fatal(err)
	}
	w.addr = l.Addr().String()
	server := &http.Server{Handler: hub, ReadHeaderTimeout: time.Second}
	server.ConnState = func(c net.Conn, s http.ConnState) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if s == http.StateNew {
			w.conns[c] = struct{}{}
		}
	}
	w.mu.Lock()
	w.hub, w.server = hub, server
	w.mu.Unlock()
	go server.Serve(l)
}

// cut breaks every connection without a goodbye.
func (w *world) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.conns {
		c.Close()
	}
	clear(w.conns)
}

// down ends the hub.
func (w *world) down() {
	w.mu.Lock()
	hub, server := w.hub, w.server
	w.hub = nil
	w.mu.Unlock()
	if hub == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	server.Close()
	if err := hub.Shutdown(ctx); err != nil {
		w.t.Errorf("shutdown: %v", err)
	}
}

// lasting keeps a store open when its hub closes it.
type lasting struct{ store.Store }

func (lasting) Close() error { return nil }

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func (w *world) dial(client string) *node.Node {
	w.t.Helper()
	n, err := node.Dial(w.t.Context(), "ws://"+w.addr, node.Options{
		Client: client, Logger: quiet(), BackoffMin: 5 * time.Millisecond, BackoffMax: 50 * time.Millisecond,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { n.Close() })
	return n
}

func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// until waits for a condition that events bring about.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

func TestPushGetWatch(t *testing.T) {
	w := newWorld(t)
	ctx := soon(t)
	a, b := w.dial("a"), w.dial("b")
	must(t, a.Push(ctx, "n", map[string]any{"op": "increment", "amount": 5}), a.Flush(ctx))
	v, err := b.Get(ctx, "n")
	if must(t, err); string(v) != "5" {
		t.Fatalf("b reads %s", v)
	}
	var seen []int64
	for v, err := range b.Counter("n").Watch(ctx) {
		must(t, err)
		if seen = append(seen, v); v == 12 {
			break
		}
		must(t, a.Counter("n").Add(ctx, 7))
	}
	if len(seen) < 2 || seen[0] != 5 {
		t.Fatalf("b watched %v", seen)
	}
	must(t, a.Flush(ctx))
	until(t, "the replicas are at one cursor", func() bool { return a.Cursor("n") == b.Cursor("n") })
	da, ok := a.Digest("n")
	db, ok2 := b.Digest("n")
	if !ok || !ok2 || da != db {
		t.Fatalf("digests %x %x", da, db)
	}
	if a.Pending() != 0 || a.Status().Name != node.Online {
		t.Fatalf("%d pending, %+v", a.Pending(), a.Status())
	}
}

func TestReferences(t *testing.T) {
	w := newWorld(t)
	ctx := soon(t)
	a, b := w.dial("a"), w.dial("b")
	must(t,
		a.Set("guests").Add(ctx, "ann"), a.Set("guests").Add(ctx, "bob"), a.Set("guests").Remove(ctx, "bob"),
		a.Map("map").Set(ctx, "k", []int{1}), a.Register("reg").Set(ctx, "x"),
		a.Log("log").Append(ctx, "one"), a.Log("log").Append(ctx, "two"),
		a.Flush(ctx),
	)
	guests, err := b.Set("guests").Values(ctx)
	if must(t, err); len(guests) != 1 || guests[0] != "ann" {
		t.Fatalf("guests %q", guests)
	}
	var k []int
	if ok, err := b.Map("map").Get(ctx, "k", &k); !ok || len(k) != 1 || err != nil {
		t.Fatalf("map: %v %v %v", ok, k, err)
	}
	var x string
	if must(t, b.Register("reg").Get(ctx, &x)); x != "x" {
		t.Fatalf("register: %q", x)
	}
	entries, err := b.Log("log").Entries(ctx)
	if must(t, err); len(entries) != 2 || string(entries[1]) != `"two"` {
		t.Fatalf("log: %s", entries)
	}
	page, more, err := b.History(ctx, "log", 0, 1)
	if must(t, err); len(page) != 1 || !more || string(page[0].Op) != `{"op":"append","value":"two"}` {
		t.Fatalf("history: %v %v", page, more)
	}
}

// Everything that is pushed while hubs die and connections break takes effect
// once.
func TestExactlyOnceThroughDrops(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			w := newWorld(t)
			ctx := soon(t)
			rng := rand.New(rand.NewPCG(seed, 0))
			nodes := []*node.Node{w.dial("a"), w.dial("b"), w.dial("c")}
			var sum int64
			for range 300 {
				n := nodes[rng.IntN(len(nodes))]
				amount := rng.Int64N(9) + 1
				sum += amount
				must(t, n.Counter("n").Add(ctx, amount))
				switch rng.IntN(60) {
				case 0:
					w.cut()
				case 1:
					w.down()
					w.up()
				case 2:
					n.SetOffline(true)
				case 3:
					time.Sleep(3 * time.Millisecond)
				}
				if rng.IntN(20) == 0 {
					n.SetOffline(false)
				}
			}
			for _, n := range nodes {
				n.SetOffline(false)
				if err := n.Flush(ctx); err != nil {
					t.Fatalf("flush: %v, %+v", err, n.Status())
				}
				if dead := n.Rejected(); len(dead) > 0 {
					t.Fatalf("rejected: %+v", dead)
				}
			}
			for i, n := range nodes {
				until(t, fmt.Sprintf("node %d shows %d", i, sum), func() bool {
					v, err := n.Counter("n").Value(ctx)
					return err == nil && v == sum
				})
			}
		})
	}
}

func TestOfflineFirst(t *testing.T) {
	w := newWorld(t)
	w.down()
	ctx := soon(t)
	n := w.dial("a")
	must(t, n.Counter("n").Add(ctx, 3))
	if v, err := n.Counter("n").Value(ctx); v != 3 || err != nil {
		t.Fatalf("offline: %d, %v", v, err)
	}
	short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	if err := n.Flush(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("flush without a hub: %v", err)
	}
	if _, err := n.Get(short, "guests"); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("get without a hub: %v", err)
	}
	w.up()
	must(t, n.Flush(ctx))
	if v, err := n.Counter("n").Value(ctx); v != 3 || err != nil {
		t.Fatalf("online: %d, %v", v, err)
	}
}

// A batch of pushes travels in few messages, and ten thousand of them drain.
func TestDrain(t *testing.T) {
	w := newWorld(t)
	ctx := soon(t)
	n := w.dial("a")
	n.SetOffline(true)
	for range 10_000 {
		must(t, n.Counter("n").Add(ctx, 1))
	}
	n.SetOffline(false)
	must(t, n.Flush(ctx))
	if v, err := n.Counter("n").Value(ctx); v != 10_000 || err != nil {
		t.Fatalf("%d, %v", v, err)
	}
}

func TestRejection(t *testing.T) {
	w := newWorld(t)
	ctx := soon(t)
	n := w.dial("a")
	var got []node.Event
	events, stop := context.WithCancel(ctx)
	var done sync.WaitGroup
	ready := make(chan struct{})
	done.Go(func() {
		for e := range n.Events(events) {
			if len(got) == 0 {
				close(ready)
			}
			if got = append(got, e); e.Kind == node.RejectedEvent {
				return
			}
		}
	})
	<-ready
	if err := n.Push(ctx, "n", map[string]any{"op": "increment", "amount": 0}); codeOf(err) != crdt.BadOp && n.Status().Name == node.Online {
		t.Fatalf("local refusal: %v", err)
	}
	// The rule of "later" is not known here, so the hub is the one to refuse.
	must(t, n.Open("reg", node.OpenOptions{As: node.AsValue}))
	must(t, n.Push(ctx, "reg", map[string]any{"op": "increment"}), n.Push(ctx, "reg", map[string]any{"op": "set", "value": 1}))
	err := n.Flush(ctx)
	if codeOf(err) != crdt.WrongRule {
		t.Fatalf("flush: %v", err)
	}
	done.Wait()
	stop()
	dead := n.Rejected()
	if len(dead) != 1 || string(dead[0].Op) != `{"op":"increment"}` {
		t.Fatalf("dead letters %+v", dead)
	}
	n.Discard(dead[0])
	if len(n.Rejected()) != 0 {
		t.Fatal("the dead letter stays")
	}
	until(t, "the op after the rejected one is in", func() bool {
		v, err := n.Get(ctx, "reg")
		return err == nil && string(v) == "1"
	})
}

func codeOf(err error) crdt.Code {
	var e *node.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func TestPresenceAndEvents(t *testing.T) {
	w := newWorld(t)
	ctx := soon(t)
	a, b := w.dial("a"), w.dial("b")
	pa, pb := a.Presence("n"), b.Presence("n")
	must(t, pa.Set(map[string]int{"x": 1}))
	for peers, err := range pb.Watch(ctx) {
		must(t, err)
		if len(peers) == 1 && peers[0].Client == "a" && string(peers[0].State) == `{"x":1}` {
			break
		}
	}
	heard := make(chan node.Event, 1)
	ready := make(chan struct{})
	events, stop := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		first := true
		for e := range b.Events(events) {
			if first {
				close(ready)
				first = false
			}
			if e.Kind == node.MessageEvent {
				heard <- e
			}
		}
	})
	<-ready
	must(t, a.Emit("n", "wave", []int{1}))
	if e := <-heard; e.Client != "a" || e.Name != "wave" || string(e.Data) != "[1]" {
		t.Fatalf("heard %+v", e)
	}
	stop()
	done.Wait()
	must(t, a.Close())
	until(t, "a has left", func() bool { return len(pb.Others()) == 0 })
}

func TestEphemeral(t *testing.T) {
	w := newWorld(t)
	ctx := soon(t)
	a, b := w.dial("a"), w.dial("b")
	must(t, a.Map("game").Set(ctx, "a", 1), b.Map("game").Set(ctx, "b", 2))
	both := func(n *node.Node) func() bool {
		return func() bool { v, err := n.Get(ctx, "game"); return err == nil && string(v) == `{"a":1,"b":2}` }
	}
	until(t, "a sees both", both(a))
	until(t, "b sees both", both(b))
	w.cut()
	until(t, "a sees both again", both(a))
	until(t, "b sees both again", both(b))
}

func TestReplaced(t *testing.T) {
	w := newWorld(t)
	ctx := soon(t)
	old := w.dial("a")
	must(t, old.Counter("n").Add(ctx, 1), old.Flush(ctx))
	young := w.dial("a")
	must(t, young.Counter("n").Add(ctx, 2), young.Flush(ctx))
	until(t, "the older session is closed", func() bool { return old.Status().Name == node.Closed })
	must(t, old.Counter("n").Add(ctx, 4))
	if old.Pending() != 1 {
		t.Fatal("the queue does not stay")
	}
	old.Connect()
	must(t, old.Flush(ctx))
	if v, err := old.Counter("n").Value(ctx); v != 7 || err != nil {
		t.Fatalf("%d, %v", v, err)
	}
}

func TestUnknownStream(t *testing.T) {
	w := newWorld(t)
	ctx := soon(t)
	n := w.dial("a")
	if _, err := n.Get(ctx, "nobody:registered:this"); codeOf(err) != "stream_unknown" {
		t.Fatalf("get: %v", err)
	}
	if err := n.Push(ctx, "a b", map[string]string{}); codeOf(err) != "bad_stream" {
		t.Fatalf("push to a bad name: %v", err)
	}
	if err := n.Push(ctx, "n", 5); codeOf(err) != crdt.BadOp {
		t.Fatalf("push of a number: %v", err)
	}
}

func TestDialRefuses(t *testing.T) {
	for _, c := range []struct {
		url, want string
		o         node.Options
	}{
		{"http://localhost:8765", "did you mean ws://localhost:8765", node.Options{Client: "a"}},
		{"https://h.example/x", "did you mean wss://h.example", node.Options{Client: "a"}},
		{"localhost:8765", "must begin with ws://", node.Options{Client: "a"}},
		{"ws://", "names no host", node.Options{Client: "a"}},
		{"ws://u:p@h", "password", node.Options{Client: "a"}},
		{"ws://h", "Client is empty", node.Options{}},
		{"ws://h", "letters", node.Options{Client: "a b"}},
		{"ws://h", "both set", node.Options{Client: "a", Token: "t", TokenSource: func(context.Context, node.TokenReason) (string, error) { return "", nil }}},
		{"ws://h", "Timeout", node.Options{Client: "a", HTTPClient: &http.Client{Timeout: 1}}},
	} {
		n, err := node.Dial(t.Context(), c.url, c.o)
		if err == nil {
			n.Close()
			t.Errorf("%s %+v was taken", c.url, c.o)
			continue
		}
		if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "u:p") {
			t.Errorf("%s: %v", c.url, err)
		}
	}
}

func TestClosed(t *testing.T) {
	w := newWorld(t)
	ctx := soon(t)
	n := w.dial("a")
	n.SetOffline(true)
	must(t, n.Counter("n").Add(ctx, 1))
	waiting := make(chan error, 2)
	go func() { waiting <- n.Flush(ctx) }()
	go func() {
		for _, err := range n.Watch(ctx, "reg") {
			if err != nil {
				waiting <- err
			}
		}
	}()
	time.Sleep(5 * time.Millisecond)
	if err := n.Close(); err == nil || !strings.Contains(err.Error(), "1 ops") {
		t.Fatalf("close with a pending op: %v", err)
	}
	for range 2 {
		if err := <-waiting; !errors.Is(err, node.ErrClosed) {
			t.Fatalf("a waiting call got %v", err)
		}
	}
	_, err := n.Get(ctx, "n")
	if !errors.Is(err, node.ErrClosed) || !errors.Is(n.Push(ctx, "n", map[string]string{"op": "increment"}), node.ErrClosed) || n.Close() != nil {
		t.Fatal("a closed node answers")
	}
}

// The token goes into a header; one that is refused is asked for again, once.
func TestToken(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, r.Header.Get("Authorization"))
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer server.Close()
	var reasons []node.TokenReason
	n, err := node.Dial(t.Context(), "ws"+strings.TrimPrefix(server.URL, "http"), node.Options{
		Client: "a", Logger: quiet(),
		TokenSource: func(_ context.Context, why node.TokenReason) (string, error) {
			mu.Lock()
			defer mu.Unlock()
			reasons = append(reasons, why)
			return "token-" + string(why), nil
		},
	})
	must(t, err)
	defer n.Close()
	until(t, "the node is denied", func() bool { return n.Status().Name == node.Denied })
	mu.Lock()
	defer mu.Unlock()
	if fmt.Sprint(seen) != "[Bearer token-connect Bearer token-rejected]" || fmt.Sprint(reasons) != "[connect rejected]" {
		t.Fatalf("the server saw %q, the source was asked for %v", seen, reasons)
	}
}

// Without a hub the status says so, without an address.
func TestNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	addr := l.Addr().String()
	l.Close()
	n, err := node.Dial(t.Context(), "ws://"+addr, node.Options{Client: "a", Logger: quiet()})
	must(t, err)
	defer n.Close()
	until(t, "the dial failed", func() bool { return n.Status().Name == node.Offline })
	if s := n.Status(); s.Reason != "connection refused" {
		t.Fatalf("%+v", s)
	}
}
