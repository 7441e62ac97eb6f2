package ydoc

import (
	"errors"
	"reflect"
	"testing"
)

// made runs an edit as a client on a copy of base and returns its update.
func made(t *testing.T, base *Doc, client uint64, edit func(*Doc) error) []byte {
	t.Helper()
	d := base.Clone()
	d.SetClient(client)
	var err error
	u := d.AppendTransact(nil, func() { err = edit(d) })
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestClientTaken(t *testing.T) {
	d := New(1)
	if err := d.Text("t").Insert(0, "a"); err != nil {
		t.Fatal(err)
	}
	other := made(t, d, 2, func(d *Doc) error { return d.Text("t").Insert(1, "b") })
	mine := made(t, d, 1, func(d *Doc) error { return d.Text("t").Insert(1, "c") })
	if err := d.Apply(other); err != nil || d.ClientTaken() {
		t.Fatalf("another's update: %v, taken %v", err, d.ClientTaken())
	}
	if err := d.Apply(mine); err != nil || !d.ClientTaken() {
		t.Fatalf("an update of the own client: %v, taken %v", err, d.ClientTaken())
	}
	d.SetClient(3)
	if d.ClientTaken() {
		t.Fatal("a new client is taken at once")
	}
}

func TestMissing(t *testing.T) {
	empty := New(9)
	base := New(1)
	first := base.AppendTransact(nil, func() { _ = base.Text("t").Insert(0, "ab") })
	second := made(t, base, 2, func(d *Doc) error { return d.Text("t").Insert(1, "x") })
	deletion := made(t, base, 2, func(d *Doc) error { return d.Text("t").Delete(0, 1) })
	both, err := Merge(first, second, deletion)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		d      *Doc
		update []byte
		want   bool
	}{
		"nothing":     {empty, first, false},
		"a neighbour": {empty, second, true},
		"a deletion":  {empty, deletion, true},
		"all of it":   {empty, both, false},
		"there":       {base, second, false},
	} {
		before := string(c.d.AppendState(nil))
		got, err := c.d.Missing(c.update)
		if err != nil || got != c.want {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		if string(c.d.AppendState(nil)) != before {
			t.Errorf("%s: asking changed the document", name)
		}
		e := c.d.Clone()
		if err := e.Apply(c.update); err != nil || (e.Pending() > 0) != c.want {
			t.Errorf("%s: Apply: %v, %d bytes wait", name, err, e.Pending())
		}
	}
	if _, err := empty.Missing([]byte{1}); !errors.Is(err, ErrInvalid) {
		t.Errorf("a broken update: %v", err)
	}
}

func TestClientsOf(t *testing.T) {
	d := New(5)
	a := d.AppendTransact(nil, func() { _ = d.Text("t").Insert(0, "abc") })
	b := d.AppendTransact(nil, func() { _ = d.Text("t").Insert(0, "def") })
	c := d.AppendTransact(nil, func() { _ = d.Text("t").Insert(0, "gh") })
	d.SetClient(7)
	e := d.AppendTransact(nil, func() { _ = d.Text("t").Delete(0, 1); _ = d.Text("t").Insert(0, "🙂") })
	gap, err := Merge(a, c, e)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		update []byte
		want   []Range
	}{
		{b, []Range{{5, 3, 6}}},
		{e, []Range{{7, 0, 2}}},
		{gap, []Range{{7, 0, 2}, {5, 0, 3}, {5, 6, 8}}},
		{[]byte{0, 0}, nil},
	} {
		got, err := ClientsOf(x.update)
		if err != nil || !reflect.DeepEqual(got, x.want) {
			t.Errorf("ClientsOf = %v, %v; want %v", got, err, x.want)
		}
	}
	if got, want := d.Clients(), []Range{{5, 0, 8}, {7, 0, 2}}; !reflect.DeepEqual(got, want) || d.Clock(7) != 2 || d.Clock(8) != 0 {
		t.Errorf("Clients = %v", got)
	}
}

// TestKeepFormats: the clean-up after a remote update happens, or not.
func TestKeepFormats(t *testing.T) {
	base := New(1)
	bold := Attrs{{"b", Bool(true)}}
	if err := base.Text("t").InsertWith(0, "abcd", bold); err != nil {
		t.Fatal(err)
	}
	deletion := made(t, base, 2, func(d *Doc) error { return d.Text("t").Delete(0, 3) })
	again := made(t, base, 3, func(d *Doc) error { return d.Text("t").InsertWith(2, "e", nil) })
	count := func(keep bool) int {
		d := base.Clone()
		d.KeepFormats(keep)
		if err := errors.Join(d.Apply(again), d.Apply(deletion), d.Check()); err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, c := range d.clients {
			for _, b := range c.blocks {
				for _, r := range b.runs {
					if it := &d.items[r.item]; it.kind == kindFormat && !it.deleted() {
						n++
					}
				}
			}
		}
		if got := d.Text("t").Delta(); len(got) != 2 || got[0].Text != "e" || len(got[0].Attrs) != 0 || got[1].Text != "d" || len(got[1].Attrs) != 1 {
			t.Fatalf("the text is %+v", got)
		}
		return n
	}
	if tidy, kept := count(false), count(true); tidy >= kept {
		t.Fatalf("%d markers when tidied, %d when kept", tidy, kept)
	}
}
