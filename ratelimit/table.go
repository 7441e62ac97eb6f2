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

// pair are the two buckets of one key.
type pair struct {
	ops, bytes Bucket

	key   string
	rates Rates // as they were when the key was used last
}

func (p *pair) full(now Instant) bool {
	return p.ops.full(now, p.rates.Ops) && p.bytes.full(now, p.rates.Bytes)
}

// table keeps a pair of buckets for each of a bounded number of keys. When it is
// full, a key is forgotten whose buckets are: that refills nothing. While there is
// none, new keys share one pair, so that whoever makes up keys competes with
// others who do, and takes nothing away from those who were there.
type table struct {
	seed   maphash.Seed
	shards [shards]shard
}

type shard struct {
	mu     sync.Mutex // guards what follows; no other lock is taken under it
	max    int
	byKey  map[string]*list.Element // of *pair
	order  list.List                // the one used last in front
	shared pair
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
func (t *table) with(now Instant, key string, r Rates, f func(*pair)) {
	s := &t.shards[maphash.String(t.seed, key)%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.find(now, key)
	p.rates = r
	f(p)
}

func (s *shard) find(now Instant, key string) *pair {
	if at, ok := s.byKey[key]; ok {
		s.order.MoveToFront(at)
		return at.Value.(*pair)
	}
	if len(s.byKey) >= s.max && !s.forget(now) {
		return &s.shared
	}
	p := &pair{key: key}
	s.byKey[key] = s.order.PushFront(p)
	return p
}

// looks is how many of the longest unused keys are looked at for one to forget.
// Those that cannot go move to the front, so the next look is at others.
const looks = 8

func (s *shard) forget(now Instant) bool {
	for range looks {
		at := s.order.Back()
		p := at.Value.(*pair)
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
