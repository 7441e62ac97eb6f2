package sqlite

import "sync"

// answers calls those who append, in their order, from a goroutine of its own:
// the next commit runs meanwhile, and a callback may wait for the committer.
type answers struct {
	mu      sync.Mutex // guards what follows
	wake    sync.Cond
	queue   []func()
	ended   bool
	stopped chan struct{}
}

func newAnswers() *answers {
	a := &answers{stopped: make(chan struct{})}
	a.wake.L = &a.mu
	return a
}

// put queues a call. The queue has no bound of its own: what waits in it was
// admitted by those who are called.
func (a *answers) put(call func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.queue = append(a.queue, call)
	a.wake.Signal()
}

// run calls until end is called and nothing waits.
func (a *answers) run() {
	defer close(a.stopped)
	for {
		a.mu.Lock()
		for len(a.queue) == 0 && !a.ended {
			a.wake.Wait()
		}
		calls := a.queue
		a.queue = nil
		a.mu.Unlock()
		if len(calls) == 0 {
			return
		}
		for _, call := range calls {
			call()
		}
	}
}

// end waits until the last call has returned.
func (a *answers) end() {
	a.mu.Lock()
	a.ended = true
	a.wake.Signal()
	a.mu.Unlock()
	<-a.stopped
}
