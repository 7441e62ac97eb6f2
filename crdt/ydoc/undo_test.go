package ydoc

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
)

func TestUndoLeavesOthersAlone(t *testing.T) {
	a, b := New(1), New(2)
	text := a.Text("t")
	u := a.Undo(text)
	if err := text.Insert(0, "mine"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(b.Apply(a.AppendState(nil)), b.Text("t").Insert(2, "THEIRS"), a.Apply(b.AppendState(nil))); err != nil {
		t.Fatal(err)
	}
	u.StopCapturing()
	if err := text.Delete(0, 3); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		do   func() bool
		want string
	}{
		{u.Undo, "miTHEIRSne"}, {u.Undo, "THEIRS"}, {u.Redo, "miTHEIRSne"}, {u.Redo, "HEIRSne"}, {u.Undo, "miTHEIRSne"},
	} {
		if !step.do() {
			t.Fatal("nothing was undone or redone")
		}
		if got := text.String(); got != step.want {
			t.Fatalf("text is %q, want %q", got, step.want)
		}
		if err := errors.Join(a.Check(), b.Apply(a.AppendState(nil))); err != nil {
			t.Fatal(err)
		}
		if got := b.Text("t").String(); got != step.want {
			t.Fatalf("the other replica has %q, want %q", got, step.want)
		}
	}
}

func TestUndoCapturesByTime(t *testing.T) {
	d := New(1)
	text := d.Text("t")
	u := d.Undo()
	for i, now := range []int64{1000, 1499, 2100, 2200} {
		u.Tick(now)
		if err := text.Insert(text.Len(), fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"01", ""} {
		if !u.Undo() || text.String() != want {
			t.Fatalf("text is %q, want %q", text.String(), want)
		}
	}
	if u.Undo() || u.CanUndo() || !u.CanRedo() {
		t.Fatal("there is more to undo, or nothing to redo")
	}
	if err := text.Insert(0, "x"); err != nil {
		t.Fatal(err)
	}
	if u.CanRedo() {
		t.Fatal("an edit did not end the redos")
	}
	u.Close()
	if err := text.Insert(0, "y"); err != nil {
		t.Fatal(err)
	}
	if u.Undo() {
		t.Fatal("a closed manager undid something")
	}
}

// TestUndoBringsNestedTypesBack: with all that was in them.
func TestUndoBringsNestedTypesBack(t *testing.T) {
	d := New(1)
	x := d.XMLFragment("x")
	for i := range 3 {
		e, err := x.InsertElement(i, fmt.Sprint("p", i))
		if err != nil {
			t.Fatal(err)
		}
		n, err := e.InsertText(0)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(e.SetAttribute("k", Number(1)), e.SetAttribute("k", Number(float64(i))), n.Insert(0, "ad"), n.Insert(1, "bc"), n.Format(1, 2, Attrs{{"b", Object()}})); err != nil {
			t.Fatal(err)
		}
	}
	want := x.String()
	u := d.Undo(x)
	if err := x.Delete(0, 3); err != nil {
		t.Fatal(err)
	}
	if got := x.String(); got != "" {
		t.Fatalf("after deleting: %s", got)
	}
	if !u.Undo() || x.String() != want {
		t.Fatalf("after undo\n%s\nwant\n%s", x.String(), want)
	}
	if err := d.Check(); err != nil {
		t.Fatal(err)
	}
}

// TestUndoAll: undoing everything ends where a lone author began, and redoing
// everything where it was.
func TestUndoAll(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			w := newWorld(rand.New(rand.NewPCG(seed, 5)), 1)
			d := w.docs[0]
			for range 20 {
				w.step(t)
			}
			value := func() string { return string(d.AppendJSON(nil)) }
			start := value()
			u := d.Undo()
			u.Capture = -1
			steps := 0
			for range 30 {
				d.Transact(func() { w.edit(t, d) })
			}
			end := value()
			for ; u.Undo(); steps++ {
				if err := d.Check(); err != nil {
					t.Fatal(err)
				}
			}
			if got := value(); got != start {
				t.Fatalf("after %d undos\n%s\nwant\n%s", steps, got, start)
			}
			for u.Redo() {
			}
			if got := value(); got != end {
				t.Fatalf("after redos\n%s\nwant\n%s", got, end)
			}
			if err := d.Check(); err != nil {
				t.Fatal(err)
			}
		})
	}
}
