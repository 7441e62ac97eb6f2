package sqlite

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"slices"
	"sync"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/store"
)

// stream is what memory knows of one stream, enough to judge an append and to
// answer reads of what is recent.
type stream struct {
	id   int64
	name string

	loaded chan struct{} // closed when loading ended
	err    error         // of loading; read-only after
	uses   int           // guarded by Store.mu; one in use is not dropped

	// The committer's own: the stream as it will be when the transaction under
	// way is committed.
	next    facts
	added   []recentRecord         // follow recent
	staged  map[crdt.Writer]writer // take the place of those in writers
	settled bool                   // recent, and added so far, moved to chunks
	touched bool
	fences  int // raised and not stored

	mu      sync.Mutex // guards what follows; the committer alone writes it
	now     facts
	recent  []recentRecord
	writers map[crdt.Writer]writer // those appended lately, and all whose fence is not stored
	whole   bool                   // all rows of writers were checked
	damage  error                  // found in its records; the stream is not served any more
}

// facts are what one row of streams says, and the head.
type facts struct {
	exists  bool
	head    store.Position
	key     [32]byte
	first   uint64 // lowest offset the log holds
	settled uint64 // last offset in chunks
	chain   store.Hash
	writers int // rows of writers
}

// recentRecord is a record in the table recent.
type recentRecord struct {
	epoch  string
	record store.Record
	size   int // bytes of the row
}

// streamID names a stream in the tables. A number made from the name, unlike a
// counted one, ties the rows of all tables to the name: if the row in streams is
// lost to damage, the others show that there was one. Who looks for two names
// with one id needs 2^31 tries, and gets an error for the second.
func streamID(name string) int64 {
	h := sha256.Sum256([]byte(name))
	return int64(binary.BigEndian.Uint64(h[:]) >> 1)
}

// use returns a stream, loaded; leave it when done. One that does not exist is returned
// too.
//
// c is the connection to load it with, nil for one of the pool.
func (s *Store) use(ctx context.Context, name string, c *conn) (*stream, error) {
	id := streamID(name)
	s.mu.Lock()
	st := s.streams[id]
	first := st == nil
	if first {
		st = &stream{id: id, name: name, loaded: make(chan struct{})}
		s.streams[id] = st
	}
	st.uses++
	crowded := first && len(s.streams) > s.most
	s.mu.Unlock()
	if crowded {
		_ = s.committer.submit(crowding{}) // a store that takes no changes any more needs no room
	}
	if first {
		st.err = s.load(context.WithoutCancel(ctx), st, c) // others wait for it as well
		close(st.loaded)
	}
	<-st.loaded
	err := st.err
	if err == nil && st.name != name {
		err = fmt.Errorf("stream names %q and %q have one id here; use another name: %w", name, st.name, store.ErrInvalid)
	}
	if err != nil {
		s.leave(st)
		return nil, err
	}
	return st, nil
}

// leave ends a use. A stream that could not be loaded is forgotten, so that
// the next use tries again.
func (s *Store) leave(st *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st.uses--
	if st.err != nil && s.streams[st.id] == st {
		delete(s.streams, st.id)
	}
}

func (s *Store) load(ctx context.Context, st *stream, c *conn) (err error) {
	if _, lost := s.committer.orphans[st.id]; lost {
		return corrupt(st.name, "its row in streams is gone, but others of it are there")
	}
	if c == nil {
		if c, err = s.acquire(ctx); err != nil {
			return err
		}
		defer func() { s.pool <- c }()
	}
	st.now, err = c.facts(st.id, st.name)
	st.next = st.now
	return err
}

// publish makes what was staged the truth. It returns how many more writers are
// cached now.
func (st *stream) publish(c *committer) (writers int) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.now = st.next
	if st.settled {
		for i := range st.recent {
			c.bytes -= st.recent[i].size
		}
		c.records -= len(st.recent)
		c.fences -= st.fences
		st.recent, st.fences = nil, 0
	}
	for i := range st.added {
		c.bytes += st.added[i].size
	}
	c.records += len(st.added)
	st.recent = append(st.recent, st.added...)
	before := len(st.writers)
	if st.writers == nil && len(st.staged) > 0 {
		st.writers = make(map[crdt.Writer]writer, len(st.staged))
	}
	for w, k := range st.staged {
		st.writers[w] = k
	}
	st.forget()
	return len(st.writers) - before
}

// undo takes back what was staged, except fences.
func (st *stream) undo() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.next = st.now
	st.forget()
}

