// Package ref holds the typed references to streams that hubs and nodes give
// out: one implementation over push, get and watch.
//
// A reference is a name and where to look it up. It holds no state, costs
// nothing to make and is safe for concurrent use. Its methods assume that the
// stream has the rule that they are for; on a stream of another rule, pushing
// fails with wrong_rule or bad_op and reading with an error.
//
// On a hub a push returns when the op is committed. On a node it returns when
// the op is applied locally and queued; node.Flush waits for the commit.
package ref

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
)

// Streams is what a reference needs of a hub or a node.
type Streams interface {
	// Push takes one op, anything that encodes to the JSON object of an op.
	Push(ctx context.Context, stream string, op any) error

	// Get returns the stream's value as canonical JSON.
	Get(ctx context.Context, stream string) (json.RawMessage, error)

	// Watch yields the value and then each change of it, the latest always. It
	// ends with an error, or when the loop does.
	Watch(ctx context.Context, stream string) iter.Seq2[json.RawMessage, error]
}

// stream is one stream of a hub or a node.
type stream struct {
	in   Streams
	name string
}

// Name is the stream's name.
func (s stream) Name() string { return s.name }

// read gets the value into v.
func (s stream) read(ctx context.Context, v any) error {
	raw, err := s.in.Get(ctx, s.name)
	if err != nil {
		return err
	}
	return decode(raw, v)
}

func decode(raw json.RawMessage, v any) error {
	if err := json.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("the stream's value does not have the expected shape, check its rule and the type: %w", err)
	}
	return nil
}

// watch yields the value as what parse makes of it.
func watch[T any](ctx context.Context, s stream, parse func(json.RawMessage) (T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for raw, err := range s.in.Watch(ctx, s.name) {
			var v T
			if err == nil {
				v, err = parse(raw)
			}
			if !yield(v, err) || err != nil {
				return
			}
		}
	}
}

// parse decodes a value into a new T.
func parse[T any](raw json.RawMessage) (T, error) {
	var v T
	err := decode(raw, &v)
	return v, err
}
