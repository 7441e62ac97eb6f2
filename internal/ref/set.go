package ref

import (
	"context"
	"iter"
	"slices"
)

// Set is a reference to a set of strings: a crdt-orset stream, where an element
// may come back after it was removed, or a crdt-set stream, where it may not.
type Set struct{ stream }

// NewSet refers to a stream.
func NewSet(in Streams, name string) Set { return Set{stream{in, name}} }

// elementOp is a set's op.
type elementOp struct {
	Op    string `json:"op"`
	Value string `json:"value"`
}

// Add adds an element of at most 4 KiB. On a crdt-set an element that was
// removed is refused with removed_forever.
func (s Set) Add(ctx context.Context, element string) error {
	return s.in.Push(ctx, s.name, elementOp{Op: "add", Value: element})
}

// Remove removes an element. Removing one that is absent has no effect.
func (s Set) Remove(ctx context.Context, element string) error {
	return s.in.Push(ctx, s.name, elementOp{Op: "remove", Value: element})
}

// Values returns the elements, sorted by UTF-16 code units.
func (s Set) Values(ctx context.Context) ([]string, error) {
	var values []string
	err := s.read(ctx, &values)
	return values, err
}

// Has reports whether an element is in the set. It reads the whole set.
func (s Set) Has(ctx context.Context, element string) (bool, error) {
	values, err := s.Values(ctx)
	return slices.Contains(values, element), err
}

// Watch yields the elements now and after each change.
func (s Set) Watch(ctx context.Context) iter.Seq2[[]string, error] {
	return watch(ctx, s.stream, parse[[]string])
}
