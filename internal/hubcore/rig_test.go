package hubcore

import (
	"context"
	"testing"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/store"
	"github.com/wavesiddhartha/flowsync/wire"
)

// rig is one stream over a memory store, in whose hands calls wait until a test
// lets them through.
type rig struct {
	t     *testing.T
	st    *Stream
	store store.Store
	calls []Call
	out   []Out     // since the last take
	over  []*Member // displaced since the beginning
	now   Instant
}

func newRig(t *testing.T, cfg Config, rule crdt.Rule, st store.Store) *rig {
	cfg.Hub, cfg.Inc = "0000000000000001", "0000000000000001"
	for _, limit := range []*int{&cfg.InflightOps, &cfg.BatchOps, &cfg.EntryBytes, &cfg.StateBytes, &cfg.RingEntries, &cfg.RingBytes} {
		if *limit == 0 {
			*limit = 1 << 20
		}
	}
	return &rig{t: t, store: st, st: NewStream(&cfg, "test:a", rule, nil, nil)}
}

func (r *rig) step(ev StreamEvent) {
	var fx Effects
	r.st.Step(r.now, ev, &fx)
	r.calls = append(r.calls, fx.Calls...)
	r.out = append(r.out, fx.Out...)
	r.over = append(r.over, fx.Replaced...)
}

// answer lets the oldest call through, or fails it.
func (r *rig) answer(err error) {
	r.t.Helper()
	if len(r.calls) == 0 {
		r.t.Fatal("the stream calls for nothing")
	}
	c := r.calls[0]
	r.calls = r.calls[1:]
	bg, name := context.Background(), r.st.Name()
	switch c.Kind {
	case CallLoad:
		loaded, e := r.store.Load(bg, name)
		r.step(&Loaded{Stream: loaded, Err: either(err, e)})
	case CallAppend:
		if err != nil {
			r.step(&Appended{Result: store.Result{Err: err}})
			return
		}
		r.store.Append([]store.Batch{c.Batch}, func(rs []store.Result) { r.step(&Appended{Result: rs[0]}) })
	case CallRead:
		tail, e := r.store.Read(bg, name, c.After, c.Max)
		r.step(&ReadDone{ID: c.ID, Tail: tail, Err: either(err, e)})
	case CallRecall:
		mark, trail, e := r.store.Recall(bg, name, c.Writer, c.Fence)
		r.step(&Recalled{ID: c.ID, Mark: mark, Tail: trail, Err: either(err, e)})
	case CallRotate:
		head, e := r.store.Rotate(bg, name, c.Epoch)
		r.step(&Rotated{Head: head, Err: either(err, e)})
	case CallSave:
		c.Snapshot.State = c.State.AppendState(nil)
		r.step(&Saved{Snapshot: c.Snapshot, Err: either(err, r.store.Save(bg, name, c.Snapshot))})
	case CallTrim:
		more, e := r.store.Trim(bg, name, c.After, c.Max)
		r.step(&Trimmed{More: more, Err: either(err, e)})
	}
}

// settle lets all calls through.
func (r *rig) settle() {
	r.t.Helper()
	for len(r.calls) > 0 {
		r.answer(nil)
	}
}

func either(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// open opens the stream for a member, and lets nothing through.
func (r *rig) open(m *Member, o wire.Open) {
	o.Stream, o.Inc = r.st.Name(), "00000000000000a1"
	if o.Mode == "" {
		o.Mode = wire.ReadWrite
	}
	o.As = wire.AsState
	r.step(&Open{Member: m, Ref: "o", Open: o, MayRead: true, MayWrite: true})
}

func (r *rig) push(m *Member, seq uint64, ops ...string) {
	p := &wire.Push{Stream: r.st.Name(), Seq: seq}
	for _, op := range ops {
		p.Ops = append(p.Ops, []byte(op))
	}
	r.step(&Push{Member: m, Push: p, MayWrite: true})
}

// take returns what a member was told since it was last asked.
func (r *rig) take(m *Member) (told []wire.HubMessage) {
	for _, o := range r.out {
		if o.One != nil && o.One.Member == m {
			told = append(told, o.Msg)
		}
	}
	r.out = nil
	return told
}

func member(client string, number uint64) *Member {
	return &Member{Client: client, Subject: "user", Number: number}
}

// toldError finds an error of a code.
func toldError(told []wire.HubMessage, code wire.Code) *wire.Error {
	for _, m := range told {
		if e, ok := m.(*wire.Error); ok && e.Code == code {
			return e
		}
	}
	return nil
}

func toldSynced(told []wire.HubMessage) *wire.Synced {
	for _, m := range told {
		if s, ok := m.(*wire.Synced); ok {
			return s
		}
	}
	return nil
}
