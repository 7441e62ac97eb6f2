package store_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"testing"

	"github.com/wavesiddhartha/flowsync/store"
	"github.com/wavesiddhartha/flowsync/store/storetest"
)

func TestMemory(t *testing.T) {
	storetest.Run(t, func(*testing.T) store.Store { return store.NewMemory() })
}

// A simulation that runs again from its seed meets the same streams.
func TestMemoryFromSeed(t *testing.T) {
	run := func(seed uint64) []any {
		chacha := rand.NewChaCha8([32]byte{byte(seed)})
		st := store.NewMemoryFrom(func(b []byte) { _, _ = chacha.Read(b) })
		defer st.Close()
		var seen []any
		for _, name := range []string{"counter:a", "counter:b"} {
			s, err := st.Load(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			head, err := st.Rotate(t.Context(), name, s.Head.Epoch)
			if err != nil {
				t.Fatal(err)
			}
			seen = append(seen, *s, head)
		}
		return seen
	}
	if a, b := run(1), run(1); !reflect.DeepEqual(a, b) {
		t.Errorf("the same seed made\n%v\nand\n%v", a, b)
	}
	if a, b := run(1), run(2); reflect.DeepEqual(a, b) {
		t.Error("another seed made the same")
	}
}

// done may call the store again: a hub appends the next from there.
func TestMemoryAppendFromDone(t *testing.T) {
	st := store.NewMemory()
	s, err := st.Load(t.Context(), "counter:visits")
	if err != nil {
		t.Fatal(err)
	}
	at, answered := s.Head, 0
	var next func([]store.Result)
	next = func(results []store.Result) {
		if r := results[0]; r.Lost || r.Err != nil || r.Fenced != nil {
			t.Fatalf("append %d: %+v", answered, r)
		}
		if answered++; answered == 100 {
			return
		}
		st.Append([]store.Batch{follow(&at, answered)}, next)
	}
	st.Append([]store.Batch{follow(&at, answered)}, next)
	if err := st.Close(); err != nil || answered != 100 {
		t.Errorf("%d appends were answered, want 100; Close: %v", answered, err)
	}
}

// BenchmarkMemoryAppend commits records of one op, one a stream and call; making
// the record is part of what it measures.
func BenchmarkMemoryAppend(b *testing.B) {
	for _, batches := range []int{1, 64} {
		b.Run(fmt.Sprintf("batches=%d", batches), func(b *testing.B) {
			st := store.NewMemory()
			heads := make([]store.Position, batches)
			names := make([]string, batches)
			for i := range heads {
				names[i] = fmt.Sprintf("counter:%d", i)
				s, err := st.Load(b.Context(), names[i])
				if err != nil {
					b.Fatal(err)
				}
				heads[i] = s.Head
			}
			committed := 0
			done := func(results []store.Result) {
				for i := range results {
					if !results[i].Lost && results[i].Err == nil {
						committed++
					}
				}
			}
			call := make([]store.Batch, batches)
			calls := 0
			b.ReportAllocs()
			for b.Loop() {
				for i := range call {
					call[i] = follow(&heads[i], calls)
					call[i].Stream = names[i]
				}
				st.Append(call, done)
				calls++
			}
			if committed != calls*batches {
				b.Fatalf("%d of %d batches were committed", committed, calls*batches)
			}
			b.ReportMetric(float64(committed)/b.Elapsed().Seconds(), "commits/s")
		})
	}
}

// BenchmarkMemoryStreams measures what a stream of one op costs in memory.
func BenchmarkMemoryStreams(b *testing.B) {
	const streams = 100_000
	for b.Loop() {
		before := heap()
		st := store.NewMemory()
		for i := range streams {
			name := fmt.Sprintf("counter:%d", i)
			s, err := st.Load(b.Context(), name)
			if err != nil {
				b.Fatal(err)
			}
			batch := follow(&s.Head, 0)
			batch.Stream = name
			st.Append([]store.Batch{batch}, func([]store.Result) {})
		}
		b.ReportMetric(float64(heap()-before)/streams, "B/stream")
		if err := st.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// follow makes the next batch of one writer and moves at behind it.
func follow(at *store.Position, committed int) store.Batch {
	b := batch(*at, "north")
	b.Record.Entries[0].Seq = uint64(committed) + 1
	b.Record.Chain[0]++ // any chain: a store takes hashes as they are
	*at = store.Position{Epoch: at.Epoch, Offset: b.Record.Last(), Chain: b.Record.Chain}
	return b
}
