package sqlite

import (
	"database/sql/driver"
	"encoding/binary"
	"hash/crc32"

	"github.com/wavesiddhartha/flowsync/store"
)

// saving is one call of Save.
type saving struct {
	awaited
	stream   string
	snapshot store.Snapshot
}

const insertSnapshot = `INSERT INTO snapshots (stream, offset, epoch, rule, chain, crc, state) VALUES (?, ?, ?, ?, ?, ?, ?)`

func (s *saving) make(c *committer) error {
	st, err := c.stream(s.stream)
	if err != nil {
		return err
	}
	p := s.snapshot.Position
	if !st.next.exists || p.Epoch != st.next.head.Epoch {
		return nil
	}
	offsets, err := c.conn.snapshotOffsets(st)
	if err != nil {
		return err
	}
	if p.Offset == 0 || len(offsets) > 0 && p.Offset <= offsets[0] {
		return nil
	}
	if ends, err := c.ends(st, p); err != nil || !ends {
		return err
	}
	if err := c.write(); err != nil {
		return err
	}
	if len(offsets) > 0 {
		if err := c.conn.Exec("DELETE FROM snapshots WHERE stream = ? AND offset < ?", st.id, int64(offsets[0])); err != nil {
			return err
		}
	}
	c.logged += 2 + len(s.snapshot.State)/pageSize
	return c.conn.Exec(insertSnapshot, st.id, int64(p.Offset), p.Epoch, s.snapshot.Rule, p.Chain[:],
		int64(snapshotSum(st.id, &s.snapshot)), string(s.snapshot.State))
}

// ends says whether a record of the log ends at that offset with that chain.
func (c *committer) ends(st *stream, p store.Position) (bool, error) {
	if p.Offset < st.next.first || p.Offset > st.next.head.Offset {
		return false, nil
	}
	for _, r := range st.unsettledRecords() {
		if r.record.Last() == p.Offset {
			return r.record.Chain == p.Chain, nil
		}
	}
	settled := st.next.settled
	if p.Offset > settled {
		return false, nil
	}
	ends := false
	err := c.conn.chunks(st, p.Offset-1, settled, func(r *row) (bool, error) {
		for i := range r.records {
			if rec := &r.records[i].record; rec.Last() == p.Offset {
				ends = rec.Chain == p.Chain
			}
		}
		return false, nil
	})
	return ends, err
}

// snapshotOffsets returns where the snapshots of a stream are, newest first.
func (c *conn) snapshotOffsets(st *stream) (offsets []uint64, err error) {
	err = c.Query(func(row []driver.Value) error {
		r := columns{row: row}
		offsets = append(offsets, r.number())
		return nil
	}, "SELECT offset FROM snapshots WHERE stream = ? ORDER BY offset DESC", st.id)
	return offsets, err
}

const selectSnapshot = `SELECT offset, epoch, rule, chain, crc, CAST(state AS BLOB) FROM snapshots
	WHERE stream = ? ORDER BY offset DESC LIMIT 1`

// newestSnapshot is nil if there is none.
func (c *conn) newestSnapshot(st *stream) (*store.Snapshot, error) {
	values, err := c.One(selectSnapshot, st.id)
	if err != nil {
		return nil, failure(err)
	}
	if values == nil {
		return nil, nil
	}
	return scanSnapshot(values, st)
}

func scanSnapshot(values []driver.Value, st *stream) (*store.Snapshot, error) {
	var s store.Snapshot
	r := columns{row: values}
	s.Position.Offset, s.Position.Epoch, s.Rule = r.number(), r.text(), r.text()
	chain := r.blob()
	copy(s.Position.Chain[:], chain)
	sum := r.number()
	s.State = r.blob()
	if r.broken || len(chain) != len(s.Position.Chain) || uint32(sum) != snapshotSum(st.id, &s) {
		return nil, corrupt(st.name, "the checksum of its snapshot at offset %d does not fit", s.Position.Offset)
	}
	return &s, nil
}

func snapshotSum(stream int64, s *store.Snapshot) uint32 {
	b := binary.LittleEndian.AppendUint64(make([]byte, 0, 256), uint64(stream))
	b = binary.LittleEndian.AppendUint64(b, s.Position.Offset)
	b = appendString(b, s.Position.Epoch)
	b = appendString(b, s.Rule)
	b = append(b, s.Position.Chain[:]...)
	return crc32.Update(crc32.Checksum(b, castagnoli), castagnoli, s.State)
}
