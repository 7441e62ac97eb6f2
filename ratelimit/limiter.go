package ratelimit

import (
	"sync"
	"time"
)

// Scope says which limit refused.
type Scope string

// Scopes.
const (
	Global  Scope = "global"
	Subject Scope = "subject"
	Stream  Scope = "stream"
	Bytes   Scope = "bytes"
	Writers Scope = "writers"
)

// Rates are the rates of one scope.
type Rates struct {
	Ops     Rate
	Bytes   Rate
	Writers Rate // that are new
}

// Limiter holds the buckets of a hub. It is safe for concurrent use.
type Limiter struct {
	global Rates
	stream Rates

	mu  sync.Mutex // guards all; taken last
	all buckets

	subjects, streams *table
}

// NewLimiter makes a limiter whose buckets are full. The rates of a subject come
// with each request, because its token may name another class.
func NewLimiter(global, stream Rates) *Limiter {
	return &Limiter{global: global, stream: stream, subjects: newTable(MaxKeys), streams: newTable(MaxKeys)}
}

// Cost is what one request costs.
type Cost struct{ Ops, Bytes, Writers int }

// Refusal says which limit is in the way, and for how long at least.
type Refusal struct {
	Scope Scope
	After time.Duration
}

// Take spends cost in the buckets of the hub, of the subject and of the stream,
// or in none: then it says who is in the way for the longest time. An empty
// stream has no bucket. A nil Limiter refuses nothing.
func (l *Limiter) Take(now Instant, subject string, r Rates, stream string, cost Cost) (ref Refusal, ok bool) {
	if l == nil {
		return ref, true
	}
	l.subjects.with(now, subject, r, func(sub *buckets) {
		if stream == "" {
			ref = l.take(now, cost, sub, nil)
			return
		}
		l.streams.with(now, stream, l.stream, func(str *buckets) { ref = l.take(now, cost, sub, str) })
	})
	return ref, ref.After == 0
}

// take asks all buckets first and spends then. It runs under the locks of both
// keys.
func (l *Limiter) take(now Instant, cost Cost, sub, str *buckets) (ref Refusal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all.rates = l.global
	each := [3]*buckets{&l.all, sub, str}
	for i, scope := range [3]Scope{Global, Subject, Stream} {
		p := each[i]
		if p == nil {
			continue
		}
		if wait := p.ops.Wait(now, p.rates.Ops, float64(cost.Ops)); wait > ref.After {
			ref = Refusal{scope, wait}
		}
		if wait := p.bytes.Wait(now, p.rates.Bytes, float64(cost.Bytes)); wait > ref.After {
			ref = Refusal{Bytes, wait}
		}
		if wait := p.writers.Wait(now, p.rates.Writers, float64(cost.Writers)); wait > ref.After {
			ref = Refusal{Writers, wait}
		}
	}
	if ref.After > 0 {
		return ref
	}
	for _, p := range each {
		if p != nil {
			p.take(now, cost)
		}
	}
	return ref
}
