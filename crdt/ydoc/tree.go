package ydoc

// fan is how many entries a node of a list's tree holds at most.
const fan = 16

// list is an ordered list of items, deleted ones included: the sequence of a
// shared type, or the history of one of its keys, whose last item is the value.
// It is a B+tree, so that a position is found in logarithmic time.
type list struct {
	owner       int32 // the shared type
	root        int32 // a leaf if level is 0, else an inner node; none when empty
	first, last int32 // leaves
	size        uint32
	level       uint8
	sub         bool   // a key's history
	key         string // if sub
	nextKey     int32  // the list of the owner's next key, in the order of arrival
	changed     uint32 // the transaction that changed it last
}

// leaf holds items and how many positions each takes.
type leaf struct {
	items      [fan]int32
	lens       [fan]uint32
	parent     int32 // inner node, or none
	list       int32 // or the next free leaf
	next, prev int32
	n, slot    uint8 // slot in parent
	formats    uint8 // items of kindFormat
}

// inner holds leaves if its level is 1, else inner nodes, and how many
// positions each takes.
type inner struct {
	kids    [fan]int32
	sums    [fan]uint32
	parent  int32 // or the next free node
	n, slot uint8
	level   uint8
}

// spot is a place in a leaf.
type spot struct {
	leaf int32
	slot int
}

func (d *Doc) newList(owner int32, key string, sub bool) int32 {
	l := list{owner: owner, root: none, first: none, last: none, key: key, sub: sub, nextKey: none}
	if i := d.freeList; i != none {
		d.freeList = d.lists[i].nextKey
		d.lists[i] = l
		return i
	}
	d.lists = append(d.lists, l)
	return int32(len(d.lists) - 1)
}

func (d *Doc) newLeaf(list int32) int32 {
	i := d.freeLeaf
	if i != none {
		d.freeLeaf = d.leaves[i].list
	} else {
		d.leaves = append(d.leaves, leaf{})
		i = int32(len(d.leaves) - 1)
	}
	lf := &d.leaves[i]
	lf.parent, lf.list, lf.next, lf.prev = none, list, none, none
	lf.n, lf.slot, lf.formats = 0, 0, 0
	return i
}

func (d *Doc) newInner(level uint8) int32 {
	i := d.freeInner
	if i != none {
		d.freeInner = d.inners[i].parent
	} else {
		d.inners = append(d.inners, inner{})
		i = int32(len(d.inners) - 1)
	}
	in := &d.inners[i]
	in.parent, in.n, in.slot, in.level = none, 0, 0, level
	return i
}

// spotOf returns where an item lies. The item must be in a list.
func (d *Doc) spotOf(i int32) spot {
	it := &d.items[i]
	lf := &d.leaves[it.leaf]
	if lf.items[it.hint&(fan-1)] == i && it.hint < lf.n {
		return spot{it.leaf, int(it.hint)}
	}
	return d.searchLeaf(i)
}

// searchLeaf looks for an item from where it was last seen: insertions only move
// it away from there to the right.
func (d *Doc) searchLeaf(i int32) spot {
	it := &d.items[i]
	lf := &d.leaves[it.leaf]
	for s := int(it.hint); s < int(lf.n); s++ {
		if lf.items[s] == i {
			it.hint = uint8(s)
			return spot{it.leaf, s}
		}
	}
	for s := range lf.items[:lf.n] {
		if lf.items[s] == i {
			it.hint = uint8(s)
			return spot{it.leaf, s}
		}
	}
	panic("ydoc: an item is not where it should be")
}

func (d *Doc) listOf(i int32) int32 { return d.leaves[d.items[i].leaf].list }

// firstSpot returns the place of the first item of l; leaf is none if l is empty.
func (d *Doc) firstSpot(l int32) spot { return spot{d.lists[l].first, 0} }

func (d *Doc) firstItem(l int32) int32 {
	if d.lists[l].first == none {
		return none
	}
	return d.leaves[d.lists[l].first].items[0]
}

func (d *Doc) lastItem(l int32) int32 {
	last := d.lists[l].last
	if last == none {
		return none
	}
	lf := &d.leaves[last]
	return lf.items[lf.n-1]
}

