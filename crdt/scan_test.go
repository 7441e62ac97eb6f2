package crdt

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"
)

var canonicalValues = []string{
	`null`, `true`, `false`, `0`, `1`, `-1`, `9007199254740991`, `-9007199254740991`, `0.5`, `-0.5`, `1.5`, `123.456`,
	`0.000001`, `1e-7`, `1.5e-7`, `5e-324`, `1e+21`, `1e+100`, `1.7976931348623157e+308`, `4.35`, `1e-10`,
	`""`, `"a"`, `"é€ﬀ"`, "\"\U0001F600\"", `"\b\t\n\f\r\"\\"`, `"\u0000\u0001\u001f"`, "\"\u007f\u2028/<>&\"",
	`[]`, `{}`, `[[],{}]`, `[1,"a",null]`, `{"":0,"a":1,"b":{"c":[]}}`, "{\"\U0001F600\":1,\"ﬀ\":2}", `{"\n":1,"a":2}`,
	`{"\r":1,"1":2}`,
}

var refusedValues = []string{
	``, ` `, `nul`, `True`, `nulL`, `01`, `-0`, `-`, `+1`, `1.0`, `1.`, `.5`, `1e3`, `1E21`, `1e21`, `1e+021`, `1e-07`, `0.0000001`, `1e400`, `NaN`, `Infinity`, `0x10`,
	`9007199254740992`, `-9007199254740992`, `100000000000000000000`, `1234567890123456789012`, `1-1`, `--1`, `1+1`,
	`123.4560`, `4.3499999999999996447286321199499070644378662109375`,
	`"`, `"a`, `"\`, `"\u00`, `"\u0041"`, `"\u001F"`, `"\u0008"`, `"\/"`, `"\x"`, `"\ud83d"`, `"\ud83d\ude00"`, "\"\x00\"", "\"\n\"", "\"\xff\"", "\"\xed\xa0\x80\"",
	`[`, `[1`, `[1,`, `[1,]`, `[,1]`, `[1 ,2]`, `[1}`, `]`, `{`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{a:1}`, `{"a":1]`, `{"a" :1}`,
	`{"b":1,"a":2}`, `{"a":1,"a":2}`, "{\"ﬀ\":1,\"\U0001F600\":2}", `{"a":1,"\n":2}`, `{"1":2,"\r":1}`,
}

func TestScanValue(t *testing.T) {
	for _, s := range canonicalValues {
		if n := scanValue([]byte(s), 8); n != len(s) {
			t.Errorf("%s: %d of %d bytes", s, n, len(s))
		}
		if got, _ := slowCanonical([]byte(s)); got != s {
			t.Errorf("%s: the reference prints %s", s, got)
		}
	}
	for _, s := range refusedValues {
		if n := scanValue([]byte(s), 8); n == len(s) && n > 0 {
			t.Errorf("took %s", s)
		}
	}
	for depth := range 40 {
		s := strings.Repeat(`{"a":[`, depth/2) + strings.Repeat(`[`, depth%2) + strings.Repeat(`]`, depth%2) + strings.Repeat(`]}`, depth/2)
		if depth > 0 && (scanValue([]byte(s), depth-1) != 0 || scanValue([]byte(s), depth) != len(s)) {
			t.Errorf("depth %d is not counted", depth)
		}
	}
}

// Strings are written, measured and read back alike, and ordered as UTF-16.
func TestStrings(t *testing.T) {
	texts := []string{"", "a", "b", "ab", "\x00", "\b\t\n\v\f\r\x1f", `"\`, "é", "€", "\ud7ff", "\ue000", "ﬀ", "\uffff", "\U00010000", "\U0001F600", "\U0001F601", "\U0010FFFF", "a\U0001F600", "aﬀ", "a\"", "__proto__"}
	for _, a := range texts {
		quoted := appendString(nil, a)
		if scanString(quoted) != len(quoted) || quotedLen(a) != len(quoted) || string(unescape(unquote(quoted))) != a {
			t.Errorf("%q is written as %s", a, quoted)
		}
		for _, b := range texts {
			want := slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
			if got := compareUTF16(a, b); sign(got) != want {
				t.Errorf("compare %q, %q: %d, want %d", a, b, got, want)
			}
			if got := compareRaw(unquote(quoted), unquote(appendString(nil, b))); sign(got) != want {
				t.Errorf("compare raw %q, %q: %d, want %d", a, b, got, want)
			}
		}
	}
}

func sign(n int) int { return max(-1, min(1, n)) }

func FuzzScan(f *testing.F) {
	for _, s := range append(canonicalValues, refusedValues...) {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		n := scanValue(b, MaxDepth)
		if n > len(b) {
			t.Fatalf("%d of %d bytes", n, len(b))
		}
		if want, sure := slowCanonical(b[:n]); n > 0 && sure && want != string(b[:n]) {
			t.Errorf("took %q, which is %q", b[:n], want)
		}
		if !utf8.Valid(b[:n]) {
			t.Errorf("took %q, which is not UTF-8", b[:n])
		}
		if s, sure := slowCanonical(b); sure && s != "" && scanValue([]byte(s), MaxDepth) != len(s) {
			t.Errorf("refused %q", s)
		}
	})
}

// slowCanonical is RFC 8785 over encoding/json. It gives "" for what is no JSON,
// has integers beyond 2^53−1 or nests too deep. It is not sure where the text
// may hold half a surrogate pair, which encoding/json replaces.
func slowCanonical(b []byte) (canonical string, sure bool) {
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		return "", true
	}
	s, ok := slowAppend(nil, v, MaxDepth)
	if !ok {
		return "", true
	}
	return string(s), !bytes.ContainsRune(s, utf8.RuneError)
}

func slowAppend(b []byte, v any, depth int) ([]byte, bool) {
	ok := true
	switch v := v.(type) {
	case nil:
		return append(b, "null"...), true
	case bool:
		return strconv.AppendBool(b, v), true
	case float64:
		if v == math.Trunc(v) && math.Abs(v) > maxInteger && math.Abs(v) < 1e21 {
			return nil, false
		}
		n, err := json.Marshal(v) // ECMAScript's format, as its documentation says
		return append(b, bytes.TrimPrefix(n, negativeZero(v))...), err == nil
	case string:
		return slowString(b, v), true
	case []any:
		b = append(b, '[')
		for i, e := range v {
			if i > 0 {
				b = append(b, ',')
			}
			if b, ok = slowAppend(b, e, depth-1); !ok {
				return nil, false
			}
		}
		return append(b, ']'), depth > 0
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.SortFunc(keys, func(a, b string) int {
			return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
		})
		b = append(b, '{')
		for i, k := range keys {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(slowString(b, k), ':')
			if b, ok = slowAppend(b, v[k], depth-1); !ok {
				return nil, false
			}
		}
		return append(b, '}'), depth > 0
	}
	return nil, false
}

// negativeZero is the sign to cut off: JavaScript prints -0 as 0.
func negativeZero(v float64) []byte {
	if v == 0 {
		return []byte("-")
	}
	return nil
}

func slowString(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < ' ':
			short := map[rune]string{'\b': `\b`, '\t': `\t`, '\n': `\n`, '\f': `\f`, '\r': `\r`}[r]
			if short == "" {
				short = `\u00` + string("01"[r>>4]) + string("0123456789abcdef"[r&15])
			}
			b = append(b, short...)
		default:
			b = append(b, string(r)...)
		}
	}
	return append(b, '"')
}
