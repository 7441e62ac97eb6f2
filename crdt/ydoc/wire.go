package ydoc

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"unicode/utf8"
)

// maxUint is the greatest number that updates may carry: JavaScript's greatest
// safe integer.
const maxUint = 1<<53 - 1

// appendUint writes n in groups of 7 bits, low ones first.
func appendUint(b []byte, n uint64) []byte { return binary.AppendUvarint(b, n) }

// reader reads the primitives of updates. The first failure sticks; everything
// after it reads zeroes, so that callers check once.
type reader struct {
	b   []byte
	i   int
	err error
}

func (r *reader) fail(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s (byte %d of %d); send the update as Yjs wrote it", ErrInvalid, what, r.i, len(r.b))
	}
	r.i = len(r.b)
}

func (r *reader) byte() byte {
	if r.i < len(r.b) {
		r.i++
		return r.b[r.i-1]
	}
	return r.early()
}

func (r *reader) early() byte {
	r.fail("the input ends early")
	return 0
}

func (r *reader) uint() uint64 {
	if i := r.i; i < len(r.b) && r.b[i] < 0x80 {
		r.i = i + 1
		return uint64(r.b[i])
	}
	return r.longUint()
}

// ends are the top bits of eight bytes; the last byte of a number has it clear.
const ends = 0x8080808080808080

// longUint reads a number of several bytes: all of them at once, without a
// branch for each, unless the input or the number ends too far on.
func (r *reader) longUint() uint64 {
	if r.i+8 <= len(r.b) {
		w := binary.LittleEndian.Uint64(r.b[r.i:])
		if last := ^w & ends; last != 0 {
			if n := squeeze(w & (last ^ (last - 1))); n <= maxUint {
				r.i += bits.TrailingZeros64(last)>>3 + 1
				return n
			}
		}
	}
	return r.slowUint()
}

// ref reads an id: two numbers, which eight bytes hold together as a rule.
func (r *reader) ref() remoteID {
	if r.i+8 <= len(r.b) {
		w := binary.LittleEndian.Uint64(r.b[r.i:])
		last := ^w & ends
		if both := last & (last - 1); both != 0 {
			client := squeeze(w & (last ^ (last - 1)))
			clock := squeeze((w & (both ^ (both - 1))) >> (bits.TrailingZeros64(last) + 1))
			if clock <= math.MaxUint32 {
				r.i += bits.TrailingZeros64(both)>>3 + 1
				return remoteID{client, uint32(clock)}
			}
		}
	}
	return remoteID{r.uint(), r.uint32()}
}

// squeeze joins the low 7 bits of each byte of w.
func squeeze(w uint64) uint64 {
	w = w&0x007f007f007f007f | w&0x7f007f007f007f00>>1
	w = w&0x00003fff00003fff | w&0x3fff00003fff0000>>2
	return w&0x0fffffff | w>>32<<28
}

func (r *reader) slowUint() uint64 {
	var n uint64
	for shift := 0; ; shift += 7 {
		if r.i >= len(r.b) {
			r.fail("the input ends within a number")
			return 0
		}
		c := r.b[r.i]
		r.i++
		if shift > 49 || (shift == 49 && c > 15) {
			r.fail("a number is above 2^53 − 1")
			return 0
		}
		n |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return n
		}
	}
}

// uint32 reads a clock or length.
func (r *reader) uint32() uint32 {
	n := r.uint()
	if n > math.MaxUint32 {
		r.fail("a clock or length is above 2^32 − 1")
		return 0
	}
	return uint32(n)
}

// count reads a number of things that take at least size bytes each, so that a
// lie about it costs nothing.
func (r *reader) count(size int) int {
	n := r.uint()
	if n > uint64((len(r.b)-r.i)/size) {
		r.fail("a count is beyond the input")
		return 0
	}
	return int(n)
}

func (r *reader) span() []byte {
	n := r.uint()
	if n > uint64(len(r.b)-r.i) {
		r.fail("a length is beyond the input")
		return nil
	}
	r.i += int(n)
	return r.b[r.i-int(n) : r.i]
}

func (r *reader) skip(n int) {
	if n > len(r.b)-r.i {
		r.fail("the input ends within a value")
		return
	}
	r.i += n
}

// text reads a string and checks that it is one.
func (r *reader) text() []byte {
	s := r.span()
	if !utf8.Valid(s) {
		r.fail("a string is not UTF-8, or holds a lone surrogate")
		return nil
	}
	return s
}

func appendText(b []byte, s string) []byte { return append(appendUint(b, uint64(len(s))), s...) }
func appendSpan(b, s []byte) []byte        { return append(appendUint(b, uint64(len(s))), s...) }

// units returns how many UTF-16 code units s has.
func units(s []byte) uint32 {
	n := len(s)
	i := 0
	for ; i+8 <= len(s); i += 8 {
		if binary.LittleEndian.Uint64(s[i:])&0x8080808080808080 != 0 {
			break
		}
	}
	for ; i < len(s); i++ {
		switch c := s[i]; {
		case c < 0x80:
		case c < 0xc0: // continues
			n--
		case c >= 0xf0: // two code units
			n++
		}
	}
	return uint32(n)
}

// unitOffsetIn is unitOffset in a text that has so many units: it counts from the
// nearer end.
func unitOffsetIn(s []byte, n, total uint32) (offset int, inside bool) {
	if n <= total/2 {
		return unitOffset(s, n)
	}
	i := len(s)
	for left := total - n; left > 0; left-- {
		for i--; s[i]&0xc0 == 0x80; i-- {
		}
		if s[i] >= 0xf0 {
			if left == 1 {
				return i, true
			}
			left--
		}
	}
	return i, false
}

// unitOffset returns the byte offset of code unit n in s; inside says that the
// unit is the second half of a pair, whose offset is then that of the pair.
func unitOffset(s []byte, n uint32) (offset int, inside bool) {
	i := 0
	for n > 0 {
		switch c := s[i]; {
		case c < 0x80:
			i++
		case c < 0xe0:
			i += 2
		case c < 0xf0:
			i += 3
		default:
			if n == 1 {
				return i, true
			}
			i += 4
			n--
		}
		n--
	}
	return i, false
}
