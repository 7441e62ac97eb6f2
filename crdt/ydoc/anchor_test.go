package ydoc

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestGoldenAnchors has what yjs 13.6.33 encodes.
func TestGoldenAnchors(t *testing.T) {
	d := New(1)
	text := d.Text("text")
	if err := errors.Join(text.Insert(0, "hello"), text.Delete(1, 2), text.Insert(1, "🙂")); err != nil {
		t.Fatal(err)
	}
	nested, err := d.Map("m").SetText("k")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		text       Text
		pos, assoc int
		want       string
	}{
		{text, 0, 0, "00010000"}, {text, 0, -1, "01047465787441"}, {text, 1, 0, "00010500"}, {text, 1, -1, "00010041"},
		{text, 3, 0, "00010300"}, {text, 5, 0, "01047465787400"}, {text, 5, -1, "00010441"}, {nested, 0, 0, "02010700"},
	} {
		a, err := c.text.Anchor(c.pos, c.assoc)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := a.AppendBinary(nil)
		requireHex(t, fmt.Sprintf("anchor at %d, %d", c.pos, c.assoc), b, c.want)
		back, err := ParseAnchor(b)
		if err != nil || back != a {
			t.Errorf("%x parses as %+v, %v", b, back, err)
		}
		if pos, ok := d.Resolve(back); !ok || pos != c.pos {
			t.Errorf("anchor at %d, %d resolves to %d, %v", c.pos, c.assoc, pos, ok)
		}
	}
	for _, b := range [][]byte{nil, {3, 0}, {0, 1}, {1, 5, 'a'}, {0, 1, 0, 0, 0}, {1, 1, 0xff, 0}} {
		if _, err := ParseAnchor(b); !errors.Is(err, ErrInvalid) {
			t.Errorf("ParseAnchor(%x): %v", b, err)
		}
	}
}

// TestAnchorsStay: an anchor stays with its neighbour whatever others do.
func TestAnchorsStay(t *testing.T) {
	for seed := range uint64(50) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 3))
			d := New(1)
			text := d.Text("t")
			if err := text.Insert(0, "..........|.........."); err != nil {
				t.Fatal(err)
			}
			before, err1 := text.Anchor(10, 0)
			behind, err2 := text.Anchor(11, -1)
			if err := errors.Join(err1, err2); err != nil {
				t.Fatal(err)
			}
			other := New(2)
			for range 100 {
				if err := other.Apply(d.AppendState(nil)); err != nil {
					t.Fatal(err)
				}
				x := other.Text("t")
				at := r.IntN(x.Len() + 1)
				if at < x.Len() && x.String()[at] != '|' && r.IntN(2) == 0 {
					_ = x.Delete(at, 1)
				} else if err := x.Insert(at, "-"); err != nil {
					t.Fatal(err)
				}
				if err := d.Apply(other.AppendState(nil)); err != nil {
					t.Fatal(err)
				}
			}
			i, ok1 := d.Resolve(before)
			j, ok2 := other.Resolve(behind)
			if !ok1 || !ok2 || text.String()[i] != '|' || j != i+1 {
				t.Fatalf("anchors are at %d, %d in %q", i, j, text.String())
			}
		})
	}
}

func TestAnchorOfUnknown(t *testing.T) {
	d := New(1)
	text := d.Text("t")
	if err := text.Insert(0, "a"); err != nil {
		t.Fatal(err)
	}
	a, err := text.Anchor(0, 0)
	if err != nil {
		t.Fatal(err)
	}
	if pos, ok := New(2).Resolve(a); ok {
		t.Fatalf("resolves to %d where the text is unknown", pos)
	}
}
