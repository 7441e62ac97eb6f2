package ydoc

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestPast: positions in an old copy of a text find their place in a newer one.
// The copy itself is the witness: every unit carries its id.
func TestPast(t *testing.T) {
	for seed := range uint64(150) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 0))
			now := New(1)
			text := now.Text("text")
			for range 30 {
				scribble(r, text)
			}
			old := now.Clone()
			var past Past
			now.SetClient(2)
			for range r.IntN(25) {
				update := now.AppendTransact(nil, func() { scribble(r, text) })
				if len(update) == 0 {
					continue
				}
				added, err1 := ClientsOf(update)
				deleted, err2 := DeletesOf(update)
				if err1 != nil || err2 != nil {
					t.Fatal(err1, err2)
				}
				past.Added = append(past.Added, added...)
				past.Deleted = append(past.Deleted, deleted...)
			}
			was, is := unitIDs(old), unitIDs(now)
			place := map[id]int{}
			for i, u := range is {
				place[u] = i
			}
			for pos := range len(was) + 1 {
				got, err := text.PositionIn(pos, past)
				if err != nil {
					t.Fatalf("PositionIn(%d): %v", pos, err)
				}
				want := 0
				for i := pos - 1; i >= 0; i-- {
					if p, ok := place[was[i]]; ok {
						want = p + 1
						break
					}
				}
				// Behind the last unit that is still there, at least; units
				// inserted behind deleted ones may come before.
				if got < want || pos > 0 && has(place, was[pos-1]) && got != want {
					t.Fatalf("PositionIn(%d) = %d, want %d", pos, got, want)
				}
				n := r.IntN(len(was) - pos + 1)
				spans, gone, err := text.RangeIn(pos, n, past)
				if err != nil {
					t.Fatal(err)
				}
				var units []id
				for _, s := range spans {
					units = append(units, is[s[0]:s[0]+s[1]]...)
				}
				var left []id
				lost := 0
				for _, u := range was[pos : pos+n] {
					if has(place, u) {
						left = append(left, u)
						continue
					}
					lost++
				}
				for _, g := range gone {
					lost -= int(g.To - g.From)
				}
				if lost != 0 {
					t.Fatalf("RangeIn(%d, %d) says %v are gone; off by %d", pos, n, gone, lost)
				}
				if fmt.Sprint(units) != fmt.Sprint(left) {
					t.Fatalf("RangeIn(%d, %d) covers %v, want %v", pos, n, units, left)
				}
			}
			if _, err := text.PositionIn(len(was)+1, past); !errors.Is(err, ErrRange) {
				t.Fatalf("a position beyond the old text: %v", err)
			}
			if _, _, err := text.RangeIn(0, len(was)+1, past); !errors.Is(err, ErrRange) {
				t.Fatalf("a range beyond the old text: %v", err)
			}
		})
	}
}

func has(place map[id]int, u id) bool { _, ok := place[u]; return ok }

// unitIDs are the ids of the visible units of a text, in order.
func unitIDs(d *Doc) []id {
	var ids []id
	d.eachVisible(d.Text("text").seq(), func(it *item) {
		for k := range it.length {
			if it.countable() {
				ids = append(ids, id{it.client, it.clock + k})
			}
		}
	})
	return ids
}

func scribble(r *rand.Rand, text Text) {
	pos := r.IntN(text.Len() + 1)
	if n := min(text.Len()-pos, r.IntN(4)); n > 0 && r.IntN(3) == 0 {
		_ = text.Delete(pos, n)
		return
	}
	_ = text.Insert(pos, []string{"a", "bc", "déf", "xyz"}[r.IntN(4)])
}

// TestVetChangesNothing: what Vet says is what Apply then does, and the document
// is the same before and after.
func TestVetChangesNothing(t *testing.T) {
	for seed := range uint64(100) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			a, b := New(1), New(2)
			for range 60 {
				from, to := a, b
				if r.IntN(2) == 0 {
					from, to = b, a
				}
				update := from.AppendTransact(nil, func() {
					scribble(r, from.Text("text"))
					if r.IntN(3) == 0 {
						_ = from.Map("map").Set("k", String("v"))
					}
				})
				if len(update) == 0 {
					continue
				}
				if r.IntN(8) == 0 {
					update[r.IntN(len(update))] ^= byte(1 << r.IntN(8))
				}
				before := to.AppendState(nil)
				err := to.Vet(update)
				if err := to.Check(); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(before, to.AppendState(nil)) {
					t.Fatal("Vet changed the document")
				}
				if errors.Is(err, ErrMissing) || errors.Is(err, errCircle) {
					continue
				}
				if applied := to.Apply(update); (applied == nil) != (err == nil) {
					t.Fatalf("Vet says %v, Apply says %v", err, applied)
				}
			}
		})
	}
}

