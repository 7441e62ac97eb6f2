package sqlite

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wavesiddhartha/flowsync/internal/sqlitefile"
	"github.com/wavesiddhartha/flowsync/store"
)

// BenchmarkAcks measures acknowledged ops a second from 64 goroutines that each
// wait for their ack, against a bare file that gets the same rows, with the same
// group commit and an fsync each. They take turns, because disks have moods.
func BenchmarkAcks(b *testing.B) {
	for _, streams := range []int{1, 64} {
		b.Run(fmt.Sprintf("streams=%d", streams), func(b *testing.B) {
			st := mustOpen(b, filepath.Join(b.TempDir(), "flowsync.db"))
			defer st.Close()
			file := newBareFile(b)
			defer file.close()
			push := pushers(b, st, streams)
			pushBare := pushers(b, st, streams)
			var ours, bare []float64
			for b.Loop() {
				ours = append(ours, acksPerSecond(st, push))
				bare = append(bare, acksPerSecond(file, pushBare))
			}
			b.ReportMetric(median(ours), "acks/s")
			b.ReportMetric(median(bare), "bare/s")
			b.ReportMetric(100*median(ours)/median(bare), "%")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// sink is what both take.
type sink interface {
	Append([]store.Batch, func([]store.Result))
}

const goroutines = 64

// pushers returns the authors of the streams.
func pushers(b *testing.B, st store.Store, streams int) []*author {
	authors := make([]*author, streams)
	for i := range authors {
		authors[i] = mustAuthor(b, st, fmt.Sprintf("counter:%d", i))
	}
	return authors
}

// acksPerSecond runs for a while. On one stream, what waits makes one record, as
// in the hub.
func acksPerSecond(to sink, authors []*author) float64 {
	const while = 400 * time.Millisecond
	var acked atomic.Int64
	var all sync.WaitGroup
	start := time.Now()
	end := start.Add(while)
	ops := make([]chan chan struct{}, len(authors))
	for i, a := range authors {
		ops[i] = make(chan chan struct{}, goroutines)
		all.Go(func() { sequence(to, a, ops[i]) })
	}
	var clients sync.WaitGroup
	for i := range goroutines {
		clients.Go(func() {
			ack := make(chan struct{}, 1)
			for time.Now().Before(end) {
				ops[i%len(ops)] <- ack
				<-ack
				acked.Add(1)
			}
		})
	}
	clients.Wait()
	for _, c := range ops {
		close(c)
	}
	all.Wait()
	return float64(acked.Load()) / time.Since(start).Seconds()
}

// sequence makes records of the ops that wait, one append at a time.
func sequence(to sink, a *author, ops chan chan struct{}) {
	done := make(chan struct{})
	for first := range ops {
		waiting := []chan struct{}{first}
		by := []int{0}
		for range len(ops) {
			waiting = append(waiting, <-ops)
			by = append(by, len(by))
		}
		batch := a.batch(by...)
		to.Append([]store.Batch{batch}, func(results []store.Result) {
			if r := results[0]; r.Err != nil || r.Lost {
				panic(fmt.Sprintf("%+v", r))
			}
			done <- struct{}{}
		})
		<-done
		a.follow(&batch.Record)
		for _, ack := range waiting {
			ack <- struct{}{}
		}
	}
}

// bareFile appends rows to a file.
type bareFile struct {
	f    *os.File
	done chan struct{} // closed when run has ended

	mu    sync.Mutex
	queue []bareAppend
	wake  chan struct{}
}

type bareAppend struct {
	batches []store.Batch
	done    func([]store.Result)
}

func newBareFile(b *testing.B) *bareFile {
	f, err := os.Create(filepath.Join(b.TempDir(), "bare"))
	if err != nil {
		b.Fatal(err)
	}
	file := &bareFile{f: f, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go file.run()
	return file
}

func (f *bareFile) Append(batches []store.Batch, done func([]store.Result)) {
	f.mu.Lock()
	f.queue = append(f.queue, bareAppend{batches, done})
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

func (f *bareFile) run() {
	defer close(f.done)
	for range f.wake {
		f.mu.Lock()
		group := f.queue
		f.queue = nil
		f.mu.Unlock()
		var buf []byte
		for _, a := range group {
			for i := range a.batches {
				r := row{records: []written{{"0123456789abcdef", a.batches[i].Record}}}
				entries, proof := r.encode()
				buf = append(append(buf, entries...), proof...)
			}
		}
		if _, err := f.f.Write(buf); err != nil {
			panic(err)
		}
		if err := f.f.Sync(); err != nil {
			panic(err)
		}
		for _, a := range group {
			a.done(make([]store.Result, len(a.batches)))
		}
	}
}

func (f *bareFile) close() {
	close(f.wake)
	<-f.done
	_ = f.f.Close()
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

// BenchmarkLoad measures opening a file and loading a stream of a million ops,
// in records of different sizes, without a snapshot.
func BenchmarkLoad(b *testing.B) {
	for _, size := range []int{1, 100} {
		b.Run(fmt.Sprintf("ops per record=%d", size), func(b *testing.B) {
			const ops = 1_000_000
			path := scratch(b)
			st := mustOpen(b, path)
			a := mustAuthor(b, st, "counter:a")
			by := make([]int, size)
			for i := range by {
				by[i] = i % 10
			}
			var waiting sync.WaitGroup
			for range ops / size {
				batch := a.batch(by...)
				a.follow(&batch.Record)
				waiting.Add(1)
				st.Append([]store.Batch{batch}, func([]store.Result) { waiting.Done() })
			}
			waiting.Wait()
			if err := st.Close(); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				st := mustOpen(b, path)
				s, err := st.Load(b.Context(), "counter:a")
				if err != nil || s.Head.Offset != ops {
					b.Fatalf("%v, head %d", err, s.Head.Offset)
				}
				start := time.Now()
				if _, marks, err := st.Recall(b.Context(), "counter:a", device(3), 0); err != nil || size > 1 && len(marks) == 0 {
					b.Fatal(err, len(marks))
				}
				b.ReportMetric(float64(time.Since(start).Microseconds())/1000, "ms/recall")
				if err := st.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(sqlitefile.Size(path))/ops, "B/stored-op")
		})
	}
}

// BenchmarkMemory measures what a store keeps in memory after appends to many
// streams by many writers.
func BenchmarkMemory(b *testing.B) {
	const streams, rounds = 12_000, 2
	for b.Loop() {
		runtime.GC()
		before := heap()
		st := mustOpen(b, scratch(b))
		var after []float64
		for range rounds {
			for i := range streams {
				a := mustAuthor(b, st, fmt.Sprintf("counter:%d", i))
				var waiting sync.WaitGroup
				waiting.Add(1)
				st.Append([]store.Batch{a.batch(i % 10)}, func([]store.Result) { waiting.Done() })
				waiting.Wait()
			}
			runtime.GC()
			after = append(after, float64(heap()-before)/(1<<20))
		}
		for i, mib := range after {
			b.ReportMetric(mib, fmt.Sprintf("MiB-round-%d", i+1))
		}
		if err := st.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
