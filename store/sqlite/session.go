package sqlite

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/wavesiddhartha/flowsync/store"
)

// sessionPiece is how many session numbers are reserved at a time.
const sessionPiece = 1024

// sessionNames are two rows of meta that say the same. One may be damaged.
var sessionNames = [...]string{"session", "session again"}

// numbering is one call of Session.
type numbering struct {
	awaited
	number uint64
}

func (n *numbering) make(c *committer) error {
	if c.session >= c.limit {
		limit := c.session + sessionPiece
		if err := c.write(); err != nil {
			return err
		}
		for _, name := range sessionNames {
			if err := c.conn.Exec("REPLACE INTO meta (name, value, crc) VALUES (?, ?, ?)",
				name, int64(limit), int64(metaSum(name, limit))); err != nil {
				return err
			}
		}
		c.limit = limit
	}
	c.session++
	n.number = c.session
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