// TestVetTellsCirclesFromGaps: what depends on itself by way of others can never
// be; what depends on something that is only not here yet can.
func TestVetTellsCirclesFromGaps(t *testing.T) {
	// An update of structs of one letter each: section by section the client, the
	// first clock, and the left neighbour of each struct.
	type section struct{ client, clock uint64 }
	type neighbour struct{ client, clock uint64 }
	build := func(sections []section, lefts ...[]neighbour) []byte {
		b := appendUint(nil, uint64(len(sections)))
		for i, s := range sections {
			b = appendUint(appendUint(appendUint(b, uint64(len(lefts[i]))), s.client), s.clock)
			for _, l := range lefts[i] {
				b = appendText(appendUint(appendUint(append(b, bitOrigin|kindString), l.client), l.clock), "x")
			}
		}
		return append(b, 0)
	}
	base := New(1).appendInsertOf(t, "a")
	for _, c := range []struct {
		name   string
		update []byte
		want   error
	}{
		{"two", build([]section{{3, 0}, {2, 0}}, []neighbour{{2, 0}}, []neighbour{{3, 0}}), ErrInvalid},
		{"three", build([]section{{4, 0}, {3, 0}, {2, 0}}, []neighbour{{3, 0}}, []neighbour{{2, 0}}, []neighbour{{4, 0}}), ErrInvalid},
		{"two, behind good ones", build([]section{{3, 0}, {2, 0}}, []neighbour{{1, 0}, {2, 1}}, []neighbour{{3, 0}, {3, 1}}), ErrInvalid},
		{"on the other's future", build([]section{{3, 0}, {2, 0}}, []neighbour{{2, 7}}, []neighbour{{3, 7}}), ErrInvalid},
		{"by turns", build([]section{{3, 0}, {2, 0}}, []neighbour{{1, 0}, {2, 0}}, []neighbour{{3, 0}, {3, 1}}), nil},
		{"a gap", build([]section{{3, 0}, {2, 5}}, []neighbour{{2, 4}}, []neighbour{{3, 0}}), ErrMissing},
		{"an unknown author", build([]section{{3, 0}, {2, 0}}, []neighbour{{2, 0}}, []neighbour{{9, 0}}), ErrMissing},
		{"a dead end twice", build([]section{{4, 0}, {3, 0}, {2, 0}}, []neighbour{{3, 0}}, []neighbour{{9, 0}}, []neighbour{{3, 0}}), ErrMissing},
	} {
		d := New(100)
		if err := d.Apply(base); err != nil {
			t.Fatal(err)
		}
		before := d.AppendState(nil)
		if err := d.Vet(c.update); !errors.Is(err, c.want) || c.want != ErrMissing && errors.Is(err, ErrMissing) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if !bytes.Equal(before, d.AppendState(nil)) {
			t.Errorf("%s: Vet changed the document", c.name)
		}
		if err := d.Apply(c.update); err != nil {
			t.Errorf("%s: Apply keeps what waits, as yjs does: %v", c.name, err)
		}
	}
}

// TestSkeleton: an edit on top of a refused one applies where only the skeleton
// of the refused one is known, and all who have both agree.
func TestSkeleton(t *testing.T) {
	author := New(1)
	text := author.Text("text")
	first := author.AppendTransact(nil, func() { _ = text.Insert(0, "hello world") })
	refused := author.AppendTransact(nil, func() { _ = text.Delete(0, 2); _ = text.Insert(3, "REFUSED") })
	next := author.AppendTransact(nil, func() { _ = text.Insert(6, "still here") })

	skeleton, err := Skeleton(refused)
	if err != nil {
		t.Fatal(err)
	}
	body, err := Merge(skeleton, next)
	if err != nil {
		t.Fatal(err)
	}
	hub := New(9)
	for _, u := range [][]byte{first, body} {
		if err := hub.Vet(u); err != nil {
			t.Fatal(err)
		}
		if err := hub.Apply(u); err != nil {
			t.Fatal(err)
		}
	}
	if got := hub.Text("text").String(); got != "hellostill here world" {
		t.Fatalf("the text is %q", got)
	}
	if hub.Vet(next) != nil {
		t.Fatal("what is known already is refused")
	}
	if err := New(3).Vet(next); !errors.Is(err, ErrMissing) {
		t.Fatalf("without the skeleton: %v", err)
	}
}

// TestTextRefused: half of a surrogate pair, which no Go string can hold, as an
// update would carry it.
func TestTextRefused(t *testing.T) {
	update := New(1).appendInsertOf(t, "ab")
	update = bytes.Replace(update, []byte("ab"), []byte{0xED, 0xA0}, 1)
	for _, err := range []error{New(2).Vet(update), New(2).Apply(update)} {
		if !errors.Is(err, ErrText) || !errors.Is(err, ErrInvalid) {
			t.Errorf("got %v", err)
		}
	}
}

func (d *Doc) appendInsertOf(t *testing.T, s string) []byte {
	t.Helper()
	return d.AppendTransact(nil, func() {
		if err := d.Text("text").Insert(0, s); err != nil {
			t.Fatal(err)
		}
	})
}
