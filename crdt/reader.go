package crdt

import (
	"errors"
	"fmt"
	"iter"
	"strings"
)

// reader parses an encoded state in one pass. It is strict because it looks for
// what the encoder writes and for nothing else. After the first mismatch it is
// bad and every further read returns a zero value.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) fail() {
	r.rest, r.bad = nil, true
}

// skip consumes s if it comes next.
func (r *reader) skip(s string) bool {
	if len(r.rest) < len(s) || string(r.rest[:len(s)]) != s {
		return false
	}
	r.rest = r.rest[len(s):]
	return true
}

// want consumes s, which must come next.
func (r *reader) want(s string) {
	if !r.skip(s) {
		r.fail()
	}
}

// items reads a list between two brackets. The caller reads one item each time.
func (r *reader) items(opening, closing string) iter.Seq[int] {
	return func(yield func(int) bool) {
		r.want(opening)
		if r.skip(closing) {
			return
		}
		for i := 0; !r.bad; i++ {
			if !yield(i) {
				return
			}
			if r.skip(closing) {
				return
			}
			r.want(",")
		}
	}
}

// take consumes n bytes; 0 is a mismatch.
func (r *reader) take(n int) []byte {
	if n == 0 {
		r.fail()
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

// value reads any JSON value and returns a part of the input.
func (r *reader) value() []byte { return r.take(scanValue(r.rest, MaxDepth)) }

// text reads a string of at most limit bytes and returns a copy.
func (r *reader) text(limit int) string {
	text := unescape(unquote(r.take(scanString(r.rest))))
	if len(text) > limit {
		r.fail()
		return ""
	}
	return string(text)
}

// id reads a client or incarnation. Ids repeat, so it keeps last if it is equal.
func (r *reader) id(last string) string {
	text := unescape(unquote(r.take(scanString(r.rest))))
	if len(text) > maxID {
		r.fail()
		return ""
	}
	if string(text) == last {
		return last
	}
	return string(text)
}

// integer reads an integer from least to 2^53−1.
func (r *reader) integer(least uint64) uint64 {
	n := 0
	for n < len(r.rest) && r.rest[n] >= '0' && r.rest[n] <= '9' {
		n++
	}
	i, ok := parseInteger(r.take(n))
	if !ok || i < least {
		r.fail()
		return 0
	}
	return i
}

// ascend fails unless key comes after last; the first of a list has no last.
func (r *reader) ascend(i int, last, key string) {
	if i > 0 && compareUTF16(last, key) >= 0 {
		r.fail()
	}
}

// ErrNewer is what Decode of a built-in rule wraps when the encoding names a
// version that this package does not know. Keep such a state as it is.
var ErrNewer = errors.New("the state was written by a newer version: update this program")

var errState = errors.New("not a state of this rule in canonical form, or beyond its limits")

// err says why encoded could not be read, nil if it was read to its end.
func (r *reader) err(rule Builtin, encoded []byte) error {
	if !r.bad && len(r.rest) == 0 {
		return nil
	}
	if newer(encoded) {
		return fmt.Errorf("crdt: decode %s: %w", rule, ErrNewer)
	}
	return fmt.Errorf("crdt: decode %s: %w", rule, errState)
}

// newer reports whether encoded is an object whose "v" is a number other than 1.
func newer(encoded []byte) bool {
	r := reader{rest: encoded}
	found := false
	for range r.items("{", "}") {
		key := r.text(maxID)
		r.want(":")
		value := r.value()
		if key == "v" {
			version, ok := parseInteger(value)
			found = ok && version != 1
		}
	}
	return found && !r.bad
}

// keep returns a copy of id that pins nothing else in memory, or old if it is
// equal.
func keep(old, id string) string {
	if old == id {
		return old
	}
	return strings.Clone(id)
}
