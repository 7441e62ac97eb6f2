package flowsync

import (
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wavesiddhartha/flowsync/internal/hubcore"
	"github.com/wavesiddhartha/flowsync/store"
)

// committer hands records to the store: all that waits, of all streams, in one
// append while the one before is under way (group commit). It waits for no
// timer, so a lone op is committed at once and many share one commit.
//
// It has no goroutine of its own. Who added something calls commit when it has
// let go of its locks: the reader of a session once it has read all that arrived.
// If the store answers at once, as one in memory does, the whole of an op's way
// is then walked in the goroutine that read it, without a change of goroutine,
// each of which costs an idle machine more than the op. What was added meanwhile
// is committed by a goroutine that lasts while there is something to commit.
type committer struct {
	hub *Hub

	spare sync.Pool // of *appending

	mu    sync.Mutex // guards what follows; taken under stream.mu
	waits *appending // what was added and is not under way
	busy  bool       // an append is under way
}

// add queues a record, and must be followed by commit. The stream is told of the
// outcome by an Appended event.
func (c *committer) add(st *stream, b store.Batch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waits == nil {
		c.waits = c.spare.Get().(*appending)
	}
	c.waits.batches = append(c.waits.batches, b)
	c.waits.from = append(c.waits.from, st)
}

// commit appends what waits, unless an append is under way, which takes it along
// when it ends. It may run streams and send: call it without locks.
func (c *committer) commit() {
	if a := c.next(false); a != nil {
		a.run()
	}
}

// next takes what waits as an append of its own. Nil: nothing waits, or an append
// is under way and this is not its end.
func (c *committer) next(ended bool) *appending {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy && !ended {
		return nil
	}
	a := c.waits
	c.waits = nil
	if c.busy = a != nil; c.busy {
		c.hub.work.Add(1)
	}
	return a
}

// appending is one append under way. The store answers within the call or later;
// whichever of the two ends last goes on.
type appending struct {
	*committer
	batches []store.Batch
	from    []*stream
	since   time.Time
	due     []*stream   // have something to send
	ended   atomic.Bool // one of the two has
	outcome hubcore.Appended
	answer  func([]store.Result) // done, bound once
}

func newCommitter(h *Hub) *committer {
	c := &committer{hub: h}
	c.spare.New = func() any {
		a := &appending{committer: c}
		a.answer = a.done
		return a
	}
	return c
}

func (a *appending) run() {
	defer fatal()
	a.since = time.Now()
	a.hub.store.Append(a.batches, a.answer)
	if !a.ended.Swap(true) {
		return
	}
	if next := a.next(true); next != nil {
		go next.run() // not here: this may be a reader, and there may be no end of it
	}
	a.tell()
}

func (a *appending) done(results []store.Result) {
	a.hub.metrics.called(storeAppend, a.since, failed(results))
	a.hub.writes.saw(results)
	for i, st := range a.from {
		a.outcome.Result = results[i]
		if st.feed(&a.outcome) {
			a.due = append(a.due, st)
		}
	}
	if !a.ended.Swap(true) {
		return
	}
	if next := a.next(true); next != nil {
		next.run()
	}
	a.tell()
}

// tell sends what followed from the commit, while the next one is under way.
func (a *appending) tell() {
	h := a.hub
	h.sendAll(a.due)
	clear(a.batches)
	clear(a.from)
	clear(a.due)
	a.batches, a.from, a.due = a.batches[:0], a.from[:0], a.due[:0]
	a.outcome = hubcore.Appended{}
	a.ended.Store(false)
	if cap(a.batches) <= keepBatches {
		a.spare.Put(a)
	}
	h.work.Done()
}

// keepBatches bounds how long an append may be that is kept for another.
const keepBatches = 1024

// fatal ends the process when a commit panics. The session whose reader carries it
// out would catch the panic for itself, and the streams would wait for the outcome
// without end.
func fatal() {
	if p := recover(); p != nil {
		text := fmt.Sprintf("%v\n%s", p, debug.Stack())
		go panic(text)
		select {}
	}
}

// failed is the first error among the results of an append. An append that was
// outrun by another hub's is not one.
func failed(results []store.Result) error {
	for i := range results {
		if results[i].Err != nil {
			return results[i].Err
		}
	}
	return nil
}
