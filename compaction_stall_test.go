package flowsync

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wavesiddhartha/flowsync/store"
	"github.com/wavesiddhartha/flowsync/store/sqlite"
)

// span is a stretch of time.
type span struct{ from, to time.Time }

// watched is a store that notes when snapshots are stored and logs trimmed.
type watched struct {
	store.Store

	mu    sync.Mutex // guards what follows
	saves int
	busy  []span
}

func (w *watched) note(from time.Time, save bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy = append(w.busy, span{from, time.Now()})
	if save {
		w.saves++
	}
}

func (w *watched) Save(ctx context.Context, stream string, s store.Snapshot) error {
	defer w.note(time.Now(), true)
	return w.Store.Save(ctx, stream, s)
}

func (w *watched) Trim(ctx context.Context, stream string, offset uint64, max int) (bool, error) {
	defer w.note(time.Now(), false)
	return w.Store.Trim(ctx, stream, offset, max)
}

// stall is what compaction does to the commits of others and of its own stream.
type stall struct {
	compactions      int
	quiet, compacted time.Duration // commit latency outside of compaction and within, at most, of 99 in 100
	longest          time.Duration // median over the compactions of the longest commit in each
}

// measureStall has 64 goroutines commit, half of them on a stream whose state is
// of the given size and is compacted again and again, half of them on others.
func measureStall(tb testing.TB, size int, while time.Duration) stall {
	file, err := sqlite.Open(filepath.Join(tb.TempDir(), "flowsync.db"))
	if err != nil {
		tb.Fatal(err)
	}
	st := &watched{Store: file}
	hub, err := New(Options{
		Auth: Anonymous, Store: st, Logger: slog.New(slog.DiscardHandler), Limits: Limits{CompactOps: 4000, CompactBytes: 64 << 20},
	})
	if err != nil {
		tb.Fatal(err)
	}
	ctx := context.Background()
	defer hub.Shutdown(ctx)
	hub.Stream("map:large", Map)
	hub.Stream("counter:*", Counter)
	filler := strings.Repeat("x", 16<<10)
	for i := range size / len(filler) {
		if err := hub.Push(ctx, "map:large", map[string]any{"op": "set", "key": fmt.Sprint("filler", i), "value": filler}); err != nil {
			tb.Fatal(err)
		}
	}
	const writers = 64
	commits := make([][]span, writers)
	end := time.Now().Add(while)
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			for n := 0; time.Now().Before(end); n++ {
				stream, op := fmt.Sprint("counter:", i), map[string]any{"op": "increment"}
				if i%2 == 0 {
					stream, op = "map:large", map[string]any{"op": "set", "key": fmt.Sprint("k", i), "value": n}
				}
				from := time.Now()
				if err := hub.Push(ctx, stream, op); err != nil {
					tb.Error(err)
					return
				}
				commits[i] = append(commits[i], span{from, time.Now()})
			}
		})
	}
	all.Wait()
	st.mu.Lock()
	defer st.mu.Unlock()
	return judge(slices.Concat(commits...), st.busy, st.saves)
}

// judge sorts commits by whether they overlap a compaction.
func judge(commits, busy []span, saves int) stall {
	longest := make([]time.Duration, len(busy))
	var within, without []time.Duration
	for _, c := range commits {
		took, hit := c.to.Sub(c.from), false
		for i, b := range busy {
			// It begins a little early: the state is encoded before it is stored.
			if c.to.After(b.from.Add(-50*time.Millisecond)) && c.from.Before(b.to) {
				hit, longest[i] = true, max(longest[i], took)
			}
		}
		if hit {
			within = append(within, took)
		} else {
			without = append(without, took)
		}
	}
	slices.Sort(longest)
	return stall{compactions: saves, quiet: of100(without, 99), compacted: of100(within, 99), longest: of100(longest, 50)}
}

func of100(d []time.Duration, n int) time.Duration {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return d[(len(d)-1)*n/100]
}

// BenchmarkCompactionStall prints commit latencies within and outside of compaction.
func BenchmarkCompactionStall(b *testing.B) {
	for _, mib := range []int{0, 1, 4, 7} {
		b.Run(fmt.Sprintf("MiB=%d", mib), func(b *testing.B) {
			for b.Loop() {
				s := measureStall(b, mib<<20, 5*time.Second)
				ms := func(d time.Duration, unit string) { b.ReportMetric(float64(d.Microseconds())/1000, unit) }
				ms(s.quiet, "ms-p99-quiet")
				ms(s.compacted, "ms-p99-compacting")
				ms(s.longest, "ms-longest")
				b.ReportMetric(float64(s.compactions), "compactions")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}
