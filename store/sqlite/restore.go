package sqlite

import (
	"database/sql/driver"
	"fmt"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/internal/sqlitefile"
)

const selectRecent = `SELECT r.id, r.stream, r.first, r.last, s.name, r.proof, CAST(r.entries AS BLOB)
	FROM recent AS r LEFT JOIN streams AS s ON s.id = r.stream ORDER BY r.id`

// restore brings memory to where the file is. Before it the table recent, which
// is small, is checked for damage to its structure: rows that are missing at its
// end would not be missed by anything else.
func (c *committer) restore() error {
	sound, err := c.conn.One("PRAGMA quick_check('recent')")
	if err != nil {
		return err
	}
	if len(sound) != 1 || sound[0] != "ok" {
		return fmt.Errorf("the table of recent records is damaged (%v): %w", sound, errTruncated)
	}
	if c.limit, err = c.conn.sessions(); err != nil {
		return err
	}
	c.session, c.reserved = c.limit, c.limit
	var rows []restored
	err = c.conn.Query(func(values []driver.Value) error {
		rows = append(rows, scanRecent(values))
		return nil
	}, selectRecent)
	if err != nil {
		return err
	}
	for i := range rows {
		c.lastID = max(c.lastID, rows[i].id)
		if err := c.restoreRow(&rows[i]); err != nil {
			return err
		}
	}
	return c.keepDamaged(rows)
}

// restored is a row of recent.
type restored struct {
	id     int64
	stream int64
	name   string // "": no such stream
	size   int
	row    *row
	err    error
}

func scanRecent(values []driver.Value) restored {
	cols := columns{row: values}
	r := restored{id: int64(cols.number()), stream: int64(cols.number())}
	first, last := cols.number(), cols.number()
	if name, ok := cols.value().(string); ok {
		r.name = name
	}
	proof, entries := cols.blob(), cols.blob()
	r.size = len(proof) + len(entries)
	if entries == nil {
		entries = []byte{}
	}
	r.row, r.err = decodeRow(entries, proof)
	if r.err != nil {
		return r
	}
	rec := &r.row.records[0].record
	if cols.broken || len(r.row.records) != 1 || r.row.id != r.id || r.row.stream != r.stream || rec.First() != first || rec.Last() != last {
		r.err = errMoved
	}
	return r
}

// errMoved: the columns of a row contradict each other.
var errMoved = fmt.Errorf("it contradicts itself: %w", errDamaged)

// restoreRow puts a record where Append put it. Damage costs the streams that
// the row may be of.
func (c *committer) restoreRow(r *restored) error {
	if r.name == "" {
		c.orphans[r.stream] = struct{}{}
	}
	if r.row != nil && r.row.stream != r.stream {
		if err := c.spoil(r.row.stream); err != nil {
			return err
		}
	}
	if r.name == "" {
		return nil
	}
	st, err := c.stream(r.name)
	if st == nil {
		return c.structural(err)
	}
	defer c.publish()
	if err != nil {
		return nil // damaged already
	}
	if r.err != nil {
		st.damage = rowError(r.name, st.now.head.Offset+1, r.err)
		return nil
	}
	rec := &r.row.records[0]
	if rec.record.First() != st.next.head.Offset+1 || rec.record.Prev != st.next.head.Chain {
		st.damage = corrupt(r.name, "the record at offset %d does not follow what is at %d", rec.record.First(), st.next.head.Offset)
		return nil
	}
	known := make([]writer, len(rec.record.Entries))
	for i := range rec.record.Entries {
		if known[i], err = c.known(st, rec.record.Entries[i].Writer); err != nil {
			st.damage = err
			return c.structural(err)
		}
	}
	c.unsettled[st] = struct{}{}
	st.take(recentRecord{rec.epoch, rec.record, r.size}, known)
	return nil
}

// structural passes on errors that are not of one stream.
func (c *committer) structural(err error) error {
	if sqlitefile.Damaged(err) || !named(err) {
		return err
	}
	return nil
}

// spoil makes a stream unusable of which only the id is known, because a row
// says that it is of this stream and stands under another.
func (c *committer) spoil(id int64) error {
	row, err := c.conn.One("SELECT name FROM streams WHERE id = ?", id)
	if err != nil {
		return err
	}
	if row == nil {
		c.orphans[id] = struct{}{}
		return nil
	}
	name, _ := row[0].(string)
	st, err := c.stream(name)
	if st == nil {
		return c.structural(err)
	}
	st.damage = corrupt(name, "a record of it stands under the id of another stream")
	c.publish()
	return nil
}

// keepDamaged takes the rows of damaged streams out of memory and makes sure that
// settling leaves them where they are.
func (c *committer) keepDamaged(rows []restored) error {
	for i := range rows {
		r := &rows[i]
		st := c.store.streams[r.stream]
		if r.err == nil && st != nil && st.damage == nil {
			continue
		}
		c.kept = append(c.kept, r.id)
		if st == nil || st.damage == nil {
			continue
		}
		for j := range st.recent {
			c.bytes -= st.recent[j].size
		}
		c.records -= len(st.recent)
		st.recent, st.writers = nil, make(map[crdt.Writer]writer)
		delete(c.unsettled, st)
	}
	return nil
}
