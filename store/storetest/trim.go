package storetest

import (
	"testing"
)

func (s suite) testTrim(t *testing.T) {
	s.test(t, "not before there are two snapshots", func(t *testing.T, st *fixture) {
		h := mustJoin(t, st, "counter:a")
		h.grow(t, device(0), 5)
		requireTrim(t, h, 5, 1)
		h.save(t)
		requireTrim(t, h, 5, 1)
		h.grow(t, device(0), 1)
		h.save(t)
		requireTrim(t, h, 5, 6)
	})

	s.test(t, "never above the older snapshot", func(t *testing.T, st *fixture) {
		h := mustJoin(t, st, "counter:a")
		for range 3 {
			h.grow(t, device(0), 4)
			h.save(t)
		}
		h.grow(t, device(0), 2)
		requireTrim(t, h, h.at.Offset, 9)
		requireTrim(t, h, 1<<53-1, 9)
		if got := loadFirst(t, h); got != 9 {
			t.Errorf("Load says that the log begins at %d, want 9", got)
		}
	})

	s.test(t, "whole records at or below the offset", func(t *testing.T, st *fixture) {
		h := mustJoin(t, st, "counter:a")
		for range 6 {
			h.mustCommit(t, op{by: device(0)}, op{by: device(1)}, op{by: device(0)})
		}
		h.save(t)
		h.grow(t, device(0), 1)
		saved := h.save(t)
		for _, c := range []struct{ offset, first uint64 }{{0, 1}, {2, 1}, {3, 4}, {2, 4}, {8, 7}, {9, 10}, {18, 19}} {
			requireTrim(t, h, c.offset, c.first)
		}
		requireLoad(t, h, saved, len(h.log))
		h.grow(t, device(1), 1)
		requireLoad(t, h, saved, len(h.log)-1)
	})

	s.test(t, "in slices", func(t *testing.T, st *fixture) {
		h := mustJoin(t, st, "counter:a")
		h.grow(t, device(0), 20)
		h.save(t)
		h.grow(t, device(0), 1)
		saved := h.save(t)
		first := uint64(1)
		for range 20 {
			more, err := st.Trim(t.Context(), h.name, 18, 4)
			must(t, err)
			next := loadFirst(t, h)
			if next > first+4 || next > 19 {
				t.Fatalf("a slice of at most 4 moved the begin from %d to %d", first, next)
			}
			if more != (next < 19) {
				t.Fatalf("more is %v when the log begins at %d", more, next)
			}
			if more && next == first {
				t.Fatalf("a slice removed nothing at %d, and more remain", first)
			}
			requireLoad(t, h, saved, len(h.log))
			first = next
			if !more {
				break
			}
		}
		if first != 19 {
			t.Errorf("the log begins at %d, want 19", first)
		}
	})

	s.test(t, "the stream goes on", func(t *testing.T, st *fixture) {
		h := mustJoin(t, st, "counter:a")
		for range 30 {
			h.mustCommit(t, op{by: device(0)}, op{by: device(1)})
			h.save(t)
			requireTrim(t, h, h.at.Offset, h.at.Offset-1)
		}
		requireRefused(t, h, op{by: device(0), seq: 1}) // trimmed long ago, not forgotten
	})
}

// requireTrim trims to the end and fails unless the log begins at first then.
func requireTrim(t *testing.T, h *hub, offset, first uint64) {
	t.Helper()
	for range 1000 {
		more, err := h.st.Trim(t.Context(), h.name, offset, 50)
		must(t, err)
		if more {
			continue
		}
		tail, err := h.st.Read(t.Context(), h.name, h.at.Offset, 1)
		must(t, err)
		if tail.First != first {
			t.Fatalf("trimmed to %d, the log begins at %d, want %d", offset, tail.First, first)
		}
		h.first = first
		requireStored(t, h)
		return
	}
	t.Fatal("trim does not end")
}

// requireStored fails unless the stored log can be read and nothing else.
func requireStored(t *testing.T, h *hub) {
	t.Helper()
	tail, err := h.st.Read(t.Context(), h.name, h.first-1, 1<<20)
	must(t, err)
	if err := same(tail.Records, h.stored()); err != nil {
		t.Fatalf("read from %d: %v", h.first, err)
	}
}

func loadFirst(t *testing.T, h *hub) uint64 {
	t.Helper()
	got, err := h.st.Load(t.Context(), h.name)
	must(t, err)
	return got.First
}
