package ydoc

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestTypingAllocatesNothing: a keystroke with its update, and applying it,
// once memory has grown.
func TestTypingAllocatesNothing(t *testing.T) {
	d, e := New(1), New(2)
	text := d.Text("t")
	e.Text("t")
	r := rand.New(rand.NewPCG(1, 1))
	at := 0
	edit := func() {
		switch n := text.Len(); {
		case n > 500 && r.IntN(3) == 0:
			at = r.IntN(n)
			_ = text.Delete(at, 1)
		default:
			_ = text.Insert(at, "x")
			at++
		}
	}
	buf := make([]byte, 0, 1<<10)
	step := func() {
		buf = d.AppendTransact(buf[:0], edit)
		if err := e.Apply(buf); err != nil {
			t.Fatal(err)
		}
	}
	for range 20_000 {
		step()
	}
	if n := testing.AllocsPerRun(2000, step); n > 0 {
		t.Fatalf("%v allocations a keystroke", n)
	}
	if text.String() != e.Text("t").String() {
		t.Fatal("the texts differ")
	}
}

// TestHeapIsSmall bounds what a loaded document weighs beside its encoding.
func TestHeapIsSmall(t *testing.T) {
	d := New(1)
	text := d.Text("t")
	r := rand.New(rand.NewPCG(2, 2))
	for range 20_000 {
		if err := text.Insert(r.IntN(text.Len()+1), "ab"); err != nil {
			t.Fatal(err)
		}
	}
	state := d.AppendState(nil)
	d = nil
	before := heap()
	e := New(2)
	if err := e.Apply(state); err != nil {
		t.Fatal(err)
	}
	if grown := heap() - before; grown > 8*int64(len(state)) {
		t.Fatalf("a state of %d bytes takes %d", len(state), grown)
	}
	if e.Text("t").Len() != 40_000 {
		t.Fatal("the text did not arrive")
	}
}

// TestKeysAreSmall bounds what a key of a loaded map weighs, its plain value
// included: yjs takes 363 bytes for each of 50,000 and 477 for each of 10,000.
func TestKeysAreSmall(t *testing.T) {
	for _, keys := range []int{10_000, 50_000} {
		d := New(1)
		m := d.Map("m")
		d.Transact(func() {
			for i := range keys {
				if err := m.Set(fmt.Sprintf("key%d", i), Number(float64(i))); err != nil {
					t.Fatal(err)
				}
			}
		})
		state := d.AppendState(nil)
		before := heap()
		e := New(2)
		if err := e.Apply(state); err != nil {
			t.Fatal(err)
		}
		each := (heap() - before) / int64(keys)
		t.Logf("%d keys: %d bytes each", keys, each)
		if each > 360 {
			t.Errorf("each of %d keys takes %d bytes", keys, each)
		}
		if e.Map("m").Len() != keys {
			t.Error("keys are missing")
		}
	}
}
