// Package sqlite keeps streams in one file: the embedded [store.Store], in pure
// Go, readable with the sqlite3 shell.
//
//	st, err := sqlite.Open("flowsync.db")
//	if err != nil {
//		return err
//	}
//	hub := flowsync.New(flowsync.Options{Store: st, Auth: auth})
//
// # Invariants
//
//   - One goroutine writes: the committer. All that waits shares one transaction
//     and one fsync, and nothing is answered or seen before that fsync.
//   - Records live in the table recent from their commit until they are settled:
//     moved, many at a time, into chunks, one stream a row. What is in recent is
//     in memory as well and is small, so an append touches few pages however many
//     streams it is for.
//   - Watermarks in the table writers are those at streams.settled; records in
//     recent raise them. Settling moves both in one transaction.
//   - What memory says of a stream is never older than a transaction that was
//     answered, and at most one transaction older than the file.
//   - Every row carries a checksum. What does not fit it is not served and not
//     rewritten.
//
// After a failed fsync the store answers nothing but ErrFailed. docs/sqlite.md
// describes the tables, backups and what to do about damage.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/internal/sqlitefile"
	"github.com/wavesiddhartha/flowsync/store"
)

// readers is how many connections read beside the writer.
const readers = 3

// Store is a [store.Store] in one file, for one process at a time. Memory is
// bounded: what is known of idle streams and writers is dropped and read again.
type Store struct {
	file *file

	pool      chan *conn // connections for reading; closed by Close
	connected int        // of them; set by begin, read-only after
	committer *committer

	failed atomic.Pointer[error] // set once, when nothing may be answered any more

	mu      sync.Mutex // guards what follows; may be held when stream.mu is taken, never the reverse
	streams map[int64]*stream
	most    int // streams in memory before it is looked which are idle
	closed  bool
}

var _ store.Store = (*Store)(nil)

// Open opens the store in the file at path and creates the file if it is not
// there. Its directory must exist. The file has two others beside it while it is
// open (-wal and -shm), which belong to it, and one that is always empty (-lock).
//
// The error wraps [store.ErrUnavailable] if the file is open already,
// [store.ErrVersion] if a newer version wrote it, [store.ErrReadonly] if it
// cannot be written or created, and [store.ErrCorrupt] if its structure is
// damaged: then it was renamed, never deleted, and the error says to what. A file
// that holds something else is refused and left alone.
func Open(path string) (*Store, error) {
	return open(path, "", usual())
}

// open is Open over a layer of SQLite's that is not the system's.
func open(path, vfs string, b bounds) (*Store, error) {
	s, err := start(path, vfs, b)
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", path, err)
	}
	return s, nil
}

func start(path, vfs string, b bounds) (*Store, error) {
	f, version, err := openFile(path, vfs)
	if err != nil {
		return nil, err
	}
	s := &Store{file: f, pool: make(chan *conn, readers), streams: make(map[int64]*stream), most: b.idleStreams}
	if err := s.begin(version, b); err != nil {
		return nil, errors.Join(s.release(), f.refuse(err), f.lock.Close())
	}
	go s.committer.run()
	go s.committer.answers.run()
	return s, nil
}

// begin connects, brings the schema up to date and reads what is recent.
func (s *Store) begin(version int, b bounds) error {
	w, err := connect(s.file.path, sqlitefile.ReadWrite, s.file.vfs)
	if err != nil {
		return err
	}
	s.committer = newCommitter(s, w, b)
	if err := prepareWriter(w, version); err != nil {
		return err
	}
	if s.committer.checkpoints.conn, err = connect(s.file.path, sqlitefile.ReadWrite, s.file.vfs); err != nil {
		return err
	}
	if err := s.committer.checkpoints.conn.Script("PRAGMA busy_timeout = 10000; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0"); err != nil {
		return err
	}
	for range readers {
		r, err := connect(s.file.path, sqlitefile.ReadOnly, s.file.vfs)
		if err != nil {
			return err
		}
		s.pool <- r
		s.connected++
		if err := r.Script("PRAGMA busy_timeout = 10000; PRAGMA cache_size = -1024"); err != nil {
			return err
		}
	}
	return s.committer.restore()
}

