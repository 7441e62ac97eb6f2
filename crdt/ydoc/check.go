package ydoc

import "fmt"

// Check walks the whole document and returns what is wrong with it: always nil,
// unless the package has a bug. It is for tests.
func (d *Doc) Check() error {
	if len(d.sorted) != len(d.clients) {
		return fmt.Errorf("ydoc: %d clients, %d in order", len(d.clients), len(d.sorted))
	}
	listed := 0
	for n := range d.clients {
		placed, err := d.checkClient(uint32(n))
		if err != nil {
			return err
		}
		listed += placed
	}
	uses := make([]int, len(d.formats.entries))
	for l := range d.lists {
		if d.lists[l].owner == none {
			continue
		}
		n, err := d.checkList(int32(l), uses)
		if err != nil {
			return err
		}
		listed -= n
	}
	if listed != 0 {
		return fmt.Errorf("ydoc: %d items more have a place than the lists have", listed)
	}
	for i, n := range uses {
		if d.formats.entries[i].uses != n {
			return fmt.Errorf("ydoc: format %d has %d uses, not %d", i, n, d.formats.entries[i].uses)
		}
	}
	return nil
}

func (d *Doc) checkClient(n uint32) (placed int, err error) {
	c := &d.clients[n]
	if d.dense[c.id] != n {
		return 0, fmt.Errorf("ydoc: client %d is not where it is looked for", c.id)
	}
	clock, runs := uint32(0), 0
	for b, bl := range c.blocks {
		if len(bl.runs) == 0 || len(bl.runs) > blockRuns || bl.first != bl.runs[0].clock {
			return 0, fmt.Errorf("ydoc: client %d, block %d is malformed", c.id, b)
		}
		for _, r := range bl.runs {
			runs++
			it := &d.items[r.item]
			if it.client != n || it.clock != clock || r.clock != clock || it.length == 0 {
				return 0, fmt.Errorf("ydoc: client %d: an item at clock %d says %d, length %d", c.id, clock, it.clock, it.length)
			}
			clock = it.end()
			if err := d.checkItem(r.item); err != nil {
				return 0, err
			}
			if it.leaf != none {
				placed++
			}
		}
	}
	if clock != c.clock || runs != c.runs || runs == 0 {
		return 0, fmt.Errorf("ydoc: client %d has clock %d and %d runs, not %d and %d", c.id, clock, runs, c.clock, c.runs)
	}
	return placed, nil
}

func (d *Doc) checkItem(i int32) error {
	it := &d.items[i]
	bad := func(what string) error {
		return fmt.Errorf("ydoc: client %d, clock %d: %s", d.clients[it.client].id, it.clock, what)
	}
	if (it.kind == kindGC) != (it.leaf == none) {
		return bad("only what was collected has no place")
	}
	if (it.kind == kindGC || it.kind == kindDeleted) && !it.deleted() {
		return bad("is not deleted, but has no content")
	}
	if !splits(it.kind) && it.kind != kindGC && it.length != 1 {
		return bad("is one thing and longer than 1")
	}
	if it.flags&flagRedone != 0 {
		if _, ok := d.redone[i]; !ok {
			return bad("its successor is unknown")
		}
	}
	switch it.kind {
	case kindString:
		if units(d.contentOf(it)) != it.length {
			return bad("its text has another length")
		}
	case kindAny, kindJSON:
		if contentSize(it.kind, d.contentOf(it), it.length) != it.size {
			return bad("its values have another size")
		}
	case kindType:
		if d.types[it.off].item != i {
			return bad("its shared type belongs to another item")
		}
	}
	for _, o := range []id{it.origin, it.right} {
		if o.client != noClient && !d.has(o) {
			return bad("a neighbour is unknown")
		}
	}
	return nil
}

func (d *Doc) checkList(l int32, uses []int) (items int, err error) {
	li := &d.lists[l]
	bad := func(what string) (int, error) { return 0, fmt.Errorf("ydoc: list %d: %s", l, what) }
	gone := d.itemGone(li.owner)
	var size uint32
	var prev int32 = none
	for n := li.first; n != none; n = d.leaves[n].next {
		lf := &d.leaves[n]
		if lf.list != l || lf.prev != prev || lf.n == 0 {
			return bad("its leaves are not linked")
		}
		formats := uint8(0)
		var sum uint32
		for s, i := range lf.items[:lf.n] {
			it := &d.items[i]
			if it.leaf != n || lf.lens[s] != it.visible() || (it.flags&flagSub != 0) != li.sub {
				return bad("an item and its leaf disagree")
			}
			if (gone || li.sub && i != d.lastItem(l)) && !it.deleted() {
				return bad("an item should be deleted")
			}
			if it.kind == kindFormat {
				formats++
				uses[it.off]++
			}
			sum += lf.lens[s]
			items++
		}
		if formats != lf.formats {
			return bad("a leaf counts its formats wrongly")
		}
		if err := d.checkSums(l, n, sum); err != nil {
			return 0, err
		}
		size += sum
		prev = n
	}
	if prev != li.last || size != li.size || (items == 0) != (li.root == none) {
		return bad("its end or size is wrong")
	}
	return items, nil
}

// checkSums goes from a leaf to the root.
func (d *Doc) checkSums(l, n int32, sum uint32) error {
	bad := fmt.Errorf("ydoc: list %d: a node is not hung up right", l)
	kid, parent, slot, level := n, d.leaves[n].parent, d.leaves[n].slot, uint8(0)
	for ; parent != none; level++ {
		in := &d.inners[parent]
		if in.level != level+1 || slot >= in.n || in.kids[slot] != kid || in.sums[slot] != sum {
			return bad
		}
		sum = 0
		for _, s := range in.sums[:in.n] {
			sum += s
		}
		kid, parent, slot = parent, in.parent, in.slot
	}
	if d.lists[l].root != kid || d.lists[l].level != level || d.lists[l].size != sum {
		return bad
	}
	return nil
}
