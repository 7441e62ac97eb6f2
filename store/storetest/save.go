package storetest

import (
	"bytes"
	"testing"

	"github.com/wavesiddhartha/flowsync/store"
)

func (s suite) testSave(t *testing.T) {
	s.test(t, "load begins at the newest snapshot", func(t *testing.T, st *fixture) {
		h := mustJoin(t, st, "counter:a")
		for i := range 4 {
			h.mustCommit(t, op{by: device(0)}, op{by: device(i)})
			saved := h.save(t)
			requireLoad(t, h, saved, len(h.log))
			from := len(h.log)
			h.mustCommit(t, op{by: device(1)})
			h.mustCommit(t, op{by: device(0)}, op{by: device(0)})
			requireLoad(t, h, saved, from)
		}
		tail, err := st.Read(t.Context(), h.name, 0, 1000)
		must(t, err)
		must(t, same(tail.Records, h.log)) // saving alone takes nothing from the log
	})

	s.test(t, "a state of 8 MiB", func(t *testing.T, st *fixture) {
		h := mustJoin(t, st, "counter:a")
		h.grow(t, device(0), 1)
		saved := store.Snapshot{Rule: "lww", Position: h.at, State: bytes.Repeat([]byte("flowsync"), 1<<20)}
		must(t, st.Save(t.Context(), h.name, saved))
		requireLoad(t, h, saved, 1)
	})

	s.test(t, "a position below the head", func(t *testing.T, st *fixture) {
		h := mustJoin(t, st, "counter:a")
		h.grow(t, device(0), 3)
		saved := snapshot(h.at)
		h.grow(t, device(0), 3)
		must(t, st.Save(t.Context(), h.name, saved))
		requireLoad(t, h, saved, 3)
	})

	for _, c := range []struct {
		name   string
		change func(*store.Snapshot)
	}{
		{"another epoch", func(s *store.Snapshot) { s.Position.Epoch = "0123456789abcdef" }},
		{"another chain", func(s *store.Snapshot) { s.Position.Chain[0] ^= 1 }},
		{"above the head", func(s *store.Snapshot) { s.Position.Offset++ }},
		{"inside a record", func(s *store.Snapshot) { s.Position.Offset-- }},
		{"offset 0", func(s *store.Snapshot) { s.Position.Offset = 0 }},
	} {
		s.test(t, "ignored: "+c.name, func(t *testing.T, st *fixture) {
			h := mustJoin(t, st, "counter:a")
			h.mustCommit(t, op{by: device(0)}, op{by: device(0)})
			wrong := store.Snapshot{Rule: "crdt-counter", Position: h.at, State: []byte(`"wrong"`)}
			c.change(&wrong)
			must(t, st.Save(t.Context(), h.name, wrong))
			requireLog(t, h) // joins from offset 1: there is no snapshot

			saved := h.save(t)
			h.mustCommit(t, op{by: device(0)}, op{by: device(0)})
			wrong = store.Snapshot{Rule: "crdt-counter", Position: h.at, State: []byte(`"wrong"`)}
			c.change(&wrong)
			must(t, st.Save(t.Context(), h.name, wrong))
			requireLoad(t, h, saved, 1)
		})
	}

	s.test(t, "ignored: not above the newest", func(t *testing.T, st *fixture) {
		h := mustJoin(t, st, "counter:a")
		h.grow(t, device(0), 2)
		below := store.Snapshot{Rule: "crdt-counter", Position: h.at, State: []byte(`"below"`)}
		h.grow(t, device(0), 2)
		saved := h.save(t)
		must(t, st.Save(t.Context(), h.name, below))
		again := saved
		again.State = []byte(`"again"`)
		must(t, st.Save(t.Context(), h.name, again))
		requireLoad(t, h, saved, 4)

		// Neither took the place of the older: there is one snapshot yet.
		more, err := st.Trim(t.Context(), h.name, h.at.Offset, 100)
		must(t, err)
		if tail, err := st.Read(t.Context(), h.name, 0, 1); more || err != nil || tail.First != 1 {
			t.Errorf("the log begins at %d (%v), want 1", tail.First, err)
		}
	})

	s.test(t, "ignored: of the epoch before", func(t *testing.T, st *fixture) {
		h := mustJoin(t, st, "counter:a")
		h.grow(t, device(0), 2)
		first := h.save(t)
		h.grow(t, device(0), 1)
		late := snapshot(h.at)
		var err error
		h.at, err = st.Rotate(t.Context(), h.name, h.at.Epoch)
		must(t, err)
		must(t, st.Save(t.Context(), h.name, late))
		requireLoad(t, h, first, 2)
		requireLoad(t, h, h.save(t), 3)
	})
}

// requireLoad fails unless Load returns that snapshot and h.log from that index.
func requireLoad(t *testing.T, h *hub, want store.Snapshot, from int) {
	t.Helper()
	got, err := h.st.Load(t.Context(), h.name)
	must(t, err)
	if got.Head != h.at || got.Key != h.key {
		t.Fatalf("head is %v, want %v with the same key", place(got.Head), place(h.at))
	}
	requireSnapshot(t, got, want)
	if err := same(got.Tail, h.log[from:]); err != nil {
		t.Fatalf("tail after %d: %v", want.Position.Offset, err)
	}
}

func requireSnapshot(t *testing.T, got *store.Stream, want store.Snapshot) {
	t.Helper()
	s := got.Snapshot
	if s == nil {
		t.Fatalf("there is no snapshot, want the one at %v", place(want.Position))
	}
	if s.Rule != want.Rule || s.Position != want.Position || !bytes.Equal(s.State, want.State) {
		t.Fatalf("the snapshot is of %s at %v with %d bytes, want %s at %v with %d bytes",
			s.Rule, place(s.Position), len(s.State), want.Rule, place(want.Position), len(want.State))
	}
}
