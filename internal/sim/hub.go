package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/wavesiddhartha/flowsync/internal/hubcore"
	"github.com/wavesiddhartha/flowsync/store"
	"github.com/wavesiddhartha/flowsync/wire"
)

// hub is one hub process: the shell of its machines.
type hub struct {
	w    *world
	slot int
	name string
	cfg  hubcore.Config

	streams  []*stream  // by first use
	sessions []*session // by arrival
	byClient map[string]*session
	commits  commits
	writable bool
	dead     bool
	down     bool // dead, and its successor has not begun
}

func newHub(w *world, slot int) *hub {
	h := &hub{w: w, slot: slot, name: fmt.Sprintf("hub%d", slot), cfg: w.plan.limits, byClient: map[string]*session{}, writable: true}
	h.cfg.Hub, h.cfg.Inc = w.hexID(), w.hexID()
	h.commits.h = h
	h.sweep()
	return h
}

func (w *world) hexID() string { return fmt.Sprintf("%016x", w.rng.Uint64()) }

func (h *hub) now() hubcore.Instant { return hubcore.Instant(h.w.now) }

// sweep passes time to sessions and streams once a second.
func (h *hub) sweep() {
	h.w.after(time.Second, func() {
		if h.dead {
			return
		}
		for _, s := range slices.Clone(h.sessions) {
			s.step(&hubcore.Elapsed{Readonly: !h.writable})
		}
		for _, st := range slices.Clone(h.streams) {
			st.step(&hubcore.Tick{})
		}
		h.sweep()
	})
}

// stream returns the shell of a registered stream, nil if there is none.
func (h *hub) stream(name string) *stream {
	for _, st := range h.streams {
		if st.name == name {
			return st
		}
	}
	for _, p := range h.w.plan.streams {
		if p.name == name {
			st := &stream{h: h, name: name, core: hubcore.NewStream(&h.cfg, name, p.rule, p.initial, p.options)}
			h.streams = append(h.streams, st)
			return st
		}
	}
	return nil
}

// unload forgets the streams that nobody uses.
func (h *hub) unload() {
	h.streams = slices.DeleteFunc(h.streams, func(st *stream) bool {
		idle := st.core.Idle() && !st.sending && len(st.outbox) == 0
		if idle {
			h.w.hit("hub: unloaded a stream")
		}
		return idle
	})
}

// crash ends the process without a word. Sockets are found broken later.
func (h *hub) crash() {
	h.w.note("%s crashes", h.name)
	h.dead, h.down = true, true
	for _, s := range h.sessions {
		s.l.hubDied()
	}
}

// restart begins the next process.
func (h *hub) restart() {
	h.down = false
	h.w.note("%s starts", h.name)
	h.w.hubs[h.slot] = newHub(h.w, h.slot)
}

// setWritable tells every session.
func (h *hub) setWritable(writable bool) {
	if h.dead || h.writable == writable {
		return
	}
	h.writable = writable
	h.w.hit("hub: writable changed")
	for _, s := range slices.Clone(h.sessions) {
		s.step(&hubcore.Elapsed{Readonly: !writable})
	}
}

// displace makes s the session of its client and returns the one it replaces,
// which is the older one by its number: s itself if it came too late.
func (h *hub) displace(s *session) *session {
	m := s.core.Member()
	old := h.byClient[m.Client]
	if old != nil && old.core.Member().Number > m.Number {
		return s
	}
	h.byClient[m.Client] = s
	return old
}

// stream is the shell of one stream of a hub, with the order of things that the
// real one has: answers of the store overtake each other, appends do not; what
// there is to send leaves in rounds, some time after the step.
type stream struct {
	h    *hub
	name string
	core *hubcore.Stream

	outbox  []hubcore.Out
	caught  []*hubcore.Target
	values  bool
	sending bool
	loads   int
}

func (st *stream) step(ev hubcore.StreamEvent) {
	if st.h.dead {
		return
	}
	w := st.h.w
	w.events++
	switch ev := ev.(type) {
	case *hubcore.Open:
		w.judge.pushed.open(st, ev)
	case *hubcore.Push:
		w.judge.pushed.push(st, ev)
	case *hubcore.Leave:
		delete(w.judge.pushed, pushKey{ev.Member, st.name})
	}
	var fx hubcore.Effects
	st.core.Step(st.h.now(), ev, &fx)
	if w.opts.Trace {
		w.note("%s %s <- %T", st.h.name, st.name, ev)
	}
	st.sawOpen(ev, &fx)
	for i := range fx.Calls {
		st.call(fx.Calls[i])
	}
	for i := range fx.Settled {
		fx.Settled[i].Token.(*request).settled(&fx.Settled[i])
	}
	for _, r := range fx.Released {
		r.Member.Sink.(*session).release(r)
	}
	for _, m := range fx.Replaced {
		w.hit("session: replaced by one on another hub")
		w.after(0, func() { m.Sink.(*session).step(&hubcore.Displaced{}) })
	}
	for i := range fx.Out {
		w.judge.said(st, &fx.Out[i])
	}
	w.judge.answered(st, fx.Out)
	st.outbox = append(st.outbox, fx.Out...)
	st.values = st.values || fx.ValuesDue
	st.wakeSender()
}

