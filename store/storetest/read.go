package storetest

import (
	"errors"
	"math"
	"testing"

	"github.com/wavesiddhartha/flowsync/store"
)

func (s suite) testRead(t *testing.T) {
	// Records of 3 entries: offsets 1–3, 4–6 … 28–30.
	fill := func(t *testing.T, st *fixture) *hub {
		h := mustJoin(t, st, "counter:a")
		for range 10 {
			h.mustCommit(t, op{by: device(0)}, op{by: device(1)}, op{by: device(0)})
		}
		return h
	}

	for _, c := range []struct {
		name     string
		after    uint64
		max      int
		from, to int // indexes of the records expected
	}{
		{"all", 0, 30, 0, 10},
		{"more than there is", 0, math.MaxInt, 0, 10},
		{"one entry is one record", 0, 1, 0, 1},
		{"zero entries is one record", 0, 0, 0, 1},
		{"fewer than zero is one record", 0, -1, 0, 1},
		{"a record's worth", 0, 3, 0, 1},
		{"one entry more is one record more", 0, 4, 0, 2},
		{"after the end of a record", 6, 6, 2, 4},
		{"after the middle of a record", 7, 3, 2, 3},
		{"the last record", 27, 100, 9, 10},
		{"the last entry", 29, 100, 9, 10},
		{"at the head", 30, 100, 10, 10},
		{"beyond the head", 31, 100, 10, 10},
		{"far beyond the head", math.MaxInt64, 100, 10, 10},
	} {
		s.test(t, c.name, func(t *testing.T, st *fixture) {
			h := fill(t, st)
			tail, err := st.Read(t.Context(), h.name, c.after, c.max)
			must(t, err)
			must(t, same(tail.Records, h.log[c.from:c.to]))
			if tail.Head != h.at || tail.First != 1 {
				t.Errorf("head is %v and first %d, want %v and 1", place(tail.Head), tail.First, place(h.at))
			}
		})
	}

	s.test(t, "below the log", func(t *testing.T, st *fixture) {
		h := mustJoin(t, st, "counter:a")
		for range 2 {
			h.mustCommit(t, op{by: device(0)}, op{by: device(1)}, op{by: device(0)})
			h.save(t)
		}
		h.grow(t, device(2), 2)
		_, err := st.Trim(t.Context(), h.name, h.at.Offset, 100)
		must(t, err)
		for after := range uint64(3) {
			if _, err := st.Read(t.Context(), h.name, after, 10); !errors.Is(err, store.ErrTrimmed) {
				t.Errorf("after %d: %v, want ErrTrimmed", after, err)
			}
		}
		for after, from := range map[uint64]int{3: 1, 4: 1, 6: 2, 7: 3, 8: 4} {
			tail, err := st.Read(t.Context(), h.name, after, 10)
			must(t, err)
			if err := same(tail.Records, h.log[from:]); err != nil {
				t.Errorf("after %d: %v", after, err)
			}
			if tail.First != 4 || tail.Head != h.at {
				t.Errorf("after %d: first is %d and head %v, want 4 and %v", after, tail.First, place(tail.Head), place(h.at))
			}
		}
	})
}
