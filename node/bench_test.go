package node_test

import (
	"path/filepath"
	"runtime"
	"testing"

	"github.com/wavesiddhartha/flowsync/node"
)

// BenchmarkPushOffline is the cost of one op that is applied and queued.
func BenchmarkPushOffline(b *testing.B) {
	w := newWorld(b)
	n := w.dial("a")
	n.SetOffline(true)
	c := n.Counter("n")
	ctx := b.Context()
	for i := 0; b.Loop(); i++ {
		if i%90_000 == 89_999 { // before the queue is full
			b.StopTimer()
			n.SetOffline(false)
			must(b, n.Flush(ctx))
			n.SetOffline(true)
			b.StartTimer()
		}
		must(b, c.Add(ctx, 1))
	}
	n.SetOffline(false)
	must(b, n.Flush(ctx))
}

// BenchmarkPushOnline pushes as fast as the hub commits: many ops are in flight.
func BenchmarkPushOnline(b *testing.B) {
	w := newWorld(b)
	n := w.dial("a")
	c := n.Counter("n")
	ctx := b.Context()
	for i := 0; b.Loop(); i++ {
		must(b, c.Add(ctx, 1))
		if i%1000 == 999 {
			must(b, n.Flush(ctx))
		}
	}
	must(b, n.Flush(ctx))
}

// BenchmarkRoundTrip pushes one op and waits for its commit.
func BenchmarkRoundTrip(b *testing.B) {
	w := newWorld(b)
	n := w.dial("a")
	c := n.Counter("n")
	ctx := b.Context()
	must(b, c.Add(ctx, 1), n.Flush(ctx))
	for b.Loop() {
		must(b, c.Add(ctx, 1), n.Flush(ctx))
	}
}

// BenchmarkPushFile is what a queue file takes: from one goroutine that waits for
// each op, from 64 of them, and from one that submits without waiting.
func BenchmarkPushFile(b *testing.B) {
	op := map[string]any{"op": "increment"}
	dial := func(b *testing.B) *node.Node {
		n, err := node.Dial(b.Context(), "ws://127.0.0.1:1", node.Options{
			Client: "a", Queue: filepath.Join(b.TempDir(), "q.db"), QueueOps: -1, QueueBytes: -1, Logger: quiet(),
		})
		must(b, err)
		b.Cleanup(func() { n.Close() })
		n.SetOffline(true)
		return n
	}
	perSecond := func(b *testing.B) { b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s") }
	b.Run("pushers=1", func(b *testing.B) {
		n := dial(b)
		for b.Loop() {
			must(b, n.Push(b.Context(), "n", op))
		}
		perSecond(b)
	})
	b.Run("pushers=64", func(b *testing.B) {
		n := dial(b)
		b.SetParallelism(64 / runtime.GOMAXPROCS(0))
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				must(b, n.Push(b.Context(), "n", op))
			}
		})
		perSecond(b)
	})
	b.Run("submitted", func(b *testing.B) {
		n := dial(b)
		var receipts []*node.Receipt
		for b.Loop() {
			if receipts = append(receipts, n.Submit(b.Context(), "n", op)); len(receipts) == 256 {
				for _, r := range receipts {
					must(b, r.Wait())
				}
				receipts = receipts[:0]
			}
		}
		perSecond(b)
	})
}
