package ydoc

// replacement is what both halves of a torn surrogate pair become.
const replacement = "\uFFFD"

// pair is a surrogate pair that a split tore, for undoing a refused update.
type pair struct {
	at    id // of its first half
	bytes [4]byte
}

// split cuts the first n units off item i, which stays itself, and returns the
// item of the rest.
func (d *Doc) split(i int32, n uint32) int32 {
	r := d.newItem()
	left, right := &d.items[i], &d.items[r]
	*right = item{
		clock:  left.clock + n,
		length: left.length - n,
		client: left.client,
		kind:   left.kind,
		flags:  left.flags,
		origin: id{left.client, left.clock + n - 1},
		right:  left.right,
		leaf:   none,
	}
	if left.leaf == none {
		right.origin, right.right = id{client: noClient}, id{client: noClient}
	}
	d.splitContent(left, right, n)
	c := &d.clients[left.client]
	left.length = n
	b, k := c.find(left.clock)
	c.insert(b, k, run{right.clock, r})
	if left.flags&flagRedone != 0 {
		to := d.redone[i]
		d.redone[r] = id{to.client, to.clock + n}
	}
	if left.leaf != none {
		at := d.spotOf(i)
		d.grow(at, d.items[i].visible()-d.leaves[at.leaf].lens[at.slot])
		d.putAt(spot{at.leaf, at.slot + 1}, r)
	}
	d.tx.splits = append(d.tx.splits, d.items[r].id())
	if d.items[i].flags&(flagSub|flagDeleted) == flagSub {
		// A key's live value is longer than 1 only if it was forged. Its
		// beginning is no value any more, and replicas that receive the two
		// parts one after the other delete it too.
		d.delete(i)
	}
	return r
}

// splitContent gives right what is behind n units of left. left still has its
// whole length.
func (d *Doc) splitContent(left, right *item, n uint32) {
	switch left.kind {
	case kindString:
		d.splitText(left, right, n)
	case kindAny, kindJSON:
		c := &d.clients[left.client]
		size := contentSize(left.kind, c.bytes[left.off:left.off+left.size], n)
		right.off, right.size = left.off+size, left.size-size
		left.size = size
	}
}

func (d *Doc) splitText(left, right *item, n uint32) {
	if left.size == left.length {
		right.off, right.size, left.size = left.off+n, left.size-n, n
		return
	}
	c := &d.clients[left.client]
	text := c.bytes[left.off : left.off+left.size]
	at, inside := unitOffsetIn(text, n, left.length)
	if !inside {
		right.off, right.size, left.size = left.off+uint32(at), left.size-uint32(at), uint32(at)
		return
	}
	// As yjs does: a pair that somebody tears becomes two replacement characters.
	d.tx.pairs = append(d.tx.pairs, pair{id{left.client, left.clock + n - 1}, [4]byte(text[at : at+4])})
	off := uint32(len(c.bytes))
	c.bytes = append(c.bytes, text[:at]...)
	c.bytes = append(c.bytes, replacement...)
	mid := uint32(len(c.bytes))
	c.bytes = append(c.bytes, replacement...)
	c.bytes = append(c.bytes, text[at+4:]...)
	c.dead += int(left.size)
	right.off, right.size = mid, uint32(len(c.bytes))-mid
	left.off, left.size = off, mid-off
}

// startAt returns the item that begins at an id, splitting one if need be.
func (d *Doc) startAt(what id) int32 {
	i := d.itemAt(what)
	if it := &d.items[i]; it.clock != what.clock && it.leaf != none {
		return d.split(i, what.clock-it.clock)
	}
	return i
}

// endAt returns the item that ends with an id, splitting one if need be.
func (d *Doc) endAt(what id) int32 {
	if c := &d.clients[what.client]; what.clock+1 == c.clock {
		return c.tail() // nothing is commoner: typing on
	}
	i := d.itemAt(what)
	if it := &d.items[i]; it.end() != what.clock+1 && it.leaf != none {
		d.split(i, what.clock+1-it.clock)
	}
	return i
}

