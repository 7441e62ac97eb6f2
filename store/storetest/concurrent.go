package storetest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/store"
)

func (s suite) testConcurrent(t *testing.T) {
	s.test(t, "hubs on one stream: no loss, no doubling, no hole", func(t *testing.T, st *fixture) {
		const hubs, records = 6, 40
		mustJoin(t, st, "counter:a")
		var lost atomic.Int64
		parallel(t, hubs, func(i int) error {
			h, err := join(t.Context(), st, "counter:a")
			for n := 0; err == nil && n < records; n++ {
				var again int
				again, err = h.commit(t.Context(), op{by: device(i)}, op{by: device(i)})
				lost.Add(int64(again))
			}
			return err
		})
		h := mustJoin(t, st, "counter:a") // checks chain and order
		if h.at.Offset != hubs*records*2 || len(h.log) != hubs*records {
			t.Errorf("%d entries in %d records, want %d in %d", h.at.Offset, len(h.log), hubs*records*2, hubs*records)
		}
		for i := range hubs {
			if got := h.marks[device(i)].Seq; got != records*2 {
				t.Errorf("writer %d is at seq %d, want %d", i, got, records*2)
			}
			requireMark(t, h, device(i))
		}
		t.Logf("%d appends were lost and tried again", lost.Load())
	})

	s.test(t, "hubs on many streams in many batches", func(t *testing.T, st *fixture) {
		const hubs, streams, rounds = 4, 10, 30
		name := func(i int) string { return fmt.Sprintf("counter:%d", i) }
		for i := range streams {
			mustJoin(t, st, name(i))
		}
		parallel(t, hubs, func(i int) error { return hubOfMany(t, st, device(i), streams, rounds, name) })
		for i := range streams {
			h := mustJoin(t, st, name(i))
			if h.at.Offset != hubs*rounds {
				t.Errorf("stream %d has %d entries, want %d", i, h.at.Offset, hubs*rounds)
			}
			for j := range hubs {
				requireMark(t, h, device(j))
			}
		}
	})

	s.test(t, "what was answered can be read at once", func(t *testing.T, st *fixture) {
		mustJoin(t, st, "counter:a")
		parallel(t, 4, func(i int) error {
			h, err := join(t.Context(), st, "counter:a")
			for n := 0; err == nil && n < 40; n++ {
				if _, err = h.commit(t.Context(), op{by: device(i)}); err == nil {
					err = visible(t, h, device(i))
				}
			}
			return err
		})
	})

	s.test(t, "readers beside appends, snapshots, trims and new epochs", func(t *testing.T, st *fixture) {
		mustJoin(t, st, "counter:a")
		var running atomic.Int32
		running.Store(3)
		parallel(t, 6, func(i int) error {
			if i >= 3 {
				for running.Load() > 0 {
					if err := consistentLoad(t, st, "counter:a"); err != nil {
						return err
					}
				}
				return nil
			}
			defer running.Add(-1)
			return compacting(t, st, "counter:a", i)
		})
		got, err := st.Load(t.Context(), "counter:a")
		must(t, err)
		if got.Head.Offset != 3*60 {
			t.Errorf("the head is at %d, want %d", got.Head.Offset, 3*60)
		}
	})
}

// hubOfMany commits one op a round to each stream, all of a round in one Append,
// what was lost in the next.
func hubOfMany(t *testing.T, st *fixture, by crdt.Writer, streams, rounds int, name func(int) string) error {
	hubs := make([]*hub, streams)
	for i := range hubs {
		var err error
		if hubs[i], err = join(t.Context(), st, name(i)); err != nil {
			return err
		}
	}
	for range rounds {
		for waiting := hubs; len(waiting) > 0; {
			batches := make([]store.Batch, len(waiting))
			for i, h := range waiting {
				batches[i] = h.batch(op{by: by})
			}
			results, err := st.start(batches...).wait()
			if err != nil {
				return err
			}
			var lost []*hub
			for i, r := range results {
				news := []store.Record{batches[i].Record}
				if r.Lost {
					news, lost = r.Missed, append(lost, waiting[i])
				}
				if r.Err != nil || r.Fenced != nil {
					return fmt.Errorf("%s: %+v", waiting[i].name, r)
				}
				if err := waiting[i].follow(news...); err != nil {
					return err
				}
			}
			waiting = lost
		}
	}
	return nil
}

