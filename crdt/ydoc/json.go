package ydoc

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

func validText(s []byte) bool { return utf8.Valid(s) }

func appendDecimal(b []byte, n int) []byte { return strconv.AppendInt(b, int64(n), 10) }

// maxJSONDepth is how deeply ParseJSON lets arrays and objects nest.
const maxJSONDepth = 256

// ParseJSON returns the value of a JSON text. As in JavaScript, all numbers are
// doubles, and a member named twice has its last value. The error is
// [ErrInvalid] or, beyond 256 levels, [ErrLimit].
func ParseJSON(text string) (Value, error) {
	b := []byte(text)
	if !json.Valid(b) || !utf8.Valid(b) {
		return Value{}, fmt.Errorf("%w: not JSON", ErrInvalid)
	}
	if jsonDepth(b) > maxJSONDepth {
		return Value{}, errDeepValue
	}
	p := parser{s: text}
	return p.value(), nil
}

// parser reads JSON that is known to be valid.
type parser struct {
	s string
	i int
}

// peek returns the next byte that is not white space.
func (p *parser) peek() byte {
	for p.s[p.i] == ' ' || p.s[p.i] == '\t' || p.s[p.i] == '\n' || p.s[p.i] == '\r' {
		p.i++
	}
	return p.s[p.i]
}

func (p *parser) value() Value {
	switch c := p.peek(); c {
	case 'n':
		p.i += 4
		return Null()
	case 't':
		p.i += 4
		return Bool(true)
	case 'f':
		p.i += 5
		return Bool(false)
	case '"':
		return String(p.quoted())
	case '[':
		v := Value{kind: KindList}
		for p.i++; p.peek() != ']'; p.comma() {
			v.list = append(v.list, p.value())
		}
		p.i++
		return v
	case '{':
		v := Value{kind: KindObject}
		for p.i++; p.peek() != '}'; p.comma() {
			key := p.quoted()
			p.peek()
			p.i++ // the colon
			v.fields = setField(v.fields, key, p.value())
		}
		p.i++
		return v
	}
	start := p.i
	for p.i < len(p.s) && strings.IndexByte("+-.0123456789eE", p.s[p.i]) >= 0 {
		p.i++
	}
	f, _ := strconv.ParseFloat(p.s[start:p.i], 64) // too large is infinite, as in JavaScript
	return Number(f)
}

func (p *parser) comma() {
	if p.peek() == ',' {
		p.i++
	}
}

func (p *parser) quoted() string {
	start := p.i
	escaped := false
	for p.i++; p.s[p.i] != '"'; p.i++ {
		if p.s[p.i] == '\\' {
			escaped = true
			p.i++
		}
	}
	p.i++
	if !escaped {
		return p.s[start+1 : p.i-1]
	}
	var s string
	if err := json.Unmarshal([]byte(p.s[start:p.i]), &s); err != nil {
		return ""
	}
	return s
}

// AppendJSON appends v as JSON.stringify of JavaScript writes it. What JSON
// cannot say is null, but undefined members are left out; a BigInt is a string
// of digits, bytes are base64, a sub-document is an object with its guid, and a
// nested shared type is its own JSON.
func (v Value) AppendJSON(b []byte) []byte { return v.appendJSON(b, inOrder) }

// appendJSON lets order arrange the members of objects.
func (v Value) appendJSON(b []byte, order func([]Field) []Field) []byte {
	switch v.kind {
	case KindBool:
		return strconv.AppendBool(b, v.num == 1)
	case KindNumber:
		return appendJSNumber(b, v.Number())
	case KindBigInt:
		return append(strconv.AppendInt(append(b, '"'), int64(v.num), 10), '"')
	case KindString:
		return appendQuoted(b, v.text)
	case KindBytes:
		return append(base64.StdEncoding.AppendEncode(append(b, '"'), []byte(v.text)), '"')
	case KindList:
		b = append(b, '[')
		for i, e := range v.list {
			if i > 0 {
				b = append(b, ',')
			}
			b = e.appendJSON(b, order)
		}
		return append(b, ']')
	case KindObject:
		return appendObject(b, v.fields, order)
	case KindDoc:
		return append(appendQuoted(append(b, `{"guid":`...), v.text), '}')
	case KindUndefined, KindNull:
		return append(b, "null"...)
	}
	if v.ref.gone() {
		return append(b, "null"...)
	}
	return v.ref.d.appendShared(b, v.ref.t)
}

func appendObject(b []byte, fields []Field, order func([]Field) []Field) []byte {
	b = append(b, '{')
	first := true
	for _, f := range order(fields) {
		if f.Value.kind == KindUndefined {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(appendQuoted(b, f.Key), ':')
		b = f.Value.appendJSON(b, order)
	}
	return append(b, '}')
}

// canonical arranges members by UTF-16 code units (RFC 8785).
func canonical(fields []Field) []Field {
	sorted := slices.Clone(fields)
	slices.SortStableFunc(sorted, func(a, b Field) int { return compareUnits(a.Key, b.Key) })
	return sorted
}

// compareUnits compares strings by their UTF-16 code units.
func compareUnits(a, b string) int {
	for a != "" && b != "" {
		r, n := utf8.DecodeRuneInString(a)
		s, m := utf8.DecodeRuneInString(b)
		if r != s {
			if (r > 0xffff) != (s > 0xffff) {
				return int(highUnit(r)) - int(highUnit(s))
			}
			return int(r - s)
		}
		a, b = a[n:], b[m:]
	}
	return len(a) - len(b)
}

// highUnit returns the first code unit of r.
func highUnit(r rune) rune {
	if r > 0xffff {
		r, _ = utf16.EncodeRune(r)
	}
	return r
}

// appendJSNumber writes a number as JavaScript does, which RFC 8785 adopts.
func appendJSNumber(b []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(b, "null"...)
	}
	if f == 0 {
		return append(b, '0')
	}
	if a := math.Abs(f); a >= 1e-6 && a < 1e21 {
		return strconv.AppendFloat(b, f, 'f', -1, 64)
	}
	b = strconv.AppendFloat(b, f, 'e', -1, 64)
	if n := len(b); n > 4 && b[n-2] == '0' && (b[n-3] == '-' || b[n-3] == '+') {
		b[n-2] = b[n-1] // e-07 is e-7
		b = b[:n-1]
	}
	return b
}

// appendQuoted writes a string as JSON.stringify does.
func appendQuoted(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\b':
			b = append(b, '\\', 'b')
		case '\f':
			b = append(b, '\\', 'f')
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(append(b, s[start:]...), '"')
}
