package flowsync_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/wavesiddhartha/flowsync"
	"github.com/wavesiddhartha/flowsync/node"
	"github.com/wavesiddhartha/flowsync/store"
)

// fullStore is a memory store whose disk can be full.
type fullStore struct {
	store.Store
	full    atomic.Bool
	refused atomic.Int64 // appends
}

func (s *fullStore) Append(batches []store.Batch, done func([]store.Result)) {
	if !s.full.Load() {
		s.Store.Append(batches, done)
		return
	}
	s.refused.Add(1)
	results := make([]store.Result, len(batches))
	for i := range results {
		results[i].Err = fmt.Errorf("no space: %w", store.ErrReadonly)
	}
	done(results)
}

// While the store takes no writes clients are told so and wait, reads go on, and
// nothing is acked; when it does again, they are told and all is committed once.
func TestClientsAreToldWhenTheStoreIsFull(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	disk := &fullStore{Store: store.NewMemory()}
	hub, err := flowsync.New(flowsync.Options{Auth: flowsync.Anonymous, Store: disk, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	hub.Stream("counter:value", flowsync.Counter)
	srv := httptest.NewServer(hub)
	defer srv.Close()
	defer hub.Shutdown(ctx)
	url := "ws" + strings.TrimPrefix(srv.URL, "http")
	n, err := node.Dial(ctx, url, node.Options{Client: "alice", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	counter := n.Counter("counter:value")
	add := func(amount int64) {
		t.Helper()
		if err := counter.Add(ctx, amount); err != nil {
			t.Fatal(err)
		}
	}
	add(1)
	if err := n.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	before, welcome := rawClient(t, ctx, url, "before")
	if !strings.Contains(welcome, `"writable":true`) {
		t.Fatalf("welcome: %s", welcome)
	}

	disk.full.Store(true)
	add(2)
	if got := nextLine(t, ctx, before); got != `{"t":"hub","writable":false}` {
		t.Fatalf("told %s", got)
	}
	if resp, err := http.Get(srv.URL + "/healthz"); err != nil || resp.Body.Close() != nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("healthz: %v, %v", resp, err)
	}
	_, welcome = rawClient(t, ctx, url, "while")
	if !strings.Contains(welcome, `"writable":false`) {
		t.Fatalf("welcome while the disk is full: %s", welcome)
	}
	if value, err := hub.Get(ctx, "counter:value"); err != nil || string(value) != "1" {
		t.Fatalf("the hub reads %s, %v", value, err)
	}
	time.Sleep(1500 * time.Millisecond) // clients that did not wait would push meanwhile
	if refused := disk.refused.Load(); refused > 5 {
		t.Errorf("%d appends were tried: the probe is one a second, and clients should wait", refused)
	}
	if n.Pending() != 1 {
		t.Errorf("%d ops are pending, want the one", n.Pending())
	}

	disk.full.Store(false)
	if got := nextLine(t, ctx, before); got != `{"t":"hub","writable":true}` {
		t.Fatalf("told %s", got)
	}
	if err := n.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if value, err := hub.Get(ctx, "counter:value"); err != nil || string(value) != "3" {
		t.Fatalf("the hub reads %s, %v", value, err)
	}
}

// An append whose outcome nobody can ever tell is not acked, and not asked after
// for ever.
func TestFailedStoreAcksNothing(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	disk := &failingStore{Store: store.NewMemory()}
	hub, err := flowsync.New(flowsync.Options{Auth: flowsync.Anonymous, Store: disk, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer hub.Shutdown(ctx)
	hub.Stream("counter:value", flowsync.Counter)
	counter := hub.Counter("counter:value")
	if err := counter.Add(ctx, 1); err != nil {
		t.Fatal(err)
	}
	disk.failed.Store(true)
	for range 2 {
		var e *node.Error
		if err := counter.Add(ctx, 2); !errors.As(err, &e) {
			t.Fatalf("an op on a failed store: %v", err)
		}
	}
	if sum, err := counter.Value(ctx); err != nil || sum != 1 {
		t.Errorf("the hub reads %d, %v", sum, err)
	}
	if reads := disk.reads.Load(); reads > 4 {
		t.Errorf("the store was read %d times after it failed", reads)
	}
}

// failingStore fails for good: the first append after that has no known outcome.
type failingStore struct {
	store.Store
	failed atomic.Bool
	once   atomic.Bool
	reads  atomic.Int64
}

func (s *failingStore) Append(batches []store.Batch, done func([]store.Result)) {
	if !s.failed.Load() {
		s.Store.Append(batches, done)
		return
	}
	err := store.ErrFailed
	if s.once.CompareAndSwap(false, true) {
		err = store.ErrUnknown
	}
	results := make([]store.Result, len(batches))
	for i := range results {
		results[i].Err = err
	}
	done(results)
}

func (s *failingStore) Read(ctx context.Context, stream string, after uint64, max int) (store.Tail, error) {
	if !s.failed.Load() {
		return s.Store.Read(ctx, stream, after, max)
	}
	s.reads.Add(1)
	return store.Tail{}, store.ErrFailed
}

// rawClient connects and says hello. It returns the welcome too.
func rawClient(t *testing.T, ctx context.Context, url, client string) (*websocket.Conn, string) {
	t.Helper()
	conn, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{Subprotocols: []string{"flowsync.v1"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.CloseNow() })
	hello := fmt.Sprintf(`{"t":"hello","v":[1,1],"client":%q,"inc":"0000000000000001"}`, client)
	if err := conn.Write(ctx, websocket.MessageText, []byte(hello)); err != nil {
		t.Fatal(err)
	}
	return conn, nextLine(t, ctx, conn)
}

func nextLine(t *testing.T, ctx context.Context, conn *websocket.Conn) string {
	t.Helper()
	_, line, err := conn.Read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return string(line)
}
