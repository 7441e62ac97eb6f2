package ydoc

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestNothingIsQuadratic: sizes at which a second factor of n would take minutes.
func TestNothingIsQuadratic(t *testing.T) {
	const n = 60_000
	pieces := func(t *testing.T) *Doc { // many items, whose text came at once
		d := New(1)
		x := d.Text("t")
		if err := x.Insert(0, strings.Repeat("é🙂", n)); err != nil {
			t.Fatal(err)
		}
		d.SetClient(2)
		for i := range n / 2 {
			if err := x.Insert(i*7+3, "-"); err != nil {
				t.Fatal(err)
			}
		}
		return d
	}
	whole := func(t *testing.T) []byte {
		d := New(1)
		if err := d.Text("t").Insert(0, strings.Repeat("é🙂", n)); err != nil {
			t.Fatal(err)
		}
		return d.AppendState(nil)
	}
	for name, f := range map[string]func(t *testing.T) error{
		"known text in other pieces": func(t *testing.T) error { return pieces(t).Apply(whole(t)) },
		"values of one item": func(t *testing.T) error {
			d := New(1)
			if err := d.Array("l").Insert(0, make([]Value, n*4)...); err != nil {
				return err
			}
			if got := len(d.Array("l").Values()); got != n*4 {
				return fmt.Errorf("%d values", got)
			}
			d.AppendDigestInput(d.AppendJSON(nil))
			return nil
		},
		"structs that all wait": func(t *testing.T) error {
			b := appendUint(nil, n)
			for c := n; c > 0; c-- {
				b = appendUint(append(b, 1), uint64(c))
				b = append(b, 0, bitOrigin|kindString)
				b = append(appendUint(b, uint64(c+1_000_000)), 0, 1, 'x')
			}
			d := NewLimited(1<<40, Limits{Pending: 1 << 24})
			return d.Apply(append(b, 0))
		},
		"clients at one spot": func(t *testing.T) error {
			d := New(1 << 40)
			return d.Apply(crowd(n))
		},
		"deletes in many ranges": func(t *testing.T) error {
			d := New(1)
			if err := d.Text("t").Insert(0, strings.Repeat("x", 2*n)); err != nil {
				return err
			}
			b := appendUint([]byte{0, 1, 1}, n)
			for i := range n {
				b = append(appendUint(b, uint64(2*i)), 1)
			}
			return d.Apply(b)
		},
		"backspaces at the end of a long text": func(t *testing.T) error {
			d := New(1)
			x := d.Text("t")
			if err := x.Insert(0, strings.Repeat("é", 4*n)); err != nil {
				return err
			}
			for i := 4*n - 1; i > n; i-- {
				if err := x.Delete(i, 1); err != nil {
					return err
				}
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			if err := f(t); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(start); took > 10*time.Second {
				t.Fatalf("took %v", took)
			}
		})
	}
}
