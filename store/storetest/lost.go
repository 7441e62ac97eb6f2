package storetest

import (
	"errors"
	"testing"

	"github.com/wavesiddhartha/flowsync/store"
)

func (s suite) testLost(t *testing.T) {
	s.test(t, "the answer holds what was missed", func(t *testing.T, st *fixture) {
		a := mustJoin(t, st, "counter:a")
		b := mustJoin(t, st, "counter:a")
		a.mustCommit(t, op{by: device(0)}, op{by: device(1)})
		a.grow(t, device(0), 3)

		r, err := b.try(op{by: device(2)})
		must(t, err)
		if !r.Lost || r.Head != a.at {
			t.Fatalf("got %+v, want Lost at %v", r, place(a.at))
		}
		must(t, same(r.Missed, a.log))
		must(t, b.follow(r.Missed...))
		b.mustCommit(t, op{by: device(2)})
		requireLog(t, b)
	})

	s.test(t, "nothing of a lost batch is kept", func(t *testing.T, st *fixture) {
		h := mustJoin(t, st, "counter:a")
		stale := h.batch(op{by: device(0)}, op{by: device(1), seq: 50})
		h.grow(t, device(0), 2)
		r, err := st.append(stale)
		must(t, err)
		if !r.Lost {
			t.Fatalf("got %+v, want Lost", r)
		}
		requireLog(t, h)
		mark, trail, err := st.Recall(t.Context(), h.name, device(1), 0)
		must(t, err)
		if mark != (store.Watermark{}) || len(trail) != 0 {
			t.Errorf("its watermark rose to %+v", mark)
		}
	})

	s.test(t, "a batch that is sent again is not committed again", func(t *testing.T, st *fixture) {
		h := mustJoin(t, st, "counter:a")
		b := h.batch(op{by: device(0)})
		requireCommitted(t, st.start(b))
		must(t, h.follow(b.Record))
		r, err := st.append(b)
		must(t, err)
		if !r.Lost {
			t.Fatalf("got %+v, want Lost", r)
		}
		must(t, same(r.Missed, h.log))
		requireLog(t, h)
	})

	s.test(t, "the first of a chain of batches takes the others with it", func(t *testing.T, st *fixture) {
		a := mustJoin(t, st, "counter:a")
		b := mustJoin(t, st, "counter:a")
		a.grow(t, device(0), 1)
		var batches []store.Batch
		for range 3 {
			next := b.batch(op{by: device(1)})
			batches = append(batches, next)
			must(t, b.follow(next.Record))
		}
		results, err := st.start(batches...).wait()
		must(t, err)
		for i, r := range results {
			if !r.Lost || r.Head != a.at {
				t.Errorf("batch %d: %+v, want Lost", i, r)
			}
		}
		requireLog(t, a)
	})

	for _, c := range []struct {
		name   string
		change func(*store.Position)
	}{
		{"another epoch", func(p *store.Position) { p.Epoch = "0123456789abcdef" }},
		{"another chain", func(p *store.Position) { p.Chain[31] ^= 1 }},
		{"ahead of the log", func(p *store.Position) { p.Offset += 2 }},
		{"far ahead of the log", func(p *store.Position) { p.Offset = 1<<53 - 1 }},
	} {
		s.test(t, "After is elsewhere: "+c.name, func(t *testing.T, st *fixture) {
			h := mustJoin(t, st, "counter:a")
			h.grow(t, device(0), 3)
			at := h.at
			c.change(&h.at)
			r, err := st.append(h.batch(op{by: device(0)}))
			must(t, err)
			h.at = at
			if !r.Lost || len(r.Missed) != 0 || r.Head != at {
				t.Errorf("got %+v, want Lost at %v with nothing missed", r, place(at))
			}
			requireLog(t, h)
		})
	}

	s.test(t, "an After inside a record gets the record", func(t *testing.T, st *fixture) {
		h := mustJoin(t, st, "counter:a")
		h.mustCommit(t, op{by: device(0)}, op{by: device(0)}, op{by: device(0)})
		b := h.batch(op{by: device(1)})
		b.After.Offset, b.Record.Entries[0].Offset = 2, 3
		r, err := st.append(b)
		must(t, err)
		if !r.Lost {
			t.Fatalf("got %+v, want Lost", r)
		}
		must(t, same(r.Missed, h.log))
		requireLog(t, h)
	})

	s.test(t, "what was missed is bounded and read on", func(t *testing.T, st *fixture) {
		a := mustJoin(t, st, "counter:a")
		b := mustJoin(t, st, "counter:a")
		ops := make([]op, 100)
		for i := range ops {
			ops[i].by = device(0)
		}
		for range 3 * store.MissedMax / len(ops) {
			a.mustCommit(t, ops...)
		}
		r, err := b.try(op{by: device(1)})
		must(t, err)
		n := len(r.Missed) * len(ops)
		if !r.Lost || r.Head != a.at || n == 0 || n >= store.MissedMax+len(ops) {
			t.Fatalf("lost is %v, head %v, %d entries were missed; want about %d", r.Lost, place(r.Head), n, store.MissedMax)
		}
		must(t, b.follow(r.Missed...))
		must(t, b.catchUp(t.Context()))
		b.mustCommit(t, op{by: device(1)})
		requireLog(t, b)
	})

	s.test(t, "what was trimmed is not missed but loaded", func(t *testing.T, st *fixture) {
		h := mustJoin(t, st, "counter:a")
		stale := h.batch(op{by: device(1)})
		for range 2 {
			h.grow(t, device(0), 3)
			h.save(t)
		}
		_, err := st.Trim(t.Context(), h.name, h.at.Offset, 100)
		must(t, err)
		if _, err := st.Read(t.Context(), h.name, 0, 10); !errors.Is(err, store.ErrTrimmed) {
			t.Fatalf("the log was not trimmed: %v", err)
		}
		r, err := st.append(stale)
		must(t, err)
		if !r.Lost || len(r.Missed) != 0 || r.Head != h.at {
			t.Errorf("got %+v, want Lost at %v with nothing missed", r, place(h.at))
		}
	})
}
