package storetest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/store"
)

func (s suite) testFence(t *testing.T) {
	s.test(t, "lower sessions are refused", func(t *testing.T, st *fixture) {
		h := mustJoin(t, st, "counter:a")
		h.mustCommit(t, op{by: device(0), session: 1})
		raise(t, h, device(0), 5)
		for session, fenced := range map[uint64]bool{0: false, 1: true, 4: true, 5: false, 6: false, 1<<53 - 1: false} {
			requireFenced(t, h, fenced, op{by: device(0), session: session})
		}
		requireLog(t, h)
		requireMark(t, h, device(0))
	})

	s.test(t, "an append on its way is refused", func(t *testing.T, st *fixture) {
		h := mustJoin(t, st, "counter:a")
		b := h.batch(op{by: device(0), session: 1})
		raise(t, h, device(0), 2)
		r, err := st.append(b)
		must(t, err)
		if !slices.Equal(r.Fenced, []crdt.Writer{device(0)}) {
			t.Errorf("got %+v, want it fenced", r)
		}
		requireLog(t, h)
		requireMark(t, h, device(0))
	})

	s.test(t, "a fence never falls", func(t *testing.T, st *fixture) {
		h := mustJoin(t, st, "counter:a")
		for _, fence := range []uint64{5, 3, 1, 0, 5} {
			raise(t, h, device(0), fence)
			requireFenced(t, h, true, op{by: device(0), session: 4})
			requireFenced(t, h, false, op{by: device(0), session: 5})
		}
	})

	s.test(t, "recall without a fence raises none", func(t *testing.T, st *fixture) {
		h := mustJoin(t, st, "counter:a")
		raise(t, h, device(0), 0)
		requireFenced(t, h, false, op{by: device(0), session: 1})
	})

	s.test(t, "a fence is one writer's on one stream", func(t *testing.T, st *fixture) {
		h, other := mustJoin(t, st, "counter:a"), mustJoin(t, st, "counter:b")
		raise(t, h, device(0), 5)
		requireFenced(t, h, false, op{by: device(1), session: 1})
		requireFenced(t, h, false, op{by: crdt.Writer{Client: device(0).Client, Inc: device(1).Inc}, session: 1})
		requireFenced(t, other, false, op{by: device(0), session: 1})
	})

	s.test(t, "each fenced writer of a record is named once and the rest waits", func(t *testing.T, st *fixture) {
		h := mustJoin(t, st, "counter:a")
		h.mustCommit(t, op{by: device(0), session: 1})
		raise(t, h, device(0), 5)
		raise(t, h, device(2), 5)
		r, err := h.try(op{by: device(1)}, op{by: device(2), session: 4}, op{by: device(0), session: 4},
			op{by: device(2), session: 4}, op{by: device(0), session: 5})
		must(t, err)
		got := slices.Clone(r.Fenced)
		slices.SortFunc(got, func(a, b crdt.Writer) int { return cmp.Compare(a.Client, b.Client) })
		if !slices.Equal(got, []crdt.Writer{device(0), device(2)}) {
			t.Fatalf("got %+v, want device-0 and device-2 fenced", r)
		}
		requireLog(t, h)
		requireMark(t, h, device(1))
		h.mustCommit(t, op{by: device(1)})
		requireLog(t, h)
	})

	s.test(t, "a lost append is lost, not fenced", func(t *testing.T, st *fixture) {
		h := mustJoin(t, st, "counter:a")
		stale := h.batch(op{by: device(0), session: 1})
		h.grow(t, device(1), 1)
		raise(t, h, device(0), 2)
		r, err := st.append(stale)
		must(t, err)
		if !r.Lost {
			t.Errorf("got %+v, want Lost", r)
		}
	})

	s.test(t, "a fence outlives epoch and log", func(t *testing.T, st *fixture) {
		h := mustJoin(t, st, "counter:a")
		raise(t, h, device(0), 5)
		for range 2 {
			h.mustCommit(t, op{by: device(0), session: 5})
			h.save(t)
		}
		_, err := st.Trim(t.Context(), h.name, h.at.Offset, 100)
		must(t, err)
		h.at, err = st.Rotate(t.Context(), h.name, h.at.Epoch)
		must(t, err)
		requireFenced(t, h, true, op{by: device(0), session: 4})
		requireFenced(t, h, false, op{by: device(0), session: 5})
	})

	s.test(t, "a fence comes before its stream", func(t *testing.T, st *fixture) {
		mark, trail, err := st.Recall(t.Context(), "counter:a", device(0), 5)
		must(t, err)
		if mark != (store.Watermark{}) || len(trail) != 0 {
			t.Errorf("got %+v %v, want zero", mark, trail)
		}
		h := mustJoin(t, st, "counter:a")
		requireFenced(t, h, true, op{by: device(0), session: 4})
		requireFenced(t, h, false, op{by: device(0), session: 5})
	})

	s.test(t, "nothing of an older session commits after the answer", func(t *testing.T, st *fixture) {
		for round := range 20 {
			raceFence(t, st, fmt.Sprintf("counter:%d", round))
		}
	})
}

// raceFence raises a fence while the older session pushes as fast as it can, and
// another writer makes it lose now and then.
func raceFence(t *testing.T, st *fixture, name string) {
	t.Helper()
	mustJoin(t, st, name)
	answer := make(chan store.Watermark, 1)
	var refused error
	parallel(t, 3, func(i int) error {
		if i == 0 {
			mark, _, err := st.Recall(t.Context(), name, device(1), 2)
			answer <- mark
			return err
		}
		h, err := join(t.Context(), st, name)
		for n := 0; err == nil && n < 50; n++ {
			_, err = h.commit(t.Context(), op{by: device(i), session: 1})
		}
		if i == 1 {
			refused, err = err, nil
		}
		return err
	})
	h := mustJoin(t, st, name)
	mark := <-answer
	if h.marks[device(1)] != mark {
		t.Fatalf("the answer was %+v, and the log says %+v", mark, h.marks[device(1)])
	}
	if refused != nil && !errors.Is(refused, errFenced) || refused == nil && mark.Seq < 50 {
		t.Fatalf("the older session stopped at seq %d with: %v", mark.Seq, refused)
	}
}

// raise raises a fence.
func raise(t *testing.T, h *hub, w crdt.Writer, fence uint64) {
	t.Helper()
	mark, _, err := h.st.Recall(t.Context(), h.name, w, fence)
	must(t, err)
	if mark != h.marks[w] {
		t.Fatalf("watermark is %+v, want %+v", mark, h.marks[w])
	}
}

func requireFenced(t *testing.T, h *hub, fenced bool, o op) {
	t.Helper()
	r, err := h.try(o)
	must(t, err)
	if r.Lost || r.Err != nil || (len(r.Fenced) > 0) != fenced {
		t.Fatalf("session %d: %+v, want fenced %v", o.session, r, fenced)
	}
}

// requireRefused fails unless an op that is in already is refused.
func requireRefused(t *testing.T, h *hub, o op) {
	t.Helper()
	r, err := h.try(o)
	must(t, err)
	if !errors.Is(r.Err, store.ErrInvalid) {
		t.Fatalf("got %+v, want ErrInvalid", r)
	}
}
