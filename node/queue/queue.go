// Package queue is the durable queue of one client, in one SQLite file: its
// writers, the ops that the hub has not committed, dead letters, and the states
// that an offline start shows.
//
// # Invariants
//
//   - What Open and Do leave is what [clientcore.Saved.Do] makes of the same
//     effects. Do is one transaction: all of its effects or none.
//   - When Do returns nil its effects are on the disk: they survive kill -9 and
//     the loss of power.
//   - A file belongs to one client id and to one process at a time.
//   - Each row carries a checksum over the client, its key and its content. A
//     damaged row is reported and set aside within the file, a damaged file is
//     reported and renamed; nothing is deleted.
//
// A Queue belongs to one goroutine at a time.
package queue

import (
	"errors"
	"fmt"

	"github.com/wavesiddhartha/flowsync/internal/clientcore"
	"github.com/wavesiddhartha/flowsync/internal/sqlitefile"
)

// Queue is an open queue file.
type Queue struct {
	path   string
	client string
	lock   *sqlitefile.Conn
	db     *conn
	failed error // why it takes nothing any more

	// The heads as the file has them, with those of a running transaction.
	streams map[string]*stream
	lastID  int64
	before  map[string]*stream // of streams that the transaction touched; nil: it began them
}

// stream is a stream's row in the tables names and heads. Values are replaced,
// never changed, so that a transaction can be undone.
type stream struct {
	id   int64
	head clientcore.Head
}

// Contents is what Open found.
type Contents struct {
	Saved clientcore.Saved

	// Aside is the new name of a file that was damaged as a whole or was no
	// database: the queue began anew. Empty: it was sound.
	Aside string

	// Damage are the losses within a sound file.
	Damage []Damage
}

// Damage is something in the file that could not be read.
type Damage struct {
	Stream string // empty: not known, or no stream's
	Msg    string
}

// Open opens the queue of a client, or begins one. The error says what is wrong
// with the file and what to do; the file is as it was then.
func Open(path, client string) (*Queue, *Contents, error) {
	lock, err := lockFile(path)
	if err != nil {
		return nil, nil, err
	}
	q := &Queue{path: path, client: client, lock: lock}
	found, err := q.open()
	if err != nil {
		return nil, nil, errors.Join(err, q.Close())
	}
	return q, found, nil
}

// open reads the file; one that is damaged as a whole makes room for a new one.
func (q *Queue) open() (*Contents, error) {
	found := &Contents{}
	err := q.read(found)
	if !errors.Is(err, errDamaged) {
		return found, err
	}
	if q.db != nil {
		_ = q.db.Close() // what matters is in err
		q.db, q.failed = nil, nil
	}
	aside, err := sqlitefile.PutAside(q.path)
	if err != nil {
		return nil, fmt.Errorf("it is damaged and cannot be renamed to make room for a new one; move it away: %w", err)
	}
	found = &Contents{Aside: aside}
	return found, q.read(found)
}

// read opens the database and loads it.
func (q *Queue) read(found *Contents) error {
	if err := identify(q.path); err != nil {
		return err
	}
	torn, err := keepLog(q.path)
	if err != nil {
		return err
	}
	if torn != "" {
		found.Damage = append(found.Damage, Damage{Msg: "the newest changes were damaged in the write-ahead log, which was kept as " + torn})
	}
	if q.db, err = connect(q.path, sqlitefile.ReadWrite); err != nil {
		return explain(err)
	}
	if err := q.db.setUp(); err != nil {
		return explain(err)
	}
	return explain(q.load(found))
}

// Close closes the file.
func (q *Queue) Close() error {
	var errs []error
	if q.db != nil {
		errs = append(errs, q.db.Close())
	}
	if q.lock != nil {
		errs = append(errs, q.lock.Close())
	}
	q.db, q.lock, q.failed = nil, nil, errClosed
	return errors.Join(errs...)
}
