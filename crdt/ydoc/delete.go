package ydoc

// inside walks what is in a shared type: its sequence, then the value of each
// key.
type inside struct {
	at  spot
	key int32
}

func (d *Doc) insideOf(t int32) inside {
	in := inside{at: spot{none, 0}, key: d.types[t].firstKey}
	if l := d.types[t].seq; l != none {
		in.at = d.firstSpot(l)
	}
	return in
}

// step returns the next item, or none at the end.
func (d *Doc) step(in *inside) int32 {
	if in.at.leaf != none {
		i := d.itemIn(in.at)
		in.at = d.after(in.at)
		return i
	}
	for in.key != none {
		l := in.key
		in.key = d.lists[l].nextKey
		if i := d.lastItem(l); i != none {
			return i
		}
	}
	return none
}

// delete marks an item deleted, and with a shared type all that is in it. It
// keeps a stack of its own: how deep types nest is up to whoever wrote them.
func (d *Doc) delete(i int32) {
	if d.items[i].deleted() {
		return
	}
	d.deleteOne(i)
	if d.items[i].kind != kindType {
		return
	}
	stack := []inside{d.insideOf(int32(d.items[i].off))}
	for len(stack) > 0 {
		k := d.step(&stack[len(stack)-1])
		if k == none {
			stack = stack[:len(stack)-1]
			continue
		}
		it := &d.items[k]
		if !it.deleted() {
			d.deleteOne(k)
			if it.kind == kindType {
				stack = append(stack, d.insideOf(int32(it.off)))
			}
			continue
		}
		if d.isOld(it.id()) {
			// It will be collected with its type, and may then merge with others.
			d.tx.splits = append(d.tx.splits, it.id())
		}
	}
}

func (d *Doc) deleteOne(i int32) {
	it := &d.items[i]
	at := d.spotOf(i)
	if len(d.observers) > 0 {
		d.spliceOut(at, i)
	}
	d.grow(at, -d.leaves[at.leaf].lens[at.slot])
	it.flags |= flagDeleted
	d.tx.removed = true
	d.version++
	d.noteDeleted(it)
	d.noteChanged(d.leaves[at.leaf].list)
}

// deleteRange deletes what lies in a span of ids, all of which d must have.
func (d *Doc) deleteRange(s span) {
	c := &d.clients[s.client]
	b, k := c.find(s.clock)
	i := c.blocks[b].runs[k].item
	if it := &d.items[i]; it.deleted() && it.end() >= s.end() {
		return
	}
	if d.cutEdge(b, k, s) {
		return
	}
	if it := &d.items[i]; !it.deleted() && it.clock < s.clock {
		d.split(i, s.clock-it.clock)
		b, k = c.find(s.clock)
	}
	for ok := true; ok; b, k, ok = c.next(b, k) {
		r := c.blocks[b].runs[k]
		if r.clock >= s.end() {
			return
		}
		it := &d.items[r.item]
		if it.deleted() {
			continue
		}
		if it.end() > s.end() {
			d.split(r.item, s.end()-r.clock)
			b, k = c.find(r.clock)
		}
		d.delete(r.item)
	}
}

// collectDeleted drops the content of what the transaction deleted. An item
// keeps its place; what was inside of a shared type loses it.
func (d *Doc) collectDeleted(t *txn) {
	for _, s := range t.deletes {
		c := &d.clients[s.client]
		b, k := c.find(s.clock)
		for ok := true; ok; b, k, ok = c.next(b, k) {
			r := c.blocks[b].runs[k]
			if r.clock >= s.end() {
				break
			}
			it := &d.items[r.item]
			if it.leaf != none && it.kind != kindDeleted && it.deleted() && it.flags&flagKeep == 0 {
				d.collect(r.item)
			}
		}
	}
}

func (d *Doc) collect(i int32) {
	stack := d.empty(i, nil)
	d.items[i].kind = kindDeleted
	for len(stack) > 0 {
		t := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		stack = d.collectList(d.types[t].seq, stack)
		for l := d.types[t].firstKey; l != none; l = d.lists[l].nextKey {
			stack = d.collectList(l, stack)
		}
		d.dropShared(t)
	}
}

// collectList turns the items of a list into mere lengths and frees the list's
// nodes. It pushes the shared types among the items.
func (d *Doc) collectList(l int32, stack []int32) []int32 {
	if l == none || d.lists[l].root == none {
		return stack
	}
	d.dropInners(d.lists[l].root, d.lists[l].level)
	for f := d.lists[l].first; f != none; {
		lf := &d.leaves[f]
		for _, i := range lf.items[:lf.n] {
			stack = d.empty(i, stack)
			it := &d.items[i]
			*it = item{
				clock: it.clock, length: it.length, client: it.client,
				kind: kindGC, flags: flagDeleted, leaf: none,
				origin: id{client: noClient}, right: id{client: noClient},
			}
		}
		next := lf.next
		lf.list = d.freeLeaf
		d.freeLeaf = f
		f = next
	}
	li := &d.lists[l]
	li.root, li.level, li.first, li.last = none, 0, none, none
	d.near.leaf = none
	return stack
}

// dropInners frees the inner nodes of a tree, whose height is small.
func (d *Doc) dropInners(node int32, level uint8) {
	if level == 0 {
		return
	}
	in := &d.inners[node]
	for _, kid := range in.kids[:in.n] {
		d.dropInners(kid, level-1)
	}
	d.inners[node].parent = d.freeInner
	d.freeInner = node
}

// empty drops the content of a deleted item and pushes its shared type.
func (d *Doc) empty(i int32, stack []int32) []int32 {
	it := &d.items[i]
	switch it.kind {
	case kindFormat:
		d.formats.drop(it.off)
		d.leaves[it.leaf].formats--
	case kindType:
		stack = append(stack, int32(it.off))
	default:
		d.clients[it.client].dead += int(it.bytes())
	}
	if it.flags&flagRedone != 0 {
		delete(d.redone, i)
		it.flags &^= flagRedone
	}
	it.off, it.size = 0, 0
	return stack
}

// wasteful is how many unused bytes a client's store may hold without being
// rewritten.
const wasteful = 32 << 10

// compactBytes rewrites a client's store when most of it is unused.
func (d *Doc) compactBytes(n uint32) {
	c := &d.clients[n]
	if c.dead < wasteful || c.dead*2 < len(c.bytes) {
		return
	}
	kept := make([]byte, 0, max(len(c.bytes)-c.dead, 0))
	for _, b := range c.blocks {
		for _, r := range b.runs {
			it := &d.items[r.item]
			if it.bytes() == 0 {
				continue
			}
			off := uint32(len(kept))
			kept = append(kept, c.bytes[it.off:it.off+it.size]...)
			it.off = off
		}
	}
	c.bytes, c.dead = kept, 0
}
