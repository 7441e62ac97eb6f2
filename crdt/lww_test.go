package crdt

import (
	"strings"
	"testing"
)

func TestLWW(t *testing.T) {
	h := newHistory(t, LWW)
	h.value(`null`).encoding(`{"v":1}`)
	h.pushAt(alice, 0, `{"op":"set","value":{"a":[1,"two",null]}}`)
	h.value(`{"a":[1,"two",null]}`).encoding(`{"stamp":[0,"alice","a1",1],"v":1,"value":{"a":[1,"two",null]}}`)
	h.pushAt(bob, 0, `{"op":"set","value":"bob"}`) // same at: the greater client
	h.value(`"bob"`)
	h.pushAt(alice, 0, `{"op":"set","value":"alice"}`)
	h.value(`"bob"`)
	h.pushAt(alice, 2, `{"op":"set","value":"alice knew more"}`)
	h.value(`"alice knew more"`)
	h.pushAt(bob, 1, `{"op":"set","value":"bob knew less"}`)
	h.value(`"alice knew more"`)
	h.pushAt(alice, 2, `{"op":"set","value":null}`) // her next one
	h.value(`null`).encoding(`{"stamp":[2,"alice","a1",4],"v":1,"value":null}`)
	h.pushAt(Writer{"alice", "a2"}, 2, `{"op":"set","value":"newer incarnation"}`)
	h.value(`"newer incarnation"`)
}

// An initial value loses against every write, also of a client that was offline
// from the start and whose id sorts before the hub's.
func TestInitialLosesAgainstEveryWrite(t *testing.T) {
	h := newHistory(t, LWW)
	h.push(hub("initial"), `{"op":"initial","value":"first"}`)
	h.value(`"first"`).encoding(`{"stamp":[0,"","",0],"v":1,"value":"first"}`)
	h.pushAt(alice, 0, `{"op":"set","value":"alice"}`)
	h.value(`"alice"`)

	h = newHistory(t, Map)
	h.push(hub("initial"), `{"op":"initial","value":{"k":1,"l":2}}`)
	h.value(`{"k":1,"l":2}`).encoding(`{"keys":{"k":[0,"","",0,1],"l":[0,"","",0,2]},"v":1}`)
	h.pushAt(alice, 0, `{"key":"k","op":"set","value":"alice"}`)
	h.pushAt(alice, 0, `{"key":"l","op":"delete"}`)
	h.value(`{"k":"alice"}`)
}

func TestMap(t *testing.T) {
	h := newHistory(t, Map)
	h.value(`{}`).encoding(`{"keys":{},"v":1}`)
	h.push(alice, `{"key":"k","op":"delete"}`) // never set: nothing to remember
	h.encoding(`{"keys":{},"v":1}`)
	h.push(alice, `{"key":"k","op":"set","value":1}`)
	h.push(bob, `{"key":"__proto__","op":"set","value":{"x":true}}`)
	h.value(`{"__proto__":{"x":true},"k":1}`)
	h.pushAt(bob, 3, `{"key":"k","op":"delete"}`)
	h.value(`{"__proto__":{"x":true}}`)
	h.encoding(`{"keys":{"__proto__":[2,"bob","b1",1,{"x":true}],"k":[3,"bob","b1",2]},"v":1}`)
	h.pushAt(alice, 2, `{"key":"k","op":"set","value":"knew less"}`)
	h.value(`{"__proto__":{"x":true}}`)
	h.pushAt(alice, 5, `{"key":"k","op":"delete"}`) // a later delete takes over the stamp
	h.pushAt(bob, 4, `{"key":"k","op":"set","value":"knew less"}`)
	h.value(`{"__proto__":{"x":true}}`)
	h.pushAt(bob, 6, `{"key":"k","op":"set","value":[]}`)
	h.value(`{"__proto__":{"x":true},"k":[]}`)
}

func TestWritesRefuse(t *testing.T) {
	h := newHistory(t, LWW)
	h.refuse(alice, BadOp, `{"op":"set"}`)
	h.refuse(alice, BadOp, `{"key":"k","op":"set","value":1}`)
	h.refuse(alice, WrongRule, `{"key":"k","op":"delete"}`)
	h.refuse(alice, BadOp, `{"op":"initial","value":1}`)
	h.refuse(hub("initial"), BadOp, `{"op":"initial"}`)
	h.refuse(alice, WrongRule, `{"op":"append","value":1}`)
	for _, rule := range []Rule{Map, Ephemeral} {
		h := newHistory(t, rule)
		h.refuse(alice, BadOp, `{"op":"set","value":1}`)
		h.refuse(alice, BadOp, `{"key":1,"op":"set","value":1}`)
		h.refuse(alice, BadOp, `{"key":"k","op":"set"}`)
		h.refuse(alice, BadOp, `{"key":"k","op":"delete","value":1}`)
		h.refuse(alice, BadOp, `{"count":2,"op":"delete","pos":3}`)
		h.refuse(alice, BadOp, `{"key":"k","op":"set","ttl":1,"value":1}`)
		h.refuse(alice, WrongRule, `{"op":"increment"}`)
		h.refuse(alice, TooLarge, `{"key":"`+strings.Repeat("k", MaxElement+1)+`","op":"set","value":1}`)
		h.refuse(alice, TooLarge, `{"key":"`+strings.Repeat("k", MaxElement+1)+`","op":"delete"}`)
	}
	for _, bad := range []string{`1`, `[]`, `"x"`, `null`} {
		newHistory(t, Map).refuse(hub("initial"), BadOp, `{"op":"initial","value":`+bad+`}`)
	}
	newHistory(t, Map).refuse(hub("initial"), TooLarge, `{"op":"initial","value":{"`+strings.Repeat("k", MaxElement+1)+`":1}}`)
	newHistory(t, Ephemeral).refuse(hub("initial"), WrongRule, `{"op":"initial","value":{}}`)
}

// A value as deep as an op may have it is still readable in a state.
func TestDepth(t *testing.T) {
	deepest := strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth)
	for rule, body := range map[Builtin]string{
		LWW:       `{"op":"set","value":%}`,
		Map:       `{"key":"k","op":"set","value":%}`,
		Log:       `{"op":"append","value":%}`,
		Ephemeral: `{"key":"k","op":"set","value":%}`,
	} {
		h := newHistory(t, rule)
		h.push(alice, strings.ReplaceAll(body, "%", deepest))
		if _, err := rule.Decode(h.state.AppendState(nil)); err != nil {
			t.Errorf("%s: %v", rule, err)
		}
		h.refuse(alice, BadOp, strings.ReplaceAll(body, "%", "["+deepest+"]"))
		h.refuse(alice, BadOp, strings.ReplaceAll(body, "%", strings.Repeat("[", 1<<20)))
	}
}
