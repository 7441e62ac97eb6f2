package crdt

import (
	"strings"
	"testing"
)

func TestLookup(t *testing.T) {
	for _, rule := range builtins {
		found, ok := Lookup(rule.Name())
		if !ok || found != Rule(rule) {
			t.Errorf("lookup of %s: %v %v", rule, found, ok)
		}
	}
	for _, name := range []string{"", "counter", "CRDT-COUNTER", "crdt-counter "} {
		if _, ok := Lookup(name); ok {
			t.Errorf("found %q", name)
		}
	}
	if _, err := Builtin("other").Decode([]byte(`{"v":1}`)); err == nil {
		t.Error("decoded with no rule")
	}
	defer func() {
		if recover() == nil {
			t.Error("made a state of no rule")
		}
	}()
	Builtin("other").New()
}

func TestIsHub(t *testing.T) {
	for client, want := range map[string]bool{"hub:initial": true, "hub:": true, "hub": false, "http:hub:": false, "alice": false, "": false, "Hub:x": false} {
		if got := (Writer{Client: client}).IsHub(); got != want {
			t.Errorf("%q: %v", client, got)
		}
	}
}

// What is wrong whatever the rule: bodies that are no op, and ops that no state
// could write down.
func TestEveryRuleRefuses(t *testing.T) {
	good := map[Builtin]string{
		Counter: `{"op":"increment"}`, Set: `{"op":"add","value":"x"}`, ORSet: `{"op":"add","value":"x"}`,
		Map: `{"key":"k","op":"set","value":1}`, LWW: `{"op":"set","value":1}`, Log: `{"op":"append","value":1}`,
		Ephemeral: `{"key":"k","op":"set","value":1}`,
	}
	for _, rule := range builtins {
		h := newHistory(t, rule)
		for _, body := range []string{
			``, ` `, `null`, `1`, `"op"`, `[]`, `{}`, `{"op"}`, `{"op":}`, `{"op":1}`, `{"op":null}`, `{"op":"`, `{"op":""}`, `{"OP":"x"}`,
			`{"value":1}`, `{"op":"x","op":"y"}`, `{"\u006fp":"increment"}`,
			`{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"op":"increment"}`,
			" " + good[rule], good[rule] + " ", good[rule] + good[rule], good[rule][:len(good[rule])-1], strings.Replace(good[rule], ":", ": ", 1),
			strings.ToUpper(good[rule]),
		} {
			h.refuse(alice, BadOp, body)
		}
		for name, change := range map[string]func(*Op){
			"offset 0":        func(op *Op) { op.Offset = 0 },
			"offset 2^53":     func(op *Op) { op.Offset = maxInteger + 1 },
			"at 2^53":         func(op *Op) { op.At = maxInteger + 1 },
			"seq 2^53":        func(op *Op) { op.Seq = maxInteger + 1 },
			"client not UTF8": func(op *Op) { op.Writer.Client = "\xff" },
			"inc not UTF8":    func(op *Op) { op.Writer.Inc = "\xff" },
			"client long":     func(op *Op) { op.Writer.Client = strings.Repeat("x", maxID+1) },
			"inc long":        func(op *Op) { op.Writer.Inc = strings.Repeat("x", maxID+1) },
		} {
			op := h.op(alice, 0, good[rule])
			change(&op)
			if _, err := h.state.Check(op); codeOf(err) != BadOp {
				t.Errorf("%s: %s: %v", rule, name, err)
			}
			h.state.Apply(op)
			if Digest(h.state) != Digest(rule.New()) {
				t.Errorf("%s: %s: has an effect", rule, name)
			}
		}
		h.push(alice, good[rule])
		if Digest(h.state) == Digest(rule.New()) {
			t.Errorf("%s: %s has no effect", rule, good[rule])
		}
	}
}

// An op at an offset that was applied already would break the order that
// encodings promise.
func TestOrderedRulesRefuseOldOffsets(t *testing.T) {
	for rule, body := range map[Builtin]string{Log: `{"op":"append","value":1}`, ORSet: `{"op":"add","value":"x"}`} {
		h := newHistory(t, rule).push(alice, body).push(alice, body)
		h.head = 1
		h.refuse(bob, BadOp, body)
		h.head = 0
		h.refuse(bob, BadOp, body)
	}
}

// No message of a refusal repeats what was sent.
func TestRefusalsKeepSecrets(t *testing.T) {
	for _, rule := range builtins {
		for _, body := range []string{`{"op":"hunter2"}`, `{"amount":"hunter2","op":"increment"}`, `{"hunter2":1,"op":"set"}`, `{"op":"add","value":["hunter2"]}`, `hunter2`} {
			_, err := rule.New().Check(Op{Offset: 1, Writer: alice, Seq: 1, Body: []byte(body)})
			if err == nil || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s: %v", rule, err)
			}
		}
	}
}
