package ydoc

import (
	"bytes"
	"errors"
	"runtime"
	"strings"
	"testing"
)

// refuse applies an update that must be refused and change nothing.
func refuse(t *testing.T, d *Doc, update []byte, want error) {
	t.Helper()
	before := d.AppendState(nil)
	if err := d.Apply(update); !errors.Is(err, want) {
		t.Fatalf("Apply: %v, want %v", err, want)
	}
	if after := d.AppendState(nil); !bytes.Equal(before, after) {
		t.Fatalf("a refused update changed\n%x\nto\n%x", before, after)
	}
	if err := d.Check(); err != nil {
		t.Fatal(err)
	}
}

// nested is an update with types nested so deeply, in a root named r.
func nested(depth int) []byte {
	b := appendUint([]byte{1}, uint64(depth))
	b = append(b, 1, 0) // client, clock
	b = append(b, kindType, 1, 1, 'r', typeArray)
	for i := range depth - 1 {
		b = append(appendUint(append(b, kindType, 0, 1), uint64(i)), typeArray)
	}
	return append(b, 0)
}

func TestDepthIsBounded(t *testing.T) {
	d := NewLimited(2, Limits{Depth: 20})
	refuse(t, d, nested(21), ErrLimit)
	if err := d.Apply(nested(20)); err != nil {
		t.Fatal(err)
	}
	m := New(2).Map("m")
	var err error
	n := 0
	for ; err == nil && n < 1000; n++ {
		m, err = m.SetMap("k")
	}
	if !errors.Is(err, ErrLimit) || n != 257 {
		t.Fatalf("nesting number %d: %v", n, err)
	}
	for _, deep := range []string{
		strings.Repeat("[", 300) + strings.Repeat("]", 300),
		strings.Repeat(`{"a":`, 300) + "1" + strings.Repeat("}", 300),
	} {
		if _, err := ParseJSON(deep); !errors.Is(err, ErrLimit) {
			t.Fatalf("ParseJSON of 300 levels: %v", err)
		}
	}
	value := append([]byte{1, 1, 1, 0, kindAny, 1, 1, 'r', 1}, bytes.Repeat([]byte{anyList, 1}, 300)...)
	refuse(t, New(2), append(value, anyNull, 0), ErrLimit)
}

// TestDeleteIsIterative: with the cap out of the way, a million nested types
// are deleted and collected without a deep stack.
func TestDeleteIsIterative(t *testing.T) {
	const deep = 65_000
	d := NewLimited(2, Limits{Depth: deep})
	if err := d.Apply(nested(deep)); err != nil {
		t.Fatal(err)
	}
	if err := d.Array("r").Delete(0, 1); err != nil {
		t.Fatal(err)
	}
	if err := d.Check(); err != nil {
		t.Fatal(err)
	}
	if n := len(d.AppendState(nil)); n > 64 {
		t.Fatalf("what was deleted still takes %d bytes", n)
	}
}

// crowd is an update by which so many clients insert at one spot.
func crowd(clients int) []byte { return crowdFrom(0, clients) }

func crowdFrom(first, clients int) []byte {
	b := appendUint(nil, uint64(clients))
	for c := first + clients; c > first; c-- {
		b = appendUint(append(b, 1), uint64(c))
		b = append(b, 0, kindString, 1, 1, 't', 1, 'x')
	}
	return append(b, 0)
}

func TestWorkIsBounded(t *testing.T) {
	// Each client goes behind all of the first 100: as many comparisons.
	d := NewLimited(1<<40, Limits{Work: 1000})
	if err := d.Apply(crowd(100)); err != nil {
		t.Fatal(err)
	}
	if err := d.Apply(crowdFrom(200, 9)); err != nil {
		t.Fatal(err)
	}
	refuse(t, d, crowdFrom(300, 11), ErrLimit)
}

func TestClientsAreBounded(t *testing.T) {
	d := NewLimited(1<<40, Limits{Clients: 10})
	refuse(t, d, crowd(11), ErrLimit)
	if err := d.Apply(crowd(10)); err != nil {
		t.Fatal(err)
	}
	late := []byte{1, 1, 200, 1, 0, kindString, 1, 1, 't', 1, 'x', 0}
	refuse(t, d, late, ErrLimit)
}