// prepareWriter sets what a connection that writes needs. Checkpoints are made
// by the committer, because those SQLite makes by itself hide a failed fsync.
func prepareWriter(c *conn, version int) error {
	if err := c.Script("PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; " +
		"PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -8192"); err != nil {
		return err
	}
	return c.migrate(version)
}

// Durability is OnDisk.
func (s *Store) Durability() store.Durability { return store.OnDisk }

// Append implements [store.Store]. done is called from a goroutine of the store,
// one call at a time, in the order of the appends.
func (s *Store) Append(batches []store.Batch, done func([]store.Result)) {
	a := &appending{batches: batches, results: make([]store.Result, len(batches)), done: done}
	if err := s.committer.submit(a); err != nil {
		for i := range a.results {
			a.results[i] = store.Result{Err: err}
		}
		done(a.results)
	}
}

// Rotate implements [store.Store].
func (s *Store) Rotate(ctx context.Context, stream, epoch string) (store.Position, error) {
	c := &rotation{stream: stream, epoch: epoch}
	err := s.do(ctx, c)
	return c.head, err
}

// Save implements [store.Store].
func (s *Store) Save(ctx context.Context, stream string, snapshot store.Snapshot) error {
	return s.do(ctx, newSaving(stream, snapshot))
}

// Trim implements [store.Store].
func (s *Store) Trim(ctx context.Context, stream string, offset uint64, max int) (more bool, err error) {
	c := &trimming{stream: stream, offset: offset, max: max}
	err = s.do(ctx, c)
	return c.more, err
}

// Session implements [store.Store]. All clients share one counter, of which a
// piece is reserved on disk at a time: what is left of the piece when the store
// is closed is the hole. A full disk keeps nobody from a number.
func (s *Store) Session(ctx context.Context, _ string) (uint64, error) {
	c := new(numbering)
	err := s.do(ctx, c)
	return c.number, err
}

// Recall implements [store.Store].
func (s *Store) Recall(ctx context.Context, stream string, w crdt.Writer, fence uint64) (store.Watermark, []store.Mark, error) {
	if fence != 0 {
		if err := s.do(ctx, &fencing{stream: stream, writer: w, fence: fence}); err != nil {
			return store.Watermark{}, nil, err
		}
	}
	return s.recall(ctx, stream, w)
}

// Close implements [store.Store].
func (s *Store) Close() error {
	s.mu.Lock()
	closed := s.closed
	s.closed = true
	s.mu.Unlock()
	if closed {
		return nil
	}
	s.committer.end()
	return errors.Join(s.release(), s.file.lock.Close())
}

// release closes the connections, once nobody uses them.
func (s *Store) release() error {
	var errs []error
	for range s.connected {
		errs = append(errs, (<-s.pool).Close())
	}
	close(s.pool)
	if s.committer != nil {
		if c := s.committer.checkpoints.conn; c != nil {
			errs = append(errs, c.Close())
		}
		errs = append(errs, s.committer.conn.Close())
	}
	return errors.Join(errs...)
}

// failure is why nothing may be answered any more, nil if something may.
func (s *Store) failure() error {
	if err := s.failed.Load(); err != nil {
		return *err
	}
	return nil
}

// usable returns the error of a store that can answer nothing.
func (s *Store) usable() error {
	if err := s.failure(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed()
	}
	return nil
}

// fail makes err the answer to everything from now on.
func (s *Store) fail(err error) {
	s.failed.CompareAndSwap(nil, &err)
}

// acquire takes a connection for reading; give it back to s.pool.
func (s *Store) acquire(ctx context.Context) (*conn, error) {
	if err := s.usable(); err != nil {
		return nil, err
	}
	select {
	case c, ok := <-s.pool:
		if !ok {
			return nil, errClosed()
		}
		return c, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", store.ErrUnavailable, ctx.Err())
	}
}
