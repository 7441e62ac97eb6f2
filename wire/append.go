package wire

import (
	"strconv"
	"unicode/utf8"
)

// The primitives below append members, each with a comma before it, in the
// order that canonical JSON wants. closeObject turns the first comma into the
// brace, so that no member need know whether it is the first: which one is
// depends on the optional ones.

const hexDigit = "0123456789abcdef"

func appendKey(b []byte, key string) []byte {
	b = append(b, ',', '"')
	b = append(b, key...)
	return append(b, '"', ':')
}

// closeObject makes the members since start an object.
func closeObject(b []byte, start int) []byte {
	b[start] = '{'
	return append(b, '}')
}

func appendType(b []byte, t string) []byte { return appendText(b, "t", t) }

func appendText(b []byte, key, s string) []byte {
	return appendString(appendKey(b, key), s)
}

// appendTextIf leaves an empty string out.
func appendTextIf(b []byte, key, s string) []byte {
	if s == "" {
		return b
	}
	return appendText(b, key, s)
}

func appendUint(b []byte, key string, n uint64) []byte {
	return strconv.AppendUint(appendKey(b, key), n, 10)
}

// appendUintIf leaves zero out.
func appendUintIf(b []byte, key string, n uint64) []byte {
	if n == 0 {
		return b
	}
	return appendUint(b, key, n)
}

func appendInt(b []byte, key string, n int) []byte {
	return strconv.AppendInt(appendKey(b, key), int64(n), 10)
}

// appendIntIf leaves zero out.
func appendIntIf(b []byte, key string, n int) []byte {
	if n == 0 {
		return b
	}
	return appendInt(b, key, n)
}

func appendBool(b []byte, key string, v bool) []byte {
	return strconv.AppendBool(appendKey(b, key), v)
}

// appendRaw embeds canonical JSON; nothing at all is null.
func appendRaw(b []byte, key string, raw []byte) []byte {
	b = appendKey(b, key)
	if len(raw) == 0 {
		return append(b, "null"...)
	}
	return append(b, raw...)
}

// appendHash writes a writer hash; the empty string is H(0).
func appendHash(b []byte, key, h string) []byte {
	if h == "" {
		h = zeroHash
	}
	return appendText(b, key, h)
}

const zeroHash = "0000000000000000"

// appendString appends s as a JSON string, escaped as RFC 8785 section 3.2.2.2
// says. What is not UTF-8 becomes U+FFFD: strings in messages come from
// decoders and validators, which let no such thing through.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	done := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				b = append(b, s[done:i]...)
				b = utf8.AppendRune(b, utf8.RuneError)
				done = i + 1
			}
			i += n
			continue
		}
		b = append(b, s[done:i]...)
		b = appendEscape(b, c)
		i++
		done = i
	}
	b = append(b, s[done:]...)
	return append(b, '"')
}

func appendEscape(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\b':
		return append(b, '\\', 'b')
	case '\f':
		return append(b, '\\', 'f')
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	}
	return append(b, '\\', 'u', '0', '0', hexDigit[c>>4], hexDigit[c&15])
}
