package cross

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/wavesiddhartha/flowsync"
	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/wire"
)

// kind is a stream of the worlds, with the ops that are made there.
type kind struct {
	stream  string
	rule    crdt.Rule
	options []flowsync.StreamOption
	op      func(r *rand.Rand, tag int) map[string]any
}

const ephemeral = "ephemeral"

var kinds = []kind{
	{"counter", flowsync.Counter, nil, func(r *rand.Rand, tag int) map[string]any {
		return map[string]any{"op": either(r, "increment", "decrement"), "amount": tag}
	}},
	{"full", flowsync.Counter, []flowsync.StreamOption{flowsync.Initial(overflowing)}, func(r *rand.Rand, tag int) map[string]any {
		return map[string]any{"op": "increment"}
	}},
	{"set", flowsync.Set, nil, element},
	{"orset", flowsync.ORSet, nil, element},
	{"map", flowsync.Map, nil, keyed},
	{"lww", flowsync.LWW, nil, func(r *rand.Rand, tag int) map[string]any {
		return map[string]any{"op": "set", "value": value(r, tag)}
	}},
	{"log", flowsync.Log, nil, func(r *rand.Rand, tag int) map[string]any {
		return map[string]any{"op": "append", "value": value(r, tag)}
	}},
	{ephemeral, flowsync.Ephemeral, nil, keyed},
}

// strange are texts that are easily spoilt on the way.
var strange = []string{"a", ":)", "é😀", `x"y\`, "", "__proto__", "10", "9", "\u2028</script>", "👩‍👩‍👧"}

func either[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

func element(r *rand.Rand, _ int) map[string]any {
	return map[string]any{"op": either(r, "add", "add", "remove"), "value": either(r, strange...)}
}

func keyed(r *rand.Rand, tag int) map[string]any {
	key := either(r, strange...)
	if r.IntN(4) == 0 {
		return map[string]any{"op": "delete", "key": key}
	}
	return map[string]any{"op": "set", "key": key, "value": value(r, tag)}
}

// value is a value that nothing else in the world has.
func value(r *rand.Rand, tag int) any {
	return map[string]any{"tag": tag, either(r, strange...): []any{either(r, strange...), r.Float64(), nil, r.IntN(2) == 0}}
}

// bad is an op that a hub refuses: no rule has it, or it is longer than the hub
// takes.
func bad(r *rand.Rand, tag int) map[string]any {
	if r.IntN(2) == 0 {
		return map[string]any{"op": "bump", "amount": tag}
	}
	return map[string]any{"op": either(r, "set", "append"), "value": strings.Repeat("x", entryBytes+tag)}
}

// entryBytes is how long an op may be.
const entryBytes = 2000

// encode writes an op as it is sent.
func encode(t *testing.T, op map[string]any) string {
	t.Helper()
	text, err := wire.MarshalOp(op)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
