package node_test

import "testing"

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
