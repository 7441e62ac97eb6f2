package wire

import (
	"bytes"
	"iter"

	"github.com/go-json-experiment/json/jsontext"
)

// MaxBatch is how many ops one push may carry.
const MaxBatch = 1000

// maxFields is more than any message or any object in one has.
const maxFields = 24

// Bounds on what a Decoder keeps between calls, so that one large message does
// not cost an idle connection its memory.
const (
	keepScratch = 16 << 10 // bytes
	keepItems   = 256
	keepNames   = 1024
)

// Decoder decodes lines, of one connection or of many. The zero value is ready. A
// message and all bytes in it are valid until the next call and as long as the
// line is not overwritten; its strings are valid forever. A decoder is not safe
// for concurrent use. Assigning Decoder{} releases all it holds.
type Decoder struct {
	err     *Error  // the first thing wrong with the line
	fields  []field // of the line's object
	nested  []field // of the object inside it that is being read
	ops     []value // elements of the line's "ops"
	scratch []byte  // what had to be rewritten to be canonical
	names   map[string]string

	push      Push
	prev      uint64 // Push.Prev and Push.At point to these
	at        uint64
	committed Ops
	entries   []Entry
	ack       Ack
}

// field is a member of an object.
type field struct {
	key []byte // unescaped
	value
}

// Lines splits a WebSocket message into lines. A newline at the very end is
// allowed; an empty line is handed out as it is, for the decoder to refuse.
func Lines(msg []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		msg := bytes.TrimSuffix(msg, []byte("\n"))
		for more := true; more; {
			var line []byte
			line, msg, more = bytes.Cut(msg, []byte("\n"))
			if !yield(line) {
				return
			}
		}
	}
}

// Client decodes a line that a client sent. An error is an *[Error] that names
// what it is about as far as that could be read.
//
// When one op of a push is refused for itself (bad_op, bad_text, too_large), the
// ops before it stand: they, or none, are returned as a push together with the
// error, which names the refused op's seq. Otherwise a message comes without an
// error and an error without a message.
func (d *Decoder) Client(line []byte) (ClientMessage, error) {
	t := d.begin(line)
	if d.err != nil {
		return nil, d.fault()
	}
	var m ClientMessage
	switch t {
	case "push":
		return d.readPush()
	case "ping":
		m = d.readPing()
	case "hello":
		m = d.readHello()
	case "sub":
		m = d.readSub()
	case "unsub":
		m = d.readUnsub()
	case "presence":
		m = d.readSetPresence()
	case "emit":
		m = d.readEmit()
	case "history":
		m = d.readGetHistory()
	case "auth":
		m = d.readAuth()
	default:
		d.fail(UnknownType, "a client sends no message of this type")
	}
	if d.err != nil {
		return nil, d.fault()
	}
	return m, nil
}

// Hub decodes a line that a hub sent. An error is an *[Error] with the reason.
func (d *Decoder) Hub(line []byte) (HubMessage, error) {
	t := d.begin(line)
	if d.err != nil {
		return nil, d.fault()
	}
	var m HubMessage
	switch t {
	case "ops":
		m = d.readOps()
	case "ack":
		m = d.readAck()
	case "value":
		m = d.readValue()
	case "presence":
		m = d.readPresence()
	case "event":
		m = d.readEvent()
	case "synced":
		m = d.readSynced()
	case "history":
		m = d.readHistory()
	case "welcome":
		m = d.readWelcome()
	case "reject":
		m = d.readReject()
	case "error":
		m = d.readError()
	case "hub":
		m = d.readHubStatus()
	case "expiring":
		m = d.readExpiring()
	case "authed":
		m = d.readAuthed()
	case "drain":
		m = d.readDrain()
	case "pong":
		m = d.readPong()
	default:
		d.fail(UnknownType, "a hub sends no message of this type")
	}
	if d.err != nil {
		return nil, d.fault()
	}
	return m, nil
}

