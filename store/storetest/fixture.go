package storetest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wavesiddhartha/flowsync/store"
)

// patience is how long done may take. It only ends tests of a store that hangs.
const patience = 20 * time.Second

// fixture is a store under test. It watches every append until the end.
type fixture struct {
	store.Store

	mu     sync.Mutex // guards what follows
	calls  []*call
	closed bool
}

// call is one Append.
type call struct {
	batches int
	times   atomic.Int32        // how often done was called
	answer  chan []store.Result // the first answer
}

func newFixture(t *testing.T, st store.Store) *fixture {
	f := &fixture{Store: st}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		for i, c := range f.calls {
			if n := c.times.Load(); n != 1 {
				t.Errorf("append %d: done was called %d times by the time Close returned, want once", i+1, n)
			}
		}
	})
	return f
}

// Close closes the store, once.
func (f *fixture) Close() error {
	f.mu.Lock()
	closed := f.closed
	f.closed = true
	f.mu.Unlock()
	if closed {
		return nil
	}
	return f.Store.Close()
}

// start appends without waiting for the commit.
func (f *fixture) start(batches ...store.Batch) *call {
	c := &call{batches: len(batches), answer: make(chan []store.Result, 1)}
	f.mu.Lock()
	f.calls = append(f.calls, c)
	f.mu.Unlock()
	f.Append(batches, func(results []store.Result) {
		if c.times.Add(1) == 1 {
			c.answer <- results
		}
	})
	return c
}

// wait returns what done was called with.
func (c *call) wait() ([]store.Result, error) {
	select {
	case results := <-c.answer:
		if len(results) != c.batches {
			return nil, fmt.Errorf("done got %d results for %d batches", len(results), c.batches)
		}
		for i := range results {
			if err := consistent(&results[i]); err != nil {
				return nil, fmt.Errorf("result %d: %w", i, err)
			}
		}
		return results, nil
	case <-time.After(patience):
		return nil, fmt.Errorf("done was not called within %v", patience)
	}
}

// append appends one batch and waits.
func (f *fixture) append(b store.Batch) (store.Result, error) {
	results, err := f.start(b).wait()
	if err != nil {
		return store.Result{}, err
	}
	return results[0], nil
}

// consistent checks what holds for every result.
func consistent(r *store.Result) error {
	set := 0
	for _, is := range []bool{r.Lost, len(r.Fenced) > 0, r.Err != nil} {
		if is {
			set++
		}
	}
	if set > 1 {
		return fmt.Errorf("more than one of Lost, Fenced and Err is set: %+v", *r)
	}
	if !r.Lost && (len(r.Missed) > 0 || r.Head != store.Position{}) {
		return fmt.Errorf("it has Missed or Head, and is not Lost: %+v", *r)
	}
	return nil
}

// parallel runs n goroutines to their end and reports their errors.
func parallel(t *testing.T, n int, run func(i int) error) {
	t.Helper()
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { errs[i] = run(i) })
	}
	all.Wait()
	for i, err := range errs {
		if err != nil {
			t.Errorf("goroutine %d: %v", i, err)
		}
	}
	if t.Failed() {
		t.FailNow()
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
