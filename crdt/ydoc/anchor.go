package ydoc

// Anchor is a position that stays at its place while others edit: yjs's
// relative position. It names an id, and so is good on every replica.
type Anchor struct {
	item  remoteID // if at is anchorItem
	root  string   // if at is anchorRoot: its end, or its beginning if assoc < 0
	typ   remoteID // if at is anchorType: the same of a nested type
	at    uint8
	assoc int
}

const (
	anchorItem uint8 = 0
	anchorRoot uint8 = 1
	anchorType uint8 = 2
)

// Anchor returns an anchor at pos. With assoc 0 or more it stays with what is
// behind pos, with less than 0 with what is before. Errors: [ErrRange],
// [ErrDeleted].
func (t Text) Anchor(pos, assoc int) (Anchor, error) { return t.anchor(pos, assoc) }

// Anchor returns an anchor at pos; see [Text.Anchor].
func (a Array) Anchor(pos, assoc int) (Anchor, error) { return a.anchor(pos, assoc) }

// Anchor returns an anchor at pos; see [Text.Anchor].
func (x XMLFragment) Anchor(pos, assoc int) (Anchor, error) { return x.anchor(pos, assoc) }

func (r ref) anchor(pos, assoc int) (Anchor, error) {
	if err := r.fits(pos, 0, 0); err != nil {
		return Anchor{}, err
	}
	d := r.d
	if assoc < 0 {
		pos--
	}
	if pos >= 0 && pos < r.size() {
		at, off := d.seek(r.seq(), uint32(pos)+1)
		it := &d.items[d.itemIn(at)]
		return Anchor{at: anchorItem, item: remoteID{d.clients[it.client].id, it.clock + off - 1}, assoc: assoc}, nil
	}
	ty := &d.types[r.t]
	if ty.item == none {
		return Anchor{at: anchorRoot, root: ty.name, assoc: assoc}, nil
	}
	it := &d.items[ty.item]
	return Anchor{at: anchorType, typ: remoteID{d.clients[it.client].id, it.clock}, assoc: assoc}, nil
}

// Resolve returns where an anchor is now, and false if the document does not
// have what it names, or no more.
func (d *Doc) Resolve(a Anchor) (pos int, ok bool) {
	_, pos, ok = d.ResolveIn(a)
	return pos, ok
}

// ResolveIn is Resolve, and says in which shared type the position is.
func (d *Doc) ResolveIn(a Anchor) (in Shared, pos int, ok bool) {
	if a.at == anchorItem {
		return d.resolveItem(a)
	}
	t, ok := d.anchoredType(a)
	if !ok {
		return nil, 0, false
	}
	if a.assoc >= 0 && d.types[t].seq != none {
		pos = int(d.lists[d.types[t].seq].size)
	}
	return d.handleOf(t), pos, true
}

func (d *Doc) anchoredType(a Anchor) (int32, bool) {
	if a.at == anchorRoot {
		t, ok := d.roots[a.root]
		return t, ok
	}
	n := d.lookup(a.typ.client)
	if n == noClient || a.typ.clock >= d.clients[n].clock {
		return none, false
	}
	i, _ := d.followRedone(id{n, a.typ.clock})
	if d.items[i].kind != kindType {
		return none, false
	}
	return int32(d.items[i].off), true
}

func (d *Doc) resolveItem(a Anchor) (Shared, int, bool) {
	n := d.lookup(a.item.client)
	if n == noClient || a.item.clock >= d.clients[n].clock {
		return nil, 0, false
	}
	i, diff := d.followRedone(id{n, a.item.clock})
	it := &d.items[i]
	if it.leaf == none {
		return nil, 0, false
	}
	t := d.lists[d.leaves[it.leaf].list].owner
	pos := uint32(0)
	if !d.itemGone(t) {
		pos = d.rank(d.spotOf(i))
		if it.visible() > 0 {
			pos += diff
			if a.assoc < 0 {
				pos++
			}
		}
	}
	return d.handleOf(t), int(pos), true
}

// followRedone returns the item that an id means now: undo managers bring
// content back under new ids. diff is how far into the item the id points.
func (d *Doc) followRedone(what id) (i int32, diff uint32) {
	for {
		i = d.itemAt(what)
		it := &d.items[i]
		diff = what.clock - it.clock
		if it.flags&flagRedone == 0 {
			return i, diff
		}
		to := d.redone[i]
		what = id{to.client, to.clock + diff}
	}
}

// AppendBinary appends the anchor as yjs encodes it. The error is always nil.
func (a Anchor) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, a.at)
	switch a.at {
	case anchorItem:
		b = appendUint(appendUint(b, a.item.client), uint64(a.item.clock))
	case anchorRoot:
		b = appendText(b, a.root)
	default:
		b = appendUint(appendUint(b, a.typ.client), uint64(a.typ.clock))
	}
	return appendVarInt(b, float64(a.assoc)), nil
}

// ParseAnchor reads what [Anchor.AppendBinary] wrote. The error is [ErrInvalid].
func ParseAnchor(b []byte) (Anchor, error) {
	r := reader{b: b}
	a := Anchor{at: r.byte()}
	switch a.at {
	case anchorItem:
		a.item = remoteID{r.uint(), r.uint32()}
	case anchorRoot:
		a.root = string(r.text())
	case anchorType:
		a.typ = remoteID{r.uint(), r.uint32()}
	default:
		r.fail("an anchor has an unknown kind")
	}
	if r.i < len(b) {
		a.assoc = int(r.varInt())
	}
	if r.err == nil && r.i != len(b) {
		r.fail("there is more behind the anchor")
	}
	if r.err != nil {
		return Anchor{}, r.err
	}
	return a, nil
}
