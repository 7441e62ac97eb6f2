package ydoc

// walker goes through a formatted text. It stands between left and right, where
// attrs is in force.
type walker struct {
	list        int32
	left, right int32
	attrs       attrs
}

// walk returns a walker at a position: behind the item of the position before.
func (d *Doc) walk(l int32, pos uint32) walker {
	left, at := d.gap(l, pos)
	w := walker{list: l, left: left, right: d.itemIn(at)}
	if left == none {
		return w
	}
	end := d.spotOf(left)
	for n := d.lists[l].first; ; n = d.leaves[n].next {
		lf := &d.leaves[n]
		upTo := int(lf.n)
		if n == end.leaf {
			upTo = end.slot
		}
		if lf.formats > 0 {
			for _, i := range lf.items[:upTo] {
				if it := &d.items[i]; it.kind == kindFormat && !it.deleted() {
					w.attrs.pass(d.marker(it))
				}
			}
		}
		if n == end.leaf {
			return w
		}
	}
}

// marker returns what a format item says.
func (d *Doc) marker(it *item) attr {
	f := &d.formats.entries[it.off]
	return attr{f.key, f.value, int32(it.off)}
}

// forward steps over right.
func (d *Doc) forward(w *walker) {
	if it := &d.items[w.right]; it.kind == kindFormat && !it.deleted() {
		w.attrs.pass(d.marker(it))
	}
	w.left, w.right = w.right, d.nextItem(w.right)
}

// insertFormatted inserts content with exactly the attributes a, which it may
// change.
func (d *Doc) insertFormatted(w *walker, a attrs, x insertable) error {
	for _, y := range w.attrs {
		if a.find(y.key) < 0 {
			a = append(a, attr{y.key, "null", none})
		}
	}
	d.skipRedundant(w, a)
	negated, err := d.openAttrs(w, a)
	if err != nil {
		return err
	}
	if err := d.addAt(w, x); err != nil {
		return err
	}
	return d.closeAttrs(w, negated)
}

func (d *Doc) addAt(w *walker, x insertable) error {
	i, err := d.add(w.list, w.left, w.right, x)
	if err != nil {
		return err
	}
	w.right = i
	d.forward(w)
	return nil
}

// addMarker inserts a format marker. An object keeps its identity.
func (d *Doc) addMarker(w *walker, x attr) error {
	entry := uint32(x.entry)
	if x.entry == none {
		entry = d.formats.add([]byte(x.key), []byte(x.value))
	} else {
		d.formats.entries[entry].uses++
	}
	return d.addAt(w, insertable{kind: kindFormat, length: 1, format: entry})
}

// skipRedundant steps over what is deleted and over markers that say what a says.
func (d *Doc) skipRedundant(w *walker, a attrs) {
	for w.right != none {
		it := &d.items[w.right]
		if !it.deleted() {
			if it.kind != kindFormat {
				return
			}
			if m := d.marker(it); !a.get(m.key).equal(m) {
				return
			}
		}
		d.forward(w)
	}
}

// openAttrs inserts the markers that a needs, and returns those that end it.
func (d *Doc) openAttrs(w *walker, a attrs) (attrs, error) {
	var negated attrs
	for _, x := range a.ordered() {
		now := w.attrs.get(x.key)
		if now.equal(x) {
			continue
		}
		negated.set(now)
		if err := d.addMarker(w, x); err != nil {
			return nil, err
		}
	}
	return negated, nil
}

// closeAttrs inserts the markers that end a formatting, unless they are there.
func (d *Doc) closeAttrs(w *walker, negated attrs) error {
	for w.right != none {
		it := &d.items[w.right]
		if !it.deleted() {
			if it.kind != kindFormat {
				break
			}
			m := d.marker(it)
			i := negated.find(m.key)
			if i < 0 || !negated[i].equal(m) {
				break
			}
			negated.unset(m.key)
		}
		d.forward(w)
	}
	for _, x := range negated {
		if err := d.addMarker(w, x); err != nil {
			return err
		}
	}
	return nil
}

// format gives n positions the attributes a.
func (d *Doc) format(w *walker, n uint32, a attrs) error {
	d.skipRedundant(w, a)
	negated, err := d.openAttrs(w, a)
	if err != nil {
		return err
	}
	for w.right != none {
		it := &d.items[w.right]
		if n == 0 && (len(negated) == 0 || (!it.deleted() && it.kind != kindFormat)) {
			break
		}
		switch {
		case it.deleted():
		case it.kind == kindFormat:
			m := d.marker(it)
			i := a.find(m.key)
			if i < 0 {
				w.attrs.set(m)
				break
			}
			if a[i].equal(m) {
				negated.unset(m.key)
			} else {
				if n == 0 {
					return d.closeAttrs(w, negated)
				}
				negated.set(m)
			}
			d.delete(w.right)
		default:
			if n < it.length {
				d.split(w.right, n)
				it = &d.items[w.right]
			}
			n -= it.length
		}
		d.forward(w)
	}
	return d.closeAttrs(w, negated)
}

// deleteFormatted deletes n positions, and the markers there that have nothing
// left to say.
func (d *Doc) deleteFormatted(w *walker, n uint32) {
	before, start := w.attrs.clone(), w.right
	for n > 0 && w.right != none {
		if it := &d.items[w.right]; it.visible() > 0 {
			if n < it.length {
				d.split(w.right, n)
				it = &d.items[w.right]
			}
			n -= it.length
			d.delete(w.right)
		}
		d.forward(w)
	}
	if start != none {
		d.tidyGap(start, w.right, before, &w.attrs)
	}
}
