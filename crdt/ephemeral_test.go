package crdt

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

func TestEphemeral(t *testing.T) {
	s := Ephemeral.New()
	apply := func(n uint64, hub, client, body string) {
		t.Helper()
		op := Op{Offset: n, Writer: Writer{client, hub}, Body: []byte(body)}
		if _, err := s.Check(op); err != nil {
			t.Fatal(err)
		}
		s.Apply(op)
	}
	expect := func(value, state string) {
		t.Helper()
		if got := string(s.AppendValue(nil)); got != value {
			t.Errorf("value %s, want %s", got, value)
		}
		if got := string(s.AppendState(nil)); got != state {
			t.Errorf("state %s, want %s", got, state)
		}
	}
	expect(`{}`, `{"keys":{},"v":1}`)
	apply(5, "h1", "alice", `{"key":"cursor:a","op":"set","value":[1,2]}`)
	apply(3, "h2", "bob", `{"key":"cursor:a","op":"set","value":"older"}`)
	expect(`{"cursor:a":[1,2]}`, `{"keys":{"cursor:a":[5,"h1","alice",[1,2]]},"v":1}`)
	apply(5, "h2", "bob", `{"key":"cursor:a","op":"set","value":"greater hub"}`)
	apply(5, "h1", "alice", `{"key":"cursor:a","op":"set","value":[1,2]}`) // again
	expect(`{"cursor:a":"greater hub"}`, `{"keys":{"cursor:a":[5,"h2","bob","greater hub"]},"v":1}`)
	apply(6, "h1", "bob", `{"key":"cursor:a","op":"delete"}`)
	expect(`{}`, `{"keys":{"cursor:a":[6,"h1","bob"]},"v":1}`)
	apply(4, "h9", "bob", `{"key":"cursor:a","op":"set","value":"late"}`)
	expect(`{}`, `{"keys":{"cursor:a":[6,"h1","bob"]},"v":1}`)
	apply(7, "h9", "bob", `{"key":"cursor:a","op":"set","value":"back"}`)
	expect(`{"cursor:a":"back"}`, `{"keys":{"cursor:a":[7,"h9","bob","back"]},"v":1}`)
}

// What is remembered of deleted keys is bounded: the least are forgotten, the
// same in any order.
func TestEphemeralForgets(t *testing.T) {
	up, down := Ephemeral.New(), Ephemeral.New()
	const n = maxDeleted + 100
	for i := range n {
		up.Apply(deleted(i + 1))
		down.Apply(deleted(n - i))
	}
	for _, s := range []State{up, down} {
		g := s.(*signals)
		if len(g.deleted) != maxDeleted || len(g.live) != 0 {
			t.Fatalf("%d live, %d deleted", len(g.live), len(g.deleted))
		}
		if _, ok := g.deleted["key 100"]; ok {
			t.Error("remembers an old delete")
		}
		if got := len(s.AppendState(nil)); got != s.Size() {
			t.Errorf("size %d, encoding %d", s.Size(), got)
		}
	}
	if Digest(up) != Digest(down) {
		t.Error("the order decides what is forgotten")
	}
}

func deleted(n int) Op {
	return Op{Offset: uint64(n), Writer: Writer{"alice", "h1"}, Body: fmt.Appendf(nil, `{"key":"key %d","op":"delete"}`, n)}
}

// Hubs tell each other over a bus that repeats and reorders: every order, with
// any repetition, gives the same state.
func TestEphemeralAnyOrder(t *testing.T) {
	for seed := range uint64(100) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 0))
			var ops []Op
			for n := range uint64(60) {
				w := Writer{pick(rng, "alice", "bob"), pick(rng, "h1", "h2", "h3")}
				ops = append(ops, Op{Offset: n/3 + 1, Writer: w, Body: []byte(randomOp(rng, Ephemeral))})
			}
			ops = distinctSignals(ops)
			first := Ephemeral.New()
			for _, op := range ops {
				first.Apply(op)
			}
			requireSound(t, Ephemeral, first)
			for range 5 {
				s := Ephemeral.New()
				again := append(ops[:len(ops):len(ops)], ops[rng.IntN(len(ops)):]...)
				rng.Shuffle(len(again), func(i, j int) { again[i], again[j] = again[j], again[i] })
				for _, op := range again {
					before := s.Size()
					grow, err := s.Check(op)
					s.Apply(op)
					if err == nil && s.Size() > before+max(grow, 0) {
						t.Fatalf("op %s: grew by %d, check said %d", op.Body, s.Size()-before, grow)
					}
				}
				if Digest(s) != Digest(first) {
					t.Fatalf("another order gives\n%s, want\n%s", s.AppendState(nil), first.AppendState(nil))
				}
			}
		})
	}
}

// distinctSignals drops ops that share (n, hub): a hub uses each n once.
func distinctSignals(ops []Op) []Op {
	type id struct {
		n   uint64
		hub string
	}
	seen := map[id]bool{}
	var kept []Op
	for _, op := range ops {
		if at := (id{op.Offset, op.Writer.Inc}); !seen[at] {
			seen[at] = true
			kept = append(kept, op)
		}
	}
	return kept
}
