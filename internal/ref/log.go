package ref

import (
	"context"
	"encoding/json"
	"iter"
)

// Log is a reference to an append-log stream: JSON values in the hub's order.
type Log struct{ stream }

// NewLog refers to a stream.
func NewLog(in Streams, name string) Log { return Log{stream{in, name}} }

// Append appends a value of at most 1 MiB, anything that encodes to JSON.
func (l Log) Append(ctx context.Context, value any) error {
	return l.in.Push(ctx, l.name, valueOp{Op: "append", Value: value})
}

// Entries returns the newest entries, oldest first: as many as the stream keeps
// at hand (1,000 by default, and at most 4 MiB). History pages older ones.
func (l Log) Entries(ctx context.Context) ([]json.RawMessage, error) {
	var entries []json.RawMessage
	err := l.read(ctx, &entries)
	return entries, err
}

// Watch yields the newest entries now and after each change.
func (l Log) Watch(ctx context.Context) iter.Seq2[[]json.RawMessage, error] {
	return watch(ctx, l.stream, parse[[]json.RawMessage])
}
