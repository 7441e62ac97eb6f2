package crdt

import (
	"fmt"
	"strings"
	"testing"
)

func TestSet(t *testing.T) {
	h := newHistory(t, Set)
	h.value(`[]`).encoding(`{"live":[],"removed":[],"v":1}`)
	h.push(alice, `{"op":"add","value":"b"}`)
	h.push(bob, `{"op":"add","value":"a"}`)
	h.push(bob, `{"op":"add","value":"a"}`)
	h.push(bob, `{"op":"add","value":""}`)
	h.value(`["","a","b"]`)
	h.push(alice, `{"op":"remove","value":"a"}`)
	h.push(alice, `{"op":"remove","value":"a"}`)
	h.push(alice, `{"op":"remove","value":"never"}`)
	h.value(`["","b"]`).encoding(`{"live":["","b"],"removed":["a"],"v":1}`)
	h.refuse(alice, RemovedForever, `{"op":"add","value":"a"}`)
	h.push(alice, `{"op":"add","value":"never"}`)
	h.value(`["","b","never"]`)
}

// The order is that of JavaScript: an emoji begins with a surrogate and comes
// before U+FB00, though its code point is greater.
func TestSetOrderAndEscapes(t *testing.T) {
	for _, rule := range []Rule{Set, ORSet} {
		h := newHistory(t, rule)
		for _, s := range []string{"\ufb00", "\U0001F600", "\u20ac", "\u00f6", "1", `\r`, "\u0080", `\u0001`, `\"`, `\\`, "__proto__", "\u2028"} {
			h.push(alice, `{"op":"add","value":"`+s+`"}`)
		}
		h.value(`["\u0001","\r","\"","1","\\","__proto__","` + "\u0080\",\"\u00f6\",\"\u2028\",\"\u20ac\",\"\U0001F600\",\"\ufb00" + `"]`)
	}
}

func TestSetRefuses(t *testing.T) {
	for _, rule := range []Rule{Set, ORSet} {
		h := newHistory(t, rule)
		for _, op := range []string{"add", "remove"} {
			h.refuse(alice, BadOp, `{"op":"`+op+`"}`)
			h.refuse(alice, BadOp, `{"op":"`+op+`","value":1}`)
			h.refuse(alice, BadOp, `{"op":"`+op+`","value":null}`)
			h.refuse(alice, BadOp, `{"key":"k","op":"`+op+`","value":"v"}`)
			h.refuse(alice, BadOp, `{"op":"`+op+`","value":"\ud83d"}`)
			h.refuse(alice, BadOp, `{"op":"`+op+`","value":"\u0041"}`)
			h.refuse(alice, BadOp, `{"op":"`+op+`","value":"`+"\xff"+`"}`)
			h.refuse(alice, TooLarge, `{"op":"`+op+`","value":"`+strings.Repeat("é", MaxElement/2)+`x"}`)
		}
		h.push(alice, `{"op":"add","value":"`+strings.Repeat("é", MaxElement/2)+`"}`)
		h.push(alice, `{"op":"add","value":"`+strings.Repeat(`\u0001`, MaxElement)+`"}`)
		h.refuse(alice, WrongRule, `{"op":"increment"}`)
		h.refuse(alice, WrongRule, `{"op":"set","value":1}`)
		h.refuse(alice, BadOp, `{"op":"clear"}`)
	}
}

func TestSetInitial(t *testing.T) {
	h := newHistory(t, Set)
	h.push(hub("initial"), `{"op":"initial","value":["b","a","b"]}`)
	h.value(`["a","b"]`).encoding(`{"live":["a","b"],"removed":[],"v":1}`)

	h = newHistory(t, ORSet)
	h.push(hub("initial"), `{"op":"initial","value":["b","a","b"]}`)
	h.value(`["a","b"]`).encoding(`{"adds":{"a":[[1,"hub:initial","h1"]],"b":[[1,"hub:initial","h1"]]},"v":1}`)

	for _, rule := range []Rule{Set, ORSet} {
		for _, bad := range []string{`1`, `"a"`, `[1]`, `["a",null]`, `{}`, `null`} {
			newHistory(t, rule).refuse(hub("initial"), BadOp, `{"op":"initial","value":`+bad+`}`)
		}
		newHistory(t, rule).refuse(hub("initial"), TooLarge, `{"op":"initial","value":["`+strings.Repeat("x", MaxElement+1)+`"]}`)
		newHistory(t, rule).refuse(hub("initial"), StreamFull, `{"op":"initial","value":[`+strings.Repeat(`"x",`, MaxElements)+`"x"]}`)
		newHistory(t, rule).refuse(alice, BadOp, `{"op":"initial","value":[]}`)
	}
}

func TestSetFull(t *testing.T) {
	var elements []string
	for i := range MaxElements {
		elements = append(elements, fmt.Sprintf(`"%d"`, i))
	}
	initial := `{"op":"initial","value":[` + strings.Join(elements, ",") + `]}`
	for _, rule := range []Rule{Set, ORSet} {
		h := newHistory(t, rule)
		h.push(hub("initial"), initial)
		h.refuse(alice, StreamFull, `{"op":"add","value":"one more"}`)
		h.push(alice, `{"op":"add","value":"7"}`) // is there already
		h.push(alice, `{"op":"remove","value":"8"}`)
		if rule == Set { // which keeps what was removed
			h.refuse(alice, StreamFull, `{"op":"add","value":"one more"}`)
		} else {
			h.push(alice, `{"op":"add","value":"one more"}`)
			h.refuse(alice, StreamFull, `{"op":"add","value":"two more"}`)
		}
		if _, err := rule.Decode(h.state.AppendState(nil)); err != nil {
			t.Errorf("%s: decode of a full set: %v", rule.Name(), err)
		}
	}
}

func TestORSetAddWins(t *testing.T) {
	h := newHistory(t, ORSet)
	h.push(alice, `{"op":"add","value":"x"}`) // 1
	h.push(bob, `{"op":"add","value":"x"}`)   // 2
	h.encoding(`{"adds":{"x":[[1,"alice","a1"],[2,"bob","b1"]]},"v":1}`)

	// Carol saw the first add only: the second survives.
	h.pushAt(Writer{"carol", "c1"}, 1, `{"op":"remove","value":"x"}`)
	h.value(`["x"]`).encoding(`{"adds":{"x":[[2,"bob","b1"]]},"v":1}`)

	// Bob removes his own add although its offset is beyond his at.
	h.pushAt(bob, 1, `{"op":"remove","value":"x"}`)
	h.value(`[]`).encoding(`{"adds":{},"v":1}`)

	// And what was removed may return.
	h.push(alice, `{"op":"add","value":"x"}`)
	h.push(alice, `{"op":"add","value":"x"}`)
	h.encoding(`{"adds":{"x":[[6,"alice","a1"]]},"v":1}`)
	h.pushAt(Writer{"alice", "a2"}, 4, `{"op":"remove","value":"x"}`) // another incarnation did not see it
	h.value(`["x"]`)
	h.push(Writer{"carol", "c1"}, `{"op":"remove","value":"x"}`)
	h.push(Writer{"carol", "c1"}, `{"op":"remove","value":"x"}`)
	h.value(`[]`)
}
