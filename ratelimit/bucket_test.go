package ratelimit

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

const second = Instant(time.Second)

func TestBucket(t *testing.T) {
	r := Rate{PerSecond: 10, Burst: 100}
	for _, c := range []struct {
		name  string
		costs []float64 // each is taken, at time 0
		at    Instant
		cost  float64
		want  time.Duration
	}{
		{"full", nil, 0, 100, 0},
		{"all of it at once", []float64{100}, 0, 1, 100 * time.Millisecond},
		{"refilled in part", []float64{100}, 5 * second, 50, 0},
		{"and not more", []float64{100}, 5 * second, 51, 100 * time.Millisecond},
		{"never above the burst", nil, 3600 * second, 100, 0},
		{"above the burst, full", nil, 0, 1000, 0},
		{"above the burst, not full", []float64{1}, 0, 1000, 100 * time.Millisecond},
		{"in debt", []float64{1000}, 0, 1, 90*time.Second + 100*time.Millisecond},
		{"above the burst, in debt", []float64{1000}, 0, 1000, 100 * time.Second},
		{"debt paid", []float64{1000}, 100 * second, 100, 0},
		{"no cost", []float64{100}, 0, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b Bucket
			for _, cost := range c.costs {
				if w := b.Wait(0, r, cost); w != 0 {
					t.Fatalf("%v does not pass for %v", cost, w)
				}
				b.Take(0, r, cost)
			}
			got := b.Wait(c.at, r, c.cost)
			if got != c.want {
				t.Fatalf("%v waits %v, want %v", c.cost, got, c.want)
			}
			if w := b.Wait(c.at+Instant(got), r, c.cost); w != 0 {
				t.Errorf("after its wait it still waits %v", w)
			}
		})
	}
}

func TestNoRateLimitsNothing(t *testing.T) {
	var b Bucket
	b.Take(0, Rate{}, 1e12)
	if w := b.Wait(0, Rate{}, 1e12); w != 0 {
		t.Errorf("waits %v", w)
	}
}

// The clock goes back an hour and forth again: nothing is refilled by that.
func TestClockGoesBack(t *testing.T) {
	r := Rate{PerSecond: 10, Burst: 100}
	const noon = 3600 * second
	var b Bucket
	b.Take(noon, r, 100)
	for _, now := range []Instant{0, noon, 0, noon} {
		if b.Wait(now, r, 1) == 0 {
			t.Fatalf("at %v a token is there", now)
		}
	}
	if w := b.Wait(noon+second, r, 10); w != 0 {
		t.Errorf("a second later 10 tokens wait %v", w)
	}
}

// Whatever is asked for when, no more passes than the burst, the rate, and one
// cost above the burst allow.
func TestBucketBound(t *testing.T) {
	for seed := range uint64(200) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 2))
			r := Rate{PerSecond: 1 + 100*rnd.Float64(), Burst: 1 + 100*rnd.Float64()}
			var b Bucket
			var now, latest Instant
			passed, largest := 0.0, 0.0
			for range 2000 {
				now = max(0, now+Instant(rnd.Int64N(int64(second)))-second/3)
				latest = max(latest, now)
				cost := rnd.Float64() * r.Burst * 3
				if b.Wait(now, r, cost) > 0 {
					continue
				}
				b.Take(now, r, cost)
				passed += cost
				largest = max(largest, cost-r.Burst)
				bound := r.Burst + r.PerSecond*time.Duration(latest).Seconds() + largest
				if passed > bound*(1+1e-9)+1e-6 {
					t.Fatalf("after %v %.3f passed, and %.3f may", time.Duration(latest), passed, bound)
				}
			}
		})
	}
}

func FuzzBucket(f *testing.F) {
	f.Add(1.0, 1.0, int64(0), 1.0, int64(-5), 2.0)
	f.Add(500.0, 10000.0, int64(1e18), 1e9, int64(1e9), 0.5)
	f.Fuzz(func(t *testing.T, rate, burst float64, at int64, cost float64, later int64, more float64) {
		if !(rate > 1e-3 && rate < 1e9 && burst > 0 && burst < 1e12 && cost >= 0 && cost < 1e12 && more >= 0 && more < 1e12) || at < 0 || later < 0 {
			return
		}
		r := Rate{rate, burst}
		var b Bucket
		if b.Wait(Instant(at), r, cost) != 0 {
			t.Fatal("a full bucket refuses")
		}
		b.Take(Instant(at), r, cost)
		w := b.Wait(Instant(later), r, more)
		if w < 0 {
			t.Fatalf("waits %v", w)
		}
		if before := b.Wait(Instant(min(at, later)), r, more); before < w {
			t.Fatalf("earlier it waits %v, later %v", before, w)
		}
	})
}
