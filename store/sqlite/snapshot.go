package sqlite

import (
	"database/sql/driver"
	"encoding/binary"
	"hash/crc32"
	"unicode/utf8"

	"github.com/wavesiddhartha/flowsync/store"
)

// A snapshot may be megabytes, and ops are not to wait until all of it is on the
// disk. So its state is stored in pieces, each in a transaction of its own between
// those of the ops; the last piece is in the snapshot's row, which makes all of
// them valid and names how many there are. Pieces without that row are left over:
// of a snapshot that another took the place of, or of a process that ended. The
// stream's next snapshot removes what is left of the latter.

// saving is one call of Save: as many steps as it takes.
type saving struct {
	awaited
	stream   string
	snapshot store.Snapshot
	sum      uint32

	found    bool   // the log goes through its position, and always will
	clean    bool   // nothing is left over from before
	stored   int    // pieces committed
	rest     []byte // of the state, not stored yet
	decided  bool   // the row is there, or is not wanted
	finished bool   // and nothing is left over
}

func newSaving(stream string, snapshot store.Snapshot) *saving {
	return &saving{stream: stream, snapshot: snapshot, rest: snapshot.State, sum: snapshotSum(streamID(stream), &snapshot)}
}

const (
	insertPiece    = `INSERT INTO pieces (stream, offset, piece, data) VALUES (?, ?, ?, ?)`
	insertSnapshot = `INSERT INTO snapshots (stream, offset, epoch, rule, chain, crc, state, pieces) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`

	selectLeftover = `SELECT offset, piece FROM pieces WHERE stream = ?1
		AND offset NOT IN (SELECT offset FROM snapshots WHERE stream = ?1) LIMIT 1`
)

// make takes one step. Everything is looked at again in each, since other changes
// come between: the stream may be in another epoch by now.
func (s *saving) make(c *committer) error {
	st, err := c.stream(s.stream)
	if err != nil {
		return err
	}
	var newest uint64
	if !s.decided {
		var wanted bool
		if newest, wanted, err = s.wanted(c, st); err != nil {
			return err
		}
		s.decided = !wanted
	}
	if s.decided || !s.clean {
		if s.clean, err = s.sweep(c, st); err != nil || !s.clean {
			return err
		}
	}
	if s.decided {
		s.finished = true
		return nil
	}
	if err := c.write(); err != nil {
		return err
	}
	if piece := s.piece(c.bounds.pieceBytes); piece != nil {
		c.logged += 2 + len(piece)/pageSize
		s.stored++
		return c.conn.Exec(insertPiece, st.id, int64(s.snapshot.Position.Offset), int64(s.stored-1), string(piece))
	}
	return s.place(c, st, newest)
}

// wanted says whether the snapshot is one to store, and where the newest is now.
func (s *saving) wanted(c *committer, st *stream) (newest uint64, wanted bool, err error) {
	p := s.snapshot.Position
	if !st.next.exists || p.Epoch != st.next.head.Epoch {
		return 0, false, nil
	}
	offsets, err := c.conn.snapshotOffsets(st)
	if err != nil {
		return 0, false, err
	}
	if len(offsets) > 0 {
		newest = offsets[0]
	}
	if p.Offset == 0 || p.Offset <= newest {
		return 0, false, nil
	}
	if !s.found {
		s.found, err = c.ends(st, p)
	}
	return newest, s.found, err
}

// sweep removes one piece that is left over, or finds that there is none.
func (s *saving) sweep(c *committer, st *stream) (clean bool, err error) {
	row, err := c.conn.One(selectLeftover, st.id)
	if err != nil || row == nil {
		return err == nil, err
	}
	if err := c.write(); err != nil {
		return false, err
	}
	c.logged += 2
	return false, c.conn.Exec("DELETE FROM pieces WHERE stream = ? AND offset = ? AND piece = ?", st.id, row[0], row[1])
}

