package ydoc

import "slices"

// rollback takes back what a refused update did so far. Nothing was collected
// or merged yet: that happens at the end of a transaction.
func (d *Doc) rollback() {
	t := &d.tx
	for _, s := range t.deletes {
		d.undelete(s)
	}
	var types []int32
	for k := len(t.touched) - 1; k >= 0; k-- {
		types = d.dropAdded(t.touched[k], types)
	}
	for _, ty := range types {
		d.dropShared(ty)
	}
	d.restorePairs()
	t.deletes = t.deletes[:0]
	t.splits = slices.DeleteFunc(t.splits, func(at id) bool {
		return int(at.client) >= len(d.clients) || at.clock >= d.clients[at.client].clock
	})
	d.mergeSplits(t)
	for _, o := range t.births {
		if d.types[o].kind != typeGone {
			d.dropKeys(o)
		}
	}
	for _, name := range t.roots {
		if r, ok := d.roots[name]; ok && d.types[r].kind == typeUnknown {
			d.dropShared(r)
			delete(d.roots, name)
		}
	}
	d.version++
}

// undelete revives what a span deleted of what was there before.
func (d *Doc) undelete(s span) {
	c := &d.clients[s.client]
	b, k := c.find(s.clock)
	for ok := true; ok; b, k, ok = c.next(b, k) {
		r := c.blocks[b].runs[k]
		if r.clock >= s.end() {
			return
		}
		it := &d.items[r.item]
		if it.leaf == none || !d.isOld(it.id()) {
			continue
		}
		it.flags &^= flagDeleted
		d.grow(d.spotOf(r.item), it.visible())
	}
}

// dropAdded removes what the transaction added of client n. It appends the
// shared types among it, whose lists are empty once all clients are through.
func (d *Doc) dropAdded(n uint32, types []int32) []int32 {
	c := &d.clients[n]
	for len(c.blocks) > 0 {
		b := len(c.blocks) - 1
		k := len(c.blocks[b].runs) - 1
		r := c.blocks[b].runs[k]
		if r.clock < c.before {
			break
		}
		if it := &d.items[r.item]; it.leaf != none {
			kind, off := it.kind, it.off
			d.take(r.item)
			switch kind {
			case kindFormat:
				d.formats.drop(off)
			case kindType:
				types = append(types, int32(off))
			}
		}
		d.dropItem(r.item)
		c.remove(b, k)
	}
	c.clock = c.before
	if c.runs > 0 {
		if len(d.tx.pairs) == 0 {
			c.bytes = c.bytes[:c.beforeBytes]
		}
		return types
	}
	// Its number is the highest: numbers are given in the order of arrival.
	delete(d.dense, c.id)
	d.sorted = slices.DeleteFunc(d.sorted, func(m uint32) bool { return m == n })
	d.clients[n] = client{}
	d.clients = d.clients[:n]
	d.recent = 0
	return types
}

// restorePairs puts surrogate pairs together again that the update tore.
func (d *Doc) restorePairs() {
	for k := len(d.tx.pairs) - 1; k >= 0; k-- {
		p := d.tx.pairs[k]
		if int(p.at.client) >= len(d.clients) || p.at.clock >= d.clients[p.at.client].clock {
			continue
		}
		left := d.itemAt(p.at)
		right := d.itemAt(id{p.at.client, p.at.clock + 1})
		l, r := &d.items[left], &d.items[right]
		c := &d.clients[p.at.client]
		if left == right || l.kind != kindString || r.kind != kindString {
			continue
		}
		// The halves join when splits are merged; until then the left one has
		// all bytes of the pair, and the right one none of it.
		off := uint32(len(c.bytes))
		c.bytes = append(c.bytes, c.bytes[l.off:l.off+l.size-uint32(len(replacement))]...)
		c.bytes = append(c.bytes, p.bytes[:]...)
		l.off, l.size = off, uint32(len(c.bytes))-off
		off = uint32(len(c.bytes))
		c.bytes = append(c.bytes, c.bytes[r.off+uint32(len(replacement)):r.off+r.size]...)
		r.off, r.size = off, uint32(len(c.bytes))-off
	}
}
