package crdt

import (
	"strings"
	"testing"
)

func TestCounter(t *testing.T) {
	h := newHistory(t, Counter)
	h.value(`0`).encoding(`{"base":["0","0"],"dec":{},"inc":{},"v":1}`)
	h.push(alice, `{"amount":5,"op":"increment"}`)
	h.push(bob, `{"op":"decrement"}`)
	h.push(Writer{"alice", "a2"}, `{"amount":7,"op":"increment"}`)
	h.value(`11`).encoding(`{"base":["0","0"],"dec":{"bob":"1"},"inc":{"alice":"12"},"v":1}`)
	h.push(bob, `{"amount":9007199254740991,"op":"decrement"}`)
	h.value(`-9007199254740980`)
	h.push(bob, `{"amount":11,"op":"decrement"}`)
	h.value(`-9007199254740991`)
	h.push(bob, `{"op":"decrement"}`)
	h.value(`"-9007199254740992"`)
}

func TestCounterRefuses(t *testing.T) {
	h := newHistory(t, Counter)
	for _, amount := range []string{`0`, `-1`, `1.5`, `"5"`, `9007199254740992`, `1e3`, `1e+21`, `null`, `[1]`, `05`, `NaN`, ``} {
		h.refuse(alice, BadOp, `{"amount":`+amount+`,"op":"increment"}`)
		h.refuse(alice, BadOp, `{"amount":`+amount+`,"op":"decrement"}`)
	}
	h.refuse(alice, BadOp, `{"Amount":1,"op":"increment"}`)
	h.refuse(alice, BadOp, `{"amount":1,"by":2,"op":"increment"}`)
	h.refuse(alice, BadOp, `{"amount":1,"amount":2,"op":"increment"}`)
	h.refuse(alice, BadOp, `{"op":"reset"}`)
	h.refuse(alice, WrongRule, `{"op":"add","value":"x"}`)
	h.refuse(alice, WrongRule, `{"op":"insert","pos":0,"text":"x"}`)
	h.refuse(hub("trim"), WrongRule, `{"before":2,"op":"trim"}`)
}

func TestCounterOverflow(t *testing.T) {
	const most = "100000000000000000000000000000000000000" // 10^38
	for _, side := range []string{"increment", "decrement"} {
		h := newHistory(t, Counter)
		h.push(hub("initial"), `{"op":"initial","value":{"`+side+`s":{"zoe":"99999999999999999999999999999999999999"}}}`)
		h.push(alice, `{"op":"`+side+`"}`)
		h.refuse(alice, Overflow, `{"op":"`+side+`"}`)
		h.refuse(bob, Overflow, `{"amount":9007199254740991,"op":"`+side+`"}`)
		sign := map[string]string{"increment": "", "decrement": "-"}[side]
		h.value(`"` + sign + most + `"`)
		h.push(hub("fold"), `{"clients":["alice","zoe"],"op":"fold"}`)
		h.refuse(alice, Overflow, `{"op":"`+side+`"}`)
		h.value(`"` + sign + most + `"`)
	}
}

func TestCounterFold(t *testing.T) {
	h := newHistory(t, Counter)
	h.push(alice, `{"amount":5,"op":"increment"}`)
	h.push(alice, `{"amount":2,"op":"decrement"}`)
	h.push(bob, `{"amount":3,"op":"decrement"}`)
	h.push(hub("fold"), `{"clients":["alice","nobody"],"op":"fold"}`)
	h.value(`0`).encoding(`{"base":["5","2"],"dec":{"bob":"3"},"inc":{},"v":1}`)
	h.push(alice, `{"op":"increment"}`)
	h.push(hub("fold"), `{"clients":["bob","alice"],"op":"fold"}`)
	h.value(`1`).encoding(`{"base":["6","5"],"dec":{},"inc":{},"v":1}`)

	h.refuse(alice, BadOp, `{"clients":["bob"],"op":"fold"}`)
	h.refuse(hub("options"), BadOp, `{"clients":["bob"],"op":"fold"}`)
	for _, clients := range []string{`null`, `"bob"`, `[1]`, `{}`, `["` + strings.Repeat("x", maxID+1) + `"]`} {
		h.refuse(hub("fold"), BadOp, `{"clients":`+clients+`,"op":"fold"}`)
	}
	h.refuse(hub("fold"), BadOp, `{"op":"fold"}`)
}

func TestCounterInitial(t *testing.T) {
	for _, c := range []struct{ initial, value, state string }{
		{`42`, `42`, `{"base":["42","0"],"dec":{},"inc":{},"v":1}`},
		{`-42`, `-42`, `{"base":["0","42"],"dec":{},"inc":{},"v":1}`},
		{`0`, `0`, `{"base":["0","0"],"dec":{},"inc":{},"v":1}`},
		{`"-12345678901234567890123"`, `"-12345678901234567890123"`, `{"base":["0","12345678901234567890123"],"dec":{},"inc":{},"v":1}`},
		{`{}`, `0`, `{"base":["0","0"],"dec":{},"inc":{},"v":1}`},
		{`{"decrements":{},"increments":{}}`, `0`, `{"base":["0","0"],"dec":{},"inc":{},"v":1}`},
		{`{"decrements":{"b":2},"increments":{"a":"7","z":0}}`, `5`, `{"base":["0","0"],"dec":{"b":"2"},"inc":{"a":"7"},"v":1}`},
	} {
		h := newHistory(t, Counter)
		h.push(hub("initial"), `{"op":"initial","value":`+c.initial+`}`)
		h.value(c.value).encoding(c.state)
	}
	for _, bad := range []string{`1.5`, `"x"`, `"-0"`, `"1.5"`, `null`, `[]`, `true`, `{"increments":3}`, `{"increments":{"a":-1}}`,
		`{"increments":{"a":1.5}}`, `{"plus":{}}`, `{"decrements":{},"increments":{},"other":{}}`} {
		newHistory(t, Counter).refuse(hub("initial"), BadOp, `{"op":"initial","value":`+bad+`}`)
	}
	newHistory(t, Counter).refuse(hub("initial"), BadOp, `{"op":"initial"}`)
	newHistory(t, Counter).refuse(hub("initial"), BadOp, `{"op":"initial","value":"100000000000000000000000000000000000001"}`)
	newHistory(t, Counter).refuse(hub("initial"), Overflow,
		`{"op":"initial","value":{"increments":{"a":"100000000000000000000000000000000000000","b":1}}}`)
	h := newHistory(t, Counter).push(alice, `{"op":"increment"}`)
	h.refuse(hub("initial"), BadOp, `{"op":"initial","value":1}`)
	newHistory(t, Counter).refuse(alice, BadOp, `{"op":"initial","value":1}`)
}

// A counter op of a known client costs no allocation: it is the hub's hot path.
func TestCounterAllocs(t *testing.T) {
	s := Counter.New()
	op := Op{Offset: 1, Writer: alice, Seq: 1, Body: []byte(`{"amount":5,"op":"increment"}`)}
	s.Apply(op)
	allocs := testing.AllocsPerRun(1000, func() {
		op.Offset++
		op.Seq++
		if _, err := s.Check(op); err != nil {
			t.Fatal(err)
		}
		s.Apply(op)
	})
	if allocs != 0 {
		t.Errorf("check and apply allocate %v times, want 0", allocs)
	}
}

func BenchmarkCounter(b *testing.B) {
	s := Counter.New()
	op := Op{Offset: 1, Writer: alice, Seq: 1, Body: []byte(`{"amount":5,"op":"increment"}`)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Check(op); err != nil {
			b.Fatal(err)
		}
		s.Apply(op)
	}
}
