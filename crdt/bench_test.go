package crdt

import (
	"fmt"
	"testing"
)

// BenchmarkOp is what the hub does for each op of a stream of 1,000 keys.
func BenchmarkOp(b *testing.B) {
	for rule, body := range map[Builtin]string{
		Set:       `{"op":"add","value":"element %d"}`,
		ORSet:     `{"op":"add","value":"element %d"}`,
		Map:       `{"key":"key %d","op":"set","value":{"x":1,"y":2}}`,
		LWW:       `{"op":"set","value":{"x":%d,"y":2}}`,
		Log:       `{"op":"append","value":{"n":%d,"text":"hello"}}`,
		Ephemeral: `{"key":"cursor %d","op":"set","value":{"x":1,"y":2}}`,
	} {
		b.Run(rule.Name(), func(b *testing.B) {
			var ops []Op
			for i := range 1000 {
				ops = append(ops, Op{Writer: alice, Body: fmt.Appendf(nil, body, i)})
			}
			s := rule.New()
			n := uint64(0)
			b.ReportAllocs()
			for b.Loop() {
				op := ops[n%1000]
				n++
				op.Offset, op.At, op.Seq = n, n-1, n
				if _, err := s.Check(op); err != nil {
					b.Fatal(err)
				}
				s.Apply(op)
			}
		})
	}
}

// BenchmarkState is what a snapshot of 10,000 elements costs.
func BenchmarkState(b *testing.B) {
	s := newObservedSet()
	for i := range 10_000 {
		s.add(fmt.Appendf(nil, "element %d", i), Op{Offset: uint64(i + 1), Writer: alice})
	}
	encoded := s.AppendState(nil)
	b.Run("encode", func(b *testing.B) {
		b.SetBytes(int64(len(encoded)))
		for b.Loop() {
			s.AppendState(encoded[:0])
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.SetBytes(int64(len(encoded)))
		for b.Loop() {
			must(ORSet.Decode(encoded))
		}
	})
	b.Run("clone", func(b *testing.B) {
		for b.Loop() {
			s.Clone()
		}
	})
}
