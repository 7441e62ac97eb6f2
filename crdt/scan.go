package crdt

import (
	"bytes"
	"math"
	"strconv"
	"unicode/utf8"
)

// The scanner of canonical JSON (RFC 8785). Each function returns the length of
// what it recognises at the start of b, or 0 if that is not there in canonical
// form. States are compared by their bytes, so nothing else may enter them.

// scanValue recognises any value that nests at most depth deep.
func scanValue(b []byte, depth int) int {
	if len(b) == 0 {
		return 0
	}
	switch b[0] {
	case '"':
		return scanString(b)
	case '{':
		return scanObject(b, depth)
	case '[':
		return scanArray(b, depth)
	case 't':
		return scanWord(b, "true")
	case 'f':
		return scanWord(b, "false")
	case 'n':
		return scanWord(b, "null")
	}
	return scanNumber(b)
}

func scanWord(b []byte, word string) int {
	if len(b) < len(word) || string(b[:len(word)]) != word {
		return 0
	}
	return len(word)
}

func scanArray(b []byte, depth int) int {
	if depth == 0 {
		return 0
	}
	if scanWord(b, "[]") > 0 {
		return 2
	}
	for i := 1; ; i++ {
		n := scanValue(b[i:], depth-1)
		i += n
		if n == 0 || i == len(b) {
			return 0
		}
		switch b[i] {
		case ',':
		case ']':
			return i + 1
		default:
			return 0
		}
	}
}

func scanObject(b []byte, depth int) int {
	if depth == 0 {
		return 0
	}
	if scanWord(b, "{}") > 0 {
		return 2
	}
	var last []byte
	for i := 1; ; i++ {
		n := scanString(b[i:])
		if n == 0 {
			return 0
		}
		key := b[i+1 : i+n-1]
		if last != nil && compareRaw(last, key) >= 0 {
			return 0
		}
		last = key
		i += n
		if i == len(b) || b[i] != ':' {
			return 0
		}
		i++
		n = scanValue(b[i:], depth-1)
		i += n
		if n == 0 || i == len(b) {
			return 0
		}
		switch b[i] {
		case ',':
		case '}':
			return i + 1
		default:
			return 0
		}
	}
}

func scanString(b []byte) int {
	if len(b) == 0 || b[0] != '"' {
		return 0
	}
	ascii := true
	for i := 1; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			if !ascii && !utf8.Valid(b[1:i]) {
				return 0
			}
			return i + 1
		case c == '\\':
			n := scanEscape(b[i:])
			if n == 0 {
				return 0
			}
			i += n - 1
		case c < ' ':
			return 0
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return 0
}

// scanEscape recognises the escapes of the canonical form: the short ones, and
// \u00xx with lower-case digits for the other control characters.
func scanEscape(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', 'b', 't', 'n', 'f', 'r':
		return 2
	case 'u':
	default:
		return 0
	}
	if len(b) < 6 || b[2] != '0' || b[3] != '0' || b[4] != '0' && b[4] != '1' {
		return 0
	}
	if c := b[5]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
		return 0
	}
	if shortEscape(hexValue(b[4])<<4|hexValue(b[5])) != 0 {
		return 0
	}
	return 6
}

// scanNumber recognises a number as JavaScript prints it. Integers beyond
// ±(2^53−1) are refused: not every reader would see the same one.
func scanNumber(b []byte) int {
	n, integer := 0, true
	for n < len(b) {
		c := b[n]
		if c == '.' || c == 'e' || c == '+' || c == '-' && n > 0 {
			integer = false
		} else if c != '-' && (c < '0' || c > '9') {
			break
		}
		n++
	}
	if integer {
		digits := b[:n]
		if n > 0 && b[0] == '-' {
			digits = b[1:n]
		}
		i, ok := parseInteger(digits)
		if !ok || i == 0 && len(digits) < n {
			return 0
		}
		return n
	}
	var printed [32]byte
	if n > len(printed) {
		return 0 // longer than any printed number
	}
	f, err := strconv.ParseFloat(string(b[:n]), 64)
	if err != nil || !bytes.Equal(appendNumber(printed[:0], f), b[:n]) {
		return 0
	}
	return n
}

// appendNumber appends f as JavaScript prints it.
func appendNumber(b []byte, f float64) []byte {
	if size := math.Abs(f); size == 0 || size >= 1e-6 && size < 1e21 {
		return strconv.AppendFloat(b, f, 'f', -1, 64)
	}
	b = strconv.AppendFloat(b, f, 'e', -1, 64)
	// strconv writes at least two digits of exponent: 1e-07.
	if n := len(b); n >= 4 && b[n-4] == 'e' && b[n-2] == '0' {
		b[n-2] = b[n-1]
		b = b[:n-1]
	}
	return b
}

// parseInteger reads an integer from 0 to 2^53−1 without leading zeros, the
// whole of b.
func parseInteger(b []byte) (uint64, bool) {
	if len(b) == 0 || len(b) > 16 || b[0] == '0' && len(b) > 1 {
		return 0, false
	}
	n := uint64(0)
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, n <= maxInteger
}
