package ydoc

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
)

// world is a few replicas that edit at random and exchange updates late, in any
// order and more than once.
type world struct {
	r       *rand.Rand
	docs    []*Doc
	updates [][]byte
}

func newWorld(r *rand.Rand, replicas int) *world {
	w := &world{r: r}
	for i := range replicas {
		d := New(uint64(i + 1))
		d.KeepFormats(true) // else replicas tidy on their own, and must exchange that too
		d.Text("text")
		d.Map("map")
		d.XMLFragment("xml")
		w.docs = append(w.docs, d)
	}
	return w
}

func (w *world) step(t *testing.T) {
	d := w.docs[w.r.IntN(len(w.docs))]
	if w.r.IntN(2) == 0 && len(w.updates) > 0 {
		if err := d.Apply(w.updates[w.r.IntN(len(w.updates))]); err != nil {
			t.Fatal(err)
		}
		return
	}
	if u := d.AppendTransact(nil, func() { w.edit(t, d) }); len(u) > 0 {
		w.updates = append(w.updates, u)
	}
}

// edit makes one random edit somewhere in the document.
func (w *world) edit(t *testing.T, d *Doc) {
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	switch w.r.IntN(4) {
	case 0, 1:
		w.editText(t, d.Text("text"))
	case 2:
		m := d.Map("map")
		key := string("abc"[w.r.IntN(3)])
		switch w.r.IntN(5) {
		case 0:
			m.Delete(key)
		case 1:
			n, err := m.SetText(key)
			must(err)
			w.editText(t, n)
		case 2:
			n, err := m.SetArray(key)
			must(err)
			must(n.Insert(0, Number(1), String("x"), Bytes([]byte{1})))
			_, err = n.InsertMap(1)
			must(err)
		default:
			must(m.Set(key, Number(float64(w.r.IntN(9)))))
		}
	case 3:
		x := d.XMLFragment("xml")
		at := w.r.IntN(x.Len() + 1)
		if at < x.Len() && w.r.IntN(3) == 0 {
			must(x.Delete(at, 1))
			return
		}
		e, err := x.InsertElement(at, "p")
		must(err)
		must(e.SetAttribute("k", String("v")))
		n, err := e.InsertText(0)
		must(err)
		w.editText(t, n.Text)
	}
}

func (w *world) editText(t *testing.T, x Text) {
	at := w.r.IntN(x.Len() + 1)
	n := w.r.IntN(min(5, x.Len()-at+1))
	var err error
	switch w.r.IntN(6) {
	case 0, 1:
		err = x.Insert(at, []string{"a", "bc", "é", "🙂", "日本語"}[w.r.IntN(5)])
	case 2, 3:
		err = x.Delete(at, n)
	case 4:
		err = x.Format(at, n, Attrs{{"bold", Bool(w.r.IntN(2) == 0)}})
	case 5:
		err = x.InsertEmbed(at, `{"image":"a.png"}`, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) heal(t *testing.T) {
	for _, d := range w.docs {
		w.r.Shuffle(len(w.updates), func(i, j int) { w.updates[i], w.updates[j] = w.updates[j], w.updates[i] })
		for _, u := range w.updates {
			if err := d.Apply(u); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func (w *world) requireEqual(t *testing.T) {
	t.Helper()
	want := w.docs[0].AppendDigestInput(nil)
	for i, d := range w.docs {
		if err := d.Check(); err != nil {
			t.Fatalf("replica %d: %v", i, err)
		}
		if d.Pending() > 0 {
			t.Fatalf("replica %d: %d bytes wait", i, d.Pending())
		}
		if got := d.AppendDigestInput(nil); !bytes.Equal(got, want) {
			t.Fatalf("replica %d:\n%q\nreplica 0:\n%q", i, got, want)
		}
	}
}

func TestConverge(t *testing.T) {
	for seed := range uint64(200) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			w := newWorld(rand.New(rand.NewPCG(seed, 0)), 3)
			for range 120 {
				w.step(t)
			}
			w.heal(t)
			w.requireEqual(t)
		})
	}
}

// TestEncodings: whatever way a document travels, it arrives.
func TestEncodings(t *testing.T) {
	for seed := range uint64(100) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			w := newWorld(rand.New(rand.NewPCG(seed, 1)), 3)
			for range 80 {
				w.step(t)
			}
			merged, err := Merge(w.updates...)
			if err != nil {
				t.Fatal(err)
			}
			half, rest := w.updates[:len(w.updates)/2], New(99)
			for _, u := range half {
				if err := rest.Apply(u); err != nil {
					t.Fatal(err)
				}
			}
			diff, err := Diff(merged, rest.AppendStateVector(nil))
			if err != nil {
				t.Fatal(err)
			}
			w.heal(t)
			d := w.docs[0]
			byState, byMerge, byClone, byDiff := New(96), New(97), d.Clone(), rest
			missing, err := d.AppendDiff(nil, byClone.AppendStateVector(nil))
			if err != nil {
				t.Fatal(err)
			}
			for _, err := range []error{
				byState.Apply(d.AppendState(nil)), byMerge.Apply(merged), byDiff.Apply(diff), byClone.Apply(missing),
			} {
				if err != nil {
					t.Fatal(err)
				}
			}
			w.docs = []*Doc{d, byState, byMerge, byDiff, byClone}
			w.requireEqual(t)
			vector, err := StateVectorOf(merged)
			if err != nil || !bytes.Equal(vector, d.AppendStateVector(nil)) {
				t.Fatalf("StateVectorOf = %x, %v; want %x", vector, err, d.AppendStateVector(nil))
			}
		})
	}
}

// TestCloneIsIndependent: edits of a copy do not show in the original.
func TestCloneIsIndependent(t *testing.T) {
	w := newWorld(rand.New(rand.NewPCG(7, 7)), 1)
	for range 200 {
		w.step(t)
	}
	d := w.docs[0]
	before := d.AppendState(nil)
	c := d.Clone()
	if got := c.AppendState(nil); !bytes.Equal(got, before) {
		t.Fatalf("the copy's state is\n%x\nnot\n%x", got, before)
	}
	c.SetClient(50)
	w.docs[0] = c
	for range 300 {
		w.step(t)
	}
	if err := c.Check(); err != nil {
		t.Fatal(err)
	}
	if got := d.AppendState(nil); !bytes.Equal(got, before) {
		t.Fatal("editing the copy changed the original")
	}
}
