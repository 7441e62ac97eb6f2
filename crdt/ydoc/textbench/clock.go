package main

import (
	"math"
	"runtime"
	"slices"
	"time"
)

// cost is what work took, in milliseconds.
type cost struct {
	cpu  float64 // user and system time of all threads, the collector's included
	wall float64
}

// timed runs f.
func timed(f func() error) (cost, error) {
	cpu, start := cpuTime(), time.Now()
	err := f()
	wall := time.Since(start)
	return cost{ms(cpuTime() - cpu), ms(wall)}, err
}

func ms(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }

// How a process samples; oracle/measure.mjs does the same.
const (
	sampleMin = 100 * time.Millisecond // a sample repeats until then, and is the mean
	samples   = 3                      // or fewer, if
	enough    = 3 * time.Second        // have passed since the first began
)

// sampled repeats f. What comes before warm has passed, and at least one
// repetition, is not sampled: compilers warm up, and memory grows. A warm of 0
// samples at once.
func sampled(warm time.Duration, f func() error) (costs []cost, err error) {
	for start, n := time.Now(), 0; warm > 0 && (n == 0 || time.Since(start) < warm); n++ {
		if err := f(); err != nil {
			return nil, err
		}
	}
	for start := time.Now(); len(costs) == 0 || len(costs) < samples && time.Since(start) < enough; {
		n := 0
		c, err := timed(func() error {
			for start := time.Now(); n == 0 || time.Since(start) < sampleMin; n++ {
				if err := f(); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		costs = append(costs, cost{c.cpu / float64(n), c.wall / float64(n)})
	}
	return costs, nil
}

// median of a non-empty list.
func median(ms []float64) float64 {
	s := slices.Sorted(slices.Values(ms))
	half := len(s) / 2
	if len(s)%2 == 1 {
		return s[half]
	}
	return (s[half-1] + s[half]) / 2
}

func rounded(x float64) float64 { return math.Round(x*1e6) / 1e6 }

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
func mallocs(f func() error) (float64, error) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	err := f()
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs - before.Mallocs), err
}
