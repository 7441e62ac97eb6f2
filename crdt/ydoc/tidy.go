package ydoc

import "slices"

// tidyGap deletes the markers from start to the next visible item that are
// overwritten there, or say what was in force at start already. What is in
// force at curr is kept right in now.
func (d *Doc) tidyGap(start, curr int32, before attrs, now *attrs) {
	end := start
	last := map[string]int32{} // the marker that has the last word, by key
	for end != none && d.items[end].visible() == 0 {
		if it := &d.items[end]; it.kind == kindFormat && !it.deleted() {
			last[d.marker(it).key] = end
		}
		end = d.nextItem(end)
	}
	reached := false
	for i := start; i != end; i = d.nextItem(i) {
		reached = reached || i == curr
		it := &d.items[i]
		if it.kind != kindFormat || it.deleted() {
			continue
		}
		m := d.marker(it)
		was := before.get(m.key)
		if last[m.key] != i || was.same(m) {
			d.delete(i)
			if !reached && now.get(m.key).same(m) && !was.same(m) {
				now.pass(was)
			}
			continue
		}
		if !reached {
			now.pass(m)
		}
	}
}

// tidyText deletes every marker of a text that has nothing to say.
func (d *Doc) tidyText(t int32) {
	l := d.types[t].seq
	if l == none {
		return
	}
	start := d.firstItem(l)
	var before, now attrs
	for end := start; end != none; end = d.nextItem(end) {
		it := &d.items[end]
		switch {
		case it.deleted():
		case it.kind == kindFormat:
			now.pass(d.marker(it))
		default:
			d.tidyGap(start, end, before, &now)
			before, start = now.clone(), end
		}
	}
}

// tidyAround deletes the markers around a deleted item that another of the same
// key follows before the next visible item.
func (d *Doc) tidyAround(i int32) {
	for {
		next := d.nextItem(i)
		if next == none || d.items[next].visible() > 0 {
			break
		}
		i = next
	}
	var keys []string
	for ; i != none && d.items[i].visible() == 0; i = d.prevItem(i) {
		it := &d.items[i]
		if it.kind != kindFormat || it.deleted() {
			continue
		}
		if key := d.marker(it).key; slices.Contains(keys, key) {
			d.delete(i)
		} else {
			keys = append(keys, key)
		}
	}
}

// changedFormatted says whether the transaction changed a formatted text.
func (d *Doc) changedFormatted() bool {
	return slices.ContainsFunc(d.tx.lists, func(l int32) bool {
		t := d.lists[l].owner
		ty := &d.types[t]
		return (ty.kind == typeText || ty.kind == typeXMLText) && ty.formatted && !d.itemGone(t)
	})
}

// tidyFormats deletes markers that the transaction, a remote one, made useless,
// in a transaction of its own, d.spare. It returns whether there were any. It
// must run before the transaction's deleted items are collected.
func (d *Doc) tidyFormats() bool {
	d.tx, d.spare = d.spare, d.tx
	d.begin(true)
	remote := &d.spare
	whole := d.newlyFormatted(remote)
	for _, s := range remote.deletes {
		c := &d.clients[s.client]
		b, k := c.find(s.clock)
		for ok := true; ok; b, k, ok = c.next(b, k) {
			r := c.blocks[b].runs[k]
			if r.clock >= s.end() {
				break
			}
			it := &d.items[r.item]
			if it.leaf == none {
				continue
			}
			t := d.lists[d.leaves[it.leaf].list].owner
			if !d.types[t].formatted || slices.Contains(whole, t) {
				continue
			}
			if it.kind == kindFormat {
				whole = append(whole, t)
				continue
			}
			d.tidyAround(r.item)
		}
	}
	for _, t := range whole {
		d.tidyText(t)
	}
	d.tx, d.spare = d.spare, d.tx
	return !d.spare.plain()
}

// newlyFormatted returns the types that a transaction added markers to.
func (d *Doc) newlyFormatted(t *txn) []int32 {
	var types []int32
	slices.Sort(t.touched)
	for _, n := range t.touched {
		c := &d.clients[n]
		b, k := c.find(c.before)
		for ok := true; ok; b, k, ok = c.next(b, k) {
			it := &d.items[c.blocks[b].runs[k].item]
			if it.kind != kindFormat || it.deleted() {
				continue
			}
			if t := d.lists[d.leaves[it.leaf].list].owner; !slices.Contains(types, t) {
				types = append(types, t)
			}
		}
	}
	return types
}