// begin scans the whole line, so that everything after may trust its syntax,
// and returns its type.
func (d *Decoder) begin(line []byte) string {
	d.err = nil
	d.fields = d.fields[:0] // an error must not name what the line before was about
	d.ops = kept(d.ops)
	d.entries = kept(d.entries)
	d.push.Ops = kept(d.push.Ops)
	if d.scratch = d.scratch[:0]; cap(d.scratch) > keepScratch {
		d.scratch = nil
	}
	s := scanner{b: line}
	s.space()
	if s.peek() != '{' {
		d.notObject(line)
		return ""
	}
	d.fields = d.members(&s, d.fields)
	s.space()
	if s.reason == "" && s.i < len(line) {
		s.refuse(trailing)
	}
	if s.reason != "" {
		d.err = Errorf(BadJSON, "%s", s.reason)
		return ""
	}
	for i := range d.fields {
		if f := &d.fields[i]; string(f.key) == "t" {
			return d.name(f)
		}
	}
	d.fail(BadMessage, `the message has no "t", its type`)
	return ""
}

// kept empties a scratch slice, or lets go of one that grew large.
func kept[T any](s []T) []T {
	clear(s)
	if cap(s) > keepItems {
		return nil
	}
	return s[:0]
}

func (d *Decoder) notObject(line []byte) {
	if _, reason := scan(line); reason != "" {
		d.fail(BadJSON, reason)
		return
	}
	d.fail(BadMessage, "a message is a JSON object")
}

// members scans the object at s.i and appends its members to dst, as many as
// any message may have; with one more the object is refused for its unknown
// field anyway. The elements of "ops" are noted on the way.
func (d *Decoder) members(s *scanner, dst []field) []field {
	if !s.enter() || s.empty('}') {
		return dst
	}
	for {
		s.flaw = sound
		key, ok := s.key()
		if !ok {
			return dst
		}
		key, ok = d.unescape(key, s)
		if !ok {
			return dst
		}
		if has(dst, key) {
			s.refuse(twiceTheKey)
			return dst
		}
		var v value
		if s.depth == 1 && s.peek() == '[' && string(key) == "ops" {
			v, ok = d.batch(s)
		} else {
			v, ok = s.take()
		}
		if !ok {
			return dst
		}
		if len(dst) < maxFields {
			dst = append(dst, field{key: key, value: v})
		}
		if more, _ := s.more('}'); !more {
			return dst
		}
	}
}

func (d *Decoder) unescape(key []byte, s *scanner) ([]byte, bool) {
	if bytes.IndexByte(key, '\\') < 0 {
		return key, true
	}
	if s.flaw != sound {
		flawed := value{flaw: s.flaw}
		d.refuse(flawed.refusal(BadMessage))
		return key, true
	}
	start := len(d.scratch)
	quoted := `"` + string(key) + `"`
	d.scratch, _ = jsontext.AppendUnquote(d.scratch, quoted)
	return d.scratch[start:], true
}

func has(fields []field, key []byte) bool {
	for i := range fields {
		if bytes.Equal(fields[i].key, key) {
			return true
		}
	}
	return false
}

// batch scans the array at s.i and notes its elements, one more than allowed
// at most.
func (d *Decoder) batch(s *scanner) (value, bool) {
	start := s.i
	if !s.enter() {
		return value{}, false
	}
	if s.empty(']') {
		return value{raw: s.b[start:s.i]}, true
	}
	for {
		v, ok := s.take()
		if !ok {
			return value{}, false
		}
		if len(d.ops) <= MaxBatch {
			d.ops = append(d.ops, v)
		}
		if more, ok := s.more(']'); !more {
			return value{raw: s.b[start:s.i]}, ok
		}
	}
}

// fail notes the first thing that is wrong.
func (d *Decoder) fail(code Code, msg string) {
	if d.err == nil {
		d.err = &Error{Code: code, Msg: msg}
	}
}

func (d *Decoder) refuse(e *Error) {
	if d.err == nil {
		d.err = e
	}
}

// fault returns the error, with what it is about.
func (d *Decoder) fault() error {
	e := d.err
	if e.Code == BadJSON {
		return e
	}
	for i := range d.fields {
		f := &d.fields[i]
		switch string(f.key) {
		case "ref":
			if s := f.text(); len(s) > 0 && len(s) <= maxRef {
				e.Ref = string(s)
			}
		case "stream":
			if s := string(f.text()); ValidStream(s) {
				e.Stream = s
			}
		case "seq":
			if n, ok := parseUint(f.raw); ok && e.Seq == 0 {
				e.Seq = n
			}
		}
	}
	return e
}

// text returns a string without escapes, nil for anything else.
func (f *field) text() []byte {
	if f.raw[0] != '"' || bytes.IndexByte(f.raw, '\\') >= 0 {
		return nil
	}
	return f.raw[1 : len(f.raw)-1]
}
