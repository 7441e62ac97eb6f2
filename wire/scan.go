package wire

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"
)

// flaw is what a grammatical value may still hold that must not be stored.
type flaw uint8

const (
	sound      flaw = iota
	lostText        // half of a surrogate pair, which no UTF-8 can express
	lostNumber      // a number that would not survive: see scanner.float
)

// scanner checks JSON text (RFC 8259, RFC 3629) in one pass, without memory of
// its own. It refuses what is not JSON, invalid UTF-8 and nesting over
// [MaxDepth]. Of the rest it says whether it is surely canonical; false means
// "perhaps not", and the slow way decides.
type scanner struct {
	b      []byte
	i      int
	depth  int    // containers open at i
	reason string // why the text was refused

	// trusted text was scanned before and found canonical.
	trusted bool

	// About the values scanned since these were last reset.
	deepest   int
	flaw      flaw // the first one
	canonical bool
	pointed   bool // some number has a point or an exponent
}

func (s *scanner) refuse(reason string) bool {
	if s.reason == "" {
		s.reason = reason
	}
	return false
}

const (
	notJSON     = "the line is not JSON"
	notUTF8     = "the text is not valid UTF-8"
	tooDeep     = "the JSON nests deeper than 32"
	twiceTheKey = "an object has the same key twice"
	trailing    = "something follows the JSON value on its line"
)

// space skips white space. Canonical JSON has none.
func (s *scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\r', '\n':
			s.i++
			s.canonical = false
		default:
			return
		}
	}
}

// peek returns the byte at i, or 0 at the end: no JSON token begins with 0.
func (s *scanner) peek() byte {
	if s.i < len(s.b) {
		return s.b[s.i]
	}
	return 0
}

// value scans one value that begins at i.
func (s *scanner) value() bool {
	switch c := s.peek(); c {
	case '{':
		return s.object()
	case '[':
		return s.array()
	case '"':
		return s.string()
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	default:
		if c == '-' || '0' <= c && c <= '9' {
			return s.number()
		}
		return s.refuse(notJSON)
	}
}

func (s *scanner) literal(word string) bool {
	if !bytes.HasPrefix(s.b[s.i:], []byte(word)) {
		return s.refuse(notJSON)
	}
	s.i += len(word)
	return true
}

// enter steps over the bracket that opens a container.
func (s *scanner) enter() bool {
	s.i++
	s.depth++
	if s.depth > MaxDepth {
		return s.refuse(tooDeep)
	}
	s.deepest = max(s.deepest, s.depth)
	s.space()
	return true
}

// more steps over what follows a member: a comma (true) or the closing
// bracket, which ends the container (false). Anything else is refused.
func (s *scanner) more(closing byte) (more, ok bool) {
	s.space()
	switch s.peek() {
	case ',':
		s.i++
		s.space()
		return true, true
	case closing:
		s.i++
		s.depth--
		return false, true
	}
	return false, s.refuse(notJSON)
}

// empty steps over a closing bracket that follows the opening one.
func (s *scanner) empty(closing byte) bool {
	if s.peek() != closing {
		return false
	}
	s.i++
	s.depth--
	return true
}

func (s *scanner) array() bool {
	if !s.enter() {
		return false
	}
	if s.empty(']') {
		return true
	}
	for {
		if !s.value() {
			return false
		}
		if more, ok := s.more(']'); !more {
			return ok
		}
	}
}

func (s *scanner) object() bool {
	if !s.enter() {
		return false
	}
	if s.empty('}') {
		return true
	}
	var last []byte
	for first := true; ; first = false {
		key, ok := s.key()
		if !ok {
			return false
		}
		if !first && s.canonical && !s.ascending(last, key) {
			s.canonical = false
		}
		last = key
		if !s.value() {
			return false
		}
		if more, ok := s.more('}'); !more {
			return ok
		}
	}
}

