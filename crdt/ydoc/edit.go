package ydoc

import "fmt"

// insertable is content that a local edit is about to insert.
type insertable struct {
	kind   uint8
	length uint32
	bytes  []byte // for the client's store
	text   string // the same, for strings
	format uint32 // entry of a format
	shared uint8
	name   string
}

// room says whether the own client's clock and store have room for n more.
func (d *Doc) room(n int) error {
	k := d.lookup(d.own)
	if k == noClient {
		return nil
	}
	if c := &d.clients[k]; uint64(c.clock)+uint64(n) > maxClock || uint64(len(c.bytes))+uint64(n) > maxClock {
		return fmt.Errorf("%w: client %d has used up its clock; take another client id", ErrLimit, d.own)
	}
	return nil
}

// add inserts content of the own client between two neighbours of list l, and
// returns its item.
func (d *Doc) add(l, left, right int32, x insertable) (int32, error) {
	own := d.intern(d.own)
	d.touch(own)
	c := &d.clients[own]
	n := insertion{list: l, left: left, next: right, shared: x.shared, name: x.name}
	n.client, n.clock, n.length, n.kind = own, c.clock, x.length, x.kind
	n.origin.client, n.right.client = noClient, noClient
	if left != none {
		n.origin = d.items[left].lastID()
		n.at = d.spotOf(left)
	}
	if right != none {
		n.right = d.items[right].id()
	}
	switch x.kind {
	case kindFormat:
		n.off = x.format
	case kindType:
		n.depth = d.types[d.lists[l].owner].depth + 1
	case kindString:
		n.off, n.size = uint32(len(c.bytes)), uint32(len(x.text))
		c.bytes = append(c.bytes, x.text...)
	default:
		n.off, n.size = uint32(len(c.bytes)), uint32(len(x.bytes))
		c.bytes = append(c.bytes, x.bytes...)
	}
	if n.kind == kindType && int(n.depth) > d.limits.Depth {
		return none, fmt.Errorf("%w: shared types nest deeper than %d", ErrLimit, d.limits.Depth)
	}
	d.budget = d.limits.Work
	if err := d.integrate(&n); err != nil {
		return none, err
	}
	return c.tail(), nil
}

// gap finds where an insertion at pos of list l goes: behind the item of the
// position before it, which is split if need be.
func (d *Doc) gap(l int32, pos uint32) (left int32, right spot) {
	if pos == 0 {
		return none, d.firstSpot(l)
	}
	at, off := d.seek(l, pos)
	i := d.itemIn(at)
	if off < d.items[i].length {
		d.split(i, off)
		at = d.spotOf(i)
	}
	return i, d.after(at)
}

// gapInText is gap at a position that may be inside a surrogate pair; it returns
// where it went.
func (d *Doc) gapInText(l int32, pos uint32) (left int32, right spot, at uint32) {
	if pos == 0 {
		return none, d.firstSpot(l), 0
	}
	s, off := d.seek(l, pos)
	i := d.itemIn(s)
	if it := &d.items[i]; off == it.length {
		return i, d.after(s), pos
	} else if it.kind == kindString && it.size != it.length {
		if _, inside := unitOffsetIn(d.contentOf(it), off, it.length); inside {
			left, right = d.gap(l, pos-1)
			return left, right, pos - 1
		}
	}
	d.split(i, off)
	return i, d.after(d.spotOf(i)), pos
}

// cutVisible deletes n positions from pos on by cutting one item at an edge, if
// that can be done; see cutEdge.
func (d *Doc) cutVisible(l int32, pos, n uint32) bool {
	at, off := d.seek(l, pos+1)
	it := &d.items[d.itemIn(at)]
	if off+n-1 > it.length {
		return false
	}
	s := span{it.client, it.clock + off - 1, n}
	if s.clock != it.clock && s.end() != it.end() {
		return false
	}
	b, k := d.clients[s.client].find(it.clock)
	return d.cutEdge(b, k, s)
}

// deleteVisible deletes n positions of list l from pos on.
func (d *Doc) deleteVisible(l int32, pos, n uint32) {
	_, at := d.gap(l, pos)
	for n > 0 && at.leaf != none {
		i := d.itemIn(at)
		it := &d.items[i]
		v := it.visible()
		if v == 0 {
			at = d.after(at)
			continue
		}
		if v > n {
			d.split(i, n)
			at = d.spotOf(i)
			v = n
		}
		d.delete(i)
		n -= v
		at = d.after(at)
	}
}

// inRange checks a range of positions.
func inRange(pos, n, size int) error {
	if pos < 0 || n < 0 || pos > size || n > size-pos {
		return fmt.Errorf("%w: %d positions from %d on, of %d", ErrRange, n, pos, size)
	}
	return nil
}

// tornAt says whether pos is inside a surrogate pair.
func (d *Doc) tornAt(l int32, pos uint32) bool {
	if pos == 0 || pos >= d.lists[l].size {
		return false
	}
	at, off := d.seek(l, pos)
	it := &d.items[d.itemIn(at)]
	if it.kind != kindString || it.size == it.length || off == it.length {
		return false
	}
	_, inside := unitOffsetIn(d.contentOf(it), off, it.length)
	return inside
}
