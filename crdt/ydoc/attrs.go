package ydoc

import "slices"

// Attrs is formatting: attributes and their values. Null says that an attribute
// is not set.
type Attrs []Attr

// Attr is one attribute of formatting, such as bold: true.
type Attr struct {
	Key   string
	Value Value
}

// attr is an attribute while an edit works with it. value is JSON; entry is
// that of the marker it comes from, or none: yjs compares objects by identity.
type attr struct {
	key, value string
	entry      int32
}

// attrs is attributes in the order in which they were first set.
type attrs []attr

func (a attrs) clone() attrs { return slices.Clone(a) }

func (a attrs) find(key string) int {
	return slices.IndexFunc(a, func(x attr) bool { return x.key == key })
}

// get returns an attribute; null if it is not set.
func (a attrs) get(key string) attr {
	if i := a.find(key); i >= 0 {
		return a[i]
	}
	return attr{key: key, value: "null", entry: none}
}

func (a *attrs) set(x attr) {
	if i := a.find(x.key); i >= 0 {
		(*a)[i] = x
		return
	}
	*a = append(*a, x)
}

func (a *attrs) unset(key string) {
	if i := a.find(key); i >= 0 {
		*a = slices.Delete(*a, i, i+1)
	}
}

// pass takes note of a marker.
func (a *attrs) pass(x attr) {
	if x.value == "null" {
		a.unset(x.key)
		return
	}
	a.set(x)
}

// same says whether two values are one: the same plain value, or the very same
// object.
func (x attr) same(y attr) bool {
	if x.value != y.value {
		return false
	}
	return !x.object() || (x.entry != none && x.entry == y.entry)
}

func (x attr) object() bool { return x.value[0] == '{' || x.value[0] == '[' }

// equal is same, but objects may also be equal member by member.
func (x attr) equal(y attr) bool {
	if x.same(y) {
		return true
	}
	if !x.object() || !y.object() {
		return false
	}
	v, err := ParseJSON(x.value)
	w, err2 := ParseJSON(y.value)
	return err == nil && err2 == nil && v.flatEqual(w)
}

// flatEqual compares two lists or objects whose members must be plain: nested
// ones differ, because they are other objects.
func (v Value) flatEqual(w Value) bool {
	a, b := v.members(), w.members()
	if len(a) != len(b) {
		return false
	}
	for _, f := range a {
		i := slices.IndexFunc(b, func(g Field) bool { return g.Key == f.Key })
		if i < 0 || f.Value.kind != b[i].Value.kind || f.Value.kind == KindList || f.Value.kind == KindObject {
			return false
		}
		if g := b[i].Value; f.Value.num != g.num || f.Value.text != g.text {
			return false
		}
	}
	return true
}

// members returns the elements of a list as members of an object.
func (v Value) members() []Field {
	if v.kind == KindObject {
		return v.fields
	}
	var fields []Field
	for i, e := range v.list {
		fields = append(fields, Field{string(appendDecimal(nil, i)), e})
	}
	return fields
}

// resolve checks attributes and brings them into JavaScript's order.
func (a Attrs) resolve(depth int) (attrs, error) {
	var fields []Field
	for _, x := range a {
		if err := x.Value.checkPlain(depth); err != nil {
			return nil, err
		}
		fields = setField(fields, x.Key, x.Value)
	}
	var out attrs
	for _, f := range inOrder(fields) {
		if err := String(f.Key).checkPlain(depth); err != nil {
			return nil, err
		}
		if f.Value.kind != KindUndefined {
			out = append(out, attr{f.Key, string(f.Value.AppendJSON(nil)), none})
		}
	}
	return out, nil
}

// ordered returns attributes in the order in which JavaScript walks an object.
func (a attrs) ordered() attrs {
	fields := make([]Field, len(a))
	for i, x := range a {
		fields[i] = Field{Key: x.key, Value: Number(float64(i))}
	}
	out := make(attrs, len(a))
	for i, f := range inOrder(fields) {
		out[i] = a[int(f.Value.Number())]
	}
	return out
}
