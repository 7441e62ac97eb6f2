package ydoc

// applyOne applies an update with one struct that the document can take at once:
// what a keystroke makes. It returns false, and does nothing, if the update is
// another one or not well-formed.
func (d *Doc) applyOne(update []byte) (done bool, err error) {
	if len(update) < 8 || update[0] != 1 || update[1] != 1 || len(update) > d.limits.Update || !d.pending.empty() {
		return false, nil
	}
	r := reader{b: update, i: 2}
	s := section{client: r.uint(), clock: r.uint32()}
	s.dense = d.lookup(s.client)
	if r.err != nil || s.dense == noClient || d.clients[s.dense].clock != s.clock {
		return false, nil
	}
	s.state = s.clock
	c := new(change)
	r.change(c, d.limits.Depth)
	r.checkContent(c, d.limits.Depth)
	if r.err != nil || c.kind == kindGC || c.kind == kindSkip || c.info&(bitOrigin|bitRight) == 0 ||
		uint64(s.clock)+uint64(c.length) > maxClock || r.i != len(update)-1 || update[r.i] != 0 {
		return false, nil
	}
	if c.hasOrigin() && !d.hasRemote(c.origin) || c.hasRight() && !d.hasRemote(c.right) {
		return false, nil
	}
	d.begin(false)
	if d.continues(&s, c) {
		return true, nil
	}
	d.budget = d.limits.Work
	if err := d.accept(&s, c); err != nil {
		d.rollback()
		return true, err
	}
	d.commit()
	return true, nil
}

func (d *Doc) hasRemote(what remoteID) bool { return what.clock < d.stateOf(what.client) }

// continues lets the last item of a client grow in place if the struct only
// types on where that one ends.
func (d *Doc) continues(s *section, c *change) bool {
	if c.kind != kindString || !c.hasOrigin() || c.origin.client != s.client || c.origin.clock != s.clock-1 ||
		s.client == d.own || !d.unwatched() {
		return false
	}
	cl := &d.clients[s.dense]
	i := cl.tail()
	it := &d.items[i]
	if it.kind != kindString || it.flags != 0 || int(it.off+it.size) != len(cl.bytes) || !d.sameID(it.right, c.hasRight(), c.right) {
		return false
	}
	at := d.spotOf(i)
	if next := d.itemIn(d.after(at)); next == none {
		if c.hasRight() {
			return false
		}
	} else if d.items[next].id() != it.right {
		return false
	}
	if d.types[d.lists[d.leaves[it.leaf].list].owner].formatted {
		return false
	}
	d.touch(s.dense)
	cl.bytes = append(cl.bytes, c.content...)
	cl.clock += c.length
	it.length += c.length
	it.size += uint32(len(c.content))
	d.grow(at, c.length)
	d.version++
	return true
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
