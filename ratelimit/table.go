package ratelimit

import (
	"container/list"
	"hash/maphash"
	"sync"
)

// Key count of a table, and how it is spread over locks.
const (
	MaxKeys = 100_000
	shards  = 16
)

// buckets are the buckets of one key.
type buckets struct {
	ops, bytes, writers Bucket

	key   string
	rates Rates // as they were when the key was used last
}

func (p *buckets) take(now Instant, c Cost) {
	p.ops.Take(now, p.rates.Ops, float64(c.Ops))
	p.bytes.Take(now, p.rates.Bytes, float64(c.Bytes))
	p.writers.Take(now, p.rates.Writers, float64(c.Writers))
}

func (p *buckets) full(now Instant) bool {
	return p.ops.full(now, p.rates.Ops) && p.bytes.full(now, p.rates.Bytes) && p.writers.full(now, p.rates.Writers)
}

// table keeps the buckets for each of a bounded number of keys. When it is
// full, a key is forgotten whose buckets are: that refills nothing. While there is
// none, new keys share theirs, so that whoever makes up keys competes with
// others who do, and takes nothing away from those who were there.
type table struct {
	seed   maphash.Seed
	shards [shards]shard
}

type shard struct {
	mu     sync.Mutex // guards what follows; no other lock is taken under it
	max    int
	byKey  map[string]*list.Element // of *buckets
	order  list.List                // the one used last in front
	shared buckets
}

func newTable(maxKeys int) *table {
	t := &table{seed: maphash.MakeSeed()}
	for i := range t.shards {
		t.shards[i].max = max(1, maxKeys/shards)
		t.shards[i].byKey = map[string]*list.Element{}
	}
	return t
}

// with calls f with the buckets of a key, which are f's alone meanwhile.
func (t *table) with(now Instant, key string, r Rates, f func(*buckets)) {
	s := &t.shards[maphash.String(t.seed, key)%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.find(now, key)
	p.rates = r
	f(p)
}

func (s *shard) find(now Instant, key string) *buckets {
	if at, ok := s.byKey[key]; ok {
		s.order.MoveToFront(at)
		return at.Value.(*buckets)
	}
	if len(s.byKey) >= s.max && !s.forget(now) {
		return &s.shared
	}
	p := &buckets{key: key}
	s.byKey[key] = s.order.PushFront(p)
	return p
}

// looks is how many of the longest unused keys are looked at for one to forget.
// Those that cannot go move to the front, so the next look is at others.
const looks = 8

func (s *shard) forget(now Instant) bool {
	for range looks {
		at := s.order.Back()
		p := at.Value.(*buckets)
		if p.full(now) {
			s.order.Remove(at)
			delete(s.byKey, p.key)
			return true
		}
		s.order.MoveToFront(at)
	}
	return false
}

// len is how many keys are held.
func (t *table) len() int {
	n := 0
	for i := range t.shards {
		t.shards[i].mu.Lock()
		n += len(t.shards[i].byKey)
		t.shards[i].mu.Unlock()
	}
	return n
}
