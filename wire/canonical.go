package wire

import (
	stdjson "encoding/json"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// MaxOpDepth is how deep an op, a presence state or an event's data may nest.
// It is below [MaxDepth] because every message that carries it on, or the state
// that it becomes part of, wraps it in up to four levels.
const MaxOpDepth = MaxDepth - 4

// Canonical appends the canonical form (RFC 8785) of one JSON value to dst.
// JSON that is canonical already is copied after one look at each byte.
//
// Refused, as *[Error]: bad_json for what is not JSON, invalid UTF-8, duplicate
// keys, depth over [MaxDepth] or anything after the value; bad_text for half of
// a surrogate pair; bad_op for depth over [MaxOpDepth], for numbers beyond
// float64 and for integers beyond ±(2^53−1), however they are written. On error
// dst is returned as it was.
func Canonical(dst, src []byte) ([]byte, error) {
	v, reason := scan(src)
	if reason != "" {
		return dst, Errorf(BadJSON, "%s", reason)
	}
	if v.flaw != sound || v.depth > MaxOpDepth {
		return dst, v.refusal(BadOp)
	}
	out, err := v.appendCanonical(dst)
	if err != nil {
		return dst, err
	}
	return out, nil
}

// Marshal returns the canonical JSON of a Go value, with the refusals of
// [Canonical]. A json.RawMessage is JSON already; json struct tags are obeyed;
// []byte becomes base64. Strings that are not UTF-8 are bad_text, other values
// without a JSON form (channels, NaN) bad_op.
func Marshal(v any) ([]byte, error) {
	raw, err := encode(v)
	if err != nil {
		return nil, err
	}
	return Canonical(nil, raw)
}

// MarshalOp returns the canonical JSON of a Go value that is an op, refused as the
// decoders refuse it: also numbers that the canonical form would make sound.
func MarshalOp(v any) ([]byte, error) {
	raw, err := encode(v)
	if err != nil {
		return nil, err
	}
	op, reason := scan(raw)
	if reason != "" {
		return nil, Errorf(BadJSON, "%s", reason)
	}
	if e := op.refuseOp(); e != nil {
		return nil, e
	}
	return op.appendCanonical(nil)
}

// encode returns JSON that need not be canonical.
func encode(v any) ([]byte, error) {
	switch raw := v.(type) {
	case stdjson.RawMessage:
		return raw, nil
	case jsontext.Value:
		return raw, nil
	}
	raw, err := json.Marshal(v)
	if err == nil {
		return raw, nil
	}
	if _, err := json.Marshal(v, jsontext.AllowInvalidUTF8(true)); err == nil {
		return nil, Errorf(BadText, "a string is not valid UTF-8")
	}
	return nil, Errorf(BadOp, "the Go value has no JSON form: use structs, maps, slices, strings, finite numbers, booleans and nil")
}

// value is a scanned JSON value.
type value struct {
	raw       []byte // without surrounding white space
	depth     int
	flaw      flaw
	canonical bool // surely
	pointed   bool // some number has a point or an exponent
}

// scan looks at src as one value. It returns the reason if src is refused.
func scan(src []byte) (value, string) {
	s := scanner{b: src}
	s.space()
	v, ok := s.take()
	s.space()
	if ok && s.i < len(s.b) {
		s.refuse(trailing)
	}
	return v, s.reason
}

// take scans the value at i. Of trusted text it finds the end alone.
func (s *scanner) take() (value, bool) {
	start := s.i
	if s.trusted {
		s.i = skip(s.b, s.i)
		return value{raw: s.b[start:s.i], canonical: true}, true
	}
	s.deepest, s.flaw, s.canonical, s.pointed = s.depth, sound, true, false
	ok := s.value()
	return value{raw: s.b[start:s.i], depth: s.deepest - s.depth, flaw: s.flaw, canonical: s.canonical, pointed: s.pointed}, ok
}

// skip returns where the value ends that begins at b[i], in canonical JSON.
func skip(b []byte, i int) int {
	for depth := 0; ; i++ {
		switch b[i] {
		case '"':
			for i++; b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			depth++
			continue
		case '}', ']':
			depth--
		default:
			if depth > 0 {
				continue
			}
			for i < len(b) && b[i] != ',' && b[i] != '}' && b[i] != ']' {
				i++
			}
			return i
		}
		if depth == 0 {
			return i + 1
		}
	}
}

// refusal says what is wrong with a value that is flawed or too deep. code is
// for what is not a matter of text.
func (v *value) refusal(code Code) *Error {
	switch {
	case v.flaw == lostText:
		return Errorf(BadText, "a string holds half of a surrogate pair: split text between characters, never inside one")
	case v.flaw == lostNumber:
		return Errorf(code, "a number would not survive: keep integers within 2^53-1 either way, or write them as strings")
	}
	return Errorf(code, "the JSON nests deeper than %d", MaxOpDepth)
}

// appendCanonical appends the canonical form of a value without flaws. Only
// here do duplicate keys show that do not follow each other.
func (v *value) appendCanonical(dst []byte) ([]byte, error) {
	if v.canonical {
		return append(dst, v.raw...), nil
	}
	out, err := jsontext.AppendFormat(dst, v.raw,
		jsontext.CanonicalizeRawInts(true),
		jsontext.CanonicalizeRawFloats(true),
		jsontext.ReorderRawObjects(true))
	if err != nil {
		return dst, Errorf(BadJSON, "%s", twiceTheKey)
	}
	return out, nil
}