// key scans a member's key and its colon and returns the key as written,
// without quotes.
func (s *scanner) key() ([]byte, bool) {
	if s.peek() != '"' {
		return nil, s.refuse(notJSON)
	}
	start := s.i + 1
	if !s.string() {
		return nil, false
	}
	key := s.b[start : s.i-1]
	s.space()
	if s.peek() != ':' {
		return nil, s.refuse(notJSON)
	}
	s.i++
	s.space()
	return key, true
}

// ascending reports whether two keys as written are surely in canonical order,
// which also makes them different. Escaped keys are left to the slow way.
func (s *scanner) ascending(a, b []byte) bool {
	return compareUTF16(a, b) < 0 && bytes.IndexByte(a, '\\') < 0 && bytes.IndexByte(b, '\\') < 0
}

// compareUTF16 orders UTF-8 text by UTF-16 code units, as RFC 8785 does. That
// is the order of the bytes, but for characters beyond U+FFFF (lead byte F0 and
// up), whose surrogates sort before U+E000 to U+FFFF (lead bytes EE and EF).
func compareUTF16(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		x, y := a[i], b[i]
		if x == y {
			continue
		}
		if x >= 0xEE && y >= 0xEE && (x >= 0xF0) != (y >= 0xF0) {
			x, y = y, x
		}
		if x < y {
			return -1
		}
		return 1
	}
	return len(a) - len(b)
}

// string scans a string that begins at i.
func (s *scanner) string() bool {
	b, i := s.b, s.i+1
	for i < len(b) {
		if n := ordinary(b[i:]); n > 0 {
			i += n
			continue
		}
		switch c := b[i]; {
		case c == '"':
			s.i = i + 1
			return true
		case c == '\\':
			n := s.escape(b[i:])
			if n == 0 {
				return s.refuse(notJSON)
			}
			i += n
		case c < ' ':
			return s.refuse(notJSON)
		case c < utf8.RuneSelf:
			i++
		default:
			r, n := utf8.DecodeRune(b[i:])
			if r == utf8.RuneError && n == 1 {
				return s.refuse(notUTF8)
			}
			i += n
		}
	}
	return s.refuse(notJSON)
}

// ordinary returns a multiple of 8: how many bytes at the start of b are surely
// plain ASCII without quote, backslash and control characters. It looks at
// eight bytes at once, since most of most messages is such text.
func ordinary(b []byte) (n int) {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for ; len(b)-n >= 8; n += 8 {
		w := binary.LittleEndian.Uint64(b[n:])
		quote, slash := w^'"'*ones, w^'\\'*ones
		// x−ones borrows into the top bit of a byte only where it is 0 (here:
		// below ' '), of the bytes above it perhaps too, which errs on the side
		// of care.
		if (w|(w-' '*ones)|(quote-ones)|(slash-ones))&tops != 0 {
			return n
		}
	}
	return n
}

// escape scans the escape that b begins with and returns its length, 0 if
// there is no such escape.
func (s *scanner) escape(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', 'b', 'f', 'n', 'r', 't':
		return 2
	case '/':
		s.canonical = false
		return 2
	case 'u':
		r, ok := codeUnit(b)
		if !ok {
			return 0
		}
		if !surrogate(r) {
			s.canonical = s.canonical && shortest(b[:6], byte(r), r)
			return 6
		}
		s.canonical = false
		if low, ok := codeUnit(b[6:]); ok && r < 0xDC00 && 0xDC00 <= low && low < 0xE000 {
			return 12
		}
		s.note(lostText)
		return 6
	}
	return 0
}

// codeUnit reads a \uXXXX escape.
func codeUnit(b []byte) (r rune, ok bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	for _, c := range b[2:6] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

func surrogate(r rune) bool { return 0xD800 <= r && r < 0xE000 }

// shortest reports whether a \u escape is how canonical JSON writes r: control
// characters only, and not those with a letter of their own.
func shortest(escape []byte, c byte, r rune) bool {
	if r >= ' ' {
		return false
	}
	var room [6]byte
	return bytes.Equal(appendEscape(room[:0], c), escape)
}

func (s *scanner) note(f flaw) {
	if s.flaw == sound {
		s.flaw = f
	}
}
