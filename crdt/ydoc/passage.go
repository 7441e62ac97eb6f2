package ydoc

import (
	"encoding/binary"
	"slices"
)

// passage is a struct of the commonest sort: text, or a length of deleted
// content, whose neighbours are its own author's. It is read and placed with
// less ado than a change.
type passage struct {
	kind, info    uint8
	length        uint32
	origin, right uint32 // clocks, if info says so
	content       []byte
}

// prefix is a client id as updates write it: at most eight bytes.
type prefix struct {
	bytes, mask uint64
	width       int
}

func prefixOf(client uint64) prefix {
	var b [16]byte
	n := len(appendUint(b[:0], client))
	return prefix{binary.LittleEndian.Uint64(b[:]), ^uint64(0) >> (64 - 8*n), n}
}

// passageMost is how many bytes the numbers of a passage take at most.
const passageMost = 48

// passage reads one struct of the author with the given prefix. It returns false,
// and reads nothing, if that is another sort of struct or the input ends soon.
func (r *reader) passage(s *passage, own *prefix) bool {
	if r.i+passageMost > len(r.b) {
		return false
	}
	i := r.i + 1
	s.info = r.b[r.i]
	s.kind = s.info & bitsKind
	if s.kind != kindString && s.kind != kindDeleted || s.info&bitSub != 0 || s.info&(bitOrigin|bitRight) == 0 {
		return false
	}
	var n int
	if s.info&bitOrigin != 0 {
		if binary.LittleEndian.Uint64(r.b[i:])&own.mask != own.bytes {
			return false
		}
		i += own.width
		if s.origin, n = shortUint(r.b[i:]); n == 0 {
			return false
		}
		i += n
	}
	if s.info&bitRight != 0 {
		if binary.LittleEndian.Uint64(r.b[i:])&own.mask != own.bytes {
			return false
		}
		i += own.width
		if s.right, n = shortUint(r.b[i:]); n == 0 {
			return false
		}
		i += n
	}
	if s.length, n = shortUint(r.b[i:]); n == 0 || s.length == 0 {
		return false
	}
	i += n
	s.content = nil
	if s.kind == kindString {
		end := i + int(s.length)
		if end > len(r.b) || !isASCII(r.b[i:end]) {
			return false
		}
		s.content = r.b[i:end]
		i = end
	}
	r.i = i
	return true
}

// shortUint reads a number of up to four bytes, which b must have, and returns
// how many it took; 0 if it is longer.
func shortUint(b []byte) (uint32, int) {
	w := binary.LittleEndian.Uint32(b)
	switch {
	case w&0x80 == 0:
		return w & 0x7f, 1
	case w&0x8000 == 0:
		return w&0x7f | w>>1&0x3f80, 2
	case w&0x800000 == 0:
		return w&0x7f | w>>1&0x3f80 | w>>2&0x1fc000, 3
	case w&0x80000000 == 0:
		return w&0x7f | w>>1&0x3f80 | w>>2&0x1fc000 | w>>3&0xfe00000, 4
	}
	return 0, 0
}

func isASCII(s []byte) bool {
	const high = 0x8080808080808080
	for ; len(s) >= 8; s = s[8:] {
		if binary.LittleEndian.Uint64(s)&high != 0 {
			return false
		}
	}
	for _, c := range s {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

// ahead says whether a passage at a clock refers to itself or to what its author
// makes later.
func (s *passage) ahead(clock uint64) bool {
	return s.info&bitOrigin != 0 && uint64(s.origin) >= clock || s.info&bitRight != 0 && uint64(s.right) >= clock
}

// acceptPassage integrates a passage whose turn it is. The section remembers the
// right neighbour: those who type on keep the same one.
func (d *Doc) acceptPassage(s *section, t *passage) error {
	if err := d.roomFor(s, len(t.content)); err != nil {
		return err
	}
	n := insertion{list: none, left: none, next: none}
	n.client, n.clock, n.length, n.kind = s.dense, s.clock, t.length, t.kind
	n.origin.client, n.right.client = noClient, noClient
	var collected bool
	if t.info&bitOrigin != 0 {
		n.origin = id{s.dense, t.origin}
		n.left = d.endAt(n.origin)
		collected = d.items[n.left].leaf == none
	}
	if t.info&bitRight != 0 {
		n.right = id{s.dense, t.right}
		if s.next == none || d.items[s.next].clock != t.right {
			s.next = d.startAt(n.right)
		}
		n.next = s.next
		collected = collected || d.items[n.next].leaf == none
	}
	if !collected {
		if err := d.listBetween(&n); err != nil {
			return err
		}
		if err := d.meet(&n); err != nil {
			return err
		}
	}
	c := &d.clients[s.dense]
	d.touch(s.dense)
	if t.kind == kindString {
		n.off, n.size = uint32(len(c.bytes)), uint32(len(t.content))
		c.bytes = append(c.bytes, t.content...)
	}
	return d.integrate(&n)
}

// passage says whether appendRuns can write the item by itself.
func (it *item) passage() bool {
	return (it.kind == kindString || it.kind == kindDeleted) && it.flags&flagSub == 0 &&
		it.origin.client&it.right.client != noClient
}

// appendRuns appends the items of runs of client c. It writes passages into room
// made beforehand: to append byte by byte takes most of the time that a state
// takes to encode.
func (d *Doc) appendRuns(b []byte, c *client, runs []run) []byte {
	for _, r := range runs {
		it := &d.items[r.item]
		if !it.passage() {
			b = d.appendItem(b, it, 0)
			continue
		}
		size := int(it.size) // 0 if deleted
		at := len(b)
		if cap(b)-at < passageMost+size {
			b = slices.Grow(b, passageMost+size)
		}
		to := b[at : at+passageMost+size]
		info, n := it.kind, 1
		if it.origin.client != noClient {
			info |= bitOrigin
			w := c
			if it.origin.client != it.client {
				w = &d.clients[it.origin.client]
			}
			copy(to[n:n+8], w.prefix[:])
			n = putUint(to, n+int(w.width), it.origin.clock)
		}
		if it.right.client != noClient {
			info |= bitRight
			w := c
			if it.right.client != it.client {
				w = &d.clients[it.right.client]
			}
			copy(to[n:n+8], w.prefix[:])
			n = putUint(to, n+int(w.width), it.right.clock)
		}
		to[0] = info
		if it.kind == kindDeleted {
			b = b[:at+putUint(to, n, it.length)]
			continue
		}
		n = putUint(to, n, it.size)
		if from := c.bytes[it.off:]; size <= 16 && len(from) >= 16 {
			copy(to[n:n+16], from[:16]) // a copy of fixed size is no call
		} else {
			copy(to[n:], from[:size])
		}
		b = b[:at+n+size]
	}
	return b
}

// putUint writes x to b[n:] and returns where it ends.
func putUint(b []byte, n int, x uint32) int {
	for ; x >= 0x80; x >>= 7 {
		b[n] = byte(x) | 0x80
		n++
	}
	b[n] = byte(x)
	return n + 1
}
