package sim

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/store"
)

// modelStore is what hubs find behind store.Store: a Memory that can fail in
// every way of the contract, and lose what it had.
//
// Losing works by journal: every change is kept with the random bytes that it
// drew, and a store that lost its tail is a fresh Memory on which the journal
// was played up to there.
type modelStore struct {
	w       *world
	mem     *store.Memory
	journal []*change
	playing *change // whose draws are recorded or repeated
	names   []string

	weather weather
	slow    bool // the next append takes long
}

// change is one entry of the journal.
type change struct {
	do     func(*store.Memory)
	stays  bool // survives a loss: what the loss of would break has other guards
	drawn  []byte
	played int // of drawn
}

// weather is how the store is doing.
type weather uint8

const (
	fair weather = iota
	readonly
	away
)

var bg = context.Background()

func newModelStore(w *world) *modelStore {
	s := &modelStore{w: w}
	s.mem = store.NewMemoryFrom(s.draw)
	return s
}

// draw gives a change the same bytes each time it is played.
func (s *modelStore) draw(b []byte) {
	c := s.playing
	if c.played == len(c.drawn) {
		for range b {
			c.drawn = append(c.drawn, byte(s.w.rng.Uint32()))
		}
	}
	c.played += copy(b, c.drawn[c.played:])
}

// change carries a change out and keeps it.
func (s *modelStore) change(stays bool, do func(*store.Memory)) {
	c := &change{do: do, stays: stays}
	s.journal = append(s.journal, c)
	s.play(c)
}

func (s *modelStore) play(c *change) {
	s.playing, c.played = c, 0
	c.do(s.mem)
	s.playing = nil
}

// lose forgets the newest n changes of the journal, but not session numbers and
// fences: those are the sessions' order, and a store that forgets them while
// sessions live has no order at all.
func (s *modelStore) lose(n int) {
	from := max(0, len(s.journal)-n)
	kept := s.journal[:from:from]
	for _, c := range s.journal[from:] {
		if c.stays {
			kept = append(kept, c)
		}
	}
	s.replay(kept)
}

// wipe begins anew. Session numbers go on for the reason above.
func (s *modelStore) wipe() {
	var kept []*change
	for _, c := range s.journal {
		if c.stays {
			kept = append(kept, c)
		}
	}
	s.replay(kept)
}

func (s *modelStore) replay(journal []*change) {
	s.mem = store.NewMemoryFrom(s.draw)
	s.journal = journal
	s.w.judge.lossy = true
	for _, c := range journal {
		s.play(c)
	}
	for _, name := range s.names {
		s.w.judge.relocate(name, s.head(name))
	}
}

// head is where a stream is, the zero Position if it does not exist.
func (s *modelStore) head(stream string) store.Position {
	at, err := s.mem.Rotate(bg, stream, "")
	if err != nil {
		s.w.fail("the model store: %v", err)
	}
	return at
}

// fault is what the weather does to a call: an error, or nothing.
func (s *modelStore) fault(writes bool) error {
	switch {
	case s.weather == away:
		s.w.hit("store: unavailable")
		return fmt.Errorf("the model store is away: %w", store.ErrUnavailable)
	case s.weather == readonly && writes:
		s.w.hit("store: read-only")
		return fmt.Errorf("the model store is full: %w", store.ErrReadonly)
	}
	return nil
}

func (s *modelStore) load(stream string) (loaded *store.Stream, err error) {
	if err := s.fault(s.head(stream).Epoch == ""); err != nil {
		return nil, err
	}
	if s.head(stream).Epoch != "" {
		return s.mem.Load(bg, stream)
	}
	s.change(false, func(m *store.Memory) { loaded, err = m.Load(bg, stream) })
	s.created(stream)
	return loaded, err
}

// created tells the oracle of a stream that is new, or new again.
func (s *modelStore) created(stream string) {
	known := false
	for _, name := range s.names {
		known = known || name == stream
	}
	if !known {
		s.names = append(s.names, stream)
	}
	s.w.judge.begun(stream, s.head(stream))
}

// append commits one batch, or says why not.
func (s *modelStore) append(b store.Batch) (res store.Result) {
	if err := s.fault(true); err != nil {
		return store.Result{Err: err}
	}
	commit := func(m *store.Memory) {
		m.Append([]store.Batch{b}, func(rs []store.Result) { res = rs[0] })
	}
	if s.head(b.Stream) != b.After {
		commit(s.mem) // it will lose, and changes nothing
		return res
	}
	s.change(false, commit)
	switch {
	case res.Err != nil:
		s.w.fail("the hub made an invalid batch for %s: %v", b.Stream, res.Err)
	case !res.Lost && len(res.Fenced) == 0:
		s.w.judge.committed(b.Stream, &b.Record)
	}
	return res
}

