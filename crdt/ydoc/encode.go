package ydoc

import "slices"

// AppendState appends the whole document as one update, what waits included.
func (d *Doc) AppendState(b []byte) []byte {
	b, _ = d.appendDiff(b, nil, []byte{0})
	return b
}

// AppendDiff appends an update with all that a document with the given state
// vector may lack. The error is [ErrInvalid].
func (d *Doc) AppendDiff(b, stateVector []byte) ([]byte, error) {
	known, err := readStateVector(stateVector)
	if err != nil {
		return b, err
	}
	return d.appendDiff(b, known, stateVector)
}

func (d *Doc) appendDiff(b []byte, known map[uint64]uint64, stateVector []byte) ([]byte, error) {
	if !d.pending.empty() {
		return d.appendWithPending(b, known, stateVector)
	}
	return d.appendIntegrated(b, known), nil
}

// appendIntegrated appends what is integrated and not known.
func (d *Doc) appendIntegrated(b []byte, known map[uint64]uint64) []byte {
	n, size := 0, 16
	for _, k := range d.sorted {
		if c := &d.clients[k]; uint64(c.clock) > known[c.id] {
			n++
			size += len(c.bytes) + 12*c.runs
		}
	}
	if len(known) == 0 {
		b = slices.Grow(b, size)
	}
	b = appendUint(b, uint64(n))
	for _, k := range d.sorted {
		if c := &d.clients[k]; uint64(c.clock) > known[c.id] {
			b = d.appendClient(b, c, uint32(known[c.id]))
		}
	}
	d.ranges = d.ranges[:0]
	for _, k := range d.sorted {
		d.gatherDeleted(k)
	}
	return d.appendSpans(b, d.ranges)
}

// appendTransaction appends what the transaction that just ended changed.
func (d *Doc) appendTransaction(b []byte) []byte {
	t := &d.tx
	if len(t.touched) == 0 && len(t.deletes) == 0 {
		return b
	}
	if t.plain() && len(t.touched) == 1 && len(t.deletes) == 0 {
		return append(d.appendGrown(b, &d.clients[t.touched[0]]), 0)
	}
	b = appendUint(b, uint64(len(t.touched)))
	if len(t.touched) > 1 {
		slices.SortFunc(t.touched, d.descending)
	}
	for _, n := range t.touched {
		c := &d.clients[n]
		b = d.appendClient(b, c, c.before)
	}
	if len(t.deletes) == 0 {
		return append(b, 0)
	}
	if len(t.deletes) > 1 {
		slices.SortStableFunc(t.deletes, func(a, b span) int { return d.descending(a.client, b.client) })
	}
	return d.appendSpans(b, t.deletes)
}

// appendGrown appends an update of what the last item of c grew by, all but the
// count of its deletes. Nothing is written more often, so plain text goes in one
// pass into room made beforehand.
func (d *Doc) appendGrown(b []byte, c *client) []byte {
	it := &d.items[c.tail()]
	offset := c.before - it.clock
	if it.kind != kindString || it.flags&flagSub != 0 || it.size != it.length || offset == 0 {
		b = append(append(b, 1, 1), c.written()...)
		b = appendUint(b, uint64(c.before))
		return d.appendItem(b, it, offset)
	}
	text := c.bytes[it.off+offset : it.off+it.size]
	at, most := len(b), 2*passageMost+len(text)
	if cap(b)-at < most {
		b = slices.Grow(b, most)
	}
	to := b[at : at+most]
	to[0], to[1] = 1, 1
	copy(to[2:10], c.prefix[:])
	n := putUint(to, 2+int(c.width), c.before)
	info := n
	to[info] = kindString | bitOrigin
	copy(to[n+1:n+9], c.prefix[:])
	n = putUint(to, n+1+int(c.width), c.before-1)
	if it.right.client != noClient {
		to[info] |= bitRight
		w := &d.clients[it.right.client]
		copy(to[n:n+8], w.prefix[:])
		n = putUint(to, n+int(w.width), it.right.clock)
	}
	n = putUint(to, n, uint32(len(text)))
	if len(text) == 1 { // a key
		to[n] = text[0]
	} else {
		copy(to[n:], text)
	}
	return b[:at+n+len(text)]
}

func (d *Doc) descending(a, b uint32) int {
	switch x, y := d.clients[a].id, d.clients[b].id; {
	case x > y:
		return -1
	case x < y:
		return 1
	}
	return 0
}

// appendClient appends the structs of c from a clock on.
func (d *Doc) appendClient(b []byte, c *client, from uint32) []byte {
	blk, i := 0, 0
	count := c.runs
	if from > 0 {
		blk, i = c.find(from)
		count = -i
		for _, bl := range c.blocks[blk:] {
			count += len(bl.runs)
		}
	}
	b = appendUint(b, uint64(count))
	b = append(b, c.written()...)
	b = appendUint(b, uint64(from))
	first := c.blocks[blk].runs[i]
	b = d.appendItem(b, &d.items[first.item], from-first.clock)
	i++
	for ; blk < len(c.blocks); blk++ {
		b = d.appendRuns(b, c, c.blocks[blk].runs[i:])
		i = 0
	}
	return b
}

