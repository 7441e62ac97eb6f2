// Package ratelimit bounds how much work arrives: token buckets for a hub as a
// whole, for each subject and for each stream, in ops and in bytes.
//
// # Invariants
//
//   - Over any time t no bucket lets through more than its burst plus rate times
//     t, plus one cost that was above the burst.
//   - A cost above a bucket's burst passes when the bucket is full, and leaves it
//     in debt: what is large is slow, never impossible.
//   - What is refused costs nothing, in no bucket. An Intake refuses nothing; it
//     says how long what came takes to pay for.
//   - A clock that goes back refills nothing, then or later.
//   - A table holds a bounded number of keys, and forgetting one never refills it.
//
// Time is an argument. The package reads no clock and starts no goroutine; what
// it exports beside Bucket is safe for concurrent use.
package ratelimit

import (
	"math"
	"time"
)

// Instant is a time in nanoseconds on the caller's monotonic clock.
type Instant int64

// Rate is how a bucket fills. Burst 0: there is no limit.
type Rate struct {
	PerSecond float64
	Burst     float64
}

// limited reports whether the rate limits anything.
func (r Rate) limited() bool { return r.Burst > 0 }

// Bucket is what is left under a rate. The zero Bucket is full.
//
// golang.org/x/time/rate was the alternative: it refuses a cost above the burst
// for ever, refills when the clock goes back and forth again, and takes five
// times the memory per key.
type Bucket struct {
	spent float64 // at last; above the burst it is a debt
	last  Instant
}

// settle takes into account what came in since the last time. A time before that
// counts as no time, and does not become the last one.
func (b *Bucket) settle(now Instant, r Rate) {
	if now <= b.last {
		return
	}
	gained := float64(now-b.last) / float64(time.Second) * r.PerSecond
	b.spent, b.last = max(0, b.spent-gained), now
}

// Wait is how long it takes until cost passes, if nothing else does: 0 if it
// passes now.
func (b *Bucket) Wait(now Instant, r Rate, cost float64) time.Duration {
	if !r.limited() {
		return 0
	}
	b.settle(now, r)
	over := b.spent - max(0, r.Burst-cost)
	if over <= 0 {
		return 0
	}
	const longest = float64(math.MaxInt64 / 2)
	return time.Duration(min(longest, math.Ceil(over/r.PerSecond*float64(time.Second))))
}

// Take spends cost, which Wait let pass.
func (b *Bucket) Take(now Instant, r Rate, cost float64) {
	if r.limited() {
		b.settle(now, r)
		b.spent += cost
	}
}

// full reports whether forgetting the bucket would change nothing.
func (b *Bucket) full(now Instant, r Rate) bool {
	b.settle(now, r)
	return b.spent == 0 || !r.limited()
}