func (st *stream) forget() {
	clear(st.added) // the array is used again, the records need not live on
	st.added, st.settled = st.added[:0], false
	clear(st.staged)
}

// unsettledRecords are those in recent, the transaction included.
func (st *stream) unsettledRecords() []recentRecord {
	if st.settled {
		return st.added
	}
	return slices.Concat(st.recent, st.added)
}

// idle says whether the file knows all of it outside of recent. For the
// committer.
func (st *stream) idle() bool {
	return len(st.recent) == 0 && st.fences == 0 && st.damage == nil
}

const selectStream = `SELECT name, epoch, key, first, settled, chain, writers, crc FROM streams WHERE id = ?`

// facts reads a row of streams. The head is that of the chunks.
func (c *conn) facts(id int64, name string) (facts, error) {
	row, err := c.One(selectStream, id)
	if err != nil {
		return facts{}, failure(err)
	}
	if row == nil {
		return facts{}, c.orphans(id, name)
	}
	var f facts
	r := columns{row: row}
	stored := r.text()
	f.exists, f.head.Epoch = true, r.text()
	copy(f.key[:], r.blob())
	f.first, f.settled = r.number(), r.number()
	copy(f.chain[:], r.blob())
	f.writers = int(r.number())
	f.head.Offset, f.head.Chain = f.settled, f.chain
	if sum := r.number(); r.broken || uint32(sum) != f.sum(stored) || streamID(stored) != id {
		return facts{}, corrupt(name, "the checksum of its row in streams does not fit")
	}
	if stored != name {
		return facts{}, fmt.Errorf("stream names %q and %q have one id here; use another name: %w", name, stored, store.ErrInvalid)
	}
	return f, nil
}

// orphans looks for rows of a stream that has none in streams.
func (c *conn) orphans(id int64, name string) error {
	row, err := c.One(`SELECT 1 FROM chunks WHERE stream = ?1 UNION ALL SELECT 1 FROM writers WHERE stream = ?1
		UNION ALL SELECT 1 FROM snapshots WHERE stream = ?1 UNION ALL SELECT 1 FROM pieces WHERE stream = ?1 LIMIT 1`, id)
	if err != nil {
		return failure(err)
	}
	if row != nil {
		return corrupt(name, "its row in streams is gone, but others of it are there")
	}
	return nil
}

const upsertStream = `INSERT INTO streams (id, name, epoch, key, first, settled, chain, writers, crc) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
	ON CONFLICT (id) DO UPDATE SET epoch = excluded.epoch, first = excluded.first, settled = excluded.settled,
	chain = excluded.chain, writers = excluded.writers, crc = excluded.crc`

// put writes the row of a stream as it will be.
func (c *conn) put(st *stream) error {
	f := &st.next
	return c.Exec(upsertStream, st.id, st.name, f.head.Epoch, f.key[:], int64(f.first), int64(f.settled), f.chain[:],
		int64(f.writers), int64(f.sum(st.name)))
}

// sum is the checksum of the row.
func (f *facts) sum(name string) uint32 {
	b := appendString(make([]byte, 0, 256), name)
	b = appendString(b, f.head.Epoch)
	b = append(b, f.key[:]...)
	b = append(b, f.chain[:]...)
	for _, n := range []uint64{f.first, f.settled, uint64(f.writers)} {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	return crc32.Checksum(b, castagnoli)
}

// found fills the facts of a new stream.
func (f *facts) found() {
	*f = facts{exists: true, first: 1}
	f.head.Epoch = newEpoch()
	_, _ = rand.Read(f.key[:]) // never fails: the runtime ends the process instead
	_, _ = rand.Read(f.chain[:])
	f.head.Chain = f.chain
}

func newEpoch() string {
	var b [8]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// columns takes the values of a row one after the other. The types are those of
// the schema unless the file is damaged.
type columns struct {
	row    []driver.Value
	broken bool
}

func (c *columns) value() driver.Value {
	v := c.row[0]
	c.row = c.row[1:]
	return v
}

func (c *columns) text() string {
	v := c.value()
	s, ok := v.(string)
	c.broken = c.broken || !ok
	return s
}

func (c *columns) blob() []byte {
	v := c.value()
	b, ok := v.([]byte)
	c.broken = c.broken || !ok && v != nil
	return b
}

func (c *columns) number() uint64 {
	v := c.value()
	n, ok := v.(int64)
	c.broken = c.broken || !ok
	return uint64(n)
}
