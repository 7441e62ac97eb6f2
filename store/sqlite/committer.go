package sqlite

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/internal/sqlitefile"
	"github.com/wavesiddhartha/flowsync/store"
)

// bounds are few numbers that decide when work is done and memory let go. None
// of them changes what a caller sees, so they are not options; tests make them
// small.
type bounds struct {
	settleBytes   int // of rows in recent before they are settled
	settleRecords int // likewise
	settleFences  int // raised in memory and not stored
	recentBytes   int // in recent when settling keeps failing: no append is taken
	groupChanges  int // in one transaction; what waits beyond them is in the next
	chunkBytes    int // about how large a chunk is
	pieceBytes    int // of a snapshot's state in one transaction, at most
	logPages      int // in the write-ahead log before a checkpoint
	idleStreams   int // known beyond those in use
	idleWriters   int // likewise
}

// usual bounds keep a commit's pause for settling, or for a piece of a snapshot, at
// a few milliseconds and memory at a few megabytes. A chunk is large enough that a long log is few rows,
// small enough that a read of a few records decodes little.
func usual() bounds {
	return bounds{
		settleBytes:   256 << 10,
		settleRecords: 2048,
		settleFences:  4096,
		recentBytes:   64 << 20,
		groupChanges:  4096,
		chunkBytes:    64 << 10,
		pieceBytes:    128 << 10,
		logPages:      2048,
		idleStreams:   8192,
		idleWriters:   1 << 16,
	}
}

// pageSize is SQLite's, for an estimate of how the write-ahead log grows.
const pageSize = 4096

// change is one piece of work for the committer.
type change interface {
	// make does the work. What it writes is part of the transaction under way;
	// an error undoes all of that, and make is called again, alone.
	make(c *committer) error

	// answer hands over the outcome, once, when the transaction has ended.
	answer(err error)
}

// committer is the one goroutine that writes. It takes all that waits into one
// transaction while callers queue for the next.
type committer struct {
	store   *Store
	bounds  bounds
	answers *answers
	stopped chan struct{}

	mu    sync.Mutex // guards what follows
	queue []change
	ended bool
	wake  sync.Cond

	// The rest belongs to the goroutine.

	conn    *conn
	begun   bool      // a transaction is open
	touched []*stream // in use until it ends
	saves   []*saving // of snapshots, one after the other

	unsettled map[*stream]struct{} // those with records in recent, or fences not stored
	bytes     int                  // in recent
	records   int                  // in recent
	fences    int                  // not stored
	settling  error                // why the last try failed
	lastID    int64                // in recent
	kept      []int64              // ids of damaged rows in recent: never deleted
	orphans   map[int64]struct{}   // streams that have rows in recent and none in streams

	session  uint64 // given out last
	limit    uint64 // reserved
	reserved uint64 // and committed

	checkpoints checkpoints
	logged      int // estimated pages in the write-ahead log since the last checkpoint

	writers int // cached in all streams, about
}

func newCommitter(s *Store, w *conn, b bounds) *committer {
	c := &committer{
		store:     s,
		conn:      w,
		bounds:    b,
		answers:   newAnswers(),
		stopped:   make(chan struct{}),
		unsettled: make(map[*stream]struct{}),
		orphans:   make(map[int64]struct{}),
	}
	c.wake.L = &c.mu
	return c
}

// submit queues a change.
func (c *committer) submit(ch change) error {
	if err := c.store.failure(); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return errClosed()
	}
	c.queue = append(c.queue, ch)
	c.wake.Signal()
	return nil
}

// end waits until all that was submitted is answered.
func (c *committer) end() {
	c.mu.Lock()
	c.ended = true
	c.wake.Signal()
	c.mu.Unlock()
	<-c.stopped
	c.answers.end()
}

// run commits until end is called and nothing waits.
func (c *committer) run() {
	defer close(c.stopped)
	defer c.checkpoints.rest()
	for {
		c.mu.Lock()
		for len(c.queue) == 0 && len(c.saves) == 0 && !c.ended {
			c.wake.Wait()
		}
		group := c.take()
		c.mu.Unlock()
		if len(group) == 0 && len(c.saves) == 0 {
			return
		}
		c.commit(group)
	}
}

// take returns what waits, as far as it fits one transaction: settling comes
// between transactions, so a longer one would leave more in recent than memory
// and the next start are meant to hold. Called with mu.
func (c *committer) take() []change {
	n := min(len(c.queue), c.bounds.groupChanges)
	group := c.queue[:n:n]
	c.queue = c.queue[n:]
	if len(c.queue) == 0 {
		c.queue = nil // lets the array go
	}
	return group
}

// commit makes a group of changes durable and answers them, and goes on a step
// with a snapshot.
func (c *committer) commit(group []change) {
	due := c.due()
	if due {
		c.settling = c.attempt(new(settlement))
	}
	c.together(c.sortOut(group))
	c.save()
	c.checkpoint()
	c.store.dropIdle(c, due)
}

