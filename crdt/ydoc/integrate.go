package ydoc

import "fmt"

// insertion is an item about to enter the document. Its neighbours are split
// off and looked up already.
type insertion struct {
	item
	list       int32 // none: it enters collected, without a place
	left, next int32 // items of origin and right, or none
	at         spot  // of left
	depth      uint16
	name       string // of a shared type
	shared     uint8  // its type
}

// integrate puts n behind its left neighbour, or where YATA says if others
// inserted there concurrently. With the document at
//
//	left, o, o, o, …, next
//
// the items o were inserted between the same neighbours. From left to right,
// an o with the same origin goes before n if its client is lower; if that
// client is higher and the right origins are equal too, n goes before it. An o
// whose origin is among those passed belongs to that item's group and goes where
// the group goes. Any other o ends the search.
func (d *Doc) integrate(n *insertion) error {
	if n.list == none {
		d.addCollected(n)
		return nil
	}
	left, behind, err := d.place(n)
	if err != nil {
		return err
	}
	if n.kind == kindType && int(n.depth) > d.limits.Depth {
		return fmt.Errorf("%w: shared types nest deeper than %d", ErrLimit, d.limits.Depth)
	}
	d.touch(n.client)
	d.tx.added = true
	d.version++
	i := d.newItem()
	if n.kind == kindDeleted {
		n.flags |= flagDeleted
	}
	n.leaf, n.mark = none, 0
	if d.lists[n.list].sub {
		n.flags |= flagSub
	}
	d.noteJoin(&n.item)
	d.items[i] = n.item
	c := &d.clients[n.client]
	c.push(run{n.clock, i})
	c.clock = n.clock + n.length
	at := d.put(n.list, behind, i)

	switch n.kind {
	case kindDeleted:
		// A remote one is of no interest at the end of the transaction, but
		// where markers may be around it.
		if d.tx.local || d.types[d.lists[n.list].owner].formatted {
			d.noteDeleted(&d.items[i])
		}
	case kindType:
		t := d.newShared(i, n.shared, n.name, n.depth)
		d.items[i].off = uint32(t)
	case kindFormat:
		d.types[d.lists[n.list].owner].formatted = true
	}
	li := &d.lists[n.list]
	if li.changed != d.tx.number {
		d.noteChanged(n.list)
	}
	if len(d.observers) > 0 && !li.sub {
		d.spliceIn(n.list, at, i)
	}
	right := d.itemIn(d.after(at))
	if li.sub && right == none && left != none {
		d.delete(left)
	}
	if (li.sub && right != none) || d.itemGone(li.owner) {
		d.delete(i)
	}
	return nil
}

// addCollected adds n as a mere length: what it belonged to is gone.
func (d *Doc) addCollected(n *insertion) {
	d.touch(n.client)
	d.tx.added = true
	i := d.newItem()
	d.items[i] = item{
		clock: n.clock, length: n.length, client: n.client,
		kind: kindGC, flags: flagDeleted, leaf: none,
		origin: id{client: noClient}, right: id{client: noClient},
	}
	if n.kind == kindFormat {
		d.formats.drop(n.off)
	}
	d.clients[n.client].dead += int(n.bytes())
	n.kind, n.origin, n.right = kindGC, id{client: noClient}, id{client: noClient}
	d.noteJoin(&n.item)
	c := &d.clients[n.client]
	c.push(run{n.clock, i})
	c.clock = n.clock + n.length
}

// place returns the item that n goes behind, or none, and its place.
func (d *Doc) place(n *insertion) (left int32, at spot, err error) {
	left, at = none, spot{none, 0}
	o := d.firstSpot(n.list)
	if n.left != none {
		left, at = n.left, n.at
		o = d.after(at)
	}
	if d.itemIn(o) == n.next {
		return left, at, nil
	}
	if d.marks > 1<<31 {
		d.clearMarks()
	}
	start := d.marks // what carries a higher mark was passed
	group := d.marks // what carries a higher mark was passed since left moved
	for o.leaf != none {
		i := d.itemIn(o)
		if i == n.next {
			break
		}
		if d.budget--; d.budget < 0 {
			return none, at, fmt.Errorf("%w: the update makes more than %d comparisons with concurrent insertions; split it", ErrLimit, d.limits.Work)
		}
		it := &d.items[i]
		d.marks++
		it.mark = d.marks
		if it.origin == n.origin {
			if d.clients[it.client].id < d.clients[n.client].id {
				left, at, group = i, o, d.marks
			} else if it.right == n.right {
				break
			}
		} else {
			if it.origin.client == noClient {
				break
			}
			mark := d.items[d.itemAt(it.origin)].mark
			if mark <= start {
				break
			}
			if mark <= group {
				left, at, group = i, o, d.marks
			}
		}
		o = d.after(o)
	}
	return left, at, nil
}

func (d *Doc) clearMarks() {
	for i := range d.items {
		d.items[i].mark = 0
	}
	d.marks = 0
}

// bytes is how many bytes of the client's store the item refers to.
func (it *item) bytes() uint32 {
	switch it.kind {
	case kindJSON, kindBinary, kindString, kindEmbed, kindAny, kindDoc:
		return it.size
	}
	return 0
}