// trimmed reports whether the log no longer reaches back to an offset.
func (s *modelStore) trimmed(stream string, offset uint64) bool {
	_, err := s.mem.Read(bg, stream, max(offset, 1)-1, 1)
	return errors.Is(err, store.ErrTrimmed)
}

func (s *modelStore) read(stream string, after uint64, most int) (store.Tail, error) {
	if err := s.fault(false); err != nil {
		return store.Tail{}, err
	}
	return s.mem.Read(bg, stream, after, most)
}

func (s *modelStore) recall(stream string, w crdt.Writer, fence uint64) (mark store.Watermark, trail []store.Mark, err error) {
	if err := s.fault(fence > 0); err != nil {
		return store.Watermark{}, nil, err
	}
	if fence == 0 {
		return s.mem.Recall(bg, stream, w, 0)
	}
	fresh := s.head(stream).Epoch == ""
	s.change(!fresh, func(m *store.Memory) { mark, trail, err = m.Recall(bg, stream, w, fence) })
	if fresh {
		s.created(stream)
	}
	return mark, trail, err
}

func (s *modelStore) rotate(stream, epoch string) (at store.Position, err error) {
	if err := s.fault(true); err != nil {
		return store.Position{}, err
	}
	s.change(false, func(m *store.Memory) { at, err = m.Rotate(bg, stream, epoch) })
	return at, err
}

func (s *modelStore) session(client string) (n uint64, err error) {
	if err := s.fault(true); err != nil {
		return 0, err
	}
	s.change(true, func(m *store.Memory) { n, err = m.Session(bg, client) })
	return n, err
}

func (s *modelStore) save(stream string, snapshot store.Snapshot) (err error) {
	if err := s.fault(true); err != nil {
		return err
	}
	s.change(false, func(m *store.Memory) { err = m.Save(bg, stream, snapshot) })
	return err
}

func (s *modelStore) trim(stream string, offset uint64, most int) (more bool, err error) {
	if err := s.fault(true); err != nil {
		return false, err
	}
	s.change(false, func(m *store.Memory) { more, err = m.Trim(bg, stream, offset, most) })
	return more, err
}

// commits run in their order, one under way at a time, as the hub's committer
// does it. Other calls overtake each other.
type commits struct {
	h       *hub
	waiting []commit
	busy    bool
}

type commit struct {
	st *stream
	b  store.Batch
}

func (q *commits) add(st *stream, b store.Batch) {
	q.waiting = append(q.waiting, commit{st, b})
	q.next()
}

func (q *commits) next() {
	w := q.h.w
	if q.busy || len(q.waiting) == 0 {
		return
	}
	q.busy = true
	all := q.waiting
	q.waiting = nil
	results := make([]store.Result, len(all))
	takes := w.delay()
	if w.store.slow || w.plan.late && !w.calm && w.chance(15) {
		// Longer than a client takes to come back and ask what became of its ops.
		w.hit("append: slow")
		w.store.slow = false
		takes = w.between(0, 6*time.Second)
	}
	w.after(takes, func() {
		for i := range all {
			results[i] = q.execute(all[i].b)
		}
		w.after(w.delay(), func() {
			if q.h.dead {
				return
			}
			q.busy = false
			for i := range all {
				w.sawResult(&results[i])
				all[i].st.step(appended(results[i]))
			}
			q.next()
		})
	})
}

// execute lets one batch reach the store. A hub that died first may have sent
// it or not; an answer may be lost, whether the batch is in, is not, or will be.
func (q *commits) execute(b store.Batch) store.Result {
	w := q.h.w
	if q.h.dead && w.chance(2) {
		return store.Result{}
	}
	if w.calm || !w.plan.unknown || w.rng.IntN(12) > 0 {
		return w.store.append(b)
	}
	unknown := store.Result{Err: fmt.Errorf("the answer of the model store was lost: %w", store.ErrUnknown)}
	switch n := w.rng.IntN(3); {
	case n == 0:
		w.store.append(b)
		w.hit("append: unknown, went through or lost")
	case n == 1 && w.plan.late:
		w.hit("append: unknown, comes late")
		w.after(w.between(0, 3*time.Second), func() { w.store.append(b) })
	default:
		w.hit("append: unknown, never came")
	}
	return unknown
}

// delay is how long one leg of a call or a message takes.
func (w *world) delay() time.Duration { return w.between(0, w.plan.delay) }

func (w *world) sawResult(r *store.Result) {
	switch {
	case r.Lost:
		w.hit("append: lost the compare-and-set")
		if len(r.Missed) > 0 {
			w.hit("append: lost, with what was missed")
		}
	case len(r.Fenced) > 0:
		w.hit("append: fenced")
	}
}
