package storetest

import (
	"testing"

	"github.com/wavesiddhartha/flowsync/store"
	"github.com/wavesiddhartha/flowsync/wire"
)

func (s suite) testRotate(t *testing.T) {
	s.test(t, "the epoch changes and all else stays", func(t *testing.T, st *fixture) {
		h := mustJoin(t, st, "counter:a")
		h.grow(t, device(0), 3)
		saved := h.save(t)
		h.grow(t, device(1), 2)
		head, err := st.Rotate(t.Context(), h.name, h.at.Epoch)
		must(t, err)
		if !wire.ValidInc(head.Epoch) || head.Epoch == h.at.Epoch {
			t.Errorf("the new epoch is %q", head.Epoch)
		}
		if head.Offset != h.at.Offset || head.Chain != h.at.Chain {
			t.Errorf("the head moved to %v", place(head))
		}
		h.at = head
		got, err := st.Load(t.Context(), h.name)
		must(t, err)
		if got.Head != head || got.Key != h.key || got.First != 1 {
			t.Errorf("loaded head %v, first %d, want %v, 1 and the same key", place(got.Head), got.First, place(head))
		}
		requireSnapshot(t, got, saved)
		must(t, same(got.Tail, h.log[3:]))
		requireMark(t, h, device(0))
		requireMark(t, h, device(1))
		requireRefused(t, h, op{by: device(0), seq: 3})
		h.mustCommit(t, op{by: device(0)})
		requireMark(t, h, device(0))
	})

	s.test(t, "of a stream without ops", func(t *testing.T, st *fixture) {
		h := mustJoin(t, st, "counter:a")
		stale := h.batch(op{by: device(0)})
		var err error
		h.at, err = st.Rotate(t.Context(), h.name, h.at.Epoch)
		must(t, err)
		r, err := st.append(stale)
		must(t, err)
		if !r.Lost || len(r.Missed) != 0 || r.Head != h.at {
			t.Errorf("got %+v, want Lost at %v with nothing missed", r, place(h.at))
		}
		h.grow(t, device(0), 1)
		requireLog(t, h)
	})

	s.test(t, "appends of the old epoch are lost", func(t *testing.T, st *fixture) {
		h := mustJoin(t, st, "counter:a")
		h.grow(t, device(0), 2)
		stale := h.batch(op{by: device(0)})
		var err error
		h.at, err = st.Rotate(t.Context(), h.name, h.at.Epoch)
		must(t, err)
		r, err := st.append(stale)
		must(t, err)
		if !r.Lost || len(r.Missed) != 0 || r.Head != h.at {
			t.Errorf("got %+v, want Lost at %v with nothing missed", r, place(h.at))
		}
		requireLog(t, h)
	})

	s.test(t, "only out of the epoch that is named", func(t *testing.T, st *fixture) {
		h := mustJoin(t, st, "counter:a")
		h.grow(t, device(0), 2)
		old := h.at.Epoch
		var err error
		h.at, err = st.Rotate(t.Context(), h.name, old)
		must(t, err)
		for _, epoch := range []string{old, "0123456789abcdef", ""} {
			head, err := st.Rotate(t.Context(), h.name, epoch)
			must(t, err)
			if head != h.at {
				t.Errorf("out of %q: the head is %v, want %v", epoch, place(head), place(h.at))
			}
		}
		requireLog(t, h)
	})

	s.test(t, "hubs that find the same loss agree on one epoch", func(t *testing.T, st *fixture) {
		h := mustJoin(t, st, "counter:a")
		h.grow(t, device(0), 1)
		heads := make([]store.Position, 8)
		parallel(t, len(heads), func(i int) (err error) {
			heads[i], err = st.Rotate(t.Context(), h.name, h.at.Epoch)
			return err
		})
		for i, head := range heads {
			if head != heads[0] || head.Epoch == h.at.Epoch {
				t.Errorf("hub %d is at %v, hub 0 at %v; it was %v", i, place(head), place(heads[0]), place(h.at))
			}
		}
	})
}
