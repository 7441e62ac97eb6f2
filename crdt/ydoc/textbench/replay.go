package main

import (
	"bytes"
	"fmt"

	"github.com/wavesiddhartha/flowsync/crdt/ydoc"
	"github.com/wavesiddhartha/flowsync/crdt/ydoc/trace"
)

// reader is the client id of documents that only receive.
const reader = 101

// typist replays transactions on one document.
type typist struct {
	doc     *ydoc.Doc
	text    ydoc.Text
	patches []trace.Patch
	err     error
	scratch []byte

	// play applies patches. It is kept so that a transaction makes no closure.
	play func()
}

func newTypist(client uint64) *typist {
	t := &typist{doc: ydoc.New(client)}
	t.text = t.doc.Text("text")
	t.play = func() {
		for _, p := range t.patches {
			if p.Del > 0 {
				if err := t.text.Delete(p.Pos, p.Del); err != nil {
					t.err = err
				}
			}
			if p.Ins != "" {
				if err := t.text.Insert(p.Pos, p.Ins); err != nil {
					t.err = err
				}
			}
		}
	}
	return t
}

// edit makes one transaction and no update.
func (t *typist) edit(patches []trace.Patch) {
	t.patches = patches
	t.doc.Transact(t.play)
}

// editUpdate makes one transaction and returns its update in a fresh slice,
// nil when nothing changed.
func (t *typist) editUpdate(patches []trace.Patch) []byte {
	return bytes.Clone(t.editInto(patches))
}

// editInto is editUpdate into a buffer that the next call overwrites.
func (t *typist) editInto(patches []trace.Patch) []byte {
	t.patches = patches
	t.scratch = t.doc.AppendTransact(t.scratch[:0], t.play)
	if len(t.scratch) == 0 {
		return nil
	}
	return t.scratch
}

// localUpdates replays a sequential session and keeps every update.
func localUpdates(t *trace.Trace) (*typist, [][]byte) {
	author := newTypist(1)
	updates := make([][]byte, 0, len(t.Txns))
	for i := range t.Txns {
		if u := author.editUpdate(t.Txns[i].Patches); u != nil {
			updates = append(updates, u)
		}
	}
	return author, updates
}

// concurrentUpdates replays a concurrent session with one document for each
// replica.
func concurrentUpdates(t *trace.Trace) ([][]byte, error) {
	authors := make([]*typist, t.Replicas())
	for r := range authors {
		authors[r] = newTypist(uint64(r + 1))
	}
	made := make([][]byte, len(t.Txns))
	var updates [][]byte
	for i, x := range t.Txns {
		author := authors[x.R]
		for _, m := range x.Recv {
			if made[m] == nil {
				continue
			}
			if err := author.doc.Apply(made[m]); err != nil {
				return nil, fmt.Errorf("trace %s: replica %d receives %d: %w", t.Name, x.R, m, err)
			}
		}
		made[i] = author.editUpdate(x.Patches)
		if author.err != nil {
			return nil, fmt.Errorf("trace %s: transaction %d: %w", t.Name, i, author.err)
		}
		if made[i] != nil {
			updates = append(updates, made[i])
		}
	}
	return updates, nil
}

// applyAll applies updates one by one to an empty document.
func applyAll(updates [][]byte) (*ydoc.Doc, error) {
	d := ydoc.New(reader)
	for i, u := range updates {
		if err := d.Apply(u); err != nil {
			return nil, fmt.Errorf("update %d: %w", i, err)
		}
	}
	return d, nil
}

// load makes a document from a full state.
func load(state []byte) (*ydoc.Doc, error) {
	return applyAll([][]byte{state})
}

// requireEnd compares the text of a document with the end of its session.
func requireEnd(t *trace.Trace, d *ydoc.Doc, when string) error {
	if t.End == nil || d.Text("text").String() == *t.End {
		return nil
	}
	return fmt.Errorf("trace %s: the text after %s differs from the end of the session", t.Name, when)
}
