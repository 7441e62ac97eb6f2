package storetest

import (
	"errors"
	"testing"

	"github.com/wavesiddhartha/flowsync/store"
)

func (s suite) testInvalid(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(h *hub) store.Batch
	}{
		{"no entries", func(h *hub) store.Batch { return h.batch() }},
		{"no epoch", func(h *hub) store.Batch {
			b := h.batch(op{by: device(0)})
			b.After.Epoch = ""
			return b
		}},
		{"the record begins too low", func(h *hub) store.Batch {
			b := h.batch(op{by: device(0)})
			b.Record.Entries[0].Offset--
			return b
		}},
		{"the record begins too high", func(h *hub) store.Batch {
			b := h.batch(op{by: device(0)})
			b.Record.Entries[0].Offset++
			return b
		}},
		{"the record has a hole", func(h *hub) store.Batch {
			b := h.batch(op{by: device(0)}, op{by: device(0)})
			b.Record.Entries[1].Offset++
			return b
		}},
		{"the record repeats an offset", func(h *hub) store.Batch {
			b := h.batch(op{by: device(0)}, op{by: device(0)})
			b.Record.Entries[1].Offset--
			return b
		}},
		{"the record continues another chain", func(h *hub) store.Batch {
			b := h.batch(op{by: device(0)})
			b.Record.Prev[0] ^= 1
			return b
		}},
		{"seq 0", func(h *hub) store.Batch {
			b := h.batch(op{by: device(9)})
			b.Record.Entries[0].Seq = 0
			return b
		}},
		{"the seq of the watermark", func(h *hub) store.Batch { return h.batch(op{by: device(0), seq: 5}) }},
		{"a seq below the watermark", func(h *hub) store.Batch { return h.batch(op{by: device(0), seq: 4}) }},
		{"one of many entries at the watermark", func(h *hub) store.Batch {
			return h.batch(op{by: device(2)}, op{by: device(0), seq: 5}, op{by: device(3)})
		}},
		{"a seq twice in one record", func(h *hub) store.Batch {
			return h.batch(op{by: device(0), seq: 6}, op{by: device(1)}, op{by: device(0), seq: 6})
		}},
		{"seqs fall within a record", func(h *hub) store.Batch {
			return h.batch(op{by: device(8), seq: 7}, op{by: device(8), seq: 6})
		}},
	} {
		s.test(t, c.name, func(t *testing.T, st *fixture) {
			h := mustJoin(t, st, "counter:a")
			h.mustCommit(t, op{by: device(0)}, op{by: device(1)}, op{by: device(0), seq: 5})
			r, err := st.append(c.make(h))
			must(t, err)
			if !errors.Is(r.Err, store.ErrInvalid) {
				t.Errorf("got %+v, want ErrInvalid", r)
			}
			requireLog(t, h)
			requireMark(t, h, device(0))
			h.mustCommit(t, op{by: device(0)}, op{by: device(2)}, op{by: device(8)}) // nothing of it stays in the way
			requireLog(t, h)
		})
	}

	s.test(t, "a lost batch is lost, whatever its seqs", func(t *testing.T, st *fixture) {
		h := mustJoin(t, st, "counter:a")
		stale := h.batch(op{by: device(0), seq: 1})
		h.mustCommit(t, op{by: device(0), seq: 9})
		r, err := st.append(stale)
		must(t, err)
		if !r.Lost {
			t.Errorf("got %+v, want Lost: the hub must see what it missed before it judges", r)
		}
	})
}