// piece cuts off the next piece of the state, nil if the rest is small enough for
// the snapshot's row. It is cut between characters, so that people can read it.
func (s *saving) piece(size int) []byte {
	if len(s.rest) <= size {
		return nil
	}
	n := size
	for n > size-utf8.UTFMax && !utf8.RuneStart(s.rest[n]) {
		n--
	}
	piece := s.rest[:n]
	s.rest = s.rest[n:]
	return piece
}

// place writes the row. The snapshot before it stays, older ones go.
func (s *saving) place(c *committer, st *stream, newest uint64) error {
	if err := c.conn.Exec("DELETE FROM snapshots WHERE stream = ? AND offset < ?", st.id, int64(newest)); err != nil {
		return err
	}
	c.logged += 2 + len(s.rest)/pageSize
	s.decided = true
	p := s.snapshot.Position
	return c.conn.Exec(insertSnapshot, st.id, int64(p.Offset), p.Epoch, s.snapshot.Rule, p.Chain[:],
		int64(s.sum), string(s.rest), int64(s.stored))
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

// selectSnapshots begins with the newest.
const selectSnapshots = `SELECT offset, epoch, rule, chain, crc, pieces, CAST(state AS BLOB) FROM snapshots
	WHERE stream = ? ORDER BY offset DESC`

// newestSnapshot is nil if there is none.
func (c *conn) newestSnapshot(st *stream) (*store.Snapshot, error) {
	values, err := c.One(selectSnapshots, st.id)
	if err != nil {
		return nil, failure(err)
	}
	if values == nil {
		return nil, nil
	}
	return c.scanSnapshot(values, st)
}

// scanSnapshot reads the pieces that come before the last, which is in the row,
// and checks the sum over all of them.
func (c *conn) scanSnapshot(values []driver.Value, st *stream) (*store.Snapshot, error) {
	var s store.Snapshot
	r := columns{row: values}
	s.Position.Offset, s.Position.Epoch, s.Rule = r.number(), r.text(), r.text()
	chain := r.blob()
	copy(s.Position.Chain[:], chain)
	sum, pieces := r.number(), r.number()
	last := r.blob()
	if pieces > 0 {
		var err error
		if s.State, err = c.pieces(st, s.Position.Offset, pieces); err != nil {
			return nil, err
		}
	}
	s.State = append(s.State, last...)
	if r.broken || len(chain) != len(s.Position.Chain) || uint32(sum) != snapshotSum(st.id, &s) {
		return nil, corrupt(st.name, "the checksum of its snapshot at offset %d does not fit", s.Position.Offset)
	}
	return &s, nil
}

// pieces joins the first pieces of a snapshot's state.
func (c *conn) pieces(st *stream, offset, want uint64) (state []byte, err error) {
	n := uint64(0)
	whole := true
	err = c.Query(func(row []driver.Value) error {
		r := columns{row: row}
		number, data := r.number(), r.blob()
		whole = whole && !r.broken && number == n
		state = append(state, data...)
		n++
		return nil
	}, "SELECT piece, CAST(data AS BLOB) FROM pieces WHERE stream = ? AND offset = ? ORDER BY piece", st.id, int64(offset))
	if err != nil {
		return nil, failure(err)
	}
	if !whole || n != want {
		return nil, corrupt(st.name, "pieces of its snapshot at offset %d are missing", offset)
	}
	return state, nil
}

func snapshotSum(stream int64, s *store.Snapshot) uint32 {
	b := binary.LittleEndian.AppendUint64(make([]byte, 0, 256), uint64(stream))
	b = binary.LittleEndian.AppendUint64(b, s.Position.Offset)
	b = appendString(b, s.Position.Epoch)
	b = appendString(b, s.Rule)
	b = append(b, s.Position.Chain[:]...)
	return crc32.Update(crc32.Checksum(b, castagnoli), castagnoli, s.State)
}
