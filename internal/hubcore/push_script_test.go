package hubcore

import (
	"strings"
	"testing"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/store"
	"github.com/wavesiddhartha/flowsync/wire"
)

const (
	add1 = `{"op":"add","value":"1"}`
	add2 = `{"op":"add","value":"2"}`
	bad  = `{"op":"increment"}` // of another rule
)

// An author whose op was refused sends again what the hub already has: duplicates.
// If these fail to commit after that, it has to hear of it: what it sends next
// does not fit, and is ignored as what follows a refusal.
func TestFailedAppendIsToldAfterARefusal(t *testing.T) {
	r := newRig(t, Config{}, crdt.Set, store.NewMemory())
	m := member("c1", 1)
	r.open(m, wire.Open{})
	r.settle()
	r.push(m, 1, add1, bad) // 1 is accepted, 2 refused
	r.push(m, 1, add1)      // as after the rejection of 2
	r.take(m)
	r.answer(store.ErrUnavailable)
	if toldError(r.take(m), wire.Unavailable) == nil {
		t.Error("the author of an op that was not committed is not told")
	}
}

// Two sessions of one writer, on two hubs, send different ops under one seq. The
// one that comes second is told of the conflict, and gets no ack before that: who
// keeps no hashes would take it for its own op's.
func TestNoAckForAnotherHistory(t *testing.T) {
	shared := store.NewMemory()
	one, two := newRig(t, Config{}, crdt.Set, shared), newRig(t, Config{}, crdt.Set, shared)
	first, second := member("c1", 1), member("c1", 2)
	one.open(first, wire.Open{})
	one.settle()
	two.open(second, wire.Open{})
	two.settle()
	one.push(first, 1, add1)
	two.push(second, 1, add2)
	one.settle()
	two.take(second)
	two.settle() // loses against the first
	told := two.take(second)
	if toldError(told, wire.OpConflict) == nil {
		t.Error("the second is not told of the conflict")
	}
	for _, m := range told {
		if ack, ok := m.(*wire.Ack); ok {
			t.Errorf("the second gets an ack of seq %d for an op that is not its own", ack.Seq)
		}
	}
}

// Of a push to an ephemeral stream that is nearly full, what fits is taken, and the
// author hears that something was refused before it hears of the rest.
func TestFullEphemeralStreamTakesWhatFits(t *testing.T) {
	r := newRig(t, Config{StateBytes: 150}, crdt.Ephemeral, store.NewMemory())
	m := member("c1", 1)
	r.open(m, wire.Open{})
	r.take(m)
	long := `{"key":"long","op":"set","value":"` + strings.Repeat("x", 200) + `"}`
	p := &wire.Push{Stream: r.st.Name(), Ops: [][]byte{[]byte(long), []byte(`{"key":"k","op":"set","value":1}`)}}
	r.step(&Push{Member: m, Push: p, MayWrite: true})
	if len(r.out) != 2 {
		t.Fatalf("%d messages, want an error and ops", len(r.out))
	}
	if e, ok := r.out[0].Msg.(*wire.Error); !ok || e.Code != wire.StreamFull {
		t.Errorf("first comes %+v, want stream_full", r.out[0].Msg)
	}
	if ops, ok := r.out[1].Msg.(*wire.Ops); !ok || len(ops.Entries) != 1 || !strings.Contains(string(ops.Entries[0].Op), `"k"`) {
		t.Errorf("then comes %+v, want the key that fits", r.out[1].Msg)
	}
}

// A session that a newer one of its client overtook on another hub ends with the
// first append that the store refuses it. The newer one lives on, and so does the
// session of another client.
func TestOvertakenOnAnotherHub(t *testing.T) {
	shared := store.NewMemory()
	one, two := newRig(t, Config{}, crdt.Set, shared), newRig(t, Config{}, crdt.Set, shared)
	older, newer, other := member("c1", 1), member("c1", 2), member("c2", 1)
	for _, m := range []*Member{older, other} {
		one.open(m, wire.Open{})
		one.settle()
	}
	two.open(newer, wire.Open{Unacked: 1}) // as after a drop: whether op 1 is in is not known
	two.settle()
	one.push(older, 1, add1)
	one.push(other, 1, add2)
	one.settle()
	if len(one.over) != 1 || one.over[0] != older {
		t.Errorf("%d sessions end on the first hub, want the older one of c1 alone", len(one.over))
	}
	if told := one.take(older); toldError(told, wire.SeqGap) != nil {
		t.Error("the session that ends is told to send again")
	}
	two.push(newer, 1, add1)
	two.settle()
	if len(two.over) != 0 {
		t.Error("the newer session ends")
	}
	if acked(two.take(newer)) != 1 {
		t.Error("the newer session's op is not acked")
	}
	one.push(other, 2, add1)
	one.settle()
	if acked(one.take(other)) != 2 {
		t.Error("the other client's ops are not acked")
	}
}

// An append whose answer was lost may arrive after the hub has looked for it in
// vain. What is in it is not refused meanwhile, not even an edit whose positions the
// hub could no longer place.
func TestNothingIsRefusedThatMayStillArrive(t *testing.T) {
	r := newRig(t, Config{RingEntries: 1}, crdt.Text, store.NewMemory())
	m := member("c1", 1)
	r.open(m, wire.Open{})
	r.settle()
	insert := `{"op":"insert","pos":0,"text":"a"}`
	r.push(m, 1, insert, insert, insert)
	r.push(m, 4, insert) // waits; its at is 0, and the ring soon begins above that
	r.answer(nil)
	late := r.calls[0]
	r.answer(store.ErrUnknown)
	r.take(m)
	r.answer(nil) // the log does not have it
	for _, told := range r.take(m) {
		t.Errorf("%T: its author is told something before the outcome is known", told)
	}
	r.store.Append([]store.Batch{late.Batch}, func([]store.Result) {})
	r.settle()
	if got := acked(r.take(m)); got != 4 {
		t.Errorf("acked up to %d, want 4", got)
	}
}

// acked is the highest seq that was acked, 0 if none was.
func acked(told []wire.HubMessage) (seq uint64) {
	for _, m := range told {
		if ack, ok := m.(*wire.Ack); ok {
			seq = max(seq, ack.Seq)
		}
	}
	return seq
}
