package crdt

import (
	"bytes"
	"testing"
)

func FuzzDecodeCounter(f *testing.F)   { fuzzDecode(f, Counter) }
func FuzzDecodeSet(f *testing.F)       { fuzzDecode(f, Set) }
func FuzzDecodeORSet(f *testing.F)     { fuzzDecode(f, ORSet) }
func FuzzDecodeMap(f *testing.F)       { fuzzDecode(f, Map) }
func FuzzDecodeLWW(f *testing.F)       { fuzzDecode(f, LWW) }
func FuzzDecodeLog(f *testing.F)       { fuzzDecode(f, Log) }
func FuzzDecodeEphemeral(f *testing.F) { fuzzDecode(f, Ephemeral) }

// fuzzDecode: what Decode takes is a sound state, and encodes as it was.
func fuzzDecode(f *testing.F, rule Builtin) {
	for _, encoded := range encodedStates[rule] {
		f.Add([]byte(encoded))
		f.Add([]byte(encoded[:len(encoded)/2]))
	}
	f.Fuzz(func(t *testing.T, encoded []byte) {
		s, err := rule.Decode(encoded)
		if err != nil {
			return
		}
		if got := string(s.AppendState(nil)); got != string(encoded) {
			t.Fatalf("decoded\n%s, encodes as\n%s", encoded, got)
		}
		requireSound(t, rule, s)
		for _, body := range bodies {
			requireTotal(t, rule, s.Clone(), Op{Offset: maxInteger, At: 3, Writer: alice, Seq: 9, Body: []byte(body)})
		}
	})
}

// bodies is an op of every kind.
var bodies = []string{
	`{"amount":9007199254740991,"op":"increment"}`, `{"op":"decrement"}`, `{"clients":["alice","a"],"op":"fold"}`,
	`{"op":"add","value":"a"}`, `{"op":"remove","value":"a"}`,
	`{"op":"set","value":{"a":[1.5,null]}}`, `{"key":"a","op":"set","value":"x"}`, `{"key":"a","op":"delete"}`,
	`{"op":"append","value":[]}`, `{"op":"append","redacted":7}`, `{"before":3,"op":"trim"}`, `{"offset":2,"op":"redact"}`, `{"keep":1,"op":"options"}`,
	`{"op":"initial","value":5}`, `{"op":"initial","value":["a","b"]}`, `{"op":"initial","value":{"decrements":{"a":1},"increments":{"b":"2"}}}`,
	`{"op":"insert","pos":0,"text":"x"}`,
}

// FuzzApply: any bytes, to any rule, do no harm.
func FuzzApply(f *testing.F) {
	for _, body := range bodies {
		f.Add([]byte(body), "alice", uint64(7))
		f.Add([]byte(body), "hub:initial", uint64(1))
	}
	f.Add([]byte(`{"keep":1,"op":"options"}`), "hub:options", uint64(7))
	f.Add([]byte(`{"clients":["alice","a"],"op":"fold"}`), "hub:fold", uint64(7))
	f.Add([]byte(`{"before":3,"op":"trim"}`), "hub:trim", uint64(7))
	f.Add([]byte(`{"offset":2,"op":"redact"}`), "hub:redact", uint64(7))
	f.Fuzz(func(t *testing.T, body []byte, client string, off uint64) {
		for _, rule := range builtins {
			for _, encoded := range encodedStates[rule] {
				s := must(rule.Decode([]byte(encoded)))
				requireTotal(t, rule, s, Op{Offset: off, At: 3, Writer: Writer{client, "i"}, Seq: 9, Body: body})
			}
		}
	})
}

// requireTotal applies op: a refused one changes nothing, any other leaves a
// sound state that grew by no more than Check said.
func requireTotal(t *testing.T, rule Builtin, s State, op Op) {
	t.Helper()
	clone := s.Clone()
	before, size := string(s.AppendState(nil)), s.Size()
	grow, err := s.Check(op)
	if after := string(s.AppendState(nil)); after != before {
		t.Fatalf("check of %s changed the state:\n%s\n%s", op.Body, before, after)
	}
	s.Apply(op)
	if got := string(clone.AppendState(nil)); got != before {
		t.Fatalf("apply of %s changed a clone:\n%s\n%s", op.Body, before, got)
	}
	after := string(s.AppendState(nil))
	cleaned := rule == Log && bytes.Contains(op.Body, []byte(`"redacted"`)) // Apply alone takes it
	if err != nil && after != before && !cleaned {
		t.Fatalf("refused op %s changed the state:\n%s\n%s", op.Body, before, after)
	}
	if rule != Log && s.Size() > size+max(grow, 0) {
		t.Fatalf("op %s grew the state by %d, check said %d", op.Body, s.Size()-size, grow)
	}
	requireSound(t, rule, s)
}
