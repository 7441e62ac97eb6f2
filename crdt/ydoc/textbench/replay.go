package main

import (
	"fmt"
	"unicode/utf8"

	"github.com/wavesiddhartha/flowsync/crdt/ydoc"
)

// reader is the client id of documents that only receive.
const reader = 101

// typist replays transactions on one document.
type typist struct {
	doc     *ydoc.Doc
	text    ydoc.Text
	typed   string // what edits take from
	edits   []edit
	err     error
	scratch []byte

	// play makes the edits. It is kept so that a transaction makes no closure.
	play func()
}

func newTypist(client uint64, typed string) *typist {
	t := &typist{doc: ydoc.New(client), typed: typed}
	t.text = t.doc.Text("text")
	t.play = func() {
		for _, e := range t.edits {
			if e.del > 0 {
				if err := t.text.Delete(int(e.pos), int(e.del)); err != nil {
					t.err = err
				}
			}
			if e.from < e.to {
				if err := t.text.Insert(int(e.pos), t.typed[e.from:e.to]); err != nil {
					t.err = err
				}
			}
		}
	}
	return t
}

// edit makes one transaction and no update.
func (t *typist) edit(edits []edit) {
	t.edits = edits
	t.doc.Transact(t.play)
}

// editUpdate makes one transaction and returns its update in a slice of its own,
// nil when nothing changed.
func (t *typist) editUpdate(edits []edit) []byte {
	t.edits = edits
	return t.doc.AppendTransact(nil, t.play)
}

// editInto is editUpdate into a buffer that the next call overwrites.
func (t *typist) editInto(edits []edit) []byte {
	t.edits = edits
	t.scratch = t.doc.AppendTransact(t.scratch[:0], t.play)
	if len(t.scratch) == 0 {
		return nil
	}
	return t.scratch
}

// replay plays a sequential session; each gets every update that it makes. With
// no each, none is made.
func (s *session) replay(each func(update []byte)) (*typist, error) {
	author := newTypist(1, s.text)
	for range s.times {
		for i := range s.txns() {
			if each == nil {
				author.edit(s.edits(i))
			} else if u := author.editUpdate(s.edits(i)); u != nil {
				each(u)
			}
		}
	}
	if author.err != nil {
		return nil, fmt.Errorf("trace %s: %w", s.name, author.err)
	}
	return author, s.requireEnd(author.doc, "a replay")
}

// replayTogether plays a concurrent session with one document for each replica
// and returns the updates.
func (s *session) replayTogether() (*updates, error) {
	var authors []*typist
	made := make([][]byte, s.txns())
	all := &updates{}
	for i, r := range s.replicas {
		for len(authors) <= r {
			authors = append(authors, newTypist(uint64(len(authors)+1), s.text))
		}
		author := authors[r]
		for _, m := range s.recv[i] {
			if made[m] == nil {
				continue
			}
			if err := author.doc.Apply(made[m]); err != nil {
				return nil, fmt.Errorf("trace %s: replica %d receives %d: %w", s.name, r, m, err)
			}
		}
		made[i] = author.editUpdate(s.edits(i))
		if author.err != nil {
			return nil, fmt.Errorf("trace %s: transaction %d: %w", s.name, i, author.err)
		}
		if made[i] != nil {
			all.add(made[i])
		}
	}
	return all, nil
}

// applyAll applies updates one by one to an empty document.
func applyAll(u *updates) (*ydoc.Doc, error) {
	d := ydoc.New(reader)
	for i := range u.ends {
		if err := d.Apply(u.at(i)); err != nil {
			return nil, fmt.Errorf("update %d: %w", i, err)
		}
	}
	return d, nil
}

// load makes a document from a full state.
func load(state []byte) (*ydoc.Doc, error) {
	d := ydoc.New(reader)
	return d, d.Apply(state)
}

// requireEnd compares the text of a document with the end of its session.
func (s *session) requireEnd(d *ydoc.Doc, when string) error {
	if s.end == nil || d.Text("text").String() == *s.end {
		return nil
	}
	return fmt.Errorf("trace %s: the text after %s differs from the end of the session", s.name, when)
}

func characters(d *ydoc.Doc) int { return utf8.RuneCountInString(d.Text("text").String()) }
