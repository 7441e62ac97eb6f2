package ydoc

import "fmt"

// locate finds the neighbours of n and the list they are in.
func (d *Doc) locate(n *insertion, c *change) error {
	collected := false
	if c.hasOrigin() {
		n.origin = id{d.lookup(c.origin.client), c.origin.clock}
		n.left = d.endAt(n.origin)
		collected = d.items[n.left].leaf == none
	}
	if c.hasRight() {
		n.right = id{d.lookup(c.right.client), c.right.clock}
		n.next = d.startAt(n.right)
		collected = collected || d.items[n.next].leaf == none
	}
	if collected {
		return nil
	}
	if n.left != none || n.next != none {
		return d.listBetween(n)
	}
	var t int32
	if c.rooted {
		t = d.rootType(string(c.root))
	} else {
		p := &d.items[d.itemAt(id{d.lookup(c.parent.client), c.parent.clock})]
		switch p.kind {
		case kindGC, kindDeleted:
			return nil
		case kindType:
			t = int32(p.off)
		default:
			return fmt.Errorf("%w: a struct's parent is not a shared type", ErrInvalid)
		}
	}
	if c.hasSub() {
		n.list = d.makeKeyList(t, string(c.sub))
		return nil
	}
	n.list = d.sequence(t)
	return nil
}

// listBetween finds the list that the neighbours of n are in.
func (d *Doc) listBetween(n *insertion) error {
	if n.left == none {
		n.list = d.listOf(n.next)
		return nil
	}
	n.list = d.listOf(n.left)
	if n.next != none && d.listOf(n.next) != n.list {
		return fmt.Errorf("%w: a struct's neighbours are in different lists", ErrInvalid)
	}
	return nil
}

// meet finds the place between the neighbours of n and refuses those that were
// never next to each other.
func (d *Doc) meet(n *insertion) error {
	if n.left != none {
		n.at = d.spotOf(n.left)
	}
	if !d.metOnce(n) {
		return fmt.Errorf("%w: a struct's neighbours were never next to each other", ErrInvalid)
	}
	return nil
}

// metOnce says whether the neighbours of n can have been next to each other when
// its author put it between them. Structs for which that is not so would go to
// other places on other replicas. At that time nothing was between the two, so
// what its right neighbour was put behind is its left neighbour or before that,
// and the other way round.
func (d *Doc) metOnce(n *insertion) bool {
	if n.left == none || n.next == none {
		if n.left == none && n.next == none {
			return true
		}
		if n.left == none {
			return d.items[n.next].origin.client == noClient
		}
		return d.items[n.left].right.client == noClient
	}
	l, r := &d.items[n.left], &d.items[n.next]
	if l.lastID() != n.origin {
		return false // the right neighbour split the left one: they overlap
	}
	left := n.at
	if d.itemIn(d.after(left)) == n.next {
		return true
	}
	next := d.spotOf(n.next)
	if !d.precedes(left, next) {
		return false
	}
	if r.origin.client != noClient {
		if i := d.itemAt(r.origin); i != n.left && !d.precedes(d.spotOf(i), left) {
			return false
		}
	}
	if l.right.client != noClient {
		if i := d.itemAt(l.right); i != n.next && !d.precedes(next, d.spotOf(i)) {
			return false
		}
	}
	return true
}

// load copies the content of c, from offset on, into the client's store.
func (d *Doc) load(n *insertion, c *change, offset uint32) {
	d.touch(n.client)
	cl := &d.clients[n.client]
	switch c.kind {
	case kindFormat:
		n.off = d.formats.add(c.key, c.content)
	case kindType:
		n.shared, n.name = c.shared, string(c.key)
		if n.list != none {
			n.depth = d.types[d.lists[n.list].owner].depth + 1
		}
	case kindString:
		content := c.content
		if offset > 0 {
			at, inside := unitOffset(content, offset)
			content = content[at:]
			if inside {
				content = append([]byte(replacement), content[4:]...)
			}
		}
		n.off, n.size = uint32(len(cl.bytes)), uint32(len(content))
		cl.bytes = append(cl.bytes, content...)
	case kindAny, kindJSON:
		content := c.content[contentSize(c.kind, c.content, offset):]
		n.off, n.size = uint32(len(cl.bytes)), uint32(len(content))
		cl.bytes = append(cl.bytes, content...)
	case kindBinary, kindEmbed, kindDoc:
		n.off, n.size = uint32(len(cl.bytes)), uint32(len(c.content))
		cl.bytes = append(cl.bytes, c.content...)
	}
}
