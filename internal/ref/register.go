package ref

import (
	"context"
	"encoding/json"
	"iter"
)

// Register is a reference to an lww stream: one JSON value, of which the write
// that knew more wins.
type Register struct{ stream }

// NewRegister refers to a stream.
func NewRegister(in Streams, name string) Register { return Register{stream{in, name}} }

// valueOp is an op that carries any value.
type valueOp struct {
	Op    string `json:"op"`
	Value any    `json:"value"`
}

// Set writes a value, anything that encodes to JSON.
func (r Register) Set(ctx context.Context, value any) error {
	return r.in.Push(ctx, r.name, valueOp{Op: "set", Value: value})
}

// Get reads the value into what v points to, as json.Unmarshal does. A register
// that was never set holds null, which leaves most Go values as they are.
func (r Register) Get(ctx context.Context, v any) error { return r.read(ctx, v) }

// Watch yields the value, as JSON, now and after each change.
func (r Register) Watch(ctx context.Context) iter.Seq2[json.RawMessage, error] {
	return r.in.Watch(ctx, r.name)
}
