package ydoc_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/wavesiddhartha/flowsync/crdt/ydoc"
)

// goBody is a document of the engine under test.
type goBody struct {
	doc   *ydoc.Doc
	undos *ydoc.UndoManager
	rich  bool
}

func openGo(s settings) (body, error) {
	b := &goBody{doc: ydoc.New(s.client), rich: s.rich}
	text, m, a, x := b.roots()
	if s.undo {
		b.undos = b.doc.Undo(text, m, a, x)
	}
	return b, nil
}

func (b *goBody) roots() (ydoc.Text, ydoc.Map, ydoc.Array, ydoc.XMLFragment) {
	return b.doc.Text("text"), b.doc.Map("map"), b.doc.Array("array"), b.doc.XMLFragment("xml")
}

func (b *goBody) tick(now int64) {
	if b.undos != nil {
		b.undos.Tick(now)
	}
}

func (b *goBody) edit(now int64, edits []edit) ([]byte, error) {
	b.tick(now)
	var err error
	u := b.doc.AppendTransact(nil, func() {
		for _, e := range edits {
			err = errors.Join(err, b.execute(e))
		}
	})
	return u, errors.Join(err, b.doc.Check())
}

func (b *goBody) undo(now int64) ([]byte, error) {
	return b.step(now, (*ydoc.UndoManager).Undo)
}

func (b *goBody) redo(now int64) ([]byte, error) {
	return b.step(now, (*ydoc.UndoManager).Redo)
}

func (b *goBody) step(now int64, f func(*ydoc.UndoManager) bool) ([]byte, error) {
	b.tick(now)
	before := b.doc.AppendStateVector(nil)
	f(b.undos)
	if err := b.doc.Check(); err != nil {
		return nil, err
	}
	return b.doc.AppendDiff(nil, before)
}

func (b *goBody) stop() error {
	b.undos.StopCapturing()
	return nil
}

func (b *goBody) apply(now int64, updates ...[]byte) error {
	b.tick(now)
	for i, u := range updates {
		if err := b.doc.Apply(u); err != nil {
			return fmt.Errorf("update %d of %d: %w", i, len(updates), err)
		}
		if err := b.doc.Check(); err != nil {
			return fmt.Errorf("after update %d of %d: %w", i, len(updates), err)
		}
	}
	return nil
}

func (b *goBody) diff(vector []byte) ([]byte, error) { return b.doc.AppendDiff(nil, vector) }

func (b *goBody) look() (look, error) {
	text, m, a, x := b.roots()
	l := look{State: b.doc.AppendState(nil), Vector: b.doc.AppendStateVector(nil)}
	var err error
	if l.Value.Text, err = json.Marshal(deltaOf(text)); err != nil {
		return l, err
	}
	if l.Value.Map, err = json.Marshal(mapOf(m)); err != nil {
		return l, err
	}
	if l.Value.Array, err = json.Marshal(arrayOf(a)); err != nil {
		return l, err
	}
	l.Value.XML = x.String()
	return l, nil
}

// deltaOf is what toDelta of yjs returns.
func deltaOf(t ydoc.Text) []map[string]any {
	delta := []map[string]any{}
	for _, span := range t.Delta() {
		op := map[string]any{"insert": span.Text}
		if span.Embed.Kind() != ydoc.KindUndefined {
			op["insert"] = plainOf(span.Embed)
		}
		if len(span.Attrs) > 0 {
			attrs := map[string]any{}
			for _, a := range span.Attrs {
				attrs[a.Key] = plainOf(a.Value)
			}
			op["attributes"] = attrs
		}
		delta = append(delta, op)
	}
	return delta
}

func mapOf(m ydoc.Map) map[string]any {
	out := map[string]any{}
	for _, k := range m.Keys() {
		v, _ := m.Get(k)
		out[k] = plainOf(v)
	}
	return out
}

func arrayOf(a ydoc.Array) []any {
	out := []any{}
	for i := range a.Len() {
		v, _ := a.Get(i)
		out = append(out, plainOf(v))
	}
	return out
}

// plainOf turns a value into what encoding/json writes; oracle/edit.mjs has
// the same forms for what JSON cannot say.
func plainOf(v ydoc.Value) any {
	if t, ok := v.SharedText(); ok {
		return t.String()
	}
	if m, ok := v.SharedMap(); ok {
		return mapOf(m)
	}
	if a, ok := v.SharedArray(); ok {
		return arrayOf(a)
	}
	switch v.Kind() {
	case ydoc.KindUndefined:
		return map[string]any{"$": "undefined"}
	case ydoc.KindBool:
		return v.Bool()
	case ydoc.KindNumber:
		return v.Number()
	case ydoc.KindBigInt:
		return map[string]any{"$": "bigint", "digits": strconv.FormatInt(v.BigInt(), 10)}
	case ydoc.KindString:
		return v.Text()
	case ydoc.KindBytes:
		return map[string]any{"$": "bytes", "base64": base64.StdEncoding.EncodeToString([]byte(v.Text()))}
	case ydoc.KindList:
		out := []any{}
		for _, e := range v.List() {
			out = append(out, plainOf(e))
		}
		return out
	case ydoc.KindObject:
		out := map[string]any{}
		for _, f := range v.Fields() {
			out[f.Key] = plainOf(f.Value)
		}
		return out
	}
	return nil
}
