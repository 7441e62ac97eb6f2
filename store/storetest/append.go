package storetest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/store"
)

func (s suite) testAppend(t *testing.T) {
	s.test(t, "everything of a record comes back", func(t *testing.T, st *fixture) {
		h := mustJoin(t, st, "map:a")
		const safe = 1<<53 - 1 // the greatest integer of the protocol
		h.mustCommit(t, op{by: device(0), seq: safe - 1, session: safe})
		h.mustCommit(t,
			op{by: device(0), seq: safe},
			op{by: crdt.Writer{Client: "hub:initial", Inc: "00000000000000ff"}, body: `{"op":"initial","value":"\u0000 é 😀"}`},
			op{by: crdt.Writer{Client: strings.Repeat("c", 128), Inc: "ffffffffffffffff"}, body: `{"op":"set","value":"` + strings.Repeat("v", 1<<20) + `"}`},
		)
		b := h.batch(op{by: device(1)}, op{by: device(2)})
		b.Record.Entries[0].Subject = ""
		b.Record.Entries[1].Subject = "ü:\x00 " + strings.Repeat("s", 250)
		r, err := st.append(b)
		must(t, err)
		if r.Lost || r.Err != nil {
			t.Fatalf("not committed: %+v", r)
		}
		must(t, h.follow(b.Record))

		tail, err := st.Read(t.Context(), h.name, 0, 100)
		must(t, err)
		must(t, same(tail.Records, h.log))
		loaded, err := st.Load(t.Context(), h.name)
		must(t, err)
		must(t, same(loaded.Tail, h.log))
		if loaded.Head != h.at || tail.Head != h.at {
			t.Errorf("heads are %v and %v, want %v", place(loaded.Head), place(tail.Head), place(h.at))
		}
	})

	s.test(t, "a record of 1,000 entries", func(t *testing.T, st *fixture) {
		h := mustJoin(t, st, "counter:a")
		ops := make([]op, 1000)
		for i := range ops {
			ops[i].by = device(i % 20)
		}
		h.mustCommit(t, ops...)
		h.mustCommit(t, ops...)
		tail, err := st.Read(t.Context(), h.name, 0, 5000)
		must(t, err)
		must(t, same(tail.Records, h.log))
	})

	s.test(t, "seqs may have holes", func(t *testing.T, st *fixture) {
		h := mustJoin(t, st, "counter:a")
		h.mustCommit(t, op{by: device(0), seq: 3}, op{by: device(0), seq: 7})
		h.mustCommit(t, op{by: device(0), seq: 20})
	})

	s.test(t, "incarnations count apart", func(t *testing.T, st *fixture) {
		h := mustJoin(t, st, "counter:a")
		h.mustCommit(t, op{by: crdt.Writer{Client: "a", Inc: "0000000000000001"}, seq: 9})
		h.mustCommit(t, op{by: crdt.Writer{Client: "a", Inc: "0000000000000002"}, seq: 1})
		h.mustCommit(t, op{by: crdt.Writer{Client: "a0", Inc: "000000000000001"}, seq: 1})
	})

	s.test(t, "batches of one stream in one call follow each other", func(t *testing.T, st *fixture) {
		h := mustJoin(t, st, "counter:a")
		var batches []store.Batch
		for range 10 {
			b := h.batch(op{by: device(0)}, op{by: device(1)})
			batches = append(batches, b)
			must(t, h.follow(b.Record))
		}
		requireCommitted(t, st.start(batches...))
		requireLog(t, h)
	})

	s.test(t, "calls that do not wait are applied in their order", func(t *testing.T, st *fixture) {
		h := mustJoin(t, st, "counter:a")
		var calls []*call
		for range 200 {
			b := h.batch(op{by: device(0)})
			calls = append(calls, st.start(b))
			must(t, h.follow(b.Record))
		}
		for _, c := range calls {
			requireCommitted(t, c)
		}
		requireLog(t, h)
	})

	s.test(t, "one call, many streams", func(t *testing.T, st *fixture) {
		hubs := make([]*hub, 50)
		var batches []store.Batch
		for i := range hubs {
			hubs[i] = mustJoin(t, st, fmt.Sprintf("counter:%d", i))
			b := hubs[i].batch(op{by: device(i)})
			batches = append(batches, b)
			must(t, hubs[i].follow(b.Record))
		}
		requireCommitted(t, st.start(batches...))
		for _, h := range hubs {
			requireLog(t, h)
		}
	})

	s.test(t, "one stream's failure fails no other's", func(t *testing.T, st *fixture) {
		a, b, c, d := mustJoin(t, st, "counter:a"), mustJoin(t, st, "counter:b"), mustJoin(t, st, "counter:c"), mustJoin(t, st, "counter:d")
		stale := b.batch(op{by: device(1)})
		b.mustCommit(t, op{by: device(0)})
		broken := c.batch(op{by: device(0)})
		broken.Record.Entries[0].Offset = 7
		_, _, err := st.Recall(t.Context(), d.name, device(0), 5)
		must(t, err)
		good, late := a.batch(op{by: device(0)}), d.batch(op{by: device(0), session: 4})
		must(t, a.follow(good.Record))
		next := a.batch(op{by: device(0)})
		must(t, a.follow(next.Record))

		results, err := st.start(stale, good, broken, late, next).wait()
		must(t, err)
		if !results[0].Lost {
			t.Errorf("stale: %+v", results[0])
		}
		if results[2].Err == nil {
			t.Errorf("broken: %+v", results[2])
		}
		if len(results[3].Fenced) != 1 {
			t.Errorf("late: %+v", results[3])
		}
		for _, i := range []int{1, 4} {
			if r := results[i]; r.Lost || r.Fenced != nil || r.Err != nil {
				t.Errorf("batch %d: %+v", i, r)
			}
		}
		for _, h := range []*hub{a, b, c, d} {
			requireLog(t, h)
		}
	})

	s.test(t, "no batches", func(t *testing.T, st *fixture) {
		requireCommitted(t, st.start())
	})
}

func requireCommitted(t *testing.T, c *call) {
	t.Helper()
	results, err := c.wait()
	must(t, err)
	for i, r := range results {
		if r.Lost || r.Fenced != nil || r.Err != nil {
			t.Fatalf("batch %d was not committed: %+v", i, r)
		}
	}
}

// requireLog fails if the stored log is not the one the hub knows.
func requireLog(t *testing.T, h *hub) {
	t.Helper()
	fresh := mustJoin(t, h.st, h.name)
	if fresh.at != h.at {
		t.Fatalf("stream %q is at %v, want %v", h.name, place(fresh.at), place(h.at))
	}
	if err := same(fresh.log, h.log); err != nil {
		t.Fatalf("stream %q: %v", h.name, err)
	}
}