// sortOut puts the snapshots of a group aside, in their order, and returns the
// rest.
func (c *committer) sortOut(group []change) []change {
	return slices.DeleteFunc(group, func(ch change) bool {
		s, ok := ch.(*saving)
		if ok {
			c.saves = append(c.saves, s)
		}
		return ok
	})
}

// save takes one step of the snapshot whose turn it is.
func (c *committer) save() {
	if len(c.saves) == 0 {
		return
	}
	s := c.saves[0]
	if err := c.attempt(s); err != nil || s.finished {
		c.saves[0] = nil
		c.saves = c.saves[1:]
		s.answer(err)
	}
}

// together makes changes durable in one transaction and answers them. If that
// fails, each is tried alone: what one asks for may be what does not fit on the
// disk.
func (c *committer) together(group []change) {
	err := c.attempt(group...)
	if err == nil || len(group) == 1 || c.store.failure() != nil {
		for _, ch := range group {
			ch.answer(err)
		}
		return
	}
	for _, ch := range group {
		ch.answer(c.attempt(ch))
	}
}

// attempt runs changes in one transaction.
func (c *committer) attempt(group ...change) error {
	if err := c.store.failure(); err != nil {
		return err
	}
	err := func() error {
		for _, ch := range group {
			if err := ch.make(c); err != nil {
				return err
			}
		}
		if !c.begun {
			return nil
		}
		return c.conn.Exec("COMMIT")
	}()
	if err != nil {
		return c.undo(err)
	}
	c.publish()
	return nil
}

// write begins the transaction, if it has not begun. It reserves session numbers
// that could not be when they were given, since what follows may name them.
func (c *committer) write() error {
	if c.begun {
		return nil
	}
	if err := c.conn.Exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	c.begun = true
	c.logged += 3
	if c.session > c.limit {
		return c.reserve()
	}
	return nil
}

// publish lets everybody see what was committed.
func (c *committer) publish() {
	for _, st := range c.touched {
		c.writers += st.publish(c)
		if st.idle() {
			delete(c.unsettled, st)
		}
	}
	c.reserved = c.limit
	c.leave()
}

// undo forgets the transaction.
func (c *committer) undo(err error) error {
	if c.begun {
		_ = c.conn.Exec("ROLLBACK") // fails if the error has already ended the transaction
	}
	for _, st := range c.touched {
		st.undo()
	}
	c.limit = c.reserved
	c.leave()
	if sqlitefile.Unsynced(err) {
		c.store.fail(failure(err))
		return fmt.Errorf("%w: %w", store.ErrUnknown, failure(err))
	}
	return failure(err)
}

func (c *committer) leave() {
	for _, st := range c.touched {
		st.touched = false
		c.store.leave(st)
	}
	c.touched, c.begun = c.touched[:0], false
}

// stream returns a stream for the transaction. It stays in use until that ends.
func (c *committer) stream(name string) (*stream, error) {
	st, err := c.store.use(context.Background(), name, c.conn)
	if err != nil {
		return nil, err
	}
	if st.touched {
		c.store.leave(st)
	} else {
		st.touched = true
		c.touched = append(c.touched, st)
	}
	return st, st.damage // written before the committer began
}

// known returns what is known of a writer, the transaction included.
func (c *committer) known(st *stream, w crdt.Writer) (writer, error) {
	if k, ok := st.staged[w]; ok {
		return k, nil
	}
	if k, ok := st.writers[w]; ok { // no lock: nobody else writes it
		return k, nil
	}
	k, err := c.conn.writer(st, w)
	if err != nil {
		return k, err
	}
	if !k.stored && !st.whole {
		if err := c.conn.checkWriters(st, st.next.writers); err != nil {
			return k, err
		}
		st.mu.Lock()
		st.whole = true
		st.mu.Unlock()
	}
	return k, nil
}

// create makes a stream that does not exist.
func (c *committer) create(st *stream) error {
	if st.next.exists {
		return nil
	}
	if err := c.write(); err != nil {
		return err
	}
	st.next.found()
	return c.conn.put(st)
}

// do submits a change and waits for its outcome.
func (s *Store) do(ctx context.Context, w waiter) error {
	if err := s.usable(); err != nil {
		return err
	}
	w.begin()
	if err := s.committer.submit(w); err != nil {
		return err
	}
	select {
	case err := <-w.outcome():
		return err
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", store.ErrUnavailable, ctx.Err())
	}
}

// waiter is a change that a goroutine waits for.
type waiter interface {
	change
	begin()
	outcome() <-chan error
}

// awaited is what all waiters share.
type awaited struct{ done chan error }

func (a *awaited) begin()                { a.done = make(chan error, 1) }
func (a *awaited) outcome() <-chan error { return a.done }
func (a *awaited) answer(err error)      { a.done <- err }
