package wire

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// Bounds of free text in messages, in bytes. A hub echoes refs and events, so
// they are small.
const (
	maxRef   = 128
	maxEvent = 128
	maxID    = 256
)

// str reads a string of any length.
func (d *Decoder) str(f *field) string { return string(d.bytes(f)) }

// bytes reads a string and returns its characters, valid as long as the message.
func (d *Decoder) bytes(f *field) []byte {
	switch {
	case f.raw[0] != '"':
		d.fail(BadMessage, "a field that is a string holds something else")
		return nil
	case f.flaw == lostText:
		d.refuse(f.refusal(BadMessage))
		return nil
	case bytes.IndexByte(f.raw, '\\') < 0:
		return f.raw[1 : len(f.raw)-1]
	}
	start := len(d.scratch)
	d.scratch, _ = jsontext.AppendUnquote(d.scratch, f.raw)
	return d.scratch[start:]
}

// some reads a string of 1 to most bytes.
func (d *Decoder) some(f *field, most int) []byte {
	s := d.bytes(f)
	if len(s) == 0 || len(s) > most {
		d.fail(BadMessage, "a string is empty or too long for its field")
		return nil
	}
	return s
}

// name reads a short string that is likely to come again.
func (d *Decoder) name(f *field) string { return d.intern(d.some(f, maxID)) }

// intern returns s as a string, the same one for the same bytes, so that
// naming the same stream in every message costs nothing.
func (d *Decoder) intern(s []byte) string {
	if known, ok := d.names[string(s)]; ok {
		return known
	}
	if d.names == nil || len(d.names) >= keepNames {
		d.names = make(map[string]string)
	}
	name := string(s)
	d.names[name] = name
	return name
}

func (d *Decoder) ref(f *field) string { return string(d.some(f, maxRef)) }

func (d *Decoder) stream(f *field) string {
	s := d.bytes(f)
	if d.err != nil {
		return ""
	}
	if len(s) > MaxStreamBytes || !ValidStream(string(s)) {
		d.fail(BadStream, "a stream name is 1 to 8 segments of letters, digits, '_', '.' and '-', joined by ':'")
		return ""
	}
	return d.intern(s)
}

// hash reads an incarnation, epoch or writer hash.
func (d *Decoder) hash(f *field) []byte {
	s := d.bytes(f)
	if !hexDigits(s, 16) {
		d.fail(BadMessage, "an incarnation or hash is 16 lower-case hex digits")
		return nil
	}
	return s
}

// uint reads an integer from 0 to 2^53−1.
func (d *Decoder) uint(f *field) uint64 {
	n, ok := parseUint(f.raw)
	if !ok {
		d.fail(BadMessage, "a number in the message is an integer from 0 to 2^53-1, written in digits alone")
	}
	return n
}

func (d *Decoder) int(f *field) int { return int(d.uint(f)) }

func (d *Decoder) bool(f *field) bool {
	yes := string(f.raw) == "true"
	if !yes && string(f.raw) != "false" {
		d.fail(BadMessage, "a field that is true or false holds something else")
	}
	return yes
}

// maxRewrite is how large a value may be, in bytes, that is not canonical.
// Sorting one object of 10 MiB costs seconds, recognising that it is sorted
// costs milliseconds; so whoever sends much sends it canonical.
const maxRewrite = 1 << 20

const oversizedText = "a value over 1 MiB is taken in canonical form (RFC 8785) only"

func (v *value) oversized() bool { return !v.canonical && len(v.raw) > maxRewrite }

// json reads an embedded value in its canonical form.
func (d *Decoder) json(f *field) []byte {
	if f.flaw != sound {
		d.refuse(f.refusal(BadMessage))
		return nil
	}
	if f.canonical {
		return f.raw
	}
	if f.oversized() {
		d.fail(TooLarge, oversizedText)
		return nil
	}
	start := len(d.scratch)
	out, err := f.appendCanonical(d.scratch)
	if err != nil {
		d.fail(BadJSON, twiceTheKey)
		return nil
	}
	d.scratch = out
	return out[start:]
}

// shallow reads an embedded value that others will wrap: see [MaxOpDepth].
func (d *Decoder) shallow(f *field) []byte {
	if f.depth > MaxOpDepth {
		d.refuse(f.refusal(BadMessage))
		return nil
	}
	return d.json(f)
}

func (d *Decoder) unknown() {
	d.fail(BadMessage, "the message has a field that its type does not have: names are exact, also in case")
}

// need fails unless the fields of the line's object include all of names.
func (d *Decoder) need(names ...string) { d.require(d.fields, names) }

func (d *Decoder) require(fields []field, names []string) {
	for _, name := range names {
		found := false
		for i := range fields {
			found = found || string(fields[i].key) == name
		}
		if !found {
			d.fail(BadMessage, "a field that the message must have is missing")
		}
	}
}

// object reads the members of an object inside the message, which must include
// all of names. They are valid until the next call.
func (d *Decoder) object(v value, names ...string) []field {
	if v.raw[0] != '{' {
		d.fail(BadMessage, "a field that is an object holds something else")
		return nil
	}
	s := v.inside()
	d.nested = d.members(&s, d.nested[:0])
	if s.reason != "" {
		d.fail(BadJSON, s.reason)
		return nil
	}
	d.require(d.nested, names)
	return d.nested
}

// inside returns a scanner for a container that was scanned as part of its
// line. If it is canonical as a whole, so is everything in it, and nothing needs
// to be looked at again.
func (v *value) inside() scanner {
	return scanner{b: v.raw, depth: 1, trusted: v.canonical && v.flaw == sound}
}

// list walks an array inside the message.
type list struct {
	s      scanner
	v      value // the present element
	inside bool
}

func (d *Decoder) list(v value) list {
	l := list{s: v.inside()}
	if v.raw[0] != '[' {
		d.fail(BadMessage, "a field that is a list holds something else")
		return l
	}
	l.inside = l.s.enter() && !l.s.empty(']')
	return l
}

func (l *list) next() bool {
	if !l.inside {
		return false
	}
	l.v, _ = l.s.take()
	l.inside, _ = l.s.more(']')
	return true
}
