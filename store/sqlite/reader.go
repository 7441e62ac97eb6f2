package sqlite

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"

	"github.com/wavesiddhartha/flowsync/internal/sqlitefile"
	"github.com/wavesiddhartha/flowsync/store"
)

// Reader looks into a store's file without taking it: a hub may have it open and
// go on writing. All that a Reader says is from the moment it was opened. While
// it is open the write-ahead log cannot be begun anew, so close it soon.
//
// It is for one goroutine.
type Reader struct {
	conn *conn
	path string
	how  sqlitefile.Access
}

// OpenReader opens a file for reading. The error wraps [fs.ErrNotExist] if there
// is none, [store.ErrVersion] if a newer version wrote it and [store.ErrCorrupt]
// if its structure is damaged. The file is left as it is in every case; beside a
// log that a killed process left, an index of it is made.
func OpenReader(path string) (*Reader, error) {
	r, err := openReader(path)
	if err != nil {
		return nil, fmt.Errorf("read store %s: %w", path, err)
	}
	return r, nil
}

func openReader(path string) (*Reader, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() == 0 {
		return nil, errForeign
	}
	r := &Reader{path: path, how: sqlitefile.ReadOnly}
	if !exists(path + "-wal") {
		r.how = sqlitefile.Immutable // nobody has it open; a common reader would leave files beside it
	}
	version, err := r.begin()
	switch {
	case err == nil && version == 0:
		return nil, errors.Join(errForeign, r.conn.Close())
	case sqlitefile.Damaged(err) && !(&file{path: path}).ours():
		return nil, errForeign
	case err != nil:
		return nil, failure(err)
	}
	return r, nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// begin connects, and fixes the moment that is read.
func (r *Reader) begin() (version int, err error) {
	if r.conn, err = connect(r.path, r.how, ""); err != nil {
		return 0, err
	}
	if err = r.conn.Script("PRAGMA busy_timeout = 10000; PRAGMA temp_store = MEMORY"); err == nil {
		err = r.conn.Exec("BEGIN")
	}
	if err == nil {
		version, err = r.conn.identify()
	}
	if err == nil && version > 0 && version < 3 {
		err = r.conn.Script(asSchema3)
	}
	if err != nil {
		return 0, errors.Join(err, r.conn.Close())
	}
	return version, nil
}

// asSchema3 shows a file of schema 1 or 2, which a reader leaves as it is, as one
// of schema 3: names of the connection's own come before those of the file.
const asSchema3 = `
	CREATE TEMP TABLE pieces (stream INTEGER, offset INTEGER, piece INTEGER, data TEXT);
	CREATE TEMP VIEW snapshots AS SELECT *, 0 AS pieces FROM main.snapshots`

// meanwhile reports a hub that opened the file while it was read as one that
// nobody has open.
func (r *Reader) meanwhile() error {
	if r.how == sqlitefile.Immutable && exists(r.path+"-wal") {
		return fmt.Errorf("a hub opened the file while it was read; do it again: %w", store.ErrUnavailable)
	}
	return nil
}

// Close ends the reading. The error wraps [store.ErrUnavailable] if what was read
// may be of several moments, because a hub opened a file that was closed before.
func (r *Reader) Close() error {
	r.conn.rest()
	return errors.Join(r.meanwhile(), r.conn.Close())
}

// Check looks for damage that is not of one stream: to the structure of the
// file, to the session counter, and of streams whose very row is gone. It returns
// what it found.
func (r *Reader) Check() error {
	var found []error
	err := r.conn.Query(func(row []driver.Value) error {
		if row[0] != "ok" {
			found = append(found, fmt.Errorf("structure: %v: %w", row[0], store.ErrCorrupt))
		}
		return nil
	}, "PRAGMA quick_check(10)")
	if err != nil {
		found = append(found, failure(err))
	}
	if _, err := r.conn.sessions(); err != nil {
		found = append(found, failure(err))
	}
	err = r.conn.Query(func(row []driver.Value) error {
		found = append(found, fmt.Errorf("a stream's row is gone, but others of it are there (id %v): %w", row[0], store.ErrCorrupt))
		return nil
	}, `SELECT stream FROM chunks UNION SELECT stream FROM recent UNION SELECT stream FROM writers
		UNION SELECT stream FROM snapshots UNION SELECT stream FROM pieces EXCEPT SELECT id FROM streams`)
	if err != nil {
		found = append(found, failure(err))
	}
	return errors.Join(found...)
}

// Names lists the streams in the order of their names.
func (r *Reader) Names() (names []string, err error) {
	err = r.conn.Query(func(row []driver.Value) error {
		name, _ := row[0].(string)
		names = append(names, name)
		return nil
	}, "SELECT name FROM streams ORDER BY name")
	return names, failure(err)
}

// Contents is what a file holds of one stream, beside the records of its log.
type Contents struct {
	Head      store.Position
	First     uint64           // lowest offset the log holds; Head.Offset+1 if none
	Writers   int              // with a watermark
	Snapshots []store.Snapshot // newest first, at most two
	Bytes     int64            // of its log and snapshots in the file

	st     *stream
	facts  facts
	recent []recentRecord
}

// Contents reads a stream and all checksums beside those of its log, which
// [Reader.Records] reads. The error wraps [store.ErrCorrupt] if one does not fit,
// and [fs.ErrNotExist] if there is no such stream.
func (r *Reader) Contents(name string) (*Contents, error) {
	c := &Contents{st: &stream{id: streamID(name), name: name}}
	var err error
	if c.facts, err = r.conn.facts(c.st.id, name); err != nil {
		return nil, err
	}
	if !c.facts.exists {
		return nil, fmt.Errorf("stream %q: %w", name, fs.ErrNotExist)
	}
	if err := r.recent(c); err != nil {
		return nil, err
	}
	if err := r.conn.checkWriters(c.st, c.facts.writers); err != nil {
		return nil, err
	}
	err = r.conn.Query(func(row []driver.Value) error {
		s, err := r.conn.scanSnapshot(row, c.st)
		if err == nil {
			c.Snapshots = append(c.Snapshots, *s)
		}
		return err
	}, selectSnapshots, c.st.id)
	if err != nil {
		return nil, failure(err)
	}
	size, err := r.conn.One(selectSize, c.st.id)
	if err != nil {
		return nil, failure(err)
	}
	c.Head, c.First, c.Writers = c.facts.head, c.facts.first, c.facts.writers
	c.Bytes, _ = size[0].(int64)
	return c, nil
}

const (
	selectSize = `SELECT (SELECT coalesce(sum(octet_length(proof) + octet_length(entries)), 0) FROM chunks WHERE stream = ?1)
		+ (SELECT coalesce(sum(octet_length(proof) + octet_length(entries)), 0) FROM recent WHERE stream = ?1)
		+ (SELECT coalesce(sum(octet_length(state)), 0) FROM snapshots WHERE stream = ?1)
		+ (SELECT coalesce(sum(octet_length(data)), 0) FROM pieces WHERE stream = ?1)`
	selectRecentOf = `SELECT id, stream, first, last, NULL, proof, CAST(entries AS BLOB) FROM recent WHERE stream = ? ORDER BY id`
)

// recent reads the records that are not in chunks yet; they say where the head is.
func (r *Reader) recent(c *Contents) error {
	head := &c.facts.head
	err := r.conn.Query(func(row []driver.Value) error {
		in := scanRecent(row)
		if in.err != nil {
			return rowError(c.st.name, head.Offset+1, in.err)
		}
		w := &in.row.records[0]
		if w.record.First() != head.Offset+1 || w.record.Prev != head.Chain {
			return corrupt(c.st.name, "the record at offset %d does not follow what is at %d", w.record.First(), head.Offset)
		}
		head.Offset, head.Chain = w.record.Last(), w.record.Chain
		c.recent = append(c.recent, recentRecord{w.epoch, w.record, in.size})
		return nil
	}, selectRecentOf, c.st.id)
	return failure(err)
}

// Records yields the log of a stream in order, about a thousand entries in memory
// at a time, with all checksums looked at and each record following the one
// before. Damage ends the sequence with an error that wraps [store.ErrCorrupt].
func (r *Reader) Records(c *Contents) iter.Seq2[*store.Record, error] {
	return func(yield func(*store.Record, error) bool) {
		at, first := c.First-1, true
		var chain store.Hash
		for at < c.Head.Offset {
			records, err := r.conn.tail(c.st, &c.facts, c.recent, at, store.MissedMax)
			if err == nil && len(records) == 0 {
				err = corrupt(c.st.name, "its log ends at offset %d and should end at %d", at, c.Head.Offset)
			}
			if err != nil {
				yield(nil, failure(err))
				return
			}
			for i := range records {
				rec := &records[i]
				if !first && rec.Prev != chain {
					yield(nil, corrupt(c.st.name, "the record at offset %d does not follow what is at %d", rec.First(), at))
					return
				}
				at, chain, first = rec.Last(), rec.Chain, false
				if !yield(rec, nil) {
					return
				}
			}
		}
	}
}
