package ydoc

// Array is a handle of a shared array.
type Array struct{ ref }

// Insert inserts plain values, bytes or sub-documents at pos. Errors:
// [ErrRange], [ErrDeleted], [ErrInvalid], [ErrLimit].
func (a Array) Insert(pos int, values ...Value) error {
	if err := a.fits(pos, 0, len(values)); err != nil {
		return err
	}
	return a.insertValues(values, func(l int32) (int32, int32) {
		left, at := a.d.gap(l, uint32(pos))
		return left, a.d.itemIn(at)
	})
}

// Push inserts values at the very end, behind what was deleted there too: two
// replicas that push, and only push, keep each other's order.
func (a Array) Push(values ...Value) error {
	if err := a.fits(0, 0, len(values)); err != nil {
		return err
	}
	return a.insertValues(values, func(l int32) (int32, int32) { return a.d.lastItem(l), none })
}

// Delete deletes n values from pos on. Errors: [ErrRange], [ErrDeleted].
func (a Array) Delete(pos, n int) error { return a.remove(pos, n) }

// Len returns how many values there are.
func (a Array) Len() int { return a.size() }

// Get returns value number i, and whether there is one.
func (a Array) Get(i int) (Value, bool) { return a.at(i) }

// Values returns all values; it is quicker than Get for each.
func (a Array) Values() []Value {
	values := make([]Value, 0, a.size())
	if !a.gone() {
		a.d.eachValue(a.t, func(v Value) { values = append(values, v) })
	}
	return values
}

// InsertMap inserts a new empty map at pos. Errors are those of [Array.Insert].
func (a Array) InsertMap(pos int) (Map, error) {
	r, err := a.insertShared(pos, typeMap, "")
	return Map{r}, err
}

// InsertArray inserts a new empty array at pos. Errors are those of [Array.Insert].
func (a Array) InsertArray(pos int) (Array, error) {
	r, err := a.insertShared(pos, typeArray, "")
	return Array{r}, err
}

// InsertText inserts a new empty text at pos. Errors are those of [Array.Insert].
func (a Array) InsertText(pos int) (Text, error) {
	r, err := a.insertShared(pos, typeText, "")
	return Text{r}, err
}

// fits checks a range, and that the clock has room for grow more.
func (r ref) fits(pos, n, grow int) error {
	if err := r.valid(); err != nil {
		return err
	}
	if err := inRange(pos, n, r.size()); err != nil {
		return err
	}
	return r.d.room(grow)
}

// insertValues inserts where the function says. Plain values next to each other
// become one item.
func (r ref) insertValues(values []Value, where func(list int32) (left, right int32)) error {
	d := r.d
	for _, v := range values {
		if err := v.checkPlain(d.limits.Depth); err != nil {
			return err
		}
	}
	if len(values) == 0 {
		return nil
	}
	d.enter()
	defer d.leave()
	l := d.sequence(r.t)
	left, right := where(l)
	for len(values) > 0 {
		x := encoded(values[0])
		values = values[1:]
		for x.kind == kindAny && len(values) > 0 && values[0].kind != KindBytes && values[0].kind != KindDoc {
			x.bytes = values[0].appendAny(x.bytes)
			x.length++
			values = values[1:]
		}
		var err error
		if left, err = d.add(l, left, right, x); err != nil {
			return err
		}
	}
	return nil
}

func (r ref) insertShared(pos int, kind uint8, name string) (ref, error) {
	if err := r.fits(pos, 0, 1); err != nil {
		return ref{}, err
	}
	d := r.d
	d.enter()
	defer d.leave()
	l := d.sequence(r.t)
	left, at := d.gap(l, uint32(pos))
	i, err := d.add(l, left, d.itemIn(at), insertable{kind: kindType, length: 1, shared: kind, name: name})
	if err != nil {
		return ref{}, err
	}
	return d.refOf(i), nil
}

func (r ref) remove(pos, n int) error {
	if err := r.fits(pos, n, 0); err != nil || n == 0 {
		return err
	}
	r.d.enter()
	defer r.d.leave()
	r.d.deleteVisible(r.d.sequence(r.t), uint32(pos), uint32(n))
	return nil
}

func (r ref) at(i int) (Value, bool) {
	if i < 0 || i >= r.size() {
		return Value{}, false
	}
	at, off := r.d.seek(r.seq(), uint32(i)+1)
	return r.d.valueAt(&r.d.items[r.d.itemIn(at)], off-1), true
}