func (d *Doc) itemIn(s spot) int32 {
	if s.leaf == none {
		return none
	}
	return d.leaves[s.leaf].items[s.slot]
}

// after returns the place behind s; its leaf is none at the end.
func (d *Doc) after(s spot) spot {
	lf := &d.leaves[s.leaf]
	if s.slot+1 < int(lf.n) {
		return spot{s.leaf, s.slot + 1}
	}
	return spot{lf.next, 0}
}

func (d *Doc) before(s spot) spot {
	if s.slot > 0 {
		return spot{s.leaf, s.slot - 1}
	}
	p := d.leaves[s.leaf].prev
	if p == none {
		return spot{none, 0}
	}
	return spot{p, int(d.leaves[p].n) - 1}
}

func (d *Doc) nextItem(i int32) int32 { return d.itemIn(d.after(d.spotOf(i))) }
func (d *Doc) prevItem(i int32) int32 { return d.itemIn(d.before(d.spotOf(i))) }

// grow adds delta, which may be negative in two's complement, to the positions
// that the item at s takes.
func (d *Doc) grow(s spot, delta uint32) {
	if delta == 0 {
		return
	}
	d.leaves[s.leaf].lens[s.slot] += delta
	d.bubble(s.leaf, delta)
}

func (d *Doc) bubble(leaf int32, delta uint32) {
	lf := &d.leaves[leaf]
	if leaf != d.near.leaf {
		d.near.leaf = none
	}
	d.lists[lf.list].size += delta
	p, slot := lf.parent, lf.slot
	for p != none {
		in := &d.inners[p]
		in.sums[slot&(fan-1)] += delta
		p, slot = in.parent, in.slot
	}
}

// put inserts item i into list l behind a place; without a leaf puts it first.
func (d *Doc) put(l int32, behind spot, i int32) spot {
	if behind.leaf != none {
		return d.putAt(spot{behind.leaf, behind.slot + 1}, i)
	}
	li := &d.lists[l]
	if li.root == none {
		lf := d.newLeaf(l)
		li.root, li.level, li.first, li.last = lf, 0, lf, lf
	}
	return d.putAt(spot{li.first, 0}, i)
}

func (d *Doc) putAt(at spot, i int32) spot {
	if d.leaves[at.leaf].n == fan {
		at = d.splitLeaf(at)
	}
	lf := &d.leaves[at.leaf]
	n := int(lf.n)
	copy(lf.items[at.slot+1:n+1], lf.items[at.slot:n])
	copy(lf.lens[at.slot+1:n+1], lf.lens[at.slot:n])
	it := &d.items[i]
	v := it.visible()
	lf.items[at.slot], lf.lens[at.slot] = i, v
	lf.n++
	if it.kind == kindFormat {
		lf.formats++
	}
	it.leaf, it.hint = at.leaf, uint8(at.slot)
	if v != 0 {
		d.bubble(at.leaf, v)
	}
	return at
}

// splitLeaf makes room in a full leaf and returns where the place at went. A
// leaf that grows at its end keeps what it has: lists that are only appended to
// have full leaves.
func (d *Doc) splitLeaf(at spot) spot {
	keep := fan / 2
	if at.slot == fan {
		keep = fan
	}
	r := d.newLeaf(d.leaves[at.leaf].list)
	lf, rf := &d.leaves[at.leaf], &d.leaves[r]
	var moved uint32
	for s := keep; s < fan; s++ {
		i := lf.items[s]
		rf.items[s-keep], rf.lens[s-keep] = i, lf.lens[s]
		moved += lf.lens[s]
		it := &d.items[i]
		it.leaf, it.hint = r, uint8(s-keep)
		if it.kind == kindFormat {
			rf.formats++
			lf.formats--
		}
	}
	lf.n, rf.n = uint8(keep), uint8(fan-keep)
	rf.next, rf.prev = lf.next, at.leaf
	if lf.next != none {
		d.leaves[lf.next].prev = r
	} else {
		d.lists[lf.list].last = r
	}
	lf.next = r
	d.addKid(lf.list, lf.parent, int(lf.slot), at.leaf, r, moved, 1)
	if at.slot >= keep {
		return spot{r, at.slot - keep}
	}
	return at
}

