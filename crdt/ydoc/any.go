package ydoc

import (
	"encoding/binary"
	"math"
	"slices"
	"unicode/utf8"
)

// Marks of the values of kind Any.
const (
	anyBytes     = 116
	anyList      = 117
	anyObject    = 118
	anyString    = 119
	anyTrue      = 120
	anyFalse     = 121
	anyBigInt    = 122
	anyFloat64   = 123
	anyFloat32   = 124
	anyInt       = 125
	anyNull      = 126
	anyUndefined = 127
)

// skipAny checks and passes one value.
func (r *reader) skipAny(depth int) {
	if depth < 0 {
		r.deep()
		return
	}
	switch r.byte() {
	case anyUndefined, anyNull, anyTrue, anyFalse:
	case anyInt:
		r.varInt()
	case anyFloat32:
		r.skip(4)
	case anyFloat64, anyBigInt:
		r.skip(8)
	case anyString:
		r.text()
	case anyBytes:
		r.span()
	case anyList:
		for n := r.count(1); n > 0; n-- {
			r.skipAny(depth - 1)
		}
	case anyObject:
		for n := r.count(2); n > 0; n-- {
			r.text()
			r.skipAny(depth - 1)
		}
	default:
		r.fail("a value has an unknown type")
	}
}

// varInt reads a whole number whose first group has 6 bits and a sign.
func (r *reader) varInt() float64 {
	c := r.byte()
	n := uint64(c & 0x3f)
	negative := c&0x40 != 0
	for shift := 6; c >= 0x80; shift += 7 {
		c = r.byte()
		if shift > 48 || (shift == 48 && c > 31) {
			r.fail("a number is beyond ±2^53")
			return 0
		}
		n |= uint64(c&0x7f) << shift
	}
	if negative {
		return -float64(n)
	}
	return float64(n)
}

// readAny reads one value that skipAny has passed before.
func (r *reader) readAny() Value {
	switch r.byte() {
	case anyNull:
		return Null()
	case anyTrue:
		return Bool(true)
	case anyFalse:
		return Bool(false)
	case anyInt:
		return Number(r.varInt())
	case anyFloat32:
		r.skip(4)
		return Number(float64(math.Float32frombits(binary.BigEndian.Uint32(r.b[r.i-4:]))))
	case anyFloat64:
		r.skip(8)
		return Number(math.Float64frombits(binary.BigEndian.Uint64(r.b[r.i-8:])))
	case anyBigInt:
		r.skip(8)
		return BigInt(int64(binary.BigEndian.Uint64(r.b[r.i-8:])))
	case anyString:
		return String(string(r.span()))
	case anyBytes:
		return Bytes(r.span())
	case anyList:
		v := Value{kind: KindList}
		for n := r.count(1); n > 0; n-- {
			v.list = append(v.list, r.readAny())
		}
		return v
	case anyObject:
		v := Value{kind: KindObject}
		for n := r.count(2); n > 0; n-- {
			key := string(r.span())
			v.fields = setField(v.fields, key, r.readAny())
		}
		return v
	}
	return Undefined()
}

// setField gives a member its value; a member named twice keeps its first place
// and its last value, as in JavaScript.
func setField(fields []Field, key string, v Value) []Field {
	for i := range fields {
		if fields[i].Key == key {
			fields[i].Value = v
			return fields
		}
	}
	return append(fields, Field{key, v})
}

func (v Value) appendAny(b []byte) []byte {
	switch v.kind {
	case KindNull:
		return append(b, anyNull)
	case KindBool:
		if v.num == 1 {
			return append(b, anyTrue)
		}
		return append(b, anyFalse)
	case KindNumber:
		return appendNumber(b, v.Number())
	case KindBigInt:
		return binary.BigEndian.AppendUint64(append(b, anyBigInt), v.num)
	case KindString:
		return appendText(append(b, anyString), v.text)
	case KindBytes:
		return appendText(append(b, anyBytes), v.text)
	case KindList:
		b = appendUint(append(b, anyList), uint64(len(v.list)))
		for _, e := range v.list {
			b = e.appendAny(b)
		}
		return b
	case KindObject, KindDoc:
		b = appendUint(append(b, anyObject), uint64(len(v.fields)))
		for _, f := range inOrder(v.fields) {
			b = f.Value.appendAny(appendText(b, f.Key))
		}
		return b
	}
	return append(b, anyUndefined)
}

// appendNumber writes whole numbers of up to 31 bits as such, others as the
// smallest float that holds them.
func appendNumber(b []byte, f float64) []byte {
	if f == math.Trunc(f) && math.Abs(f) <= math.MaxInt32 {
		return appendVarInt(append(b, anyInt), f)
	}
	if f != f {
		return binary.BigEndian.AppendUint64(append(b, anyFloat64), 0x7ff8<<48) // JavaScript has one NaN
	}
	if float64(float32(f)) == f {
		return binary.BigEndian.AppendUint32(append(b, anyFloat32), math.Float32bits(float32(f)))
	}
	return binary.BigEndian.AppendUint64(append(b, anyFloat64), math.Float64bits(f))
}

// appendVarInt writes a whole number with its sign in the first group; −0 has
// one too.
func appendVarInt(b []byte, f float64) []byte {
	var sign byte
	if math.Signbit(f) {
		sign = 0x40
	}
	n := uint64(math.Abs(f))
	c := byte(n&0x3f) | sign
	if n >>= 6; n == 0 {
		return append(b, c)
	}
	return appendUint(append(b, c|0x80), n)
}

// checkPlain says whether v can be stored as a plain value of limited depth.
func (v Value) checkPlain(depth int) error {
	if depth < 0 {
		return errDeepValue
	}
	switch v.kind {
	case KindString:
		if !utf8.ValidString(v.text) {
			return errNotUTF8
		}
	case KindList:
		for _, e := range v.list {
			if err := e.checkPlain(depth - 1); err != nil {
				return err
			}
		}
	case KindObject, KindDoc:
		for i, f := range v.fields {
			if !utf8.ValidString(f.Key) {
				return errNotUTF8
			}
			if i > 0 && named(v.fields[:i], f.Key) {
				return errTwice
			}
			if err := f.Value.checkPlain(depth - 1); err != nil {
				return err
			}
		}
		if v.kind == KindDoc && !utf8.ValidString(v.text) {
			return errNotUTF8
		}
	}
	if v.kind > KindDoc {
		return errShared
	}
	return nil
}

func named(fields []Field, key string) bool {
	for _, f := range fields {
		if f.Key == key {
			return true
		}
	}
	return false
}

// inOrder returns members as JavaScript orders them: those named like an index
// of an array ascending, then the others as they are.
func inOrder(fields []Field) []Field {
	indexed := 0
	for _, f := range fields {
		if _, ok := index(f.Key); ok {
			indexed++
		}
	}
	if indexed == 0 {
		return fields
	}
	sorted := slices.Clone(fields)
	slices.SortStableFunc(sorted, func(a, b Field) int {
		m, isA := index(a.Key)
		n, isB := index(b.Key)
		switch {
		case isA && isB:
			return compareUint32(m, n)
		case isA:
			return -1
		case isB:
			return 1
		}
		return 0
	})
	return sorted
}

// index returns the number that a key is, if it is one below 2^32 − 1 in its
// shortest form.
func index(key string) (uint32, bool) {
	if key == "" || len(key) > 10 || (key[0] == '0' && len(key) > 1) {
		return 0, false
	}
	var n uint64
	for _, c := range []byte(key) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return uint32(n), n < math.MaxUint32
}