func (d *Doc) appendID(b []byte, what id) []byte {
	return appendUint(append(b, d.clients[what.client].written()...), uint64(what.clock))
}

// appendItem appends an item from an offset on.
func (d *Doc) appendItem(b []byte, it *item, offset uint32) []byte {
	if it.kind == kindGC {
		return appendUint(append(b, kindGC), uint64(it.length-offset))
	}
	info := it.kind
	origin := it.origin
	if offset > 0 {
		origin = id{it.client, it.clock + offset - 1}
	}
	if origin.client != noClient {
		info |= bitOrigin
	}
	if it.right.client != noClient {
		info |= bitRight
	}
	if it.flags&flagSub != 0 {
		info |= bitSub
	}
	b = append(b, info)
	if origin.client != noClient {
		b = d.appendID(b, origin)
	}
	if it.right.client != noClient {
		b = d.appendID(b, it.right)
	}
	if info&(bitOrigin|bitRight) == 0 {
		b = d.appendParent(b, it)
	}
	return d.appendContent(b, it, offset)
}

func (d *Doc) appendParent(b []byte, it *item) []byte {
	li := &d.lists[d.leaves[it.leaf].list]
	if t := &d.types[li.owner]; t.item == none {
		b = appendText(append(b, 1), t.name)
	} else {
		b = d.appendID(append(b, 0), d.items[t.item].id())
	}
	if li.sub {
		b = appendText(b, li.key)
	}
	return b
}

func (d *Doc) appendContent(b []byte, it *item, offset uint32) []byte {
	switch it.kind {
	case kindDeleted:
		return appendUint(b, uint64(it.length-offset))
	case kindFormat:
		f := &d.formats.entries[it.off]
		return appendText(appendText(b, f.key), f.value)
	case kindType:
		t := &d.types[it.off]
		b = append(b, t.kind)
		if t.kind == typeXMLElement || t.kind == typeXMLHook {
			b = appendText(b, t.name)
		}
		return b
	}
	content := d.contentOf(it)
	switch it.kind {
	case kindString:
		if offset == 0 {
			return appendSpan(b, content)
		}
		if it.size == it.length {
			return appendSpan(b, content[offset:])
		}
		at, inside := unitOffsetIn(content, offset, it.length)
		if inside {
			b = appendUint(b, uint64(len(content)-at-4+len(replacement)))
			return append(append(b, replacement...), content[at+4:]...)
		}
		return appendSpan(b, content[at:])
	case kindAny, kindJSON:
		b = appendUint(b, uint64(it.length-offset))
		if offset > 0 {
			content = content[contentSize(it.kind, content, offset):]
		}
		return append(b, content...)
	case kindBinary, kindEmbed:
		return appendSpan(b, content)
	}
	return append(b, content...)
}

// contentOf returns the bytes in the client's store; do not keep them.
func (d *Doc) contentOf(it *item) []byte {
	return d.clients[it.client].bytes[it.off : it.off+it.size]
}

// gatherDeleted appends to d.ranges what is deleted of client n.
func (d *Doc) gatherDeleted(n uint32) {
	open := false
	for _, bl := range d.clients[n].blocks {
		for _, r := range bl.runs {
			it := &d.items[r.item]
			if !it.deleted() {
				open = false
				continue
			}
			if open {
				d.ranges[len(d.ranges)-1].length += it.length
				continue
			}
			d.ranges = append(d.ranges, span{n, it.clock, it.length})
			open = true
		}
	}
}

// appendSpans appends a delete set whose spans are grouped by descending client.
func (d *Doc) appendSpans(b []byte, s []span) []byte {
	n := 0
	for i := range s {
		if i == 0 || s[i].client != s[i-1].client {
			n++
		}
	}
	b = appendUint(b, uint64(n))
	for len(s) > 0 {
		k := 1
		for k < len(s) && s[k].client == s[0].client {
			k++
		}
		b = append(b, d.clients[s[0].client].written()...)
		b = appendUint(b, uint64(k))
		for _, x := range s[:k] {
			b = appendUint(appendUint(b, uint64(x.clock)), uint64(x.length))
		}
		s = s[k:]
	}
	return b
}

// AppendStateVector appends the next clock of each client: what a peer must be
// told to answer with [Doc.AppendDiff].
func (d *Doc) AppendStateVector(b []byte) []byte {
	b = appendUint(b, uint64(len(d.sorted)))
	for _, n := range d.sorted {
		c := &d.clients[n]
		b = appendUint(append(b, c.written()...), uint64(c.clock))
	}
	return b
}

func readStateVector(v []byte) (map[uint64]uint64, error) {
	r := reader{b: v}
	n := r.count(2)
	known := make(map[uint64]uint64, n)
	for range n {
		client := r.uint()
		known[client] = r.uint()
	}
	if r.err == nil && r.i != len(v) {
		r.fail("there is more behind the state vector")
	}
	return known, r.err
}
