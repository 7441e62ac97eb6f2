package ratelimit

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

// someRates are small enough to count.
var someRates = Rates{Ops: Rate{PerSecond: 10, Burst: 20}, Bytes: Rate{PerSecond: 1000, Burst: 2000}}

func wide(f float64) Rates {
	return Rates{Ops: Rate{10 * f, 20 * f}, Bytes: Rate{1000 * f, 2000 * f}}
}

// drain takes one op after the other until one is refused.
func drain(l *Limiter, now Instant, subject string, r Rates, stream string) (n int, ref Refusal) {
	for ; ; n++ {
		var ok bool
		if ref, ok = l.Take(now, subject, r, stream, Cost{Ops: 1, Bytes: 10}); !ok {
			return n, ref
		}
	}
}

func TestScopes(t *testing.T) {
	for _, c := range []struct {
		name                    string
		global, subject, stream Rates
		want                    Scope
	}{
		{"global", wide(1), wide(2), wide(2), Global},
		{"subject", wide(2), wide(1), wide(2), Subject},
		{"stream", wide(2), wide(2), wide(1), Stream},
		{"bytes", Rates{}, Rates{Bytes: Rate{100, 200}}, Rates{}, Bytes},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := NewLimiter(c.global, c.stream)
			n, ref := drain(l, 0, "ann", c.subject, "s")
			if want := (Refusal{c.want, 100 * time.Millisecond}); n != 20 || ref != want {
				t.Errorf("%d pass, then %+v; want 20 and %+v", n, ref, want)
			}
			if _, ok := l.Take(Instant(ref.After), "ann", c.subject, "s", Cost{Ops: 1, Bytes: 10}); !ok {
				t.Error("after the wait it is refused again")
			}
		})
	}
}

// What one bucket refuses costs nothing in the others.
func TestRefusedCostsNothing(t *testing.T) {
	l := NewLimiter(wide(2), wide(1))
	drain(l, 0, "ann", wide(10), "full")
	for range 1000 {
		l.Take(0, "ann", wide(10), "full", Cost{Ops: 1, Bytes: 10})
	}
	if n, ref := drain(l, 0, "ann", wide(10), "other"); n != 20 {
		t.Errorf("%d pass on another stream, then %+v; want 20", n, ref)
	}
}

// Ten thousand ops that waited in a queue pass at once with the rates that hubs
// have by default.
func TestQueueDrainsInOneBurst(t *testing.T) {
	r := Rates{Ops: Rate{500, 10_000}}
	l := NewLimiter(Rates{Ops: Rate{50_000, 50_000}}, Rates{Ops: Rate{2000, 10_000}})
	if n, _ := drain(l, 0, "ann", r, "s"); n != 10_000 {
		t.Errorf("%d ops pass at once", n)
	}
}

func TestNilLimiterRefusesNothing(t *testing.T) {
	var l *Limiter
	if _, ok := l.Take(0, "ann", Rates{}, "s", Cost{Ops: 1e9, Bytes: 1e9}); !ok {
		t.Error("refused")
	}
}

// Many keys stay a bounded table, and nobody gets a new bucket by making it
// forget the old one.
func TestTableIsBoundedAndNeverRefills(t *testing.T) {
	l := NewLimiter(Rates{}, Rates{})
	drain(l, 0, "mallory", someRates, "")
	for i := range 2 * MaxKeys {
		l.Take(0, fmt.Sprint("made-up-", i), someRates, "", Cost{Ops: 1, Bytes: 1})
	}
	if n := l.subjects.len(); n > MaxKeys {
		t.Errorf("the table holds %d keys", n)
	}
	if _, ok := l.Take(0, "mallory", someRates, "", Cost{Ops: 1, Bytes: 1}); ok {
		t.Error("a drained bucket is full again")
	}
	// Who comes while all are in use shares a bucket with others who do.
	refused := 0
	for i := range 2000 {
		if _, ok := l.Take(0, fmt.Sprint("late-", i), someRates, "", Cost{Ops: 1, Bytes: 1}); !ok {
			refused++
		}
	}
	if refused < 1000 {
		t.Errorf("of 2000 late keys %d are refused: they do not share", refused)
	}
	// A minute later the buckets are full, and their keys make room.
	if _, ok := l.Take(60*second, "late", someRates, "", Cost{Ops: 20, Bytes: 1}); !ok {
		t.Error("there is no room although every bucket is full")
	}
}

// One bucket for all who act for a subject: together they get no more.
func TestConcurrentUseSharesABucket(t *testing.T) {
	l := NewLimiter(Rates{}, Rates{})
	var all sync.WaitGroup
	var mu sync.Mutex
	passed := 0
	for range 50 {
		all.Go(func() {
			n, _ := drain(l, 0, "ann", someRates, "s")
			mu.Lock()
			passed += n
			mu.Unlock()
		})
	}
	all.Wait()
	if passed != 20 {
		t.Errorf("%d ops passed, want 20", passed)
	}
}

func TestTakeAllocatesNothing(t *testing.T) {
	l := NewLimiter(wide(1e6), wide(1e6))
	l.Take(0, "ann", wide(1e6), "s", Cost{Ops: 1, Bytes: 1})
	if n := testing.AllocsPerRun(100, func() { l.Take(0, "ann", wide(1e6), "s", Cost{Ops: 1, Bytes: 1}) }); n != 0 {
		t.Errorf("a take allocates %v times", n)
	}
}

func BenchmarkTake(b *testing.B) {
	l := NewLimiter(wide(1e9), wide(1e9))
	b.ReportAllocs()
	now := Instant(0)
	for b.Loop() {
		now += 1000
		l.Take(now, "ann", wide(1e9), "chat:general", Cost{Ops: 1, Bytes: 100})
	}
}

func BenchmarkTakeNewKeysOfAFullTable(b *testing.B) {
	l := NewLimiter(Rates{}, Rates{})
	keys := make([]string, 1<<18)
	for i := range keys {
		keys[i] = fmt.Sprint("key-", i)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		l.Take(Instant(i)*second, keys[i%len(keys)], someRates, "", Cost{Ops: 1, Bytes: 1})
		i++
	}
}
