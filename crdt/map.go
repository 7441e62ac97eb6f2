package crdt

import (
	"bytes"
	"maps"
	"slices"
)

// keyedMap is the state of crdt-map: a register per key. A deleted key keeps the
// stamp of its delete, so that a write which knew less does not bring it back.
// Deleting a key that was never set changes nothing.
//
// Invariant: size is the length of all members, without commas. Values are never
// changed in place, so clones share them.
type keyedMap struct {
	cells map[string]cell
	size  int
}

type cell struct {
	stamp stamp
	value []byte // canonical JSON; nil when deleted
}

func newKeyedMap() *keyedMap { return &keyedMap{cells: map[string]cell{}} }

func (m *keyedMap) Check(op Op) (int, error) {
	var o object
	if err := o.read(op); err != nil {
		return 0, err
	}
	if string(o.name) == "initial" {
		fresh, err := initialKeyedMap(&o)
		if err != nil {
			return 0, err
		}
		return fresh.Size() - m.Size(), nil
	}
	key, next, err := o.write(op)
	if err != nil {
		return 0, err
	}
	old, ok := m.cells[string(key)]
	if !next.replaces(&old, ok) {
		return 0, nil
	}
	if !ok {
		return next.len(key) + len(","), nil
	}
	return next.len(key) - old.len(key), nil
}

func (m *keyedMap) Apply(op Op) {
	var o object
	if o.read(op) != nil {
		return
	}
	if string(o.name) == "initial" {
		if fresh, err := initialKeyedMap(&o); err == nil {
			*m = *fresh
		}
		return
	}
	key, next, err := o.write(op)
	if err != nil {
		return
	}
	old, ok := m.cells[string(key)]
	if !next.replaces(&old, ok) {
		return
	}
	if ok {
		m.size -= old.len(key)
	}
	m.put(key, cell{next.stamp.kept(&old.stamp), bytes.Clone(next.value)})
}

// put stores a cell that is not counted in size.
func (m *keyedMap) put(key []byte, c cell) {
	m.cells[string(key)] = c
	m.size += c.len(key)
}

// write reads a set or a delete. The cell's value is part of the op.
func (o *object) write(op Op) ([]byte, cell, error) {
	c := cell{stamp: op.stamp()}
	switch string(o.name) {
	case "set":
		if !o.exactly("key", "value") {
			return nil, c, Errorf(BadOp, `the fields of set are "key", a string, and "value"`)
		}
		c.value = o.get("value")
	case "delete":
		if !o.exactly("key") {
			return nil, c, Errorf(BadOp, `the only field of delete is "key", a string`)
		}
	default:
		return nil, c, o.unknown()
	}
	key := o.text("key")
	if key == nil {
		return nil, c, Errorf(BadOp, "a key is a string")
	}
	if len(key) > MaxElement {
		return nil, c, errElement()
	}
	return key, c, nil
}

// replaces reports whether c takes the place of old; ok says that old is there.
func (c *cell) replaces(old *cell, ok bool) bool {
	if !ok {
		return c.value != nil
	}
	return c.stamp.compare(&old.stamp) > 0
}

// len is the length of an encoded member: "key":[at,"client","inc",seq,value].
func (c *cell) len(key []byte) int {
	n := quotedLen(key) + len(":[]") + c.stamp.len()
	if c.value != nil {
		n += len(",") + len(c.value)
	}
	return n
}

// initialKeyedMap is the state that an initial op names: every key has the zero
// stamp.
func initialKeyedMap(o *object) (*keyedMap, error) {
	value := o.get("value")
	if !o.exactly("value") || value[0] != '{' {
		return nil, Errorf(BadOp, "an initial map is an object")
	}
	m := newKeyedMap()
	r := reader{rest: value}
	for range r.items("{", "}") {
		key := unescape(unquote(r.value()))
		r.want(":")
		if len(key) > MaxElement {
			return nil, errElement()
		}
		m.put(key, cell{value: bytes.Clone(r.value())})
	}
	return m, nil
}

func (m *keyedMap) Clone() State { return &keyedMap{maps.Clone(m.cells), m.size} }

func (m *keyedMap) AppendState(b []byte) []byte {
	b = append(b, `{"keys":{`...)
	for i, key := range slices.SortedFunc(maps.Keys(m.cells), compareUTF16) {
		if i > 0 {
			b = append(b, ',')
		}
		c := m.cells[key]
		b = appendString(b, key)
		b = append(b, ":["...)
		b = c.stamp.append(b)
		if c.value != nil {
			b = append(b, ',')
			b = append(b, c.value...)
		}
		b = append(b, ']')
	}
	return append(b, `},"v":1}`...)
}

func (m *keyedMap) AppendValue(b []byte) []byte {
	b = append(b, '{')
	first := true
	for _, key := range slices.SortedFunc(maps.Keys(m.cells), compareUTF16) {
		c := m.cells[key]
		if c.value == nil {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = appendString(b, key)
		b = append(b, ':')
		b = append(b, c.value...)
	}
	return append(b, '}')
}

func (m *keyedMap) Size() int {
	return len(`{"keys":{},"v":1}`) + joinedLen(m.size, len(m.cells))
}

func decodeKeyedMap(encoded []byte) (State, error) {
	r := reader{rest: encoded}
	m := newKeyedMap()
	r.want(`{"keys":`)
	last := ""
	var lastStamp stamp
	for i := range r.items("{", "}") {
		key := r.text(MaxElement)
		r.ascend(i, last, key)
		r.want(":[")
		c := cell{stamp: r.stamp(&lastStamp)}
		if r.skip(",") {
			c.value = bytes.Clone(r.value())
		}
		r.want("]")
		if r.bad {
			break
		}
		m.put([]byte(key), c)
		last, lastStamp = key, c.stamp
	}
	r.want(`,"v":1}`)
	if err := r.err(Map, encoded); err != nil {
		return nil, err
	}
	return m, nil
}