// TestClientCostsLittle: an author with one character must not cost a block of
// runs.
func TestClientCostsLittle(t *testing.T) {
	const n = 10_000
	update := crowd(n)
	d := NewLimited(1<<40, Limits{Work: 1 << 30})
	before := heap()
	if err := d.Apply(update); err != nil {
		t.Fatal(err)
	}
	if each := (heap() - before) / n; each > 450 {
		t.Fatalf("each client costs %d bytes", each)
	}
	runtime.KeepAlive(d)
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestPendingIsBounded(t *testing.T) {
	d := NewLimited(9, Limits{Pending: 1000})
	gap := func(clock int) []byte {
		b := appendUint([]byte{1, 1, 1}, uint64(clock))
		b = append(b, kindString, 1, 1, 't', 30)
		return append(append(b, strings.Repeat("x", 30)...), 0)
	}
	for i := 1; ; i++ {
		before := d.AppendState(nil)
		if err := d.Apply(gap(i * 100)); err != nil {
			if !errors.Is(err, ErrLimit) || i < 10 {
				t.Fatalf("update %d: %v", i, err)
			}
			if !bytes.Equal(before, d.AppendState(nil)) {
				t.Fatal("the refused update changed what waits")
			}
			break
		}
		if d.Pending() > 1000 {
			t.Fatalf("%d bytes wait", d.Pending())
		}
	}
	deletes := []byte{0, 1, 7, 200, 1}
	for i := range 200 {
		deletes = append(appendUint(deletes, uint64(i*2+1000)), 1)
	}
	refuse(t, NewLimited(9, Limits{Pending: 1000}), deletes, ErrLimit)
}

func TestUpdateSizeIsBounded(t *testing.T) {
	refuse(t, NewLimited(9, Limits{Update: 100}), crowd(50), ErrLimit)
}

// TestLiesAllocateNothing: counts and lengths beyond the input.
func TestLiesAllocateNothing(t *testing.T) {
	huge := appendUint(nil, maxUint)
	for name, update := range map[string][]byte{
		"clients":  append(append([]byte{}, huge...), 0),
		"structs":  append(append([]byte{1}, huge...), 1, 0, 0),
		"string":   append(append([]byte{1, 1, 1, 0, kindString, 1, 1, 't'}, huge...), 0),
		"values":   append(append([]byte{1, 1, 1, 0, kindAny, 1, 1, 't'}, huge...), 0),
		"list":     append(append([]byte{1, 1, 1, 0, kindAny, 1, 1, 't', 1, anyList}, huge...), 0),
		"object":   append(append([]byte{1, 1, 1, 0, kindAny, 1, 1, 't', 1, anyObject}, huge...), 0),
		"json":     append(append([]byte{1, 1, 1, 0, kindJSON, 1, 1, 't'}, huge...), 0),
		"deleters": append([]byte{0}, huge...),
		"deletes":  append([]byte{0, 1, 1}, huge...),
		"length":   append(append([]byte{1, 1, 1, 0, kindDeleted, 1, 1, 't'}, huge...), 0),
		"clock":    append(append([]byte{1, 1, 1}, huge...), kindString, 1, 1, 't', 1, 'x', 0),
		"number":   {1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
	} {
		t.Run(name, func(t *testing.T) {
			d := New(2)
			refuse(t, d, update, ErrInvalid)
			bytes := allocatedBy(func() { _ = d.Apply(update) })
			if bytes > 4096 {
				t.Fatalf("refusing %d bytes allocated %d", len(update), bytes)
			}
		})
	}
}

func allocatedBy(f func()) uint64 {
	var a, b runtime.MemStats
	runtime.ReadMemStats(&a)
	f()
	runtime.ReadMemStats(&b)
	return b.TotalAlloc - a.TotalAlloc
}

// TestImpossibleReferences: what no editor writes.
func TestImpossibleReferences(t *testing.T) {
	base := New(1)
	if err := errors.Join(base.Text("t").Insert(0, "ab"), base.Map("m").Set("k", Number(1)), base.Array("l").Insert(0, Number(1), Number(2))); err != nil {
		t.Fatal(err)
	}
	str := func(clock byte, head ...byte) []byte { // client 2
		return append(append([]byte{1, 1, 2, clock}, head...), 1, 'x', 0)
	}
	for name, update := range map[string][]byte{
		"itself":              str(0, bitOrigin|kindString, 2, 0),
		"its future":          str(0, bitRight|kindString, 2, 5),
		"itself as parent":    str(0, kindString, 0, 2, 0),
		"two lists":           str(0, bitOrigin|bitRight|kindString, 1, 0, 1, 3),
		"key and sequence":    str(0, bitOrigin|bitRight|kindString, 1, 2, 1, 0),
		"right before left":   str(0, bitOrigin|bitRight|kindString, 1, 1, 1, 0),
		"right is left":       str(0, bitOrigin|bitRight|kindString, 1, 1, 1, 1),
		"nothing on the left": str(0, bitRight|kindString, 1, 1),
		"a text as parent":    str(0, kindString, 0, 1, 0),
		"a number as parent":  str(0, kindString, 0, 1, 2),
		"two sections":        {2, 1, 2, 0, kindString, 1, 1, 't', 1, 'x', 1, 2, 1, kindString, 1, 1, 't', 1, 'x', 0},
		"no length":           {1, 1, 2, 0, kindString, 1, 1, 't', 0, 0},
		"unknown kind":        {1, 1, 2, 0, 11, 1, 1, 't', 1, 'x', 0},
		"unknown type":        {1, 1, 2, 0, kindType, 1, 1, 't', 7, 0},
		"more behind":         append(str(0, bitOrigin|kindString, 1, 1), 0),
		"not UTF-8":           {1, 1, 2, 0, kindString, 1, 1, 't', 1, 0xff, 0},
		"lone surrogate":      {1, 1, 2, 0, kindString, 1, 1, 't', 3, 0xed, 0xa0, 0x80, 0},
		"not JSON":            {1, 1, 2, 0, kindEmbed, 1, 1, 't', 1, '{', 0},
	} {
		t.Run(name, func(t *testing.T) { refuse(t, base.Clone(), update, ErrInvalid) })
	}
}

func TestOtherContentForKnownIDs(t *testing.T) {
	base := New(1)
	m := base.Map("m")
	n, err := m.SetText("text")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(base.Text("t").Insert(0, "ab🙂c"), m.Set("k", Number(1)), n.Insert(0, "x")); err != nil {
		t.Fatal(err)
	}
	honest := base.AppendState(nil)
	if err := base.Clone().Apply(honest); err != nil {
		t.Fatalf("the document's own state is refused: %v", err)
	}
	swap := func(old, new string) []byte {
		b := bytes.Replace(honest, []byte(old), []byte(new), 1)
		if bytes.Equal(b, honest) {
			t.Fatalf("no %q in the state", old)
		}
		return b
	}
	for name, update := range map[string][]byte{
		"other text":  swap("ab🙂c", "aX🙂c"),
		"other root":  swap("\x01t", "\x01u"),
		"other value": swap("\x7d\x01", "\x7d\x02"),
		"other key":   swap("\x01k", "\x01j"),
		"longer":      {1, 1, 1, 1, kindString, 1, 1, 't', 5, 'h', 'e', 'l', 'l', 'o', 0},
	} {
		t.Run(name, func(t *testing.T) { refuse(t, base.Clone(), update, ErrConflict) })
	}
}

// TestContinuationBesideOthers: a struct whose beginning is known goes on from its
// last known id. If what is there was put before something else, no editor wrote
// the struct, and a state that took it could not be read again.
func TestContinuationBesideOthers(t *testing.T) {
	d := New(1)
	if err := errors.Join(d.Text("t").Insert(0, "ab"), d.Text("t").Insert(1, "c")); err != nil {
		t.Fatal(err)
	}
	refuse(t, d, []byte{1, 1, 1, 0, kindDeleted, 1, 1, 't', 5, 0}, ErrInvalid)
	more := []byte{1, 1, 1, 2, bitOrigin | bitRight | kindString, 1, 0, 1, 1, 2, 'c', 'd', 0} // as the author typed on
	if err := d.Apply(more); err != nil {
		t.Fatal(err)
	}
	if err := New(2).Apply(d.AppendState(nil)); err != nil || d.Text("t").String() != "acdb" {
		t.Fatalf("%q, and its state: %v", d.Text("t").String(), err)
	}
}

// TestRefusedLate: an update that is refused at its very end has changed
// nothing, whatever it did before.
func TestRefusedLate(t *testing.T) {
	base := New(1)
	m, err := base.Map("m").SetMap("deep")
	if err != nil {
		t.Fatal(err)
	}
	text := base.Text("t")
	if err := errors.Join(m.Set("k", Number(1)), text.Insert(0, "a🙂b"), text.Format(0, 3, Attrs{{"bold", Bool(true)}})); err != nil {
		t.Fatal(err)
	}
	good := base.Clone()
	good.SetClient(3)
	vector := good.AppendStateVector(nil)
	good.Map("m").Delete("deep")
	if err := errors.Join(good.Text("t").Insert(1, "x"), good.Text("new").Insert(0, "y"), good.Map("m").Set("other", Null())); err != nil {
		t.Fatal(err)
	}
	update, err := good.AppendDiff(nil, vector)
	if err != nil {
		t.Fatal(err)
	}
	// The same update, with a section of a lower client that tears the pair
	// and then fails.
	// The pair has clocks 3 and 4; the map is at 0.
	bad := []byte{1, 2, 2, 0,
		bitOrigin | bitRight | kindString, 1, 3, 1, 4, 1, 'z',
		bitOrigin | bitRight | kindString, 1, 0, 1, 4, 1, 'z', 0}
	both, err := Merge(update, bad)
	if err != nil {
		t.Fatal(err)
	}
	refuse(t, base, both, ErrInvalid)
	if err := base.Apply(update); err != nil {
		t.Fatal(err)
	}
}

// TestStoreIsRewritten: inserting and deleting for ever does not grow.
func TestStoreIsRewritten(t *testing.T) {
	d := New(1)
	text := d.Text("t")
	if err := text.Insert(0, "keep"); err != nil {
		t.Fatal(err)
	}
	chunk := strings.Repeat("é", 5000)
	for range 200 {
		if err := errors.Join(text.Insert(2, chunk), text.Delete(2, 5000)); err != nil {
			t.Fatal(err)
		}
	}
	if n := cap(d.clients[0].bytes); n > 200_000 {
		t.Fatalf("the store has %d bytes", n)
	}
	if text.String() != "keep" {
		t.Fatalf("text is %q", text.String())
	}
	if err := d.Check(); err != nil {
		t.Fatal(err)
	}
}

// TestLongValueOfKey: a key's value of length above 1, which only the leftovers
// of an undo manager have, and an item that splits it.
func TestLongValueOfKey(t *testing.T) {
	long := []byte{1, 1, 1, 0, bitSub | kindAny, 1, 1, 'm', 1, 'k', 3, anyTrue, anyTrue, anyTrue, 0}
	for name, next := range map[string][]byte{
		"in place of it": {1, 1, 2, 0, bitOrigin | bitSub | kindAny, 1, 2, 1, anyFalse, 0},
		"inside of it":   {1, 1, 2, 0, bitOrigin | bitSub | kindAny, 1, 0, 1, anyFalse, 0},
	} {
		t.Run(name, func(t *testing.T) {
			d := New(9)
			if err := errors.Join(d.Apply(long), d.Apply(next), d.Check()); err != nil {
				t.Fatal(err)
			}
			e := New(8)
			if err := errors.Join(e.Apply(d.AppendState(nil)), e.Check()); err != nil {
				t.Fatal(err)
			}
			if a, b := d.AppendDigestInput(nil), e.AppendDigestInput(nil); !bytes.Equal(a, b) {
				t.Fatalf("digests differ:\n%q\n%q", a, b)
			}
			m, err := d.Map("n").SetMap("outer")
			if err != nil {
				t.Fatal(err)
			}
			_ = m
			d.Map("m").Delete("k")
			if err := d.Check(); err != nil {
				t.Fatal(err)
			}
		})
	}
}
