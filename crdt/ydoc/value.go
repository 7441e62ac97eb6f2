package ydoc

import "math"

// Kind says what a [Value] holds.
type Kind uint8

// Kinds of values. The plain ones, up to KindObject, are what an editor can
// pass to Set and Insert; KindDoc too. The shared ones are what Get returns
// for a nested type; nested types are made by methods such as [Map.SetText].
const (
	KindUndefined Kind = iota
	KindNull
	KindBool
	KindNumber
	KindBigInt
	KindString
	KindBytes
	KindList
	KindObject
	KindDoc
	KindArray
	KindMap
	KindText
	KindXMLElement
	KindXMLFragment
	KindXMLHook
	KindXMLText
)

// Value is a JavaScript value as Yjs stores it: JSON, plus undefined, byte
// strings, 64-bit integers, sub-documents and nested shared types. The zero
// Value is undefined. A Value is immutable; do not change slices given to its
// constructors.
type Value struct {
	kind   Kind
	num    uint64 // Bool, Number (its bits), BigInt
	text   string // String, Bytes, Doc (its guid)
	list   []Value
	fields []Field
	ref    ref
}

// Field is one member of an object. Objects keep the order of their members,
// and name each once.
type Field struct {
	Key   string
	Value Value
}

// Undefined returns JavaScript's undefined.
func Undefined() Value { return Value{} }

// Null returns JSON's null.
func Null() Value { return Value{kind: KindNull} }

// Bool returns true or false.
func Bool(b bool) Value {
	v := Value{kind: KindBool}
	if b {
		v.num = 1
	}
	return v
}

// Number returns a JavaScript number.
func Number(f float64) Value { return Value{kind: KindNumber, num: math.Float64bits(f)} }

// BigInt returns a 64-bit integer, JavaScript's BigInt. It has no JSON form of
// its own: [Value.AppendJSON] writes it as a string of digits.
func BigInt(i int64) Value { return Value{kind: KindBigInt, num: uint64(i)} }

// String returns a string. It must be valid UTF-8.
func String(s string) Value { return Value{kind: KindString, text: s} }

// Bytes returns a byte string, JavaScript's Uint8Array.
func Bytes(b []byte) Value { return Value{kind: KindBytes, text: string(b)} }

// List returns a plain array, replaced as a whole. For an array that several
// people edit see [Map.SetArray].
func List(elements ...Value) Value { return Value{kind: KindList, list: elements} }

// Object returns a plain object, replaced as a whole. For an object that
// several people edit see [Map.SetMap].
func Object(fields ...Field) Value { return Value{kind: KindObject, fields: fields} }

// Subdoc returns a reference to another document by its guid. Options are what
// Yjs stores beside it: an object with any of the members gc, autoLoad, meta.
func Subdoc(guid string, options ...Field) Value {
	return Value{kind: KindDoc, text: guid, fields: options}
}

// Kind says what v holds.
func (v Value) Kind() Kind { return v.kind }

// Bool returns a Bool's value, and false for other kinds.
func (v Value) Bool() bool { return v.kind == KindBool && v.num == 1 }

// Number returns a Number's value, and 0 for other kinds.
func (v Value) Number() float64 {
	if v.kind != KindNumber {
		return 0
	}
	return math.Float64frombits(v.num)
}

// BigInt returns a BigInt's value, and 0 for other kinds.
func (v Value) BigInt() int64 {
	if v.kind != KindBigInt {
		return 0
	}
	return int64(v.num)
}

// Text returns the text of a String, the guid of a Doc, the bytes of a Bytes,
// and "" for other kinds.
func (v Value) Text() string { return v.text }

// List returns the elements of a List. Do not change them.
func (v Value) List() []Value { return v.list }

// Fields returns the members of an Object or the options of a Doc, in order.
// Do not change them.
func (v Value) Fields() []Field { return v.fields }

// SharedText returns the nested text, or false if v is none; an XML text is one too.
func (v Value) SharedText() (Text, bool) {
	return Text{v.ref}, v.kind == KindText || v.kind == KindXMLText
}

// SharedMap returns the nested map, or false if v is none; an XML hook is one too.
func (v Value) SharedMap() (Map, bool) {
	return Map{v.ref}, v.kind == KindMap || v.kind == KindXMLHook
}

// SharedArray returns the nested array, or false if v is none.
func (v Value) SharedArray() (Array, bool) { return Array{v.ref}, v.kind == KindArray }

// XMLElement returns the nested element, or false if v is none.
func (v Value) XMLElement() (XMLElement, bool) {
	return XMLElement{XMLFragment{v.ref}}, v.kind == KindXMLElement
}

// XMLFragment returns the nested fragment, or false if v is none.
func (v Value) XMLFragment() (XMLFragment, bool) {
	return XMLFragment{v.ref}, v.kind == KindXMLFragment || v.kind == KindXMLElement
}

// XMLText returns the nested XML text, or false if v is none.
func (v Value) XMLText() (XMLText, bool) { return XMLText{Text{v.ref}}, v.kind == KindXMLText }