// visible checks that a commit that was answered is in Read, Load and Recall.
func visible(t *testing.T, h *hub, by crdt.Writer) error {
	tail, err := h.st.Read(t.Context(), h.name, h.at.Offset-1, 10)
	if err != nil {
		return err
	}
	if len(tail.Records) == 0 {
		return fmt.Errorf("offset %d was answered and cannot be read", h.at.Offset)
	}
	if err := same(tail.Records[:1], h.log[len(h.log)-1:]); err != nil {
		return fmt.Errorf("offset %d was answered and reads otherwise: %w", h.at.Offset, err)
	}
	mark, trail, err := h.st.Recall(t.Context(), h.name, by, 0)
	if err != nil {
		return err
	}
	if mark != h.marks[by] || len(trail) != int(mark.Seq) {
		return fmt.Errorf("watermark is %+v with %d marks, want %+v", mark, len(trail), h.marks[by])
	}
	got, err := h.st.Load(t.Context(), h.name)
	if err != nil {
		return err
	}
	if got.Head.Offset < h.at.Offset {
		return fmt.Errorf("offset %d was answered and the loaded head is %d", h.at.Offset, got.Head.Offset)
	}
	return nil
}

// consistentLoad checks that what Load returns is of one moment: the tail
// follows the snapshot and ends at the head.
func consistentLoad(t *testing.T, st *fixture, name string) error {
	got, err := st.Load(t.Context(), name)
	if err != nil {
		return err
	}
	at := got.Head
	if got.Snapshot != nil {
		at = got.Snapshot.Position
		if !bytes.Equal(got.Snapshot.State, encode(at)) {
			return fmt.Errorf("the state at %d is not the one saved there", at.Offset)
		}
		if got.First > at.Offset+1 {
			return fmt.Errorf("the log begins at %d, above the snapshot at %d", got.First, at.Offset)
		}
	} else if len(got.Tail) > 0 {
		at.Offset, at.Chain = 0, got.Tail[0].Prev
	}
	for i := range got.Tail {
		if at, err = advance(at, &got.Tail[i]); err != nil {
			return err
		}
	}
	if at.Offset != got.Head.Offset || at.Chain != got.Head.Chain {
		return fmt.Errorf("the tail ends at %v, the head is %v", place(at), place(got.Head))
	}
	return nil
}

// compacting is a hub that commits 60 records and in between saves, trims, and
// moves the stream to a new epoch. It loads again when it fell behind the log.
func compacting(t *testing.T, st *fixture, name string, i int) error {
	ctx := t.Context()
	dice := rand.New(rand.NewPCG(uint64(i), 0))
	by, seq := device(i), uint64(0)
	for seq < 60 {
		got, err := st.Load(ctx, name)
		if err != nil {
			return err
		}
		h := &hub{st: st, name: name, at: got.Head, marks: make(map[crdt.Writer]store.Watermark)}
		r, err := st.append(h.batch(op{by: by, seq: seq + 1}))
		if err != nil {
			return err
		}
		if r.Err != nil || r.Fenced != nil {
			return fmt.Errorf("seq %d: %+v", seq+1, r)
		}
		if r.Lost {
			continue
		}
		seq++
		switch dice.IntN(4) {
		case 0:
			err = st.Save(ctx, name, snapshot(h.at))
		case 1:
			_, err = st.Trim(ctx, name, h.at.Offset, 1+dice.IntN(5))
		case 2:
			_, err = st.Rotate(ctx, name, h.at.Epoch)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
