package wire

import (
	"bytes"
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// number scans a number. An integer literal is canonical unless it is -0.
func (s *scanner) number() bool {
	start := s.i
	if s.b[s.i] == '-' {
		s.i++
	}
	whole := s.i
	if !s.digits() || s.b[whole] == '0' && s.i > whole+1 {
		return s.refuse(notJSON)
	}
	wholeEnd, point, exponent := s.i, false, false
	if s.peek() == '.' {
		s.i++
		point = true
		if !s.digits() {
			return s.refuse(notJSON)
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.i++
		exponent = true
		if c := s.peek(); c == '+' || c == '-' {
			s.i++
		}
		if !s.digits() {
			return s.refuse(notJSON)
		}
	}
	switch {
	case point || exponent:
		s.pointed = true
		if exponent || !plainDecimal(s.b[whole:wholeEnd], s.b[wholeEnd+1:s.i]) {
			s.float(s.b[start:s.i])
		}
	case !safe(s.b[whole:wholeEnd]):
		s.note(lostNumber)
	case s.b[start] == '-' && s.b[whole] == '0':
		s.canonical = false
	}
	return true
}

// digits skips digits and reports whether there was one.
func (s *scanner) digits() bool {
	start := s.i
	for s.i < len(s.b) && '0' <= s.b[s.i] && s.b[s.i] <= '9' {
		s.i++
	}
	return s.i > start
}

func safe(digits []byte) bool {
	if len(digits) < 16 {
		return true
	}
	_, ok := parseUint(digits)
	return ok
}

// plainDecimal reports whether whole.fraction is surely canonical, without
// parsing it: at most 15 digits, which every float64 keeps apart, no zero to
// drop at the end, and not so small that it is written with an exponent.
func plainDecimal(whole, fraction []byte) bool {
	if len(whole)+len(fraction) > 15 || fraction[len(fraction)-1] == '0' {
		return false
	}
	return whole[0] != '0' || !bytes.HasPrefix(fraction, []byte("000000"))
}

// float looks at a number that is not a plain one. Lost are numbers beyond
// float64 and those that canonical JSON would write as an integer beyond
// ±(2^53−1): the text would not be read back.
func (s *scanner) float(literal []byte) {
	f, err := strconv.ParseFloat(string(literal), 64)
	if err != nil || math.Abs(f) > MaxSafeInt && math.Abs(f) < 1e21 {
		s.note(lostNumber)
		return
	}
	if !s.canonical {
		return
	}
	var room [32]byte
	s.canonical = f != 0 && bytes.Equal(jsontext.AppendFloat(room[:0], f, 64), literal)
}
