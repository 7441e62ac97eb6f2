package ydoc_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf16"

	"github.com/wavesiddhartha/flowsync/crdt/ydoc"
)

// execute resolves one edit against what is there. It does what execute of
// oracle/edit.mjs does; change both or neither.
func (b *goBody) execute(e edit) error {
	text, m, a, x := b.roots()
	var target any
	switch e.Root {
	case "text":
		target = text
	case "map":
		target = m
	case "array":
		target = a
	case "xml":
		target = x
	}
	for _, step := range e.Path {
		nested := children(target)
		if len(nested) == 0 {
			break
		}
		target = nested[step%len(nested)]
	}
	switch target := target.(type) {
	case ydoc.Text:
		return editText(target, e, b.rich)
	case ydoc.Map:
		return editMap(target, e)
	case ydoc.Array:
		return editArray(target, e)
	case ydoc.XMLFragment:
		return editXML(target, nil, e)
	case ydoc.XMLElement:
		return editXML(target.XMLFragment, &target, e)
	}
	return fmt.Errorf("no such root: %q", e.Root)
}

// children are the shared types right inside of one, in order.
func children(of any) []any {
	var values []ydoc.Value
	switch of := of.(type) {
	case ydoc.Map:
		keys := slices.SortedFunc(slices.Values(of.Keys()), func(a, b string) int {
			return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
		})
		for _, k := range keys {
			v, _ := of.Get(k)
			values = append(values, v)
		}
	case ydoc.Array:
		for i := range of.Len() {
			v, _ := of.Get(i)
			values = append(values, v)
		}
	case ydoc.XMLFragment:
		for i := range of.Len() {
			v, _ := of.Get(i)
			values = append(values, v)
		}
	case ydoc.XMLElement:
		return children(of.XMLFragment)
	}
	var nested []any
	for _, v := range values {
		if s, ok := sharedOf(v); ok {
			nested = append(nested, s)
		}
	}
	return nested
}

func sharedOf(v ydoc.Value) (any, bool) {
	if e, ok := v.XMLElement(); ok {
		return e, true
	}
	if t, ok := v.SharedText(); ok {
		return t, true
	}
	if m, ok := v.SharedMap(); ok {
		return m, true
	}
	if a, ok := v.SharedArray(); ok {
		return a, true
	}
	return nil, false
}

// unitsOf has the UTF-16 code units of a text, 0 for an embed.
func unitsOf(t ydoc.Text) []uint16 {
	var units []uint16
	for _, span := range t.Delta() {
		if span.Embed.Kind() != ydoc.KindUndefined {
			units = append(units, 0)
			continue
		}
		units = append(units, utf16.Encode([]rune(span.Text))...)
	}
	return units
}

// place moves a position out of a surrogate pair.
func place(units []uint16, at int) int {
	at = min(at, len(units))
	if at > 0 && at < len(units) && utf16.IsSurrogate(rune(units[at-1])) && units[at-1] < 0xDC00 && units[at] >= 0xDC00 && units[at] < 0xE000 {
		return at - 1
	}
	return at
}

func editText(t ydoc.Text, e edit, rich bool) error {
	units := unitsOf(t)
	at := place(units, e.A%(len(units)+1))
	end := place(units, at+e.B%9)
	kinds := 3
	if rich {
		kinds = 6
	}
	switch e.Pick % kinds {
	case 2:
		if end > at {
			return t.Delete(at, end-at)
		}
		return nil
	case 3:
		if end > at {
			return t.Format(at, end-at, attrsOf(e.Attrs))
		}
		return nil
	case 4:
		return t.InsertWith(at, e.S, attrsOf(e.Attrs))
	case 5:
		return t.InsertEmbed(at, string(e.Embed), attrsOf(e.Attrs))
	}
	return t.Insert(at, e.S)
}

func editMap(m ydoc.Map, e edit) error {
	switch e.Pick % 4 {
	case 1:
		m.Delete(e.Key)
		return nil
	case 2:
		switch e.Nest % 3 {
		case 0:
			_, err := m.SetMap(e.Key)
			return err
		case 1:
			_, err := m.SetArray(e.Key)
			return err
		}
		t, err := m.SetText(e.Key)
		if err != nil {
			return err
		}
		return t.Insert(0, e.S)
	}
	return m.Set(e.Key, valueOf(e.Values[0]))
}

func editArray(a ydoc.Array, e edit) error {
	at := e.A % (a.Len() + 1)
	n := min(e.B%4, a.Len()-at)
	switch e.Pick % 4 {
	case 1:
		if n > 0 {
			return a.Delete(at, n)
		}
		return nil
	case 2:
		switch e.Nest % 3 {
		case 0:
			_, err := a.InsertMap(at)
			return err
		case 1:
			_, err := a.InsertArray(at)
			return err
		}
		t, err := a.InsertText(at)
		if err != nil {
			return err
		}
		return t.Insert(0, e.S)
	}
	var vs []ydoc.Value
	for _, v := range e.Values {
		vs = append(vs, valueOf(v))
	}
	return a.Insert(at, vs...)
}

// editXML edits a fragment; element is set where the fragment is an element.
func editXML(x ydoc.XMLFragment, element *ydoc.XMLElement, e edit) error {
	at := e.A % (x.Len() + 1)
	n := min(e.B%3, x.Len()-at)
	switch e.Pick % 6 {
	case 1:
		if n > 0 {
			return x.Delete(at, n)
		}
		return nil
	case 2:
		t, err := x.InsertText(at)
		if err != nil {
			return err
		}
		return t.Insert(0, e.S)
	case 3:
		if element != nil {
			return element.SetAttribute(e.Key, ydoc.String(e.S))
		}
		return nil
	case 4:
		if element != nil {
			element.RemoveAttribute(e.Key)
		}
		return nil
	}
	_, err := x.InsertElement(at, []string{"p", "li", "h1"}[e.Nest%3])
	return err
}

// attrsOf reads attributes, which the generator writes with sorted keys.
func attrsOf(b json.RawMessage) ydoc.Attrs {
	attrs := ydoc.Attrs{}
	for _, f := range valueOf(b).Fields() {
		attrs = append(attrs, ydoc.Attr(f))
	}
	return attrs
}

// valueOf reads a value as oracle/edit.mjs does. Keys of objects are sorted,
// as the generator writes them.
func valueOf(b json.RawMessage) ydoc.Value {
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		panic(err) // the generator's own constants
	}
	return fromJSON(v)
}

func fromJSON(v any) ydoc.Value {
	switch v := v.(type) {
	case bool:
		return ydoc.Bool(v)
	case float64:
		return ydoc.Number(v)
	case string:
		return ydoc.String(v)
	case []any:
		var list []ydoc.Value
		for _, e := range v {
			list = append(list, fromJSON(e))
		}
		return ydoc.List(list...)
	case map[string]any:
		return fromObject(v)
	}
	return ydoc.Null()
}

func fromObject(v map[string]any) ydoc.Value {
	switch v["$"] {
	case "undefined":
		return ydoc.Undefined()
	case "bytes":
		b, err := base64.StdEncoding.DecodeString(v["base64"].(string))
		if err != nil {
			panic(err)
		}
		return ydoc.Bytes(b)
	case "bigint":
		i, err := strconv.ParseInt(v["digits"].(string), 10, 64)
		if err != nil {
			panic(err)
		}
		return ydoc.BigInt(i)
	}
	var fields []ydoc.Field
	keys := make([]string, 0, len(v))
	for k := range v {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		fields = append(fields, ydoc.Field{Key: k, Value: fromJSON(v[k])})
	}
	return ydoc.Object(fields...)
}