func appended(r store.Result) hubcore.StreamEvent { return &hubcore.Appended{Result: r} }

// call carries out one call to the store: it takes effect after a while, and is
// answered after another.
func (st *stream) call(c hubcore.Call) {
	w := st.h.w
	if c.Kind == hubcore.CallAppend {
		st.h.commits.add(st, c.Batch)
		return
	}
	w.after(w.delay(), func() {
		if st.h.dead && w.chance(2) {
			return
		}
		answer := st.execute(c)
		if compacts := c.Kind == hubcore.CallSave || c.Kind == hubcore.CallTrim; compacts && w.plan.hubCrashes && !w.calm && w.chance(12) {
			w.hit("hub: crashed while it compacted")
			w.end(st.h)
		}
		w.after(w.delay(), func() { st.step(answer) })
	})
}

func (st *stream) execute(c hubcore.Call) hubcore.StreamEvent {
	w := st.h.w
	switch c.Kind {
	case hubcore.CallLoad:
		if st.loads++; st.loads > 1 {
			w.hit("hub: loaded a stream again")
		}
		loaded, err := w.store.load(st.name)
		if err == nil && loaded.Snapshot != nil {
			w.hit("hub: loaded from a snapshot")
		}
		return &hubcore.Loaded{Stream: loaded, Err: err}
	case hubcore.CallRead:
		tail, err := w.store.read(st.name, c.After, c.Max)
		return &hubcore.ReadDone{ID: c.ID, Tail: tail, Err: err}
	case hubcore.CallRecall:
		mark, trail, err := w.store.recall(st.name, c.Writer, c.Fence)
		return &hubcore.Recalled{ID: c.ID, Mark: mark, Tail: trail, Err: err}
	case hubcore.CallRotate:
		w.hit("hub: rotated the epoch")
		head, err := w.store.rotate(st.name, c.Epoch)
		return &hubcore.Rotated{Head: head, Err: err}
	case hubcore.CallSave:
		w.hit("hub: saved a snapshot")
		c.Snapshot.State = c.State.AppendState(nil)
		return &hubcore.Saved{Snapshot: c.Snapshot, Err: w.store.save(st.name, c.Snapshot)}
	case hubcore.CallTrim:
		w.hit("hub: trimmed a log")
		more, err := w.store.trim(st.name, c.After, c.Max)
		if more {
			w.hit("hub: trimmed a slice, and more is left")
		}
		return &hubcore.Trimmed{More: more, Err: err}
	}
	panic("sim: a call of an unknown kind")
}

// sawOpen counts how opens are answered.
func (st *stream) sawOpen(ev hubcore.StreamEvent, fx *hubcore.Effects) {
	for i := range fx.Out {
		m, ok := fx.Out[i].Msg.(*wire.Synced)
		if !ok {
			continue
		}
		st.h.w.hit("synced: " + string(m.Outcome))
		if _, read := ev.(*hubcore.ReadDone); read && m.Outcome == wire.Delta {
			st.h.w.hit("synced: delta from the store")
		}
		if _, caught := ev.(*hubcore.Caught); caught {
			st.h.w.hit("synced: unasked")
		}
	}
}

func (st *stream) wakeSender() {
	if st.sending || len(st.outbox) == 0 && len(st.caught) == 0 && !st.values {
		return
	}
	st.sending = true
	st.h.w.after(st.h.w.between(0, 2*time.Millisecond), st.send)
}

// send sends one round of messages, and ends when there is nothing to send.
func (st *stream) send() {
	if st.h.dead {
		return
	}
	if st.values {
		st.values = false
		st.step(&hubcore.FlushValues{})
	}
	for _, t := range st.caught {
		t.Held = false
		st.step(&hubcore.Caught{Member: t.Member, Offset: t.Reached})
	}
	st.caught = nil
	out := st.outbox
	st.outbox = nil
	if len(out) == 0 {
		st.sending = false
		return
	}
	// What goes to several may be held back at a full queue; a session that gets
	// something of its own in this round gets all of it, in order.
	alone := map[*hubcore.Member]bool{}
	for i := range out {
		if out[i].One != nil {
			alone[out[i].One.Member] = true
		}
	}
	for i := range out {
		line := out[i].Msg.Append(nil)
		if out[i].One != nil {
			st.deliver(out[i].One, line, out[i].Last, true)
		}
		for _, t := range out[i].All {
			if !t.Held {
				st.deliver(t, line, out[i].Last, alone[t.Member])
			}
		}
	}
	st.h.w.after(st.h.w.between(0, 2*time.Millisecond), st.send)
}

func (st *stream) deliver(t *hubcore.Target, line []byte, last uint64, urgent bool) {
	s, ok := t.Member.Sink.(*session)
	switch {
	case !ok: // a visitor reads nothing
	case s.write(line, urgent):
		t.Reached = max(t.Reached, last)
	case urgent && last == 0:
		s.close(wire.CloseSlow, "answers are not read")
	default:
		t.Held = true
		st.h.w.hit("hub: a subscriber lags")
		st.step(&hubcore.Lagged{Member: t.Member})
		s.lags(st, t)
	}
}

// catchUp notes that a session that lagged can take more.
func (st *stream) catchUp(t *hubcore.Target) {
	st.caught = append(st.caught, t)
	st.wakeSender()
}
