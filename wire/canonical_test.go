package wire

import (
	stdjson "encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

type canonicalVector struct {
	Name string `json:"name"`
	In   string `json:"in"`
	Out  string `json:"out,omitempty"`
	Code Code   `json:"code,omitempty"`
}

// canonicalVectors are the examples of RFC 8785 (sections 3.2.2 to 3.2.4,
// appendix B) and the edges where implementations differ.
func canonicalVectors() []canonicalVector {
	yes := func(name, in, out string) canonicalVector { return canonicalVector{Name: name, In: in, Out: out} }
	no := func(name, in string, code Code) canonicalVector {
		return canonicalVector{Name: name, In: in, Code: code}
	}
	return []canonicalVector{
		yes("RFC 8785 section 3.2.2", `{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}`,
			`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`),
		yes("RFC 8785 section 3.2.3", `{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}`,
			`{"\r":"Carriage Return","1":"One","`+"\u0080"+`":"Control","ö":"Latin Small Letter O With Diaeresis","€":"Euro Sign","😀":"Emoji: Grinning Face","`+"\ufb33"+`":"Hebrew Letter Dalet With Dagesh"}`),
		yes("keys by UTF-16, raw", `{"`+"\uffff"+`":1,"😀":2,"`+"\ue000"+`":3,"`+"\ud7ff"+`":4}`, `{"`+"\ud7ff"+`":4,"😀":2,"`+"\ue000"+`":3,"`+"\uffff"+`":1}`),
		yes("keys, one the start of another", `{"ab":1,"a":2,"":3,"abc":4}`, `{"":3,"a":2,"ab":1,"abc":4}`),
		yes("keys by case", `{"a":1,"B":2,"_":3}`, `{"B":2,"_":3,"a":1}`),
		yes("keys, numbers as text", `{"10":1,"9":2,"1":3}`, `{"1":3,"10":1,"9":2}`),
		yes("keys escaped", `{"\u0062":1,"\u0061":2}`, `{"a":2,"b":1}`),
		yes("keys that must be escaped", `{"\"":1,"\\":2,"\n":3,"a":4,"\u0001":5}`, `{"\u0001":5,"\n":3,"\"":1,"\\":2,"a":4}`),
		yes("keys with a meaning in JavaScript", `{"constructor":1,"__proto__":2,"toString":3}`, `{"__proto__":2,"constructor":1,"toString":3}`),
		yes("nested objects", `{"b":[{"d":1,"c":2}],"a":{"y":{},"x":[]}}`, `{"a":{"x":[],"y":{}},"b":[{"c":2,"d":1}]}`),
		yes("white space", " { \"a\" : [ 1 ,\t2 ] ,\r\n\"b\" : { } } ", `{"a":[1,2],"b":{}}`),
		yes("null", ` null `, `null`), yes("true", `true`, `true`), yes("string", `"a"`, `"a"`),
		yes("escapes", `"\u0041\u00e9\/\b\f\n\r\t\u0000\u001F\u007f"`, `"Aé/\b\f\n\r\t\u0000\u001f`+"\x7f"+`"`),
		yes("escapes with letters of their own", `"\u0008\u0009\u000a\u000c\u000d\u0022\u005c"`, `"\b\t\n\f\r\"\\"`),
		yes("line separators stay", `"\u2028\u2029"`, `"`+"\u2028\u2029"+`"`),
		yes("HTML stays", `"<a href='x'>&</a>"`, `"<a href='x'>&</a>"`),
		yes("pair", `"\ud83d\ude00"`, `"😀"`), yes("noncharacter", `"\uffff"`, `"`+"\uffff"+`"`),
		yes("no normalisation", `"e\u0301"`, `"e`+"\u0301"+`"`),

		yes("zero", `0`, `0`), yes("minus zero", `-0`, `0`), yes("minus zero, point", `-0.0`, `0`), yes("minus zero, exponent", `-0e5`, `0`),
		yes("integer with exponent", `1E2`, `100`), yes("integer with point", `5.0`, `5`), yes("integer, both", `1.5e1`, `15`), yes("exponent down", `100e-2`, `1`),
		yes("2^53-1", `9007199254740991`, `9007199254740991`), yes("-(2^53-1)", `-9007199254740991`, `-9007199254740991`),
		yes("2^53-1 with exponent", `9007199254740991e0`, `9007199254740991`),
		yes("10^21", `1e21`, `1e+21`), yes("10^21 in capitals", `1E+21`, `1e+21`), yes("10^21, canonical", `1e+21`, `1e+21`), yes("10^30", `1000e27`, `1e+30`),
		yes("greatest", `1.7976931348623157e308`, `1.7976931348623157e+308`), yes("least", `4.9e-324`, `5e-324`), yes("below least", `1e-400`, `0`),
		yes("10^-6", `1e-6`, `0.000001`), yes("10^-7", `0.0000001`, `1e-7`), yes("10^-7, canonical", `1e-7`, `1e-7`), yes("10^-7, two digits", `1e-07`, `1e-7`),
		yes("trailing zero", `1.50`, `1.5`), yes("0.1+0.2", `0.30000000000000004`, `0.30000000000000004`),
		yes("more digits than there are", `0.1000000000000000055511151231257827`, `0.1`), yes("fifteen digits", `123456789.012345`, `123456789.012345`),
		yes("seventeen digits", `1424953923781206.2`, `1424953923781206.2`), yes("appendix B, rounding up", `333333333.33333325`, `333333333.33333325`),
		yes("appendix B, small", `-0.0000033333333333333333`, `-0.0000033333333333333333`), yes("negative fraction", `-1.5`, `-1.5`),

		no("integer 2^53", `9007199254740992`, BadOp), no("integer -2^53", `-9007199254740992`, BadOp), no("2^53 with a point", `9007199254740992.0`, BadOp),
		no("2^53 by rounding", `9007199254740991.5`, BadOp), no("10^20 with exponent", `1e20`, BadOp), no("10^20", `100000000000000000000`, BadOp),
		no("infinity", `1e400`, BadOp), no("minus infinity", `-1e400`, BadOp), no("in an object", `{"a":[1,9007199254740992]}`, BadOp),
		no("half of a pair", `"\ud83d"`, BadText), no("half of a pair, then text", `"\ud83dA"`, BadText), no("half of a pair, then an escape", `"\ud83d\u0041"`, BadText),
		no("second half", `"\ude00"`, BadText), no("two second halves", `"\ude00\ude00"`, BadText), no("two first halves", `"\ud83d\ud83d\ude00"`, BadText), no("half of a pair in a key", `{"\ud83d":1}`, BadText),
		no("duplicate key", `{"a":1,"a":1}`, BadJSON), no("duplicate key, apart", `{"a":1,"b":2,"a":3}`, BadJSON),
		no("duplicate key, escaped", `{"a":1,"\u0061":2}`, BadJSON), no("duplicate key, deep", `[{"x":{"a":1,"a":2}}]`, BadJSON),
		no("nothing", ``, BadJSON), no("white space alone", ` `, BadJSON), no("two values", `1 2`, BadJSON), no("trailing brace", `{}}`, BadJSON),
		no("NaN", `NaN`, BadJSON), no("Infinity", `Infinity`, BadJSON), no("leading zero", `01`, BadJSON), no("minus and leading zero", `-01`, BadJSON),
		no("bare point", `.5`, BadJSON), no("raw control character", "\"\x1f\"", BadJSON), no("key that is no string", `{1:2}`, BadJSON),
		no("form feed is no white space", "[1,\f2]", BadJSON), no("no-break space is none either", "[1,\u00a02]", BadJSON),
		yes("28 levels", nest(28), nest(28)), no("29 levels", nest(29), BadOp), no("32 levels", nest(32), BadOp), no("33 levels", nest(33), BadJSON),
	}
}

func TestCanonicalVectors(t *testing.T) {
	requireVectors(t, "canonical.json", canonicalVectors())
}

func TestCanonical(t *testing.T) {
	for _, v := range canonicalVectors() {
		t.Run(v.Name, func(t *testing.T) {
			got, err := Canonical([]byte("before"), []byte(v.In))
			if v.Code != "" {
				var e *Error
				if !errors.As(err, &e) || e.Code != v.Code {
					t.Errorf("got %s, %v; want %s", got, err, v.Code)
				}
				if string(got) != "before" {
					t.Errorf("dst became %q", got)
				}
				return
			}
			if err != nil || string(got) != "before"+v.Out {
				t.Fatalf("got %s, %v\nwant before%s", got, err, v.Out)
			}
			requireCanonical(t, []byte(v.Out))
		})
	}
}

// requireCanonical checks that canonical text stays as it is and that the
// reference thinks so too.
func requireCanonical(t *testing.T, text []byte) {
	t.Helper()
	again, err := Canonical(nil, text)
	if err != nil || string(again) != string(text) {
		t.Fatalf("canonical text changed\n from %s\n   to %s, %v", text, again, err)
	}
	reference := jsontext.Value(text).Clone()
	if err := reference.Canonicalize(); err != nil || string(reference) != string(text) {
		t.Fatalf("the reference disagrees\n ours %s\n its  %s, %v", text, reference, err)
	}
}

// TestFastCheck makes sure that what callers send is recognised at one glance;
// the vectors alone would pass without any fast path.
func TestFastCheck(t *testing.T) {
	for _, text := range []string{
		`{"amount":5,"op":"increment"}`, `{"key":"k","op":"set","value":{"x":-1.25,"y":[0,true,null,""]}}`,
		`{"op":"add","value":"Zoë \"quoted\" \\ 😀\n\u0001"}`, `0.30000000000000004`, `1e-7`, `{"é":1,"😀":2,"` + "\uffff" + `":3}`,
	} {
		if v, reason := scan([]byte(text)); reason != "" || !v.canonical {
			t.Errorf("%s: canonical %v, %s", text, v.canonical, reason)
		}
	}
}

func TestMarshal(t *testing.T) {
	type op struct {
		Op     string `json:"op"`
		Amount int64  `json:"amount,omitzero"`
		Value  any    `json:"value,omitempty"`
	}
	for _, c := range []struct {
		v    any
		want string
		code Code
	}{
		{v: op{Op: "increment", Amount: 5}, want: `{"amount":5,"op":"increment"}`},
		{v: map[string]any{"op": "add", "value": "<é>"}, want: `{"op":"add","value":"<é>"}`},
		{v: stdjson.RawMessage(`{"op":"add", "amount":1}`), want: `{"amount":1,"op":"add"}`},
		{v: jsontext.Value(`{"b":1,"a":2}`), want: `{"a":2,"b":1}`},
		{v: nil, want: `null`},
		{v: 1.0, want: `1`},
		{v: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), want: `"2026-01-02T03:04:05Z"`},
		{v: stdjson.RawMessage(`{"a":1,"a":2}`), code: BadJSON},
		{v: stdjson.RawMessage(`{`), code: BadJSON},
		{v: op{Op: "increment", Amount: 1 << 53}, code: BadOp},
		{v: math.Inf(1), code: BadOp},
		{v: math.NaN(), code: BadOp},
		{v: make(chan int), code: BadOp},
		{v: map[string]string{"text": "\xff"}, code: BadText},
		{v: "half \xed\xa0\xbd", code: BadText},
	} {
		got, err := Marshal(c.v)
		if c.code != "" {
			var e *Error
			if !errors.As(err, &e) || e.Code != c.code {
				t.Errorf("%#v: %s, %v; want %s", c.v, got, err, c.code)
			}
			continue
		}
		if err != nil || string(got) != c.want {
			t.Errorf("%#v: %s, %v; want %s", c.v, got, err, c.want)
		}
	}
}

func TestErrorsDoNotEcho(t *testing.T) {
	var d Decoder
	const secret = "s3cr3t"
	for _, line := range []string{
		`{"` + secret + `":1,"n":1,"t":"ping"}`, `{"t":"` + secret + `"}`, `{"stream":"` + secret + ` ","t":"unsub"}`,
		`{"ref":"1","t":"auth","token":5,"` + secret + `":1}`, pushOf(`{"text":"` + secret + `\ud83d"}`), secret,
	} {
		_, err := d.Client([]byte(line))
		var e *Error
		if !errors.As(err, &e) || strings.Contains(e.Msg, secret) {
			t.Errorf("%s: %v", line, err)
		}
	}
}