// addKid hangs kid, which took moved positions from its left neighbour, behind
// that neighbour at slot of node. If node is none, left was the root, and a new
// root of the given level goes above both.
func (d *Doc) addKid(l, node int32, slot int, left, kid int32, moved uint32, level uint8) {
	if node == none {
		node = d.newInner(level)
		in := &d.inners[node]
		in.kids[0], in.sums[0], in.n = left, d.lists[l].size, 1
		d.adopt(node, 0)
		d.lists[l].root, d.lists[l].level = node, level
		slot = 0
	}
	d.inners[node].sums[slot] -= moved
	slot++
	if d.inners[node].n == fan {
		node, slot = d.splitInner(l, node, slot, moved)
	}
	in := &d.inners[node]
	n := int(in.n)
	copy(in.kids[slot+1:n+1], in.kids[slot:n])
	copy(in.sums[slot+1:n+1], in.sums[slot:n])
	in.kids[slot], in.sums[slot] = kid, moved
	in.n++
	d.adopt(node, slot)
}

// splitInner makes room in a full inner node for a kid that will go to slot and
// take moved positions, which the ancestors still count at the node itself. It
// returns where that slot went.
func (d *Doc) splitInner(l, node int32, slot int, moved uint32) (int32, int) {
	keep := fan / 2
	if slot == fan {
		keep = fan
	}
	r := d.newInner(d.inners[node].level)
	in, rn := &d.inners[node], &d.inners[r]
	var sum uint32
	for s := keep; s < fan; s++ {
		rn.kids[s-keep], rn.sums[s-keep] = in.kids[s], in.sums[s]
		sum += in.sums[s]
	}
	in.n, rn.n = uint8(keep), uint8(fan-keep)
	d.adopt(r, 0)
	if slot >= keep {
		sum += moved
	}
	d.addKid(l, in.parent, int(in.slot), node, r, sum, in.level+1)
	if slot >= keep {
		return r, slot - keep
	}
	return node, slot
}

// adopt tells the kids of node from slot on where they are.
func (d *Doc) adopt(node int32, slot int) {
	in := &d.inners[node]
	for s := slot; s < int(in.n); s++ {
		if in.level == 1 {
			lf := &d.leaves[in.kids[s]]
			lf.parent, lf.slot = node, uint8(s)
			continue
		}
		kid := &d.inners[in.kids[s]]
		kid.parent, kid.slot = node, uint8(s)
	}
}

// take removes an item from its list. A node that becomes empty goes with it;
// others are not balanced, since lists shrink only by merging neighbours.
func (d *Doc) take(i int32) {
	at := d.spotOf(i)
	lf := &d.leaves[at.leaf]
	if v := lf.lens[at.slot]; v != 0 {
		d.grow(at, -v)
	}
	n := int(lf.n)
	copy(lf.items[at.slot:n-1], lf.items[at.slot+1:n])
	copy(lf.lens[at.slot:n-1], lf.lens[at.slot+1:n])
	lf.n--
	if d.items[i].kind == kindFormat {
		lf.formats--
	}
	d.items[i].leaf = none
	if lf.n == 0 {
		d.unlink(at.leaf)
	}
}

func (d *Doc) unlink(leaf int32) {
	lf := &d.leaves[leaf]
	li := &d.lists[lf.list]
	if lf.prev != none {
		d.leaves[lf.prev].next = lf.next
	} else {
		li.first = lf.next
	}
	if lf.next != none {
		d.leaves[lf.next].prev = lf.prev
	} else {
		li.last = lf.prev
	}
	parent, slot := lf.parent, int(lf.slot)
	d.near.leaf = none
	lf.list = d.freeLeaf
	d.freeLeaf = leaf
	for parent != none {
		in := &d.inners[parent]
		n := int(in.n)
		copy(in.kids[slot:n-1], in.kids[slot+1:n])
		copy(in.sums[slot:n-1], in.sums[slot+1:n])
		in.n--
		if in.n > 0 {
			d.adopt(parent, slot)
			return
		}
		node := parent
		parent, slot = in.parent, int(in.slot)
		in.parent = d.freeInner
		d.freeInner = node
	}
	li.root, li.level = none, 0
}
