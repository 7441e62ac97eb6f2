package ref

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"math"
	"reflect"
	"testing"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/wire"
)

// local is a stream without hub or node: ops are checked and applied at once.
type local struct {
	state crdt.State
	n     uint64
}

func (l *local) Push(_ context.Context, _ string, op any) error {
	body, err := wire.Marshal(op)
	if err != nil {
		return err
	}
	l.n++
	o := crdt.Op{Offset: l.n, At: l.n - 1, Writer: crdt.Writer{Client: "a", Inc: "0000000000000001"}, Seq: l.n, Body: body}
	if _, err := l.state.Check(o); err != nil {
		return err
	}
	l.state.Apply(o)
	return nil
}

func (l *local) Get(context.Context, string) (json.RawMessage, error) {
	return l.state.AppendValue(nil), nil
}

func (l *local) Watch(ctx context.Context, name string) iter.Seq2[json.RawMessage, error] {
	return func(yield func(json.RawMessage, error) bool) {
		v, _ := l.Get(ctx, name)
		if yield(v, nil) {
			yield(nil, errors.New("the end"))
		}
	}
}

func on(rule crdt.Rule) *local { return &local{state: rule.New()} }

func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestCounter(t *testing.T) {
	ctx := t.Context()
	c := NewCounter(on(crdt.Counter), "n")
	must(t, c.Add(ctx, 5), c.Add(ctx, -7), c.Add(ctx, 0))
	if v, err := c.Value(ctx); v != -2 || err != nil {
		t.Fatalf("value %d, %v", v, err)
	}
	if err := c.Add(ctx, math.MinInt64); err == nil {
		t.Fatal("an amount beyond 2^53-1 was taken")
	}
	for range 1100 {
		must(t, c.Add(ctx, maxAmount))
	}
	if _, err := c.Value(ctx); err == nil {
		t.Fatal("a sum beyond int64 was returned")
	}
	b, err := c.Big(ctx)
	if err != nil || b.String() != "9907919180215090098" {
		t.Fatalf("sum %v, %v", b, err)
	}
	if _, err := NewCounter(on(crdt.Set), "s").Value(ctx); err == nil {
		t.Fatal("a set was read as a counter")
	}
}

func TestSet(t *testing.T) {
	ctx := t.Context()
	for _, rule := range []crdt.Rule{crdt.Set, crdt.ORSet} {
		s := NewSet(on(rule), "s")
		must(t, s.Add(ctx, "b"), s.Add(ctx, "a"), s.Add(ctx, "c"), s.Remove(ctx, "c"))
		if v, err := s.Values(ctx); !reflect.DeepEqual(v, []string{"a", "b"}) || err != nil {
			t.Fatalf("values %q, %v", v, err)
		}
		in, err := s.Has(ctx, "a")
		out, err2 := s.Has(ctx, "c")
		if must(t, err, err2); !in || out {
			t.Fatalf("has a: %v, c: %v", in, out)
		}
	}
}

func TestRegister(t *testing.T) {
	ctx := t.Context()
	r := NewRegister(on(crdt.LWW), "r")
	v := struct{ X int }{X: 1}
	must(t, r.Get(ctx, &v))
	if v.X != 1 {
		t.Fatal("null changed the value")
	}
	must(t, r.Set(ctx, struct{ X int }{X: 2}), r.Get(ctx, &v))
	if v.X != 2 {
		t.Fatalf("read %d", v.X)
	}
	var s string
	if err := r.Get(ctx, &s); err == nil {
		t.Fatal("an object was read as a string")
	}
}

func TestMap(t *testing.T) {
	ctx := t.Context()
	m := NewMap(on(crdt.Map), "m")
	must(t, m.Set(ctx, "a", 1), m.Set(ctx, "b", "x"), m.Delete(ctx, "b"))
	var n int
	if ok, err := m.Get(ctx, "a", &n); !ok || n != 1 || err != nil {
		t.Fatalf("%v %d %v", ok, n, err)
	}
	if ok, err := m.Get(ctx, "b", &n); ok || err != nil {
		t.Fatalf("%v %v", ok, err)
	}
	if all, err := m.All(ctx); len(all) != 1 || string(all["a"]) != "1" || err != nil {
		t.Fatalf("%v %v", all, err)
	}
}

func TestLog(t *testing.T) {
	ctx := t.Context()
	l := NewLog(on(crdt.Log), "l")
	must(t, l.Append(ctx, "one"), l.Append(ctx, 2))
	if e, err := l.Entries(ctx); len(e) != 2 || string(e[0]) != `"one"` || string(e[1]) != "2" || err != nil {
		t.Fatalf("%s %v", e, err)
	}
}

// A watch yields parsed values and ends with the first error.
func TestWatch(t *testing.T) {
	ctx := t.Context()
	c := NewCounter(on(crdt.Counter), "n")
	must(t, c.Add(ctx, 3))
	var got []int64
	var last error
	for v, err := range c.Watch(ctx) {
		got, last = append(got, v), err
	}
	if !reflect.DeepEqual(got, []int64{3, 0}) || last == nil {
		t.Fatalf("%v, %v", got, last)
	}
	for range NewSet(on(crdt.Set), "s").Watch(ctx) {
		break
	}
	n := 0
	for _, err := range NewCounter(on(crdt.Set), "s").Watch(ctx) {
		if n++; err == nil {
			t.Fatal("a set was watched as a counter")
		}
	}
	if n != 1 {
		t.Fatalf("went on for %d values after an error", n)
	}
}
