package sqlite

import (
	"database/sql/driver"
	"encoding/binary"
	"hash/crc32"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/store"
)

// writer is what is known of one writer on one stream. Values are never changed
// in place once others see them: the committer puts a new one.
type writer struct {
	mark   store.Watermark
	fence  uint64
	chunk  uint64 // first offset of the newest chunk with its ops, 0 if there is none
	stored bool   // there is a row
	stale  bool   // the row says less than this
}

const selectWriter = `SELECT seq, at, subject, hash, chunk, fence, crc FROM writers WHERE stream = ? AND client = ? AND inc = ?`

// writer reads a writer's row; a zero writer if it has none.
func (c *conn) writer(st *stream, w crdt.Writer) (writer, error) {
	row, err := c.One(selectWriter, st.id, w.Client, w.Inc)
	if err != nil {
		return writer{}, failure(err)
	}
	if row == nil {
		return writer{}, nil
	}
	return scanWriter(&columns{row: row}, st, w)
}

func scanWriter(r *columns, st *stream, w crdt.Writer) (writer, error) {
	known := writer{stored: true}
	m := &known.mark
	m.Seq, m.At, m.Subject = r.number(), r.number(), r.text()
	hash := r.blob()
	copy(m.Hash[:], hash)
	known.chunk, known.fence = r.number(), r.number()
	if sum := r.number(); r.broken || len(hash) != len(m.Hash) || uint32(sum) != known.sum(st.id, w) {
		return writer{}, corrupt(st.name, "the checksum of a row in writers does not fit")
	}
	return known, nil
}

const upsertWriter = `INSERT INTO writers (stream, client, inc, seq, at, subject, hash, chunk, fence, crc)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
	ON CONFLICT (stream, client, inc) DO UPDATE SET seq = excluded.seq, at = excluded.at, subject = excluded.subject,
	hash = excluded.hash, chunk = excluded.chunk, fence = excluded.fence, crc = excluded.crc`

func (c *conn) putWriter(st *stream, w crdt.Writer, known *writer) error {
	m := &known.mark
	return c.Exec(upsertWriter, st.id, w.Client, w.Inc, int64(m.Seq), int64(m.At), m.Subject, m.Hash[:],
		int64(known.chunk), int64(known.fence), int64(known.sum(st.id, w)))
}

// sum is the checksum of a writer's row.
func (k *writer) sum(stream int64, w crdt.Writer) uint32 {
	b := binary.LittleEndian.AppendUint64(make([]byte, 0, 256), uint64(stream))
	b = appendString(b, w.Client)
	b = appendString(b, w.Inc)
	b = appendString(b, k.mark.Subject)
	b = append(b, k.mark.Hash[:]...)
	for _, n := range []uint64{k.mark.Seq, k.mark.At, k.chunk, k.fence} {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	return crc32.Checksum(b, castagnoli)
}

const selectWriters = `SELECT client, inc, seq, at, subject, hash, chunk, fence, crc FROM writers WHERE stream = ?`

// checkWriters reads all rows of a stream's writers. That a writer is new can
// only be believed when no row is damaged or missing: else its ops might be
// committed again.
func (c *conn) checkWriters(st *stream, rows int) error {
	n := 0
	err := c.Query(func(row []driver.Value) error {
		n++
		r := &columns{row: row}
		_, err := scanWriter(r, st, crdt.Writer{Client: r.text(), Inc: r.text()})
		return err
	}, selectWriters, st.id)
	if err != nil {
		return failure(err)
	}
	if n != rows {
		return corrupt(st.name, "it has %d rows in writers, and its row in streams counts %d", n, rows)
	}
	return nil
}
