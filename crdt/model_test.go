package crdt

import (
	"cmp"
	"encoding/json"
	"math/big"
	"reflect"
	"slices"
	"testing"
	"unicode/utf16"
)

// requireModel replays a log by the words of docs/protocol.md, slowly and with
// the standard library's JSON, and requires the same value. Every op of the log
// was accepted.
func requireModel(t *testing.T, rule Builtin, s State, log []Op) {
	t.Helper()
	bodies := make([]body, len(log))
	for i, op := range log {
		if err := json.Unmarshal(op.Body, &bodies[i]); err != nil {
			t.Fatalf("op %s: %v", op.Body, err)
		}
	}
	var want any
	switch rule {
	case Counter:
		want = modelCounter(bodies)
	case Set:
		want = modelSet(bodies)
	case ORSet:
		want = modelORSet(log, bodies)
	case LWW:
		want = modelLWW(log, bodies)
	case Map:
		want = modelMap(log, bodies)
	case Log:
		want = modelLog(bodies)
	}
	var got any
	if err := json.Unmarshal(s.AppendValue(nil), &got); err != nil {
		t.Fatal(err)
	}
	if rule == Counter {
		got = string(s.AppendValue(nil))
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: value\n%v, the model has\n%v", rule, got, want)
	}
}

type body struct {
	Op     string
	Amount *int64
	Key    string
	Value  any
	Before int
	Offset int
	Keep   int
}

func modelCounter(log []body) string {
	sum := new(big.Int)
	add := func(sign int64, v any) {
		n, ok := new(big.Int), true
		switch v := v.(type) {
		case float64:
			n.SetInt64(int64(v))
		case string:
			n, ok = n.SetString(v, 10)
		}
		if !ok {
			panic("no amount")
		}
		sum.Add(sum, n.Mul(n, big.NewInt(sign)))
	}
	for _, b := range log {
		amount := any(1.0)
		if b.Amount != nil {
			amount = float64(*b.Amount)
		}
		switch b.Op {
		case "increment":
			add(1, amount)
		case "decrement":
			add(-1, amount)
		case "initial":
			sides, ok := b.Value.(map[string]any)
			if !ok {
				add(1, b.Value)
				continue
			}
			for _, v := range sides["increments"].(map[string]any) {
				add(1, v)
			}
			for _, v := range sides["decrements"].(map[string]any) {
				add(-1, v)
			}
		}
	}
	if sum.CmpAbs(big.NewInt(maxInteger)) > 0 {
		return `"` + sum.String() + `"`
	}
	return sum.String()
}

func modelSet(log []body) any {
	live, removed := map[string]bool{}, map[string]bool{}
	for _, b := range log {
		switch b.Op {
		case "initial":
			for _, v := range b.Value.([]any) {
				live[v.(string)] = true
			}
		case "add":
			if removed[b.Value.(string)] {
				panic("the log adds what was removed")
			}
			live[b.Value.(string)] = true
		case "remove":
			if v := b.Value.(string); live[v] {
				delete(live, v)
				removed[v] = true
			}
		}
	}
	return sorted(live)
}

// modelORSet keeps every add as a tag of its own and what each remove observed.
func modelORSet(log []Op, bodies []body) any {
	type tag struct {
		element string
		op      Op
	}
	var tags []tag
	for i, b := range bodies {
		switch b.Op {
		case "initial":
			for _, v := range b.Value.([]any) {
				tags = append(tags, tag{v.(string), log[i]})
			}
		case "add":
			tags = append(tags, tag{b.Value.(string), log[i]})
		case "remove":
			tags = slices.DeleteFunc(tags, func(t tag) bool {
				observed := t.op.Offset <= log[i].At || t.op.Writer == log[i].Writer
				return t.element == b.Value.(string) && observed
			})
		}
	}
	live := map[string]bool{}
	for _, t := range tags {
		live[t.element] = true
	}
	return sorted(live)
}

func sorted(set map[string]bool) any {
	list := []any{}
	for s := range set {
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b any) int {
		return slices.Compare(utf16.Encode([]rune(a.(string))), utf16.Encode([]rune(b.(string))))
	})
	return list
}

// greater reports whether write a wins over write b.
func greater(a, b Op) bool {
	return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Writer.Client, b.Writer.Client),
		cmp.Compare(a.Writer.Inc, b.Writer.Inc), cmp.Compare(a.Seq, b.Seq)) > 0
}

// modelLWW looks for the greatest write; the order of the log is no matter.
func modelLWW(log []Op, bodies []body) any {
	var value any
	var best Op
	for i, b := range bodies {
		if b.Op == "initial" && best.Body == nil {
			value = b.Value
		}
		if b.Op == "set" && (best.Body == nil || greater(log[i], best)) {
			value, best = b.Value, log[i]
		}
	}
	return value
}

func modelMap(log []Op, bodies []body) any {
	value, best := map[string]any{}, map[string]Op{}
	for i, b := range bodies {
		if b.Op == "initial" {
			for k, v := range b.Value.(map[string]any) {
				value[k], best[k] = v, Op{}
			}
			continue
		}
		last, ok := best[b.Key]
		if !ok && b.Op == "delete" || ok && !greater(log[i], last) {
			continue
		}
		best[b.Key] = log[i]
		if b.Op == "set" {
			value[b.Key] = b.Value
		} else {
			delete(value, b.Key)
		}
	}
	return value
}

func modelLog(log []body) any {
	type entry struct {
		off   int
		value any
	}
	var entries []entry
	keep := 1000
	for i, b := range log {
		switch b.Op {
		case "initial":
			for _, v := range b.Value.([]any) {
				entries = append(entries, entry{1, v})
			}
		case "append":
			entries = append(entries, entry{i + 1, b.Value})
		case "trim":
			entries = slices.DeleteFunc(entries, func(e entry) bool { return e.off < b.Before })
		case "redact":
			entries = slices.DeleteFunc(entries, func(e entry) bool { return e.off == b.Offset })
		case "options":
			keep = b.Keep
		}
		entries = entries[max(len(entries)-keep, 0):]
	}
	values := []any{}
	for _, e := range entries {
		values = append(values, e.value)
	}
	return values
}
