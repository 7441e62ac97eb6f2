package sqlite

import (
	"strings"
	"testing"

	"github.com/wavesiddhartha/flowsync/store"
)

// Ops that share a group with a snapshot are answered before it is stored.
func TestOpsDoNotWaitForASnapshot(t *testing.T) {
	st := mustOpen(t, scratch(t))
	defer st.Close()
	a := mustAuthor(t, st, "counter:a")
	a.mustAppend(t, 0)
	save := &saving{stream: "counter:a", snapshot: store.Snapshot{Rule: "crdt-counter", Position: a.at, State: []byte(strings.Repeat("7", 4<<20))}}
	save.begin()
	first := make(chan string, 2)
	appended := &appending{batches: []store.Batch{a.batch(1)}, results: make([]store.Result, 1), done: func(r []store.Result) {
		if r[0].Err != nil || r[0].Lost {
			t.Errorf("%+v", r[0])
		}
		select {
		case err := <-save.outcome():
			first <- "snapshot"
			save.done <- err
		default:
			first <- "op"
		}
	}}
	st.committer.mu.Lock() // both are there when the committer looks
	st.committer.queue = append(st.committer.queue, save, appended)
	st.committer.wake.Signal()
	st.committer.mu.Unlock()
	if got := <-first; got != "op" {
		t.Errorf("the %s was answered first", got)
	}
	if err := <-save.outcome(); err != nil {
		t.Fatal(err)
	}
	s, err := st.Load(t.Context(), "counter:a")
	if err != nil || s.Snapshot == nil || s.Snapshot.Position.Offset != 1 || s.Head.Offset != 2 {
		t.Fatalf("loaded %+v, %v", s.Head, err)
	}
}
