package node_test

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/wavesiddhartha/flowsync"
	"github.com/wavesiddhartha/flowsync/node"
	"github.com/wavesiddhartha/flowsync/store"
)

// world is a hub on a loopback port that can be killed and started again over
// the same store.
type world struct {
	t     testing.TB
	addr  string
	store store.Store

	mu     sync.Mutex
	hub    *flowsync.Hub
	server *http.Server
	conns  map[net.Conn]struct{}

	listener net.Listener
}

func newWorld(t testing.TB) *world {
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
	l := w.listen()
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
	w.hub, w.server, w.listener = hub, server, l
	w.mu.Unlock()
	go server.Serve(l)
}

// listen takes the world's port again; a dial of a node may hold it for a
// moment as its own.
func (w *world) listen() net.Listener {
	w.t.Helper()
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		l, err := net.Listen("tcp", w.addr)
		if err == nil {
			return l
		}
		if time.Now().After(end) {
			w.t.Fatal(err)
		}
	}
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
	hub, server, listener := w.hub, w.server, w.listener
	w.hub = nil
	w.mu.Unlock()
	if hub == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	listener.Close() // Serve may not have got to it yet
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

func must(t testing.TB, errs ...error) {
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
