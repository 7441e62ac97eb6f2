package storetest

import (
	"slices"
	"testing"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/store"
)

func (s suite) testRecall(t *testing.T) {
	s.test(t, "a writer without ops", func(t *testing.T, st *fixture) {
		h := mustJoin(t, st, "counter:a")
		h.grow(t, device(0), 2)
		requireMark(t, h, device(1))
		requireMark(t, h, crdt.Writer{Client: device(0).Client, Inc: device(1).Inc})
	})

	s.test(t, "the newest op counts and all are marked", func(t *testing.T, st *fixture) {
		h := mustJoin(t, st, "counter:a")
		for i := range 30 {
			h.mustCommit(t, op{by: device(0)}, op{by: device(1), seq: uint64(3*i + 2)}, op{by: device(0)})
			requireMark(t, h, device(0))
			requireMark(t, h, device(1))
		}
	})

	s.test(t, "streams count apart", func(t *testing.T, st *fixture) {
		a, b := mustJoin(t, st, "counter:a"), mustJoin(t, st, "counter:b")
		a.grow(t, device(0), 3)
		requireMark(t, b, device(0))
		b.grow(t, device(0), 1)
		requireMark(t, a, device(0))
		requireMark(t, b, device(0))
	})

	s.test(t, "the trail keeps the newest", func(t *testing.T, st *fixture) {
		h := mustJoin(t, st, "counter:a")
		for h.marks[device(0)].Seq < store.TrailMax-3 {
			h.mustCommit(t, op{by: device(0)}, op{by: device(1)}, op{by: device(0)}, op{by: device(0)})
		}
		for range 7 { // across the limit
			h.grow(t, device(0), 1)
			requireMark(t, h, device(0))
		}
		ops := make([]op, 1000)
		for i := range ops {
			ops[i].by = device(0)
		}
		for range 3 {
			h.mustCommit(t, ops...)
			requireMark(t, h, device(0))
			requireMark(t, h, device(1))
		}
	})

	s.test(t, "watermarks outlive the trim, marks do not", func(t *testing.T, st *fixture) {
		h := mustJoin(t, st, "counter:a")
		h.mustCommit(t, op{by: device(0)}, op{by: device(1)})
		h.save(t)
		h.mustCommit(t, op{by: device(0)}, op{by: device(2)})
		h.mustCommit(t, op{by: device(2)}, op{by: device(0)})
		h.save(t)
		h.grow(t, device(0), 1)
		h.save(t)
		for _, r := range h.log[:3] {
			requireTrim(t, h, r.Last(), r.Last()+1)
			for i := range 3 {
				requireMark(t, h, device(i))
			}
		}
		requireRefused(t, h, op{by: device(1), seq: 1})
		h.mustCommit(t, op{by: device(1)})
		requireMark(t, h, device(1))
	})
}

// requireMark fails if Recall is not what the hub knows: the watermark, and the
// marks in the stored log.
func requireMark(t *testing.T, h *hub, w crdt.Writer) {
	t.Helper()
	mark, trail, err := h.st.Recall(t.Context(), h.name, w, 0)
	must(t, err)
	if want := h.marks[w]; mark != want {
		t.Fatalf("watermark of %s is %+v, want %+v", w.Client, mark, want)
	}
	if want := h.trail(w); !slices.Equal(trail, want) {
		t.Fatalf("trail of %s is %d marks up to seq %d, want %d", w.Client, len(trail), mark.Seq, len(want))
	}
}

// trail is what Recall must return.
func (h *hub) trail(w crdt.Writer) []store.Mark {
	var marks []store.Mark
	for _, r := range h.stored() {
		for _, e := range r.Entries {
			if e.Writer == w {
				marks = append(marks, store.Mark{Seq: e.Seq, Hash: e.Hash})
			}
		}
	}
	return marks[max(0, len(marks)-store.TrailMax):]
}
