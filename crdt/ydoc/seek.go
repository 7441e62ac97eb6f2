package ydoc

// seek returns the visible item that holds the position before pos, and how far
// into that item pos is, from 1 to its length. pos must be from 1 to the size
// of l.
func (d *Doc) seek(l int32, pos uint32) (spot, uint32) {
	if d.near.leaf != none && d.near.list == l && pos > d.near.start {
		if at, off, ok := d.seekNear(pos); ok {
			return at, off
		}
	}
	want := pos
	at := d.lists[l].root
	for level := d.lists[l].level; level > 0; level-- {
		in := &d.inners[at]
		s := 0
		for pos > in.sums[s] {
			pos -= in.sums[s]
			s++
		}
		at = in.kids[s]
	}
	d.near = nearby{l, at, want - pos}
	lf := &d.leaves[at]
	s := 0
	for pos > lf.lens[s] {
		pos -= lf.lens[s]
		s++
	}
	return spot{at, s}, pos
}

// nearby is the leaf that seek found last, and how many positions come before
// it, which holds for as long as no other leaf of the list changes.
type nearby struct {
	list  int32
	leaf  int32 // none: unknown
	start uint32
}

// seekNear is seek in the leaf nearby and the one behind it.
func (d *Doc) seekNear(pos uint32) (spot, uint32, bool) {
	at := d.near.leaf
	pos -= d.near.start
	for range 2 {
		lf := &d.leaves[at]
		for s, n := range lf.lens[:lf.n] {
			if pos <= n {
				return spot{at, s}, pos, true
			}
			pos -= n
		}
		if at = lf.next; at == none {
			break
		}
	}
	return spot{}, 0, false
}

// rank returns how many positions come before a place.
func (d *Doc) rank(s spot) uint32 {
	lf := &d.leaves[s.leaf]
	var sum uint32
	for _, n := range lf.lens[:s.slot] {
		sum += n
	}
	for p, slot := lf.parent, lf.slot; p != none; {
		in := &d.inners[p]
		for _, n := range in.sums[:slot] {
			sum += n
		}
		p, slot = in.parent, in.slot
	}
	return sum
}

// precedes says whether a comes before b in the same list.
func (d *Doc) precedes(a, b spot) bool {
	if a.leaf == b.leaf {
		return a.slot < b.slot
	}
	l, r := &d.leaves[a.leaf], &d.leaves[b.leaf]
	if l.next == b.leaf {
		return true
	}
	p, ps, q, qs := l.parent, l.slot, r.parent, r.slot
	for p != q {
		p, ps, q, qs = d.inners[p].parent, d.inners[p].slot, d.inners[q].parent, d.inners[q].slot
	}
	return ps < qs
}
