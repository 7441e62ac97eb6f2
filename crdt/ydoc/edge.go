package ydoc

// cutEdge deletes a span at an edge of the item at (b, k) of its client, where
// what is deleted would merge with a collected neighbour at the end of the
// transaction: it moves the boundary between the two. It returns false, and does
// nothing, if that is not so.
func (d *Doc) cutEdge(b, k int, s span) bool {
	c := &d.clients[s.client]
	i := c.blocks[b].runs[k].item
	it := &d.items[i]
	if !splits(it.kind) || it.flags&^flagSub != 0 || s.length >= it.length || !d.tx.certain || !d.unwatched() {
		return false
	}
	if !d.tx.local && !d.keepAll && d.types[d.lists[d.leaves[it.leaf].list].owner].formatted {
		return false // its markers may need tidying
	}
	switch {
	case s.end() == it.end():
		return d.cutTail(c, b, k, s)
	case s.clock == it.clock:
		return d.cutHead(c, b, k, s)
	}
	return false
}

// cutTail gives the end of an item to the collected one behind it.
func (d *Doc) cutTail(c *client, b, k int, s span) bool {
	nb, nk, ok := c.next(b, k)
	if !ok {
		return false
	}
	i, j := c.blocks[b].runs[k].item, c.blocks[nb].runs[nk].item
	it, dead := &d.items[i], &d.items[j]
	if dead.kind != kindDeleted || dead.flags&^flagSub != flagDeleted || dead.origin != it.lastID() || dead.right != it.right {
		return false
	}
	at := d.spotOf(i)
	if d.itemIn(d.after(at)) != j {
		return false
	}
	size, ok := d.sizeOf(it, it.length-s.length)
	if !ok {
		return false
	}
	c.dead += int(it.size - size)
	it.size = size
	it.length -= s.length
	dead.clock, dead.length = s.clock, dead.length+s.length
	dead.origin = it.lastID()
	c.blocks[nb].runs[nk].clock = s.clock
	if nk == 0 {
		c.blocks[nb].first = s.clock
	}
	d.wasCut(at, s)
	return true
}

// cutHead gives the beginning of an item to the collected one before it.
func (d *Doc) cutHead(c *client, b, k int, s span) bool {
	pb, pk, ok := c.prev(b, k)
	if !ok {
		return false
	}
	i, j := c.blocks[b].runs[k].item, c.blocks[pb].runs[pk].item
	it, dead := &d.items[i], &d.items[j]
	if dead.kind != kindDeleted || dead.flags&^flagSub != flagDeleted || it.origin != dead.lastID() || dead.right != it.right {
		return false
	}
	at := d.spotOf(i)
	if d.itemIn(d.before(at)) != j {
		return false
	}
	size, ok := d.sizeOf(it, s.length)
	if !ok {
		return false
	}
	c.dead += int(size)
	it.off, it.size = it.off+size, it.size-size
	it.clock, it.length = s.end(), it.length-s.length
	dead.length += s.length
	it.origin = dead.lastID()
	c.blocks[b].runs[k].clock = it.clock
	if k == 0 {
		c.blocks[b].first = it.clock
	}
	d.wasCut(at, s)
	return true
}

// sizeOf returns how many bytes the first n units of an item take, and false if
// that would tear a surrogate pair.
func (d *Doc) sizeOf(it *item, n uint32) (uint32, bool) {
	if it.kind != kindString {
		return contentSize(it.kind, d.contentOf(it), n), true
	}
	if it.size == it.length {
		return n, true
	}
	at, inside := unitOffsetIn(d.contentOf(it), n, it.length)
	return uint32(at), !inside
}

// wasCut takes note of a span that the item at a place lost.
func (d *Doc) wasCut(at spot, s span) {
	d.grow(at, -s.length)
	d.version++
	d.tx.deletes = append(d.tx.deletes, s)
	d.noteChanged(d.leaves[at.leaf].list)
}
