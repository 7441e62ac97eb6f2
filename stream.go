package flowsync

import (
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/wavesiddhartha/flowsync/internal/hubcore"
	"github.com/wavesiddhartha/flowsync/store"
)

// stream is the shell of one hubcore.Stream: it runs the machine under a lock,
// carries out what it asks of the store, and sends what it has to say in a
// goroutine that exists only while there is something to send.
type stream struct {
	hub   *Hub
	name  string
	rule  int  // index in ruleLabels
	ticks bool // needs a Tick each second

	mu      sync.Mutex // guards what follows; session locks may be taken under it
	core    *hubcore.Stream
	outbox  []hubcore.Out
	caught  []*hubcore.Target // sessions that lagged and can take more
	values  bool              // values are due
	sending bool              // a sender runs
	used    time.Time         // last request
	gone    bool              // unloaded: another stream took its place, or will
	clock   pushClock
}

// step feeds one event to the machine, the answer to a call of its own or an
// event of a session that it knows: neither lets it be unloaded. Call it without
// locks.
func (st *stream) step(ev hubcore.StreamEvent) {
	if st.feed(ev) {
		st.hub.goWork(st.send)
	}
	st.hub.commits.commit()
}

// feed is step for those who commit and send themselves: true means that the
// caller is the sender now, and must see to it that send runs.
func (st *stream) feed(ev hubcore.StreamEvent) (send bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.stepLocked(ev)
	return st.becomeSender()
}

// request feeds an event from outside to the machine, unless it was unloaded. What
// it leads to is committed and, if send says so, sent by the caller.
func (st *stream) request(ev hubcore.StreamEvent) (send, ok bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.gone {
		return false, false
	}
	st.used = time.Now()
	st.stepLocked(ev)
	return st.becomeSender(), true
}

// tick passes time. What comes of it is sent, and committed by the caller.
func (st *stream) tick() {
	if st.feed(&hubcore.Tick{}) {
		st.hub.goWork(st.send)
	}
}

// unload marks the stream as gone if nobody uses it and nothing is under way.
func (st *stream) unload(idleSince time.Time) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.gone = st.gone || st.used.Before(idleSince) && !st.sending && st.core.Idle()
	return st.gone
}

func (st *stream) stepLocked(ev hubcore.StreamEvent) {
	fx := st.hub.effects.Get().(*hubcore.Effects)
	defer func() {
		fx.Reset()
		st.hub.effects.Put(fx)
	}()
	before := st.hub.now()
	st.core.Step(before, ev, fx)
	st.measure(ev, fx, before)
	for i := range fx.Calls {
		if c := &fx.Calls[i]; c.Kind == hubcore.CallAppend {
			st.hub.commits.add(st, c.Batch)
			continue
		}
		st.call(fx.Calls[i])
	}
	for _, done := range fx.Settled {
		done.Token.(chan hubcore.Settled) <- done // buffered, and used once
	}
	for _, r := range fx.Released {
		if s, ok := r.Member.Sink.(*session); ok {
			s.flow.release(r.Pushes, r.Bytes)
		}
	}
	for _, m := range fx.Replaced {
		if s, ok := m.Sink.(*session); ok {
			st.hub.goWork(s.displaced) // it sends, which no stream waits for
		}
	}
	for _, c := range fx.Commits {
		st.hub.logCommit(st, c)
	}
	st.outbox = append(st.outbox, fx.Out...)
	st.values = st.values || fx.ValuesDue
}

// receivers is how many sessions the next round is for, about.
func (st *stream) receivers() int {
	st.mu.Lock()
	defer st.mu.Unlock()
	n := len(st.caught)
	if st.values {
		n += st.core.Members()
	}
	for i := range st.outbox {
		n += max(1, len(st.outbox[i].All))
	}
	return n
}

// speaks reports whether a sender runs.
func (st *stream) speaks() bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.sending
}

// becomeSender makes the caller the sender if there is work and none runs. Called
// with mu.
func (st *stream) becomeSender() bool {
	if st.sending || len(st.outbox) == 0 && len(st.caught) == 0 && !st.values {
		return false
	}
	st.sending = true
	return true
}

// call carries out one call to the store that is not an append. They are rare, may
// block, and answer from a goroutine of their own.
func (st *stream) call(c hubcore.Call) {
	h := st.hub
	switch c.Kind {
	case hubcore.CallLoad:
		h.goWork(func() {
			since := time.Now()
			loaded, err := h.store.Load(h.ctx, st.name)
			h.metrics.called(storeLoad, since, err)
			st.step(&hubcore.Loaded{Stream: loaded, Err: err})
		})
	case hubcore.CallRead:
		h.goWork(func() {
			since := time.Now()
			tail, err := h.store.Read(h.ctx, st.name, c.After, c.Max)
			if errors.Is(err, store.ErrTrimmed) {
				h.metrics.called(storeLoad, since, nil) // an answer, not a failure
			} else {
				h.metrics.called(storeLoad, since, err)
			}
			if errors.Is(err, store.ErrUnavailable) {
				h.pause() // some ask again at once
			}
			st.step(&hubcore.ReadDone{ID: c.ID, Tail: tail, Err: err})
		})
	case hubcore.CallRecall:
		h.goWork(func() {
			mark, tail, err := h.store.Recall(h.ctx, st.name, c.Writer, c.Fence)
			st.step(&hubcore.Recalled{ID: c.ID, Mark: mark, Tail: tail, Err: err})
		})
	case hubcore.CallRotate:
		h.goWork(func() {
			head, err := h.store.Rotate(h.ctx, st.name, c.Epoch)
			if err == nil {
				h.log.Warn("the history of a stream was lost in part: it goes on in a new epoch", "stream", st.name)
			}
			st.step(&hubcore.Rotated{Head: head, Err: err})
		})
	case hubcore.CallSave:
		h.goWork(func() {
			since := time.Now()
			c.Snapshot.State = c.State.AppendState(nil)
			err := h.store.Save(h.ctx, st.name, c.Snapshot)
			h.metrics.called(storeSnapshot, since, err)
			h.metrics.rules[st.rule].compactionDone(since, err)
			if err != nil {
				h.log.Warn("a snapshot could not be stored; it is tried again later", "stream", st.name, "err", err)
			}
			st.step(&hubcore.Saved{Snapshot: c.Snapshot, Err: err})
		})
	case hubcore.CallTrim:
		h.goWork(func() {
			since := time.Now()
			more, err := h.store.Trim(h.ctx, st.name, c.After, c.Max)
			h.metrics.called(storeSnapshot, since, err)
			st.step(&hubcore.Trimmed{More: more, Err: err})
		})
	}
}

// pause waits for a store that cannot be reached, a little while.
func (h *Hub) pause() {
	select {
	case <-h.ctx.Done():
	case <-time.After(100 * time.Millisecond):
	}
}

// catchUp notes that a session that lagged on this stream can take more.
func (st *stream) catchUp(t *hubcore.Target) {
	st.mu.Lock()
	st.caught = append(st.caught, t)
	send := st.becomeSender()
	st.mu.Unlock()
	if send {
		st.hub.goWork(st.send)
	}
}

// logCommit tells of a commit: where and by whom, never what.
func (h *Hub) logCommit(st *stream, c hubcore.Commit) {
	if h.log.Enabled(h.ctx, slog.LevelDebug) {
		h.log.Debug("op", "stream", st.name, "client", c.Client, "ops", c.Ops, "offset", c.Last, "subscribers", st.core.Members())
	}
}
