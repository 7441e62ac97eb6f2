package hubcore

import (
	"fmt"
	"testing"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/store"
	"github.com/wavesiddhartha/flowsync/wire"
)

// A hub that outlived the loss of its store's tail has entries of the lost history
// in memory. A client from before the loss gets those or the log's, not some of
// both.
func TestDeltaIsOfOneHistory(t *testing.T) {
	r, other := newRig(t, Config{RingEntries: 2}, crdt.Log, twin()), newRig(t, Config{}, crdt.Log, twin())
	c1, c2 := member("c1", 1), member("c2", 1)
	for _, r := range []*rig{r, other} {
		r.open(c1, wire.Open{})
		r.open(c2, wire.Open{})
		r.settle()
		r.push(c1, 1, `{"op":"append","value":"both"}`)
		r.settle()
	}
	cursor := r.st.cursor()
	for seq := uint64(2); seq <= 6; seq++ {
		r.push(c1, seq, fmt.Sprintf(`{"op":"append","value":"lost %d"}`, seq))
		r.settle()
		other.push(c2, seq-1, fmt.Sprintf(`{"op":"append","value":"new %d"}`, seq))
		other.settle()
	}
	r.store = other.store // what it lost was written anew by another hub

	reader := member("c3", 1)
	r.open(reader, wire.Open{Mode: wire.Read, Cursor: cursor})
	r.settle()
	synced := toldSynced(r.take(reader))
	if synced == nil {
		t.Fatal("the open is not answered")
	}
	for _, e := range synced.Entries {
		if e.Client != "c2" {
			t.Errorf("entry %d is %s, which the log does not hold", e.Off, e.Op)
		}
	}
	if cur, _ := wire.ParseCursor(synced.Cursor); cur.Epoch == other.st.head.Epoch {
		t.Error("the stream is still in the epoch of what was lost")
	}
}

// While the store is away a loaded stream is still served, also to a client whose
// cursor is below the entries in memory, as long as it is shown to be of the
// stream's history: else the client would be rolled back unawares.
func TestOpenBelowTheRingWithoutTheStore(t *testing.T) {
	r := newRig(t, Config{RingEntries: 2}, crdt.Log, store.NewMemory())
	author := member("c1", 1)
	r.open(author, wire.Open{})
	r.settle()
	var cursor string
	for seq := uint64(1); seq <= 6; seq++ {
		r.push(author, seq, `{"op":"append","value":1}`)
		r.settle()
		if seq == 1 {
			cursor = r.st.cursor()
		}
	}
	reader := member("c2", 1)
	r.open(reader, wire.Open{Mode: wire.Read, Cursor: cursor})
	r.answer(store.ErrUnavailable)
	if got := toldSynced(r.take(reader)); got == nil || got.Outcome != wire.Snapshot {
		t.Errorf("the answer is %+v, want a snapshot", got)
	}

	other := r.st.cursorAt(1, store.Hash{1}) // of lost history
	r.open(reader, wire.Open{Mode: wire.Read, Cursor: other})
	r.answer(store.ErrUnavailable)
	if toldError(r.take(reader), wire.Unavailable) == nil {
		t.Error("a client of another history is not kept waiting")
	}
	r.open(reader, wire.Open{Mode: wire.Read, Cursor: other})
	epoch := r.st.head.Epoch
	r.settle()
	if r.st.head.Epoch == epoch {
		t.Error("the loss that the cursor shows is not noticed")
	}
}

// A cursor below the log's beginning can be compared with nothing: the client
// gets the state. That its own acked ops are gone it sees by yours.
func TestLossBelowTheLog(t *testing.T) {
	r, other := newRig(t, Config{}, crdt.Set, twin()), newRig(t, Config{CompactOps: 3, CompactBytes: 1 << 20}, crdt.Set, twin())
	c1, c2 := member("c1", 1), member("c2", 1)
	r.open(c1, wire.Open{})
	r.settle()
	r.push(c1, 1, add1)
	r.settle()
	cursor := r.st.cursor() // of what is lost: the other store never had it
	other.open(c2, wire.Open{})
	other.settle()
	for seq := uint64(1); seq <= 9; seq++ {
		other.push(c2, seq, fmt.Sprintf(`{"op":"add","value":"%d"}`, seq))
		other.settle()
	}
	late := newRig(t, Config{}, crdt.Set, other.store)
	back := member("c1", 2)
	late.open(back, wire.Open{Cursor: cursor, Acked: 1, Hash: "0000000000000001"})
	late.settle()
	got := toldSynced(late.take(back))
	if got == nil || got.Outcome != wire.Snapshot || got.Yours == nil || got.Yours.Seq != 0 {
		t.Errorf("the answer is %+v, want a snapshot, and that none of the client's ops is in", got)
	}
}

// twin returns a memory store like every other twin, as a copy of one.
func twin() store.Store {
	n := byte(0)
	return store.NewMemoryFrom(func(b []byte) {
		for i := range b {
			n++
			b[i] = n
		}
	})
}

// While nobody can say which of a client's ops are in, it gets entries, however many
// and long: from a state it could not tell.
func TestEntriesWhileTheWriterIsUnknown(t *testing.T) {
	r := newRig(t, Config{}, crdt.Counter, store.NewMemory())
	m := member("c1", 1)
	r.open(m, wire.Open{})
	r.settle()
	cursor := toldSynced(r.take(m)).Cursor
	for seq := range uint64(100) {
		r.push(m, seq+1, `{"amount":1,"op":"increment"}`)
		r.settle()
	}
	r.take(m)
	r.open(m, wire.Open{Cursor: cursor, Unacked: 100})
	r.answer(store.ErrUnavailable)
	switch got := toldSynced(r.take(m)); {
	case got == nil || got.Yours != nil:
		t.Fatalf("the answer is %+v, want one without yours", got)
	case got.Outcome != wire.Delta || len(got.Entries) != 100:
		t.Errorf("%s with %d entries, want all 100", got.Outcome, len(got.Entries))
	}
	r.open(m, wire.Open{Cursor: cursor})
	r.settle()
	if got := toldSynced(r.take(m)); got.Outcome != wire.Snapshot {
		t.Errorf("%s with yours, want the shorter snapshot", got.Outcome)
	}
}
