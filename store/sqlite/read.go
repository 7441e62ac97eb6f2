package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/wavesiddhartha/flowsync/internal/sqlitefile"
	"github.com/wavesiddhartha/flowsync/store"
)

// view is a stream at one moment: what memory said, and a connection that sees
// the file as it was then, or one transaction later.
type view struct {
	facts
	recent []recentRecord // above settled
	whole  bool           // all rows of writers were checked
}

// look takes the view of a stream and begins to read it with c. Memory and file
// are looked at under the lock that the committer needs to publish, so at most
// one transaction lies between them.
func (st *stream) look(c *conn) (v view, err error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.damage != nil {
		return v, st.damage
	}
	if err := c.Exec("BEGIN"); err != nil {
		return v, failure(err)
	}
	v.facts, err = c.facts(st.id, st.name)
	if err != nil {
		c.rest()
		return v, err
	}
	if v.exists && st.now.exists && st.now.head.Offset > v.settled {
		v.head.Offset, v.head.Chain = st.now.head.Offset, st.now.head.Chain
	}
	from := sort.Search(len(st.recent), func(i int) bool { return st.recent[i].record.First() > v.settled })
	v.recent, v.whole = st.recent[from:], st.whole
	return v, nil
}

// rest ends the reading that look began.
func (c *conn) rest() {
	_ = c.Exec("ROLLBACK") // nothing was written
}

// Load implements [store.Store].
func (s *Store) Load(ctx context.Context, stream string) (*store.Stream, error) {
	st, err := s.use(ctx, stream, nil)
	if err != nil {
		return nil, err
	}
	defer s.leave(st)
	if !st.exists() {
		if err := s.do(ctx, &creation{stream: stream}); err != nil {
			return nil, err
		}
	}
	c, err := s.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { s.pool <- c }()
	v, err := st.look(c)
	if err != nil {
		return nil, err
	}
	defer c.rest()
	return c.load(ctx, st, &v)
}

func (st *stream) exists() bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.now.exists
}

func (c *conn) load(ctx context.Context, st *stream, v *view) (*store.Stream, error) {
	loaded := &store.Stream{Head: v.head, Key: v.key, First: v.first}
	at := link{offset: v.first - 1}
	snapshot, err := c.newestSnapshot(st)
	if err != nil {
		return nil, err
	}
	if snapshot != nil {
		loaded.Snapshot = snapshot
		at = link{offset: snapshot.Position.Offset, chain: &snapshot.Position.Chain}
	} else if v.first > 1 {
		return nil, corrupt(st.name, "its log begins at offset %d and there is no snapshot", v.first)
	}
	if at.offset > v.head.Offset {
		return nil, corrupt(st.name, "its snapshot is at offset %d and the log ends at %d", at.offset, v.head.Offset)
	}
	loaded.Tail, err = c.records(st, &v.facts, v.recent, at, math.MaxInt, func(records []store.Record) bool { return ctx.Err() == nil })
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrUnavailable, ctx.Err())
	}
	return loaded, nil
}

// Read implements [store.Store].
func (s *Store) Read(ctx context.Context, stream string, after uint64, max int) (store.Tail, error) {
	if err := s.usable(); err != nil {
		return store.Tail{}, err
	}
	st, err := s.use(ctx, stream, nil)
	if err != nil {
		return store.Tail{}, err
	}
	defer s.leave(st)
	if tail, ok := st.readRecent(after, max); ok {
		return tail, nil
	}
	c, err := s.acquire(ctx)
	if err != nil {
		return store.Tail{}, err
	}
	defer func() { s.pool <- c }()
	v, err := st.look(c)
	if err != nil {
		return store.Tail{}, err
	}
	defer c.rest()
	if after+1 < v.first {
		return store.Tail{}, fmt.Errorf("the log of stream %q begins at offset %d; load its snapshot: %w", stream, v.first, store.ErrTrimmed)
	}
	records, err := c.tail(st, &v.facts, v.recent, after, max)
	return store.Tail{Records: records, Head: v.head, First: v.first}, err
}

// readRecent answers from memory, if what is asked for is there.
func (st *stream) readRecent(after uint64, max int) (store.Tail, bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if !st.now.exists && st.damage == nil {
		return store.Tail{First: 1}, true
	}
	begin := st.now.head.Offset + 1
	if len(st.recent) > 0 {
		begin = st.recent[0].record.First()
	}
	if st.damage != nil || after < begin-1 || after+1 < st.now.first {
		return store.Tail{}, false
	}
	tail := store.Tail{Head: st.now.head, First: st.now.first}
	n := 0
	for i := range st.recent {
		r := &st.recent[i].record
		if r.Last() <= after {
			continue
		}
		if n > 0 && n >= max {
			break
		}
		tail.Records = append(tail.Records, *r)
		n += len(r.Entries)
	}
	return tail, true
}

