package ydoc

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"unicode/utf16"
)

// TestEditsMatchModel compares a text with a slice of code units.
func TestEditsMatchModel(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 2))
			d := New(1)
			text := d.Text("t")
			var model []uint16
			for range 400 {
				at := r.IntN(len(model) + 1)
				if at > 0 && at < len(model) && model[at] >= 0xdc00 && model[at] < 0xe000 {
					at--
				}
				if r.IntN(3) > 0 {
					s := []string{"a", "bcd", "é", "🙂", "x🙂y"}[r.IntN(5)]
					if err := text.Insert(at, s); err != nil {
						t.Fatal(err)
					}
					model = append(model[:at:at], append(utf16.Encode([]rune(s)), model[at:]...)...)
				} else {
					end := min(len(model), at+r.IntN(4))
					if end < len(model) && model[end] >= 0xdc00 && model[end] < 0xe000 {
						end++
					}
					if err := text.Delete(at, end-at); err != nil {
						t.Fatal(err)
					}
					model = append(model[:at:at], model[end:]...)
				}
				if got := text.Len(); got != len(model) {
					t.Fatalf("length %d, want %d", got, len(model))
				}
			}
			if got, want := text.String(), string(utf16.Decode(model)); got != want {
				t.Fatalf("text is %q, want %q", got, want)
			}
			if err := d.Check(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestPairsStayWhole: a position inside a surrogate pair goes to its edge.
func TestPairsStayWhole(t *testing.T) {
	d := New(1)
	text := d.Text("t")
	if err := errors.Join(text.Insert(0, "🙂🙂"), text.Insert(1, "a"), text.Insert(4, "b")); err != nil {
		t.Fatal(err)
	}
	if got := text.String(); got != "a🙂b🙂" {
		t.Fatalf("text is %q", got)
	}
	if err := text.Delete(2, 3); err != nil { // from inside the first to inside the second
		t.Fatal(err)
	}
	if got := text.String(); got != "a" {
		t.Fatalf("text is %q", got)
	}
}

func TestOutOfRange(t *testing.T) {
	d := New(1)
	text, list, xml := d.Text("t"), d.Array("l"), d.XMLFragment("x")
	if err := errors.Join(text.Insert(0, "abc"), list.Insert(0, Null())); err != nil {
		t.Fatal(err)
	}
	_, elementErr := xml.InsertElement(1, "p")
	_, anchorErr := text.Anchor(4, 0)
	for i, err := range []error{
		text.Insert(4, "x"), text.Insert(-1, "x"), text.Delete(0, 4), text.Delete(2, 2), text.Delete(3, math.MaxInt),
		text.Delete(1, -1), text.Format(1, 3, nil), text.InsertEmbed(9, `{}`, nil), text.InsertWith(9, "x", nil),
		list.Insert(2, Null()), list.Delete(0, 2), xml.Delete(0, 1), elementErr, anchorErr,
	} {
		if !errors.Is(err, ErrRange) {
			t.Errorf("case %d: %v", i, err)
		}
	}
	if got := text.String(); got != "abc" {
		t.Fatalf("text is %q", got)
	}
}

func TestDeletedHandle(t *testing.T) {
	d := New(1)
	m := d.Map("m")
	text, err := m.SetText("k")
	if err != nil {
		t.Fatal(err)
	}
	m.Delete("k")
	other, err := m.SetText("k") // takes the memory of the first
	if err != nil {
		t.Fatal(err)
	}
	if err := text.Insert(0, "x"); !errors.Is(err, ErrDeleted) {
		t.Fatalf("insert into a deleted text: %v", err)
	}
	if text.Len() != 0 || text.String() != "" || other.String() != "" {
		t.Fatal("the old handle reaches the new text")
	}
	var zero Text
	if err := zero.Insert(0, "x"); !errors.Is(err, ErrDeleted) {
		t.Fatalf("insert into the zero Text: %v", err)
	}
}

func TestInvalidValues(t *testing.T) {
	d := New(1)
	m, text := d.Map("m"), d.Text("t")
	nested, err := m.SetMap("n")
	if err != nil {
		t.Fatal(err)
	}
	shared, _ := m.Get("n")
	for i, err := range []error{
		text.Insert(0, "\xff"), m.Set("k", String("\xff")), m.Set("\xff", Null()), m.Set("k", shared),
		m.Set("k", List(shared)), m.Set("k", Object(Field{"a", Null()}, Field{"a", Null()})),
		text.InsertEmbed(0, "{", nil), text.InsertWith(0, "x", Attrs{{"\xff", Null()}}),
	} {
		if !errors.Is(err, ErrInvalid) {
			t.Errorf("case %d: %v", i, err)
		}
	}
	if nested.Len() != 0 || m.Len() != 1 || text.Len() != 0 {
		t.Fatal("a refused edit changed the document")
	}
}

func TestValues(t *testing.T) {
	for _, v := range []Value{
		Undefined(), Null(), Bool(true), Bool(false), Number(0), Number(math.Copysign(0, -1)), Number(63), Number(64), Number(-64),
		Number(1<<31 - 1), Number(1 << 31), Number(0.5), Number(0.1), Number(1e300), Number(math.Inf(-1)),
		BigInt(math.MinInt64), String(""), String("🙂"), Bytes([]byte{0, 255}),
		List(), List(Null(), List(Number(1))), Object(Field{"a", Undefined()}, Field{"", Bool(true)}),
	} {
		d := New(1)
		if err := d.Map("m").Set("k", v); err != nil {
			t.Fatal(err)
		}
		e := New(2)
		if err := e.Apply(d.AppendState(nil)); err != nil {
			t.Fatal(err)
		}
		got, ok := e.Map("m").Get("k")
		if want := v.appendAny(nil); !ok || !bytes.Equal(got.appendAny(nil), want) {
			t.Errorf("%x came back as %x", want, got.appendAny(nil))
		}
	}
}

func TestJSON(t *testing.T) {
	for in, want := range map[string]string{
		` {"b" : 1 , "a":[true,null, "\u00e9\ud83d\ude42\n"] } `:        `{"b":1,"a":[true,null,"é🙂\n"]}`,
		`{"b":1,"10":2,"9":3,"b":4}`:                                    `{"9":3,"10":2,"b":4}`,
		`[1.0, 1e21, 1e-7, 0.000001, 123456789012345680000, -0, 1E400]`: `[1,1e+21,1e-7,0.000001,123456789012345680000,0,null]`,
		`"\u0000\u001f\"\\\/<>\u2028"`:                                  "\"\\u0000\\u001f\\\"\\\\/<>\u2028\"",
	} {
		v, err := ParseJSON(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(v.AppendJSON(nil)); got != want {
			t.Errorf("%s\n is %s\nwant %s", in, got, want)
		}
	}
	for _, in := range []string{"", "{", "[1,]", "nul", "\"\xff\"", "1 2"} {
		if _, err := ParseJSON(in); !errors.Is(err, ErrInvalid) {
			t.Errorf("ParseJSON(%q): %v", in, err)
		}
	}
}

func TestCanonicalJSON(t *testing.T) {
	d := New(1)
	m := d.Map("m")
	list, err := m.SetArray("\ufb33") // above U+1F642 by code unit, below by code point
	if err != nil {
		t.Fatal(err)
	}
	text := d.Text("t")
	x, err := d.XMLFragment("x").InsertElement(0, "P")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(
		list.Insert(0, Number(1), Bytes([]byte("hi")), BigInt(-5)),
		m.Set("🙂", Object(Field{"z", Number(1)}, Field{"a", Undefined()}, Field{"b", Null()})),
		text.InsertWith(0, "bold", Attrs{{"bold", Bool(true)}}),
		x.SetAttribute("k", String("v")),
	); err != nil {
		t.Fatal(err)
	}
	const want = `{"m":{"🙂":{"b":null,"z":1},"` + "\ufb33" + `":[1,"aGk=","-5"]},"t":"bold","x":"<p k=\"v\"></p>"}`
	if got := string(d.AppendJSON(nil)); got != want {
		t.Errorf("AppendJSON is\n%s, want\n%s", got, want)
	}
	e := New(2) // does not know what the roots are
	if err := e.Apply(d.AppendState(nil)); err != nil {
		t.Fatal(err)
	}
	if got := string(e.AppendJSON(nil)); got != want {
		t.Errorf("without types AppendJSON is\n%s, want\n%s", got, want)
	}
}

// TestGoldenUpdates has the updates that yjs 13.6.33 makes of the same edits.
func TestGoldenUpdates(t *testing.T) {
	d := New(5)
	text, m := d.Text("text"), d.Map("m")
	var updates [][]byte
	for i, step := range []struct {
		edit func() error
		want string
	}{
		{func() error { return text.Insert(0, "abc") }, "010105000401047465787403616263" + "00"},
		{func() error { return text.Insert(3, "def") }, "010105038405020364656600"},
		{func() error { return text.Delete(1, 3) }, "000105010103"},
		{func() error { return text.Insert(0, "🙂") }, "0101050644050004f09f998200"},
		{func() error { return text.Format(0, 3, Attrs{{"bold", Bool(true)}}) }, "0102050846050604626f6c640474727565c60503050404626f6c64046e756c6c00"},
		{func() error { return m.Set("a", List(Number(1), Object(Field{"x", Null()}))) }, "0101050a2801016d01610175027d01760101787e00"},
		{func() error { return m.Set("a", Bytes([]byte{1, 2})) }, "0101050ba3050a0201020105010a01"},
		{func() error { return d.Array("l").Insert(0, Number(1), String("two"), Number(3.5), Bool(true)) }, "0101050c0801016c047d01770374776f7c406000007800"},
	} {
		var err error
		u := d.AppendTransact(nil, func() { err = step.edit() })
		if err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(u); got != step.want {
			t.Errorf("update %d is\n%s, yjs has\n%s", i, got, step.want)
		}
		updates = append(updates, u)
	}
	requireHex(t, "state", d.AppendState(nil), "010905000401047465787401618105000384050302656644050004f09f998246050604626f6c640474727565c60503050404626f6c64046e756c6c2101016d016101a3050a0201020801016c047d01770374776f7c406000007801050201030a01")
	all, err := Merge(updates...)
	if err != nil {
		t.Fatal(err)
	}
	requireHex(t, "Merge", all, "0108050004010474657874036162638405020364656644050004f09f998246050604626f6c640474727565c60503050404626f6c64046e756c6c2801016d01610175027d01760101787e83050a0201020801016c047d01770374776f7c406000007801050201030a01")
	odd, err := Merge(updates[0], updates[2], updates[4], updates[6])
	if err != nil {
		t.Fatal(err)
	}
	requireHex(t, "Merge with gaps", odd, "0106050004010474657874036162630a0546050604626f6c640474727565c60503050404626f6c64046e756c6c0a0183050a02010201050201030a01")
	diff, err := Diff(d.AppendState(nil), []byte{1, 5, 4})
	if err != nil {
		t.Fatal(err)
	}
	requireHex(t, "Diff", diff, "0107050484050302656644050004f09f998246050604626f6c640474727565c60503050404626f6c64046e756c6c2101016d01610183050a0201020801016c047d01770374776f7c406000007801050201030a01")
	for update, want := range map[string]string{string(all): "010510", string(odd): "010503"} {
		v, err := StateVectorOf([]byte(update))
		if err != nil {
			t.Fatal(err)
		}
		requireHex(t, "StateVectorOf", v, want)
	}
}

func requireHex(t *testing.T, what string, got []byte, want string) {
	t.Helper()
	if s := hex.EncodeToString(got); s != want {
		t.Errorf("%s is\n%s, yjs has\n%s", what, s, want)
	}
}
