package ydoc

// Map is a handle of a shared map. Concurrent values for one key: the one of
// the greater client id wins.
type Map struct{ ref }

// Set gives a key a plain value, bytes or a sub-document. Errors: [ErrDeleted],
// [ErrInvalid], [ErrLimit].
func (m Map) Set(key string, v Value) error {
	x, err := m.plain(key, v)
	if err != nil {
		return err
	}
	_, err = m.set(key, x)
	return err
}

// SetMap gives a key a new empty map. Errors are those of [Map.Set].
func (m Map) SetMap(key string) (Map, error) {
	r, err := m.setShared(key, typeMap)
	return Map{r}, err
}

// SetArray gives a key a new empty array. Errors are those of [Map.Set].
func (m Map) SetArray(key string) (Array, error) {
	r, err := m.setShared(key, typeArray)
	return Array{r}, err
}

// SetText gives a key a new empty text. Errors are those of [Map.Set].
func (m Map) SetText(key string) (Text, error) {
	r, err := m.setShared(key, typeText)
	return Text{r}, err
}

// SetXMLFragment gives a key a new empty fragment. Errors are those of [Map.Set].
func (m Map) SetXMLFragment(key string) (XMLFragment, error) {
	r, err := m.setShared(key, typeXMLFragment)
	return XMLFragment{r}, err
}

// Delete removes a key. It does nothing if there is none, or no map any more.
func (m Map) Delete(key string) { m.unset(key) }

// Get returns the value of a key, and whether there is one.
func (m Map) Get(key string) (Value, bool) { return m.get(key) }

// Keys returns the keys in the order in which the document first got them.
func (m Map) Keys() []string { return m.keys() }

// Len returns how many keys there are.
func (m Map) Len() int { return len(m.keys()) }

// plain checks a value and encodes it.
func (r ref) plain(key string, v Value) (insertable, error) {
	if err := r.valid(); err != nil {
		return insertable{}, err
	}
	if err := String(key).checkPlain(0); err != nil {
		return insertable{}, err
	}
	if err := v.checkPlain(r.d.limits.Depth); err != nil {
		return insertable{}, err
	}
	return encoded(v), nil
}

func encoded(v Value) insertable {
	switch v.kind {
	case KindBytes:
		return insertable{kind: kindBinary, length: 1, bytes: []byte(v.text)}
	case KindDoc:
		return insertable{kind: kindDoc, length: 1, bytes: v.appendAny(appendText(nil, v.text))}
	}
	return insertable{kind: kindAny, length: 1, bytes: v.appendAny(nil)}
}

// set gives a key a value, and returns its item.
func (r ref) set(key string, x insertable) (int32, error) {
	d := r.d
	if err := d.room(1); err != nil {
		return none, err
	}
	d.enter()
	defer d.leave()
	l := d.makeKeyList(r.t, key)
	return d.add(l, d.lastItem(l), none, x)
}

func (r ref) setShared(key string, kind uint8) (ref, error) {
	if err := r.valid(); err != nil {
		return ref{}, err
	}
	if err := String(key).checkPlain(0); err != nil {
		return ref{}, err
	}
	r.d.enter()
	defer r.d.leave()
	i, err := r.set(key, insertable{kind: kindType, length: 1, shared: kind})
	if err != nil {
		return ref{}, err
	}
	return r.d.refOf(i), nil
}

// refOf returns the handle of the shared type that an item holds.
func (d *Doc) refOf(i int32) ref {
	t := int32(d.items[i].off)
	return ref{d, t, d.types[t].gen}
}

func (r ref) unset(key string) {
	if r.gone() {
		return
	}
	d := r.d
	l := d.keyList(r.t, key)
	if l == none || d.lastItem(l) == none {
		return
	}
	d.enter()
	defer d.leave()
	d.delete(d.lastItem(l))
}

func (r ref) get(key string) (Value, bool) {
	if r.gone() {
		return Value{}, false
	}
	return r.d.valueOf(r.d.keyList(r.t, key))
}

// valueOf returns the value of a key's list.
func (d *Doc) valueOf(l int32) (Value, bool) {
	if l == none {
		return Value{}, false
	}
	i := d.lastItem(l)
	if i == none || d.items[i].deleted() {
		return Value{}, false
	}
	return d.valueAt(&d.items[i], d.items[i].length-1), true
}

func (r ref) keys() []string {
	if r.gone() {
		return nil
	}
	var keys []string
	for l := r.d.types[r.t].firstKey; l != none; l = r.d.lists[l].nextKey {
		if i := r.d.lastItem(l); i != none && !r.d.items[i].deleted() {
			keys = append(keys, r.d.lists[l].key)
		}
	}
	return keys
}
