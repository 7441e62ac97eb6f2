package ydoc

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// XMLFragment is a handle of a list of XML elements and texts.
type XMLFragment struct{ ref }

// XMLElement is a handle of an XML element: a fragment with a name and
// attributes.
type XMLElement struct{ XMLFragment }

// XMLText is a handle of a text within XML. Its formatting reads as nested
// elements.
type XMLText struct{ Text }

// Len returns how many elements and texts there are.
func (x XMLFragment) Len() int { return x.size() }

// Get returns child number i, and whether there is one.
func (x XMLFragment) Get(i int) (Value, bool) { return x.at(i) }

// InsertElement inserts a new empty element at pos. Errors: [ErrRange],
// [ErrDeleted], [ErrInvalid] if name is not UTF-8, [ErrLimit].
func (x XMLFragment) InsertElement(pos int, name string) (XMLElement, error) {
	if !utf8.ValidString(name) {
		return XMLElement{}, errNotUTF8
	}
	r, err := x.insertShared(pos, typeXMLElement, name)
	return XMLElement{XMLFragment{r}}, err
}

// InsertText inserts a new empty text at pos. Errors: [ErrRange], [ErrDeleted],
// [ErrLimit].
func (x XMLFragment) InsertText(pos int) (XMLText, error) {
	r, err := x.insertShared(pos, typeXMLText, "")
	return XMLText{Text{r}}, err
}

// Delete deletes n children from pos on. Errors: [ErrRange], [ErrDeleted].
func (x XMLFragment) Delete(pos, n int) error { return x.remove(pos, n) }

// String returns the children as yjs writes them: values are not escaped, so
// that the result is for reading and comparing, not for browsers.
func (x XMLFragment) String() string {
	var b strings.Builder
	if !x.gone() {
		x.d.writeXML(&b, x.t)
	}
	return b.String()
}

// Name returns the element's name.
func (x XMLElement) Name() string {
	if x.gone() {
		return ""
	}
	return x.d.types[x.t].name
}

// SetAttribute sets an attribute, usually to a string. Errors are those of
// [Map.Set].
func (x XMLElement) SetAttribute(key string, v Value) error { return Map{x.ref}.Set(key, v) }

// RemoveAttribute removes an attribute, if it is set.
func (x XMLElement) RemoveAttribute(key string) { x.unset(key) }

// Attribute returns the value of an attribute, and whether it is set.
func (x XMLElement) Attribute(key string) (Value, bool) { return x.get(key) }

// AttributeKeys returns the names of the attributes in the order in which the
// document first got them.
func (x XMLElement) AttributeKeys() []string { return x.keys() }

// String returns the element as yjs writes it; see [XMLFragment.String].
func (x XMLElement) String() string {
	var b strings.Builder
	if !x.gone() {
		x.d.writeElement(&b, x.t)
	}
	return b.String()
}

// String returns the text with its formatting as elements, as yjs writes it.
func (x XMLText) String() string {
	var b strings.Builder
	x.write(&b)
	return b.String()
}

// SetAttribute sets an attribute of the text as a whole. Errors are those of
// [Map.Set].
func (x XMLText) SetAttribute(key string, v Value) error { return Map{x.ref}.Set(key, v) }

// RemoveAttribute removes an attribute of the text as a whole, if it is set.
func (x XMLText) RemoveAttribute(key string) { x.unset(key) }

// Attribute returns an attribute of the text as a whole, and whether it is set.
func (x XMLText) Attribute(key string) (Value, bool) { return x.get(key) }

// writeXML writes the children of a type. Nesting is bounded by Limits.Depth.
func (d *Doc) writeXML(b *strings.Builder, t int32) {
	l := d.types[t].seq
	if l == none {
		return
	}
	d.eachVisible(l, func(it *item) {
		if it.kind == kindFormat {
			return
		}
		if it.kind != kindType {
			d.eachOf(it, func(v Value) { b.WriteString(v.jsString()) })
			return
		}
		d.writeNode(b, int32(it.off))
	})
}

func (d *Doc) writeNode(b *strings.Builder, t int32) {
	switch d.types[t].kind {
	case typeXMLElement:
		d.writeElement(b, t)
	case typeXMLFragment:
		d.writeXML(b, t)
	case typeXMLText:
		XMLText{Text{ref{d, t, d.types[t].gen}}}.write(b)
	case typeText:
		b.WriteString(Text{ref{d, t, d.types[t].gen}}.String())
	default:
		b.WriteString("[object Object]")
	}
}

func (d *Doc) writeElement(b *strings.Builder, t int32) {
	r := ref{d, t, d.types[t].gen}
	name := strings.ToLower(d.types[t].name)
	b.WriteString("<" + name)
	keys := r.keys()
	slices.SortFunc(keys, compareUnits)
	for _, k := range keys {
		v, _ := r.get(k)
		b.WriteString(" " + k + `="` + v.jsString() + `"`)
	}
	b.WriteString(">")
	d.writeXML(b, t)
	b.WriteString("</" + name + ">")
}

func (x XMLText) write(b *strings.Builder) {
	for _, span := range x.Delta() {
		nodes := slices.Clone(span.Attrs)
		slices.SortFunc(nodes, func(a, b Attr) int { return compareUnits(a.Key, b.Key) })
		for _, n := range nodes {
			b.WriteString("<" + n.Key)
			for _, f := range canonical(n.Value.enumerable()) {
				b.WriteString(" " + f.Key + `="` + f.Value.jsString() + `"`)
			}
			b.WriteString(">")
		}
		if span.Embed.kind != KindUndefined {
			b.WriteString(span.Embed.jsString())
		}
		b.WriteString(span.Text)
		for _, n := range slices.Backward(nodes) {
			b.WriteString("</" + n.Key + ">")
		}
	}
}

// enumerable returns what for … in of JavaScript walks: the members of objects
// and lists, and the code units of strings.
func (v Value) enumerable() []Field {
	if v.kind != KindString {
		return v.members()
	}
	var fields []Field
	for i, r := range []rune(v.text) {
		fields = append(fields, Field{string(appendDecimal(nil, i)), String(string(r))})
	}
	return fields
}

// jsString returns what JavaScript makes of a value in a string.
func (v Value) jsString() string {
	switch v.kind {
	case KindUndefined:
		return "undefined"
	case KindNull:
		return "null"
	case KindString:
		return v.text
	case KindNumber:
		switch f := v.Number(); {
		case math.IsNaN(f):
			return "NaN"
		case math.IsInf(f, 1):
			return "Infinity"
		case math.IsInf(f, -1):
			return "-Infinity"
		}
		return string(v.AppendJSON(nil))
	case KindBool:
		return string(v.AppendJSON(nil))
	case KindBigInt:
		return strconv.FormatInt(v.BigInt(), 10)
	case KindBytes:
		parts := make([]string, len(v.text))
		for i := range len(v.text) {
			parts[i] = string(appendDecimal(nil, int(v.text[i])))
		}
		return strings.Join(parts, ",")
	case KindList:
		parts := make([]string, len(v.list))
		for i, e := range v.list {
			if e.kind != KindNull && e.kind != KindUndefined {
				parts[i] = e.jsString()
			}
		}
		return strings.Join(parts, ",")
	case KindObject, KindDoc:
		return "[object Object]"
	}
	if v.ref.gone() {
		return ""
	}
	var b strings.Builder
	v.ref.d.writeNode(&b, v.ref.t)
	return b.String()
}
