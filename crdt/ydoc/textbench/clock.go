package main

import (
	"math"
	"runtime"
	"slices"
	"time"
)

// timed runs f and returns the milliseconds that it took. What earlier work
// left behind is collected first, so that f does not pay for it.
func timed(f func()) float64 {
	runtime.GC()
	start := time.Now()
	f()
	return float64(time.Since(start).Nanoseconds()) / 1e6
}

// median of a non-empty list, rounded to a thousandth.
func median(ms []float64) float64 {
	s := slices.Sorted(slices.Values(ms))
	half := len(s) / 2
	if len(s)%2 == 1 {
		return rounded(s[half])
	}
	return rounded((s[half-1] + s[half]) / 2)
}

func rounded(x float64) float64 { return math.Round(x*1000) / 1000 }

// heapBytes is what the heap holds after a forced collection.
func heapBytes() int64 {
	// The second collection frees what finalizers of the first let go.
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// mallocs runs f and returns how many allocations it made.
func mallocs(f func()) float64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs - before.Mallocs)
}
