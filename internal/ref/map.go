package ref

import (
	"context"
	"encoding/json"
	"iter"
)

// Map is a reference to a crdt-map stream: keys with JSON values, of which per
// key the write that knew more wins. On an ephemeral stream it writes and reads
// keys that live as long as their author's session.
type Map struct{ stream }

// NewMap refers to a stream.
func NewMap(in Streams, name string) Map { return Map{stream{in, name}} }

// keyOp is a map's op that sets a key.
type keyOp struct {
	Key   string `json:"key"`
	Op    string `json:"op"`
	Value any    `json:"value"`
}

// deleteOp is a map's op that deletes a key.
type deleteOp struct {
	Key string `json:"key"`
	Op  string `json:"op"`
}

// Set writes a key's value, anything that encodes to JSON.
func (m Map) Set(ctx context.Context, key string, value any) error {
	return m.in.Push(ctx, m.name, keyOp{Op: "set", Key: key, Value: value})
}

// Delete deletes a key.
func (m Map) Delete(ctx context.Context, key string) error {
	return m.in.Push(ctx, m.name, deleteOp{Op: "delete", Key: key})
}

// Get reads a key's value into what v points to, as json.Unmarshal does. It
// reports false, with v as it was, when the key is absent. It reads the whole
// map.
func (m Map) Get(ctx context.Context, key string, v any) (bool, error) {
	all, err := m.All(ctx)
	if err != nil {
		return false, err
	}
	raw, ok := all[key]
	if !ok {
		return false, nil
	}
	return true, decode(raw, v)
}

// All returns every key with its value as JSON.
func (m Map) All(ctx context.Context) (map[string]json.RawMessage, error) {
	var all map[string]json.RawMessage
	err := m.read(ctx, &all)
	return all, err
}

// Watch yields every key with its value now and after each change.
func (m Map) Watch(ctx context.Context) iter.Seq2[map[string]json.RawMessage, error] {
	return watch(ctx, m.stream, parse[map[string]json.RawMessage])
}
