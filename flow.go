package flowsync

import (
	"sync"
	"sync/atomic"
)

// flow counts what a session has in flight: pushes that were read and not
// decided. Its reader waits while there is too much, and so stops reading the
// socket. What is read when nothing else is in flight always passes.
type flow struct {
	mu     sync.Mutex // guards what follows; may be taken under stream.mu
	room   sync.Cond
	pushes int
	bytes  int

	all *atomic.Int64 // bytes in flight in all sessions of the hub
}

func (f *flow) init(all *atomic.Int64) { f.room.L, f.all = &f.mu, all }

// take counts one push, and reports whether the hub has more than most bytes in
// flight while this session has a part of them. What comes when nothing else of
// its session is in flight always passes.
func (f *flow) take(bytes int, most int64) (crowded bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	crowded = f.all.Add(int64(bytes)) > most && f.pushes > 0
	f.pushes++
	f.bytes += bytes
	return crowded
}

// release counts pushes that were decided.
func (f *flow) release(pushes, bytes int) {
	f.mu.Lock()
	f.pushes -= pushes
	f.bytes -= bytes
	f.mu.Unlock()
	f.all.Add(-int64(bytes))
	f.room.Signal()
}

// wait returns when another push may be read.
func (f *flow) wait() {
	f.mu.Lock()
	for f.fullLocked() {
		f.room.Wait()
	}
	f.mu.Unlock()
}

// full reports whether wait would wait.
func (f *flow) full() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fullLocked()
}

func (f *flow) fullLocked() bool {
	return f.pushes >= inflightPushes || f.pushes > 0 && f.bytes >= inflightBytes
}

// busy reports whether anything is in flight.
func (f *flow) busy() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.pushes > 0
}
