//go:build !race

// The race detector's pools drop a part of what they are given, at random.

package flowsync

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"testing"
	"time"

	"github.com/wavesiddhartha/flowsync/wire"
)

// What one push of one op may allocate. What is made is what the store keeps of it
// (its record, entry, bytes and writer's mark), the event that carries it, and the
// messages about it with their hashes and cursors; one is the test's, for the message.
// None of it grows with the number of subscribers.
const (
	perPush   = 12 // read, decoded, authorised, committed to memory and acked
	perFanOut = 17 // and sent to subscribers, however many
)

// TestHotPathAllocations: a push costs few allocations and no goroutine, and no more
// for many subscribers than for one.
func TestHotPathAllocations(t *testing.T) {
	for _, row := range []struct {
		subscribers int
		most        float64
	}{{0, perPush}, {1, perFanOut}, {8, perFanOut}} {
		t.Run(fmt.Sprintf("subscribers=%d", row.subscribers), func(t *testing.T) {
			hs := serveHub(t, Options{Auth: Anonymous})
			hs.Hub.log = slog.New(slog.DiscardHandler) // of each op it keeps a line otherwise
			hs.Stream("counter:*", Counter)
			hs.join("tab", wire.Open{Stream: "counter:a", Mode: wire.Write, As: wire.AsState})
			author := hs.sessions.all()[0]
			for i := range row.subscribers {
				hs.join(fmt.Sprintf("reader-%d", i), r("counter:a"))
			}
			var seq uint64
			push := func() {
				seq++
				author.message(fmt.Appendf(nil, `{"ops":[{"amount":1,"op":"increment"}],"seq":%d,"stream":"counter:a","t":"push"}`, seq))
				author.Waits(0)
			}
			push()
			before := runtime.NumGoroutine()
			n := testing.AllocsPerRun(300, push)
			if n > row.most {
				t.Errorf("a push takes %v allocations, want at most %v", n, row.most)
			}
			if now := runtime.NumGoroutine(); now > before {
				t.Errorf("%d goroutines run after the pushes, %d before", now, before)
			}
			t.Logf("a push takes %v allocations", n)
		})
	}
}

// What a stream that nobody uses may take, in bytes: a counter of one op, with what
// the memory store has of it. Once it is unloaded, that is all.
const (
	perLoaded   = 3800
	perUnloaded = 1100
)

func TestIdleStreamsAreSmall(t *testing.T) {
	const streams = 5000
	hs := serveHub(t, Options{Auth: Anonymous})
	hs.Hub.log = slog.New(slog.DiscardHandler)
	hs.Stream("counter:*", Counter)
	before := heap()
	for i := range streams {
		if err := hs.Push(context.Background(), fmt.Sprintf("counter:%d", i), map[string]any{"op": "increment", "amount": 1}); err != nil {
			t.Fatal(err)
		}
	}
	loaded := (heap() - before) / streams
	hs.streams.sweep(time.Now().Add(time.Hour))
	unloaded := (heap() - before) / streams
	if loaded > perLoaded || unloaded > perUnloaded {
		t.Errorf("a stream takes %d bytes, and %d when it is unloaded, want at most %d and %d", loaded, unloaded, perLoaded, perUnloaded)
	}
	t.Logf("a stream takes %d bytes, and %d when it is unloaded", loaded, unloaded)
}

// heap is how many bytes are in use, when what is not was collected. Pools give up
// what they hold in two rounds.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
