package crdt

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestMergeLaws: a merge is a join. Replicas that never met a hub end equal in
// whatever order they meet each other.
func TestMergeLaws(t *testing.T) {
	for _, rule := range []Builtin{Counter, Set} {
		for seed := range uint64(100) {
			t.Run(fmt.Sprintf("%s/seed=%d", rule, seed), func(t *testing.T) {
				rng := rand.New(rand.NewPCG(seed, 0))
				a, b, c := apart(rng, rule, 0), apart(rng, rule, 1), apart(rng, rule, 2)
				before := string(a.AppendState(nil))
				ab, bc := merge(t, a, b), merge(t, b, c)
				requireDigest(t, "a+b = b+a", ab, merge(t, b, a))
				requireDigest(t, "(a+b)+c = a+(b+c)", merge(t, ab, c), merge(t, a, bc))
				requireDigest(t, "a+a = a", merge(t, a, a), a)
				requireDigest(t, "(a+b)+b = a+b", merge(t, ab, b), ab)
				requireDigest(t, "a+0 = a", merge(t, a, rule.New()), a)
				requireSound(t, rule, merge(t, ab, c))
				if string(a.AppendState(nil)) != before {
					t.Error("merge changed its argument")
				}
			})
		}
	}
}

// apart is the state of a replica with clients of its own, alone but for one
// client that it shares with the others and saw to some point.
func apart(rng *rand.Rand, rule Builtin, replica int) State {
	s := rule.New()
	shared := rand.New(rand.NewPCG(99, 0))
	for seq := range rng.Uint64N(10) {
		s.Apply(Op{Offset: seq + 1, Writer: Writer{"shared", "i"}, Seq: seq + 1, Body: []byte(randomOp(shared, rule))})
	}
	for seq := range uint64(20) {
		w := Writer{fmt.Sprintf("own-%d", replica), "i"}
		s.Apply(Op{Offset: seq + 20, Writer: w, Seq: seq + 1, Body: []byte(randomOp(rng, rule))})
	}
	return s
}

// Increments that were made apart all count after a merge, once.
func TestMergeCounts(t *testing.T) {
	a := newHistory(t, Counter).push(alice, `{"amount":5,"op":"increment"}`)
	b := newHistory(t, Counter).push(bob, `{"amount":3,"op":"decrement"}`)
	m := merge(t, merge(t, a.state, b.state), a.state)
	if got := string(m.AppendValue(nil)); got != "2" {
		t.Errorf("value %s, want 2", got)
	}
	a = newHistory(t, Set).push(alice, `{"op":"add","value":"x"}`).push(alice, `{"op":"remove","value":"x"}`)
	b = newHistory(t, Set).push(bob, `{"op":"add","value":"x"}`).push(bob, `{"op":"add","value":"y"}`)
	m = merge(t, a.state, b.state)
	if got := string(m.AppendState(nil)); got != `{"live":["y"],"removed":["x"],"v":1}` {
		t.Errorf("state %s", got)
	}
}

func TestMergeRefuses(t *testing.T) {
	most := func(client string) State {
		return newHistory(t, Counter).push(hub("initial"), `{"op":"initial","value":{"increments":{"`+client+`":"99999999999999999999999999999999999999"}}}`).state
	}
	folded := newHistory(t, Counter).push(alice, `{"op":"increment"}`).push(hub("fold"), `{"clients":["alice"],"op":"fold"}`).state
	full := func(prefix string) State {
		s := newTwoPhaseSet()
		for i := range MaxElements/2 + 1 {
			s.add(fmt.Append(nil, prefix, i))
		}
		return s
	}
	for _, c := range []struct {
		a, b State
		want error
	}{
		{Counter.New(), Set.New(), ErrNoMerge},
		{Set.New(), Counter.New(), ErrNoMerge},
		{LWW.New(), LWW.New(), ErrNoMerge},
		{ORSet.New(), ORSet.New(), ErrNoMerge},
		{Counter.New(), folded, ErrFolded},
		{most("a"), most("b"), ErrMergeFull},
		{full("a"), full("b"), ErrMergeFull},
	} {
		if _, err := Merge(c.a, c.b); !errors.Is(err, c.want) {
			t.Errorf("got %v, want %v", err, c.want)
		}
	}
}

func merge(t *testing.T, a, b State) State {
	t.Helper()
	m, err := Merge(a, b)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func requireDigest(t *testing.T, law string, a, b State) {
	t.Helper()
	if Digest(a) != Digest(b) {
		t.Errorf("%s:\n%s\n%s", law, a.AppendState(nil), b.AppendState(nil))
	}
}
