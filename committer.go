package flowsync

import (
	"sync"
	"time"

	"github.com/wavesiddhartha/flowsync/internal/hubcore"
	"github.com/wavesiddhartha/flowsync/store"
)

// committer hands records to the store: all that waits, of all streams, in one
// append while the one before is under way (group commit). It waits for no
// timer, so a lone op is committed at once and many share one commit.
type committer struct {
	store store.Store
	saw   func([]store.Result) // hears of every append
	count *metrics
	wake  chan struct{} // holds one token while something waits or the end has come

	mu      sync.Mutex // guards what follows; taken under stream.mu
	batches []store.Batch
	from    []*stream
	ended   bool
}

func newCommitter(s store.Store, saw func([]store.Result), count *metrics) *committer {
	return &committer{store: s, saw: saw, count: count, wake: make(chan struct{}, 1)}
}

// add queues a record. The stream is told of the outcome by an Appended event.
func (c *committer) add(st *stream, b store.Batch) {
	c.mu.Lock()
	c.batches = append(c.batches, b)
	c.from = append(c.from, st)
	c.mu.Unlock()
	c.poke()
}

// end makes run return once nothing waits.
func (c *committer) end() {
	c.mu.Lock()
	c.ended = true
	c.mu.Unlock()
	c.poke()
}

func (c *committer) poke() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// run commits until end is called.
func (c *committer) run() {
	done := make(chan struct{}, 1)
	for range c.wake {
		for {
			c.mu.Lock()
			batches, from, ended := c.batches, c.from, c.ended
			c.batches, c.from = nil, nil
			c.mu.Unlock()
			if len(batches) == 0 && ended {
				return
			}
			if len(batches) == 0 {
				break
			}
			since := time.Now()
			c.store.Append(batches, func(results []store.Result) {
				c.count.called(storeAppend, since, failed(results))
				c.saw(results)
				for i, st := range from {
					st.step(&hubcore.Appended{Result: results[i]})
				}
				done <- struct{}{}
			})
			<-done
		}
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
