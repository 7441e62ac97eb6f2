package flowsync

import "sync"

// flow counts what a session has in flight: pushes that were read and not
// decided. Its reader waits while there is too much, and so stops reading the
// socket. What is read when nothing else is in flight always passes.
type flow struct {
	mu     sync.Mutex // guards what follows; may be taken under stream.mu
	room   sync.Cond
	pushes int
	bytes  int
}

func (f *flow) init() { f.room.L = &f.mu }

// take counts one push.
func (f *flow) take(bytes int) {
	f.mu.Lock()
	f.pushes++
	f.bytes += bytes
	f.mu.Unlock()
}

// release counts pushes that were decided.
func (f *flow) release(pushes, bytes int) {
	f.mu.Lock()
	f.pushes -= pushes
	f.bytes -= bytes
	f.mu.Unlock()
	f.room.Signal()
}

// wait returns when another push may be read.
func (f *flow) wait() {
	f.mu.Lock()
	for f.pushes >= inflightPushes || f.pushes > 0 && f.bytes >= inflightBytes {
		f.room.Wait()
	}
	f.mu.Unlock()
}

// busy reports whether anything is in flight.
func (f *flow) busy() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.pushes > 0
}