// merge joins right, the item behind left in clock order, to left if they look
// as if they had been inserted at once.
func (d *Doc) merge(left, right int32) bool {
	l, r := &d.items[left], &d.items[right]
	if l.kind != r.kind || l.flags&flagDeleted != r.flags&flagDeleted || l.end() != r.clock {
		return false
	}
	if l.kind == kindGC {
		l.length += r.length
		d.dropItem(right)
		return true
	}
	if !splits(l.kind) || l.leaf == none || r.leaf == none || r.origin != l.lastID() || l.right != r.right || (l.flags|r.flags)&flagRedone != 0 {
		return false
	}
	at := d.spotOf(left)
	if d.itemIn(d.after(at)) != right {
		return false
	}
	d.joinContent(l, r)
	l.flags |= r.flags & flagKeep
	l.length += r.length
	if v := r.visible(); v != 0 {
		d.grow(at, v)
	}
	d.take(right)
	d.dropItem(right)
	return true
}

func (d *Doc) joinContent(l, r *item) {
	if l.kind == kindDeleted {
		return
	}
	if l.off+l.size == r.off {
		l.size += r.size
		return
	}
	c := &d.clients[l.client]
	off := uint32(len(c.bytes))
	c.bytes = append(c.bytes, c.bytes[l.off:l.off+l.size]...)
	c.bytes = append(c.bytes, c.bytes[r.off:r.off+r.size]...)
	c.dead += int(l.size + r.size)
	l.off, l.size = off, l.size+r.size
}

// mergeLefts merges the item at (b, i) with those before it for as long as they
// fit, and returns where the result is and how many joined.
func (d *Doc) mergeLefts(c *client, b, i int) (int, int, int) {
	for joined := 0; ; joined++ {
		pb, pi, ok := c.prev(b, i)
		if !ok || !d.merge(c.blocks[pb].runs[pi].item, c.blocks[b].runs[i].item) {
			return b, i, joined
		}
		c.remove(b, i)
		b, i = pb, pi
	}
}

// mergeBack tries every boundary from (b, i) backwards to where items begin
// before clock.
func (d *Doc) mergeBack(c *client, b, i int, clock uint32) {
	for ok := true; ok && c.blocks[b].runs[i].clock >= clock; {
		b, i, _ = d.mergeLefts(c, b, i)
		b, i, ok = c.prev(b, i)
	}
}

func (d *Doc) mergeDeleted(t *txn) {
	for k := len(t.deletes) - 1; k >= 0; k-- {
		s := t.deletes[k]
		c := &d.clients[s.client]
		b, i := c.find(s.end() - 1)
		if nb, ni, ok := c.next(b, i); ok {
			b, i = nb, ni
		}
		d.mergeBack(c, b, i, s.clock)
	}
}

func (d *Doc) mergeAdded(t *txn) {
	for k := len(t.joins) - 1; k >= 0; k-- {
		c := &d.clients[t.joins[k].client]
		if b, i := c.find(t.joins[k].clock); c.blocks[b].runs[i].clock == t.joins[k].clock {
			d.mergeLefts(c, b, i)
		}
	}
}

// noteJoin notes an item about to be added if it may merge with its client's
// last one. No other boundary between added items can come to merge but by
// deletion, and deletions are looked at anyway.
func (d *Doc) noteJoin(n *item) {
	if n.kind != kindGC && (n.origin.client != n.client || n.origin.clock != n.clock-1) {
		return
	}
	tail := d.clients[n.client].tail()
	if tail == none {
		return
	}
	it := &d.items[tail]
	if n.kind != it.kind || !splits(n.kind) && n.kind != kindGC {
		return
	}
	if n.kind == kindGC || n.origin == it.lastID() && n.right == it.right {
		d.tx.joins = append(d.tx.joins, n.id())
	}
}

// mergeSplits goes backwards over the places that were split: the boundary
// behind the item that covers the place, then the one before it.
func (d *Doc) mergeSplits(t *txn) {
	for k := len(t.splits) - 1; k >= 0; k-- {
		c := &d.clients[t.splits[k].client]
		b, i := c.find(t.splits[k].clock)
		if nb, ni, ok := c.next(b, i); ok {
			if _, _, joined := d.mergeLefts(c, nb, ni); joined > 1 {
				continue
			}
			b, i = c.find(t.splits[k].clock)
		}
		d.mergeLefts(c, b, i)
	}
}
