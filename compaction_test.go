package flowsync

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/store"
)

// TestCompactionAndUnload: the log is trimmed to the older of two snapshots, idle
// streams leave memory, and neither shows in the values or in what is counted.
func TestCompactionAndUnload(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	memory := store.NewMemory()
	hub, err := New(Options{
		Auth: Anonymous, Store: memory, Logger: slog.New(slog.DiscardHandler), Limits: Limits{CompactOps: 20},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer hub.Shutdown(ctx)
	hub.Stream("counter:value", Counter)
	hub.Stream("log:all", Log, Keep(5))
	for i := range 100 {
		if err := hub.Counter("counter:value").Add(ctx, int64(i)); err != nil {
			t.Fatal(err)
		}
		if err := hub.Log("log:all").Append(ctx, i); err != nil {
			t.Fatal(err)
		}
	}
	waitUntil(t, "the log to be trimmed", func() bool {
		s, err := memory.Load(ctx, "counter:value")
		return err == nil && s.Snapshot != nil && s.First > 1 && s.First <= s.Snapshot.Position.Offset
	})
	if s, err := memory.Load(ctx, "log:all"); err != nil || s.Snapshot == nil || s.First != 1 {
		t.Fatalf("an append-log must keep its log: %v", err)
	}
	waitUntil(t, "the streams to be unloaded", func() bool {
		hub.streams.sweep(time.Now().Add(time.Second))
		n := 0
		for i := range hub.streams.shards {
			n += len(hub.streams.shards[i].byName)
		}
		return n == 0
	})
	if sum, err := hub.Counter("counter:value").Value(ctx); err != nil || sum != 4950 {
		t.Fatalf("the sum is %d, %v", sum, err)
	}
	if entries, err := hub.Log("log:all").Entries(ctx); err != nil || len(entries) != 5 || string(entries[4]) != "99" {
		t.Fatalf("the log shows %s, %v", entries, err)
	}
	page, more, err := hub.History(ctx, "log:all", 50, 10)
	if err != nil || len(page) != 10 || page[9].Off != 49 || !more {
		t.Fatalf("history shows %d entries, more %v, %v", len(page), more, err)
	}
}

// slowRule is a counter whose encoding takes until ready is closed.
type slowRule struct {
	crdt.Rule
	begun chan struct{} // gets one for each encoding that began
	ready chan struct{}
}

func (r *slowRule) Name() string    { return "slow" }
func (r *slowRule) New() crdt.State { return &slowState{r.Rule.New(), r} }

type slowState struct {
	crdt.State
	rule *slowRule
}

func (s *slowState) Clone() crdt.State { return &slowState{s.State.Clone(), s.rule} }

func (s *slowState) AppendState(b []byte) []byte {
	s.rule.begun <- struct{}{}
	<-s.rule.ready
	return s.State.AppendState(b)
}

// TestCommitsGoOnWhileTheStateIsEncoded: a large state takes long to encode for a
// snapshot, and nobody who writes the stream waits for it.
func TestCommitsGoOnWhileTheStateIsEncoded(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	memory := store.NewMemory()
	hub, err := New(Options{
		Auth: Anonymous, Store: memory, Logger: slog.New(slog.DiscardHandler), Limits: Limits{CompactOps: 10},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer hub.Shutdown(ctx)
	rule := &slowRule{Rule: Counter, begun: make(chan struct{}, 100), ready: make(chan struct{})}
	hub.Stream("slow:value", rule)
	add := func() {
		t.Helper()
		if err := hub.Push(ctx, "slow:value", map[string]any{"op": "increment"}); err != nil {
			t.Fatal(err)
		}
	}
	for range 10 {
		add()
	}
	<-rule.begun
	for range 25 {
		add()
	}
	close(rule.ready)
	var snapshot *store.Snapshot
	waitUntil(t, "a snapshot", func() bool {
		s, err := memory.Load(ctx, "slow:value")
		if err == nil {
			snapshot = s.Snapshot
		}
		return snapshot != nil
	})
	state, err := Counter.Decode(snapshot.State)
	if err != nil {
		t.Fatal(err)
	}
	if value, want := string(state.AppendValue(nil)), fmt.Sprint(snapshot.Position.Offset); value != want {
		t.Errorf("the snapshot at offset %s has the value %s", want, value)
	}
}

func waitUntil(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 1000 {
		if ok() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("waited in vain for %s", what)
}
