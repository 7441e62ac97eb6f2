package wire

import (
	"bytes"
	"errors"
	"math"
	"strconv"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// reference judges JSON text with another parser, token by token.
type reference struct {
	json      bool // grammar and UTF-8
	depth     int
	lone      bool // half of a surrogate pair
	lost      bool // a number that would not survive
	duplicate bool
}

func judge(src []byte) reference {
	var r reference
	lax := []jsontext.Options{jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true)}
	if r.json = utf8.Valid(src) && jsontext.Value(src).IsValid(lax...); !r.json {
		return r
	}
	r.lone = !jsontext.Value(src).IsValid(jsontext.AllowDuplicateNames(true))
	r.duplicate = !jsontext.Value(src).IsValid(jsontext.AllowInvalidUTF8(true))
	dec := jsontext.NewDecoder(bytes.NewReader(src), lax...)
	for {
		tok, err := dec.ReadToken()
		if err != nil {
			return r // the end
		}
		r.depth = max(r.depth, dec.StackDepth())
		if tok.Kind() == '0' {
			f, err := strconv.ParseFloat(tok.String(), 64)
			r.lost = r.lost || err != nil || math.Abs(f) > MaxSafeInt && math.Abs(f) < 1e21 || !bytes.ContainsAny([]byte(tok.String()), ".eE") && math.Abs(f) > MaxSafeInt
		}
	}
}

func FuzzCanonical(f *testing.F) {
	for _, v := range canonicalVectors() {
		f.Add([]byte(v.In))
	}
	for _, s := range append(clientSamples(), hubSamples()...) {
		f.Add([]byte(s.line))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		given := bytes.Clone(src)
		got, err := Canonical(nil, src)
		if !bytes.Equal(src, given) {
			t.Fatal("the source was changed")
		}
		var e *Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("%T is no *Error", err)
		}
		r := judge(src)
		switch {
		case !r.json || r.depth > MaxDepth:
			requireCode(t, e, BadJSON)
		case r.lone && r.lost:
			requireCode(t, e, BadText, BadOp)
		case r.lone:
			requireCode(t, e, BadText)
		case r.lost || r.depth > MaxOpDepth:
			requireCode(t, e, BadOp)
		case r.duplicate:
			requireCode(t, e, BadJSON)
		default:
			want := jsontext.Value(bytes.Clone(src))
			if werr := want.Canonicalize(); werr != nil || err != nil || !bytes.Equal(got, want) {
				t.Fatalf("got  %s, %v\nwant %s, %v", got, err, want, werr)
			}
			requireCanonical(t, got)
		}
	})
}

func requireCode(t *testing.T, e *Error, codes ...Code) {
	t.Helper()
	for _, c := range codes {
		if e != nil && e.Code == c {
			return
		}
	}
	t.Fatalf("got %v, want %v", e, codes)
}

func FuzzClient(f *testing.F) { fuzzSide(f, "client", clientSamples()) }

func FuzzHub(f *testing.F) { fuzzSide(f, "hub", hubSamples()) }

// fuzzSide: no line panics; what is accepted is sound JSON, comes out canonical
// and reads back the same; what is called bad_json is, by another parser.
func fuzzSide(f *testing.F, from string, samples []sample) {
	for _, s := range samples {
		f.Add([]byte(s.line))
	}
	for _, r := range refusals() {
		if r.from == from {
			f.Add([]byte(r.line))
		}
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		var d, again Decoder
		m, err := decode(&d, from, string(line))
		r := judge(line)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Code == "" || e.Msg == "" {
				t.Fatalf("error %#v", err)
			}
			if e.Code == BadJSON && r.json && r.depth <= MaxDepth && !r.duplicate {
				t.Fatalf("called bad_json: %s", e.Msg)
			}
			if e.Code != BadJSON && (!r.json || r.depth > MaxDepth) {
				t.Fatalf("called %s", e.Code)
			}
			return
		}
		if !r.json || r.depth > MaxDepth || r.lone || r.duplicate {
			t.Fatalf("accepted: %+v", r)
		}
		out := m.(interface{ Append([]byte) []byte }).Append(nil)
		reference := jsontext.Value(bytes.Clone(out))
		if err := reference.Canonicalize(); err != nil || !bytes.Equal(reference, out) {
			t.Fatalf("encoded %s\ncanonical %s, %v", out, reference, err)
		}
		back, err := decode(&again, from, string(out))
		if err != nil {
			t.Fatalf("%v\nin %s", err, out)
		}
		if diff := cmp.Diff(m, back, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
	})
}
