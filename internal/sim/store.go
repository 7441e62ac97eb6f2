package sim

import (
	"errors"
	"fmt"
	"slices"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/store"
)

// modelStore is what hubs find behind store.Store: a journal with weather, which
// tells the oracle what it did. The journal alone keeps the contract of a store;
// what is added here are the failures that the contract speaks of.
type modelStore struct {
	w *world
	*journal
	names []string

	weather weather
	ambush  weather // begins with the next session
	slow    bool    // the next append takes long
}

// weather is how the store is doing.
type weather uint8

const (
	fair weather = iota
	readonly
	away
)

func newModelStore(w *world) *modelStore {
	return &modelStore{w: w, journal: newJournal(func() byte { return byte(w.rng.Uint32()) })}
}

// lose forgets the newest n changes of the journal; see there.
func (s *modelStore) lose(n int) {
	s.journal.lose(n)
	s.w.judge.lossy = true
	for _, name := range s.names {
		s.w.judge.relocate(name, s.at(name))
	}
}

// wipe begins anew.
func (s *modelStore) wipe() { s.lose(len(s.changes)) }

// at is where a stream is, the zero Position if it does not exist.
func (s *modelStore) at(stream string) store.Position {
	at, err := s.head(stream)
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

func (s *modelStore) load(stream string) (*store.Stream, error) {
	fresh := !s.exists(stream)
	if err := s.fault(fresh); err != nil {
		return nil, err
	}
	loaded, err := s.journal.load(stream)
	if fresh {
		s.created(stream)
	}
	return loaded, err
}

// created tells the oracle of a stream that is new, or new again.
func (s *modelStore) created(stream string) {
	if !slices.Contains(s.names, stream) {
		s.names = append(s.names, stream)
	}
	s.w.judge.begun(stream, s.at(stream))
}

// append commits one batch, or says why not.
func (s *modelStore) append(b store.Batch) store.Result {
	if err := s.fault(true); err != nil {
		return store.Result{Err: err}
	}
	res := s.journal.append(b)
	switch {
	case res.Err != nil:
		s.w.fail("the hub made an invalid batch for %s: %v", b.Stream, res.Err)
	case !res.Lost && len(res.Fenced) == 0:
		s.w.judge.committed(b.Stream, &b.Record)
	}
	if s.w.plan.shortReads && len(res.Missed) > 1 {
		// How many of them come is the store's affair.
		s.w.hit("append: lost, with a part of what was missed")
		res.Missed = res.Missed[:1+s.w.rng.IntN(len(res.Missed)-1)]
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
	if s.w.plan.shortReads {
		most = min(most, 1+s.w.rng.IntN(8))
	}
	return s.mem.Read(bg, stream, after, most)
}

func (s *modelStore) recall(stream string, w crdt.Writer, fence uint64) (store.Watermark, []store.Mark, error) {
	if err := s.fault(fence > 0); err != nil {
		return store.Watermark{}, nil, err
	}
	fresh := fence > 0 && !s.exists(stream)
	mark, trail, err := s.journal.recall(stream, w, fence)
	if fresh {
		s.created(stream)
	}
	return mark, trail, err
}

func (s *modelStore) rotate(stream, epoch string) (store.Position, error) {
	if err := s.fault(true); err != nil {
		return store.Position{}, err
	}
	return s.journal.rotate(stream, epoch)
}

func (s *modelStore) session(client string) (uint64, error) {
	if err := s.fault(true); err != nil {
		return 0, err
	}
	if s.ambush != fair {
		s.w.storm(s.ambush)
		s.ambush = fair
	}
	return s.journal.session(client)
}

func (s *modelStore) save(stream string, snapshot store.Snapshot) error {
	if err := s.fault(true); err != nil {
		return err
	}
	return s.journal.save(stream, snapshot)
}

func (s *modelStore) trim(stream string, offset uint64, most int) (more bool, err error) {
	if err := s.fault(true); err != nil {
		return false, err
	}
	return s.journal.trim(stream, offset, most)
}
