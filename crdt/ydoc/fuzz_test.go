package ydoc

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"
	"time"
)

// corpus is updates of a small random world.
func corpus(f *testing.F, add func(update []byte)) {
	w := newWorld(rand.New(rand.NewPCG(11, 0)), 2)
	for range 40 {
		d := w.docs[w.r.IntN(2)]
		if u := d.AppendTransact(nil, func() { w.edit(&testing.T{}, d) }); len(u) > 0 {
			w.updates = append(w.updates, u)
			add(u)
		}
	}
	add(w.docs[0].AppendState(nil))
	odd, err := Merge(w.updates[0], w.updates[2], w.updates[len(w.updates)-1])
	if err != nil {
		f.Fatal(err)
	}
	add(odd)
	add(crowd(5))
	add(nested(5))
}

// FuzzApply: whatever the update, the document stays sound, a refusal changes
// nothing, and time and memory are bounded by the size of the input.
func FuzzApply(f *testing.F) {
	corpus(f, func(u []byte) { f.Add(u) })
	base := newWorld(rand.New(rand.NewPCG(12, 0)), 1)
	for range 60 {
		base.step(&testing.T{})
	}
	f.Fuzz(func(t *testing.T, update []byte) {
		d := base.docs[0].Clone()
		before := d.AppendState(nil)
		start := time.Now()
		var err error
		bytesUsed := allocatedBy(func() { err = d.Apply(update) })
		if took := time.Since(start); took > 2*time.Second {
			t.Fatalf("%d bytes took %v", len(update), took)
		}
		if limit := uint64(64<<10 + 2048*len(update)); bytesUsed > limit {
			t.Fatalf("%d bytes allocated %d", len(update), bytesUsed)
		}
		if bad := d.Check(); bad != nil {
			t.Fatal(bad)
		}
		if err != nil {
			if !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrConflict) && !errors.Is(err, ErrLimit) {
				t.Fatalf("an error of no kind: %v", err)
			}
			if !bytes.Equal(before, d.AppendState(nil)) {
				t.Fatalf("refused, but changed: %v", err)
			}
			return
		}
		e := New(77)
		if err := e.Apply(d.AppendState(nil)); err != nil {
			t.Fatalf("its state is refused: %v", err)
		}
		if err := d.Apply(update); err != nil {
			t.Fatalf("the second time it is refused: %v", err)
		}
	})
}

// FuzzMerge: updates that are accepted alone merge into one that does the same.
func FuzzMerge(f *testing.F) {
	var all [][]byte
	corpus(f, func(u []byte) { all = append(all, u) })
	for i := range all {
		f.Add(all[i], all[(i*7+3)%len(all)])
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		merged, err := Merge(a, b)
		if err != nil {
			return
		}
		if _, err := StateVectorOf(merged); err != nil {
			t.Fatalf("the result is malformed: %v", err)
		}
		if _, err := Diff(merged, []byte{0}); err != nil {
			t.Fatalf("the result is malformed: %v", err)
		}
		again, err := Merge(merged, merged)
		if err != nil {
			t.Fatal(err)
		}
		if third, err := Merge(again, merged); err != nil || !bytes.Equal(third, again) {
			t.Fatalf("merging once more changes %x to %x (%v)", again, third, err)
		}
	})
}

func FuzzParseAnchor(f *testing.F) {
	for _, b := range [][]byte{{0, 1, 0, 0}, {1, 4, 't', 'e', 'x', 't', 0x41}, {2, 1, 7, 0}, {2, 1, 7}} {
		f.Add(b)
	}
	d := New(1)
	if err := d.Text("text").Insert(0, "a🙂b"); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := ParseAnchor(b)
		if err != nil {
			return
		}
		if pos, ok := d.Resolve(a); ok && (pos < 0 || pos > 5) {
			t.Fatalf("resolves to %d", pos)
		}
		out, _ := a.AppendBinary(nil)
		if back, err := ParseAnchor(out); err != nil || back != a {
			t.Fatalf("%x becomes %x", b, out)
		}
	})
}

func FuzzParseJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,null,"x\u00e9"],"2":0.1}`, `"\ud83d"`, `-1e-7`, ` [ ] `} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := ParseJSON(s)
		if err != nil {
			return
		}
		once := v.AppendJSON(nil)
		w, err := ParseJSON(string(once))
		if err != nil {
			t.Fatalf("%q becomes %q: %v", s, once, err)
		}
		if twice := w.AppendJSON(nil); !bytes.Equal(once, twice) {
			t.Fatalf("%q becomes %q, then %q", s, once, twice)
		}
	})
}
