package ydoc

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"unicode/utf16"
)

// TestSplicesRebuildText: an observer that applies the splices has the text.
func TestSplicesRebuildText(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			w := newWorld(rand.New(rand.NewPCG(seed, 4)), 2)
			d := w.docs[0]
			var mirror []uint16
			d.Observe(func(c Change) {
				if c.Root != "text" || len(c.Path) > 0 {
					return
				}
				for _, s := range c.Splices {
					in := utf16.Encode([]rune(s.Text))
					if s.Text == "" {
						in = make([]uint16, s.Inserted) // embeds
					}
					mirror = slices.Replace(mirror, s.Pos, s.Pos+s.Deleted, in...)
				}
			})
			for range 150 {
				w.step(t)
			}
			w.heal(t)
			mirror = slices.DeleteFunc(mirror, func(u uint16) bool { return u == 0 })
			if got, want := string(utf16.Decode(mirror)), d.Text("text").String(); got != want {
				t.Fatalf("the mirror has %q, the text is %q", got, want)
			}
		})
	}
}

func TestChanges(t *testing.T) {
	d := New(1)
	m := d.Map("m")
	list, err := m.SetArray("list")
	if err != nil {
		t.Fatal(err)
	}
	if err := list.Insert(0, Number(1)); err != nil {
		t.Fatal(err)
	}
	text, err := list.InsertText(1)
	if err != nil {
		t.Fatal(err)
	}
	var seen []string
	d.Observe(func(c Change) {
		seen = append(seen, fmt.Sprintf("%T %s %v %v %v formatted=%v local=%v", c.Target, c.Root, c.Path, c.Splices, c.Keys, c.Formatted, c.Local))
	})
	d.Transact(func() {
		_ = text.Insert(0, "ab")
		_ = text.Insert(2, "c")
		_ = text.Format(0, 1, Attrs{{"b", Bool(true)}})
		_ = m.Set("k", Null())
		n, _ := m.SetText("new")
		_ = n.Insert(0, "not told: its parent is")
	})
	e := d.Clone()
	e.SetClient(2)
	e.Map("m").Delete("list")
	if err := d.Apply(e.AppendState(nil)); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"ydoc.Text m [{list -1} { 1}] [{0 0 3 abc}] [] formatted=true local=true",
		"ydoc.Map m [] [] [k new] formatted=false local=true",
		"ydoc.Map m [] [] [list] formatted=false local=false",
	}
	if !reflect.DeepEqual(seen, want) {
		t.Fatalf("told\n%q\nwant\n%q", seen, want)
	}
}

// TestObserverMayEdit: what an observer edits is a transaction of its own.
func TestObserverMayEdit(t *testing.T) {
	d := New(1)
	text := d.Text("t")
	d.Observe(func(c Change) {
		if c.Root == "t" && text.Len() < 5 {
			_ = text.Insert(text.Len(), "!")
		}
	})
	update := d.AppendTransact(nil, func() { _ = text.Insert(0, "a") })
	e := New(2)
	if err := e.Apply(update); err != nil {
		t.Fatal(err)
	}
	if got := e.Text("t").String(); got != "a" {
		t.Fatalf("the transaction's update carries %q", got)
	}
	if got := text.String(); got != "a!!!!" {
		t.Fatalf("text is %q", got)
	}
	if err := d.Check(); err != nil {
		t.Fatal(err)
	}
}
