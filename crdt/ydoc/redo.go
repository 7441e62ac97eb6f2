package ydoc

import "slices"

// redo brings items back as copies.
type redo struct {
	m     *UndoManager
	step  undoStep
	items map[int32]bool // all that the step brings back
}

// parentItem returns the item of the type that an item is in, or none.
func (d *Doc) parentItem(i int32) int32 { return d.types[d.lists[d.listOf(i)].owner].item }

// redo returns the copy of item i, or none if it cannot come back. It recurses
// into parents, whose nesting is bounded by Limits.Depth.
func (r *redo) redo(i int32) int32 {
	d := r.m.d
	if d.items[i].leaf == none {
		return none
	}
	if d.items[i].flags&flagRedone != 0 {
		return d.startAt(d.redone[i])
	}
	parent := d.parentItem(i)
	if parent != none && d.items[parent].deleted() {
		if d.items[parent].flags&flagRedone == 0 && (!r.items[parent] || r.redo(parent) == none) {
			return none
		}
		for d.items[parent].flags&flagRedone != 0 {
			parent = d.startAt(d.redone[parent])
		}
	}
	t := d.lists[d.listOf(i)].owner
	if parent != none {
		if d.items[parent].kind != kindType {
			return none
		}
		t = int32(d.items[parent].off)
	}
	l, left, right, ok := r.place(i, parent, t)
	if !ok || d.room(int(d.items[i].length)) != nil {
		return none
	}
	copied, err := d.add(l, left, right, d.copyOf(i))
	if err != nil {
		return none
	}
	if d.redone == nil {
		d.redone = map[int32]id{}
	}
	d.redone[i] = d.items[copied].id()
	d.items[i].flags |= flagRedone
	d.keep(copied, true)
	return copied
}

// place returns where the copy of item i goes.
func (r *redo) place(i, parent, t int32) (l, left, right int32, ok bool) {
	d := r.m.d
	old := d.listOf(i)
	if !d.lists[old].sub {
		left = r.nearest(d.prevItem(i), parent, d.prevItem)
		right = r.nearest(i, parent, d.nextItem)
		return d.sequence(t), left, right, true
	}
	l = d.makeKeyList(t, d.lists[old].key)
	left = d.lastItem(l)
	if d.nextItem(i) == none {
		return l, left, none, true
	}
	left = i
	for {
		next := d.nextItem(left)
		if next == none {
			break
		}
		if !r.replaceable(next) {
			return none, none, none, false
		}
		left = next
		for d.items[left].flags&flagRedone != 0 {
			left = d.startAt(d.redone[left])
		}
	}
	if d.parentItem(left) != parent {
		left = d.lastItem(l)
	}
	return l, left, none, true
}

// replaceable says whether a key's later value is one that undo or redo handle,
// not another author's.
func (r *redo) replaceable(i int32) bool {
	it := &r.m.d.items[i]
	if it.flags&flagRedone != 0 || contains(r.step.insertions, it.id()) {
		return true
	}
	deletedBy := func(s undoStep) bool { return contains(s.deletions, it.id()) }
	return slices.ContainsFunc(r.m.undos, deletedBy) || slices.ContainsFunc(r.m.redos, deletedBy)
}

// nearest goes from item i in a direction until an item, or the copy of one, is
// in the type that parent holds.
func (r *redo) nearest(i, parent int32, step func(int32) int32) int32 {
	d := r.m.d
	for ; i != none; i = step(i) {
		trace := i
		for trace != none && d.parentItem(trace) != parent {
			if d.items[trace].flags&flagRedone == 0 {
				trace = none
				break
			}
			trace = d.startAt(d.redone[trace])
		}
		if trace != none {
			return trace
		}
	}
	return none
}

// copyOf returns the content of an item for inserting it again. A shared type
// comes back empty: what was in it is brought back on its own.
func (d *Doc) copyOf(i int32) insertable {
	it := &d.items[i]
	x := insertable{kind: it.kind, length: it.length}
	switch it.kind {
	case kindFormat:
		x.format = it.off
		d.formats.entries[it.off].uses++
	case kindType:
		x.shared, x.name = d.types[it.off].kind, d.types[it.off].name
	case kindString:
		x.text = string(d.contentOf(it))
	default:
		x.bytes = slices.Clone(d.contentOf(it))
	}
	return x
}
