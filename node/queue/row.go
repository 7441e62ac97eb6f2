package queue

import (
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"

	"github.com/wavesiddhartha/flowsync/internal/clientcore"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// content is what the checksum of a row covers: its table, the client and every
// column, lengths before texts.
type content []byte

func (q *Queue) content(table string) content {
	return content(nil).text(table).text(q.client)
}

func (c content) text(s string) content {
	return append(c.number(uint64(len(s))), s...)
}

// optional is the content of a column that may be NULL.
func (c content) optional(b []byte) content {
	if b == nil {
		return append(c, 0)
	}
	return append(c, 1).text(string(b))
}

func (c content) number(n uint64) content { return binary.LittleEndian.AppendUint64(c, n) }

func (c content) flag(b bool) content { return c.number(uint64(flag(b))) }

// sum is the checksum as it stands in a row.
func (c content) sum() int64 { return int64(crc32.Checksum(c, castagnoli)) }

func (q *Queue) nameSum(id int64, name string) int64 {
	return q.content("names").number(uint64(id)).text(name).sum()
}

func (q *Queue) headSum(id int64, h *clientcore.Head) int64 {
	return q.content("heads").number(uint64(id)).text(h.Rule).text(h.Inc).number(h.Next).number(h.Acked).
		text(string(h.Hash[:])).text(h.Epoch).number(h.At).flag(h.Seen).sum()
}

func (q *Queue) opSum(id int64, o *clientcore.Op) int64 {
	return q.content("ops").number(uint64(id)).number(o.Seq).number(o.At).flag(o.Blind).flag(o.Lost).optional(o.Body).sum()
}

func (q *Queue) keptSum(id int64, k *clientcore.Kept) int64 {
	return q.content("kept").number(uint64(id)).text(k.Cursor).text(string(k.State)).sum()
}

func (q *Queue) deadSum(d *clientcore.DeadLetter) int64 {
	return q.content("dead").text(d.Stream).text(d.Inc).number(d.Seq).text(string(d.Hash[:])).flag(d.Sent).
		text(string(d.Code)).text(d.Msg).optional(d.Op).sum()
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// text is a column that may be NULL.
func text(b []byte) driver.Value {
	if b == nil {
		return nil
	}
	return string(b)
}

// columns takes a row apart. A column of another type than expected makes it
// broken.
type columns struct {
	row    []driver.Value
	broken bool
}

func (c *columns) next() driver.Value {
	v := c.row[0]
	c.row = c.row[1:]
	return v
}

func (c *columns) number() int64 {
	n, ok := c.next().(int64)
	c.broken = c.broken || !ok
	return n
}

// count is a number that is not negative.
func (c *columns) count() uint64 {
	n := c.number()
	c.broken = c.broken || n < 0
	return uint64(n)
}

func (c *columns) flag() bool {
	n := c.number()
	c.broken = c.broken || n != 0 && n != 1
	return n == 1
}

func (c *columns) text() string {
	s, ok := c.next().(string)
	c.broken = c.broken || !ok
	return s
}

func (c *columns) optional() []byte {
	if c.row[0] == nil {
		c.next()
		return nil
	}
	return []byte(c.text())
}

func (c *columns) hash() (h [8]byte) {
	b, _ := c.next().([]byte)
	c.broken = c.broken || len(b) != len(h)
	copy(h[:], b)
	return h
}

// show writes a row down as it is.
func show(row []driver.Value) string {
	var b strings.Builder
	for i, v := range row {
		if i > 0 {
			b.WriteByte('|')
		}
		switch v := v.(type) {
		case []byte:
			fmt.Fprintf(&b, "x'%x'", v)
		case string:
			fmt.Fprintf(&b, "%q", v)
		default:
			fmt.Fprint(&b, v)
		}
	}
	return b.String()
}
