package sqlite

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/wavesiddhartha/flowsync/store"
)

// sessionPiece is how many session numbers are reserved at a time.
const sessionPiece = 1024

// sessionNames are two rows of meta that say the same. One may be damaged.
var sessionNames = [...]string{"session", "session again"}

// numbering is one call of Session. On a full disk the number is given without
// being reserved, so that a hub goes on admitting those who read: whatever is
// written next reserves it in the same transaction. Until then nothing that
// outlives the process knows the number, and the next process may give it again.
type numbering struct {
	awaited
	number uint64
}

func (n *numbering) make(c *committer) error {
	c.session++
	n.number = c.session
	if c.session <= c.limit {
		return nil
	}
	if c.begun {
		return c.reserve()
	}
	return c.write()
}

func (n *numbering) answer(err error) {
	if errors.Is(err, store.ErrReadonly) {
		err = nil
	}
	n.awaited.answer(err)
}

// reserve makes the numbers given so far, and a piece more, those that are never
// given again.
func (c *committer) reserve() error {
	limit := c.session - 1 + sessionPiece
	for _, name := range sessionNames {
		if err := c.conn.Exec("REPLACE INTO meta (name, value, crc) VALUES (?, ?, ?)",
			name, int64(limit), int64(metaSum(name, limit))); err != nil {
			return err
		}
	}
	c.limit = limit
	return nil
}

// sessions reads the highest number that may have been given out.
func (c *conn) sessions() (uint64, error) {
	var rows, sound int
	var most uint64
	for _, name := range sessionNames {
		row, err := c.One("SELECT value, crc FROM meta WHERE name = ?", name)
		if err != nil {
			return 0, err
		}
		if row == nil {
			continue
		}
		rows++
		r := columns{row: row}
		value, sum := r.number(), r.number()
		if !r.broken && uint32(sum) == metaSum(name, value) {
			sound++
			most = max(most, value)
		}
	}
	if rows > 0 && sound == 0 {
		return 0, fmt.Errorf("the session counter and its copy do not fit their checksums: %w: %w", errTruncated, store.ErrCorrupt)
	}
	return most, nil
}

func metaSum(name string, value uint64) uint32 {
	return crc32.Checksum(binary.LittleEndian.AppendUint64([]byte(name), value), castagnoli)
}
