package ydoc

// applyOne applies an update with one struct that the document can take at once:
// what a keystroke makes. It returns false, and does nothing, if the update is
// another one or not well-formed.
func (d *Doc) applyOne(update []byte) (done bool, err error) {
	var s section
	var c change
	if !d.readOne(update, &s, &c) {
		return false, nil
	}
	d.begin(false)
	if i, at, ok := d.continues(&s, &c); ok {
		d.growTail(i, at, &c)
		return true, nil
	}
	d.budget = d.limits.Work
	if err := d.accept(&s, &c); err != nil {
		d.rollback()
		return true, err
	}
	d.commit()
	return true, nil
}

// readOne reads an update of one struct whose turn it is and which depends on
// nothing that is missing, and says whether it is such a one.
func (d *Doc) readOne(update []byte, s *section, c *change) bool {
	if len(update) < 8 || update[0] != 1 || update[1] != 1 || len(update) > d.limits.Update || !d.pending.empty() {
		return false
	}
	r := reader{b: update, i: 2}
	s.client, s.clock = r.uint(), r.uint32()
	s.dense = d.lookup(s.client)
	if r.err != nil || s.dense == noClient || d.clients[s.dense].clock != s.clock {
		return false
	}
	s.state = s.clock
	r.change(c, d.limits.Depth)
	r.checkContent(c, d.limits.Depth)
	if r.err != nil || c.kind == kindGC || c.kind == kindSkip || c.info&(bitOrigin|bitRight) == 0 ||
		uint64(s.clock)+uint64(c.length) > maxClock || r.i != len(update)-1 || update[r.i] != 0 {
		return false
	}
	return !(c.hasOrigin() && !d.hasRemote(c.origin) || c.hasRight() && !d.hasRemote(c.right))
}

func (d *Doc) hasRemote(what remoteID) bool { return what.clock < d.stateOf(what.client) }

// continues says whether a struct only types on where its client's last item,
// which it returns with its place, ends.
func (d *Doc) continues(s *section, c *change) (int32, spot, bool) {
	if c.kind != kindString || !c.hasOrigin() || c.origin.client != s.client || c.origin.clock != s.clock-1 ||
		s.client == d.own || !d.unwatched() {
		return none, spot{}, false
	}
	cl := &d.clients[s.dense]
	i := cl.tail()
	it := &d.items[i]
	if it.kind != kindString || it.flags != 0 || int(it.off+it.size) != len(cl.bytes) || !d.sameID(it.right, c.hasRight(), c.right) {
		return none, spot{}, false
	}
	at := d.spotOf(i)
	next := d.itemIn(d.after(at))
	if (next == none) == c.hasRight() || next != none && d.items[next].id() != it.right {
		return none, spot{}, false
	}
	return i, at, !d.types[d.lists[d.leaves[it.leaf].list].owner].formatted
}

// growTail adds the text of a struct that continues item i to it.
func (d *Doc) growTail(i int32, at spot, c *change) {
	it := &d.items[i]
	cl := &d.clients[it.client]
	d.touch(it.client)
	cl.bytes = append(cl.bytes, c.content...)
	cl.clock += c.length
	it.length += c.length
	it.size += uint32(len(c.content))
	d.grow(at, c.length)
	d.version++
}

// typesOn says whether an update only types on where its author's last item
// ends: it can then be applied for certain.
func (d *Doc) typesOn(update []byte) bool {
	var s section
	var c change
	if !d.readOne(update, &s, &c) {
		return false
	}
	_, _, ok := d.continues(&s, &c)
	return ok
}

// deleteOnly applies an update that deletes one span of what the document has.
func (d *Doc) deleteOnly(update []byte) bool {
	if len(update) < 6 || update[0] != 0 || update[1] != 1 || len(update) > 32 || !d.pending.empty() {
		return false
	}
	r := reader{b: update, i: 2}
	n := d.lookup(r.uint())
	one := r.byte()
	s := span{n, r.uint32(), r.uint32()}
	if r.err != nil || r.i != len(update) || one != 1 || n == noClient || s.length == 0 ||
		uint64(s.clock)+uint64(s.length) > uint64(d.clients[n].clock) {
		return false
	}
	d.begin(false)
	d.tx.certain = true
	d.deleteRange(s)
	d.commit()
	return true
}
