package node_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wavesiddhartha/flowsync/node"
)

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
				case 3, 4, 5, 6:
					time.Sleep(2 * time.Millisecond)
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
