package ydoc

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// agrees says whether the first n units of a struct, at a clock that the
// document has passed, are what the document has. Content that was collected on
// either side cannot differ.
func (d *Doc) agrees(client, clock, n uint32, c *change) bool {
	if c.kind == kindGC {
		return true
	}
	cl := &d.clients[client]
	b, k := cl.find(clock)
	end := clock + n
	theirs := pieces{kind: c.kind, b: c.content, ascii: c.kind == kindString && len(c.content) == int(c.length)}
	for at, ok := clock, true; at < end && ok; b, k, ok = cl.next(b, k) {
		it := &d.items[cl.blocks[b].runs[k].item]
		upTo := min(end, it.end())
		piece := theirs.take(upTo - at)
		if it.kind != kindGC {
			if at == clock && !d.sameNeighbours(it, clock, c) {
				return false
			}
			if it.kind != kindDeleted && c.kind != kindDeleted && !d.sameContent(it, at, upTo, c, piece) {
				return false
			}
		}
		at = upTo
	}
	return true
}

// pieces cuts content into parts, from its beginning to its end.
type pieces struct {
	kind  uint8
	b     []byte
	ascii bool
	torn  bool // the last part ended within a surrogate pair
}

// take cuts off n units. A part that begins or ends inside of a surrogate pair
// has the replacement character there.
func (p *pieces) take(n uint32) []byte {
	switch p.kind {
	case kindAny, kindJSON:
		return p.cut(int(contentSize(p.kind, p.b, n)))
	case kindString:
	default:
		return p.b
	}
	if p.ascii {
		return p.cut(int(n))
	}
	var part []byte
	if p.torn {
		part = append(part, replacement...)
		p.torn = false
		n--
	}
	at, inside := unitOffset(p.b, n)
	if part == nil && !inside {
		return p.cut(at)
	}
	part = append(part, p.cut(at)...)
	if inside {
		part = append(part, replacement...)
		p.cut(4)
		p.torn = true
	}
	return part
}

func (p *pieces) cut(n int) []byte {
	part := p.b[:n]
	p.b = p.b[n:]
	return part
}

func (d *Doc) sameNeighbours(it *item, clock uint32, c *change) bool {
	origin := it.origin
	if clock > it.clock {
		origin = id{it.client, clock - 1}
	}
	if !d.sameID(origin, c.hasOrigin(), c.origin) || !d.sameID(it.right, c.hasRight(), c.right) {
		return false
	}
	if c.info&(bitOrigin|bitRight) != 0 {
		return true
	}
	li := &d.lists[d.leaves[it.leaf].list]
	if c.hasSub() != li.sub || li.sub && string(c.sub) != li.key {
		return false
	}
	t := &d.types[li.owner]
	if t.item == none {
		return c.rooted && t.name == string(c.root)
	}
	return !c.rooted && d.sameID(d.items[t.item].id(), true, c.parent)
}

func (d *Doc) sameID(own id, has bool, other remoteID) bool {
	if own.client == noClient || !has {
		return own.client == noClient && !has
	}
	return d.clients[own.client].id == other.client && own.clock == other.clock
}

// sameContent compares clocks from to upTo of an item with a part of a struct.
func (d *Doc) sameContent(it *item, from, upTo uint32, c *change, part []byte) bool {
	if it.kind != c.kind {
		return false
	}
	switch it.kind {
	case kindFormat:
		f := &d.formats.entries[it.off]
		return f.key == string(c.key) && f.value == string(c.content)
	case kindType:
		t := &d.types[it.off]
		return t.kind == c.shared && t.name == string(c.key)
	case kindString, kindAny, kindJSON:
		own := pieces{kind: it.kind, b: d.contentOf(it), ascii: it.kind == kindString && it.size == it.length}
		own.take(from - it.clock)
		mine := own.take(upTo - from)
		return bytes.Equal(mine, part) || it.kind == kindString && similar(mine, part)
	}
	return bytes.Equal(d.contentOf(it), part)
}

// similar compares texts of the same length. A replacement character stands for
// anything: it may be half of a pair that one side tore.
func similar(a, b []byte) bool {
	if !bytes.Contains(a, []byte(replacement)) && !bytes.Contains(b, []byte(replacement)) {
		return false
	}
	s, t := utf16.Encode([]rune(string(a))), utf16.Encode([]rune(string(b)))
	if len(s) != len(t) {
		return false
	}
	for i := range s {
		if s[i] != t[i] && s[i] != utf8.RuneError && t[i] != utf8.RuneError {
			return false
		}
	}
	return true
}
