package crdt

// Strings as RFC 8785 writes and orders them: the shortest escapes, and order by
// UTF-16 code units, as JavaScript compares strings.

const hexDigits = "0123456789abcdef"

// shortEscape returns the letter that escapes c after a backslash, or 0 if c is
// written as it is or as \u00xx.
func shortEscape(c byte) byte {
	switch c {
	case '"', '\\':
		return c
	case '\b':
		return 'b'
	case '\t':
		return 't'
	case '\n':
		return 'n'
	case '\f':
		return 'f'
	case '\r':
		return 'r'
	}
	return 0
}

// appendString appends s as a JSON string. s must be valid UTF-8.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[start:i]...)
		start = i + 1
		if e := shortEscape(c); e != 0 {
			b = append(b, '\\', e)
			continue
		}
		b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}

// quotedLen is the length of what appendString appends.
func quotedLen[T string | []byte](s T) int {
	n := len(s) + 2
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		if shortEscape(c) != 0 {
			n++
			continue
		}
		n += len(`\u00`) + 1
	}
	return n
}

// unescape returns the text of a canonical JSON string, given without its
// quotes. It is raw itself unless there is something to unescape.
func unescape(raw []byte) []byte {
	start := indexEscape(raw)
	if start < 0 {
		return raw
	}
	text := append(make([]byte, 0, len(raw)), raw[:start]...)
	for i := start; i < len(raw); i++ {
		if raw[i] != '\\' {
			text = append(text, raw[i])
			continue
		}
		i++
		switch raw[i] {
		case 'u':
			text = append(text, hexValue(raw[i+3])<<4|hexValue(raw[i+4]))
			i += 4
		case 'b':
			text = append(text, '\b')
		case 't':
			text = append(text, '\t')
		case 'n':
			text = append(text, '\n')
		case 'f':
			text = append(text, '\f')
		case 'r':
			text = append(text, '\r')
		default:
			text = append(text, raw[i])
		}
	}
	return text
}

func indexEscape(raw []byte) int {
	for i, c := range raw {
		if c == '\\' {
			return i
		}
	}
	return -1
}

func hexValue(c byte) byte {
	if c >= 'a' {
		return c - 'a' + 10
	}
	return c - '0'
}

// compareUTF16 orders two valid UTF-8 texts by their UTF-16 code units. Bytes
// order code points; code units differ from that in one case: a code point
// beyond U+FFFF (lead byte F0 and up) begins with a surrogate, which sorts
// before U+E000 to U+FFFF (lead bytes EE and EF).
func compareUTF16[T string | []byte](a, b T) int {
	for i := range min(len(a), len(b)) {
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

// compareRaw orders two canonical JSON strings, given without their quotes.
func compareRaw(a, b []byte) int { return compareUTF16(unescape(a), unescape(b)) }