// tail reads records with entries after an offset until they have max entries,
// at least one if there is any.
func (c *conn) tail(st *stream, f *facts, recent []recentRecord, after uint64, max int) ([]store.Record, error) {
	if after >= f.head.Offset {
		return nil, nil
	}
	n, counted := 0, 0
	records, err := c.records(st, f, recent, link{offset: after, within: true}, max, func(records []store.Record) bool {
		for ; counted < len(records); counted++ {
			if counted > 0 && n >= max {
				return false
			}
			n += len(records[counted].Entries)
		}
		return counted == 0 || n < max
	})
	return records[:min(counted, len(records))], err
}

// link is where records have to go on from.
type link struct {
	offset uint64
	chain  *store.Hash // nil: not known
	within bool        // offset may be inside a record, which is then read whole
}

// records reads the records with entries after at, from chunks and then from
// recent, while more says so, and checks that each follows the one before and
// the last ends at the head. About how many entries are asked for is max; it
// only sizes what is returned.
func (c *conn) records(st *stream, f *facts, recent []recentRecord, at link, max int, more func([]store.Record) bool) ([]store.Record, error) {
	var records []store.Record
	add := func(r *store.Record) error {
		switch {
		case r.Last() <= at.offset || r.Last() < f.first:
			return nil
		case at.chain == nil && at.within && r.First() <= at.offset+1, r.First() == at.offset+1 && (at.chain == nil || *at.chain == r.Prev):
			records = append(records, *r)
			at = link{offset: r.Last(), chain: &records[len(records)-1].Chain}
			return nil
		}
		return corrupt(st.name, "the record at offset %d does not follow what is at %d", r.First(), at.offset)
	}
	stopped := false
	if at.offset < f.settled {
		err := c.chunks(st, at.offset, f.settled, func(r *row) (bool, error) {
			if len(records)+len(r.records) > cap(records) {
				records = slices.Grow(records, r.expect(min(f.settled-at.offset, uint64(max))))
			}
			for i := range r.records {
				if err := add(&r.records[i].record); err != nil {
					return false, err
				}
			}
			stopped = !more(records)
			return !stopped, nil
		})
		if err != nil || stopped {
			return records, err
		}
		if at.offset != f.settled || at.chain != nil && *at.chain != f.chain {
			return nil, corrupt(st.name, "its chunks end at offset %d and should end at %d", at.offset, f.settled)
		}
	}
	for i := range recent {
		if err := add(&recent[i].record); err != nil {
			return nil, err
		}
		if !more(records) {
			return records, nil
		}
	}
	if at.offset != f.head.Offset || at.chain != nil && *at.chain != f.head.Chain {
		return nil, corrupt(st.name, "its log ends at offset %d and should end at %d", at.offset, f.head.Offset)
	}
	return records, nil
}

// expectMax bounds how many records room is made for at once, whatever a row
// claims.
const expectMax = 1 << 20

// expect is how many records hold so many entries if they are like those of this
// row: a long log is copied again and again by a slice that grows by itself.
func (r *row) expect(entries uint64) int {
	n := len(r.records)
	per := r.records[n-1].record.Last() - r.records[0].record.First() + 1
	return n + int(min(entries/per*uint64(n), expectMax))
}

// selectChunks begins with the chunk that holds the offset.
const selectChunks = `SELECT first, last, proof, CAST(entries AS BLOB) FROM chunks
	WHERE stream = ?1 AND first >= coalesce((SELECT max(first) FROM chunks WHERE stream = ?1 AND first <= ?2), 0)
	AND first <= ?3 ORDER BY first`

// chunks calls each with the chunks that hold entries above after up to last,
// in order, until it returns false.
func (c *conn) chunks(st *stream, after, last uint64, each func(*row) (bool, error)) error {
	var own error
	err := c.Query(func(values []driver.Value) error {
		r, err := scanChunk(values, st)
		if err != nil {
			own = err
			return sqlitefile.ErrStop
		}
		on, err := each(r)
		if own = err; err != nil || !on {
			return sqlitefile.ErrStop
		}
		return nil
	}, selectChunks, st.id, int64(min(after, 1<<62)+1), int64(last))
	if own != nil {
		return own
	}
	return failure(err)
}

func scanChunk(values []driver.Value, st *stream) (*row, error) {
	cols := columns{row: values}
	first, last, proof := cols.number(), cols.number(), cols.blob()
	var entries []byte // nil when only the proof was asked for
	if len(values) > 3 {
		entries = cols.blob()
	}
	if cols.broken {
		return nil, corrupt(st.name, "the chunk at offset %d has values of other types", first)
	}
	r, err := decodeRow(entries, proof)
	if err != nil {
		return nil, rowError(st.name, first, err)
	}
	if r.stream != st.id || r.id != 0 || r.records[0].record.First() != first || r.records[len(r.records)-1].record.Last() != last {
		return nil, corrupt(st.name, "the chunk at offset %d belongs elsewhere", first)
	}
	return r, nil
}

// rowError says that a row could not be decoded.
func rowError(stream string, first uint64, err error) error {
	if named(err) {
		return fmt.Errorf("stream %q, offset %d: %w; it is left as it is, use the newer FlowSync", stream, first, err)
	}
	return corrupt(stream, "the records at offset %d are damaged: %v", first, err)
}
