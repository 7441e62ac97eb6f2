package sqlite

import (
	"context"
	"slices"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/store"
)

// recall reads a watermark and its trail. The trail costs what the writer did,
// not what the stream holds: a chunk names the one before it with ops of the same
// writer.
func (s *Store) recall(ctx context.Context, name string, w crdt.Writer) (store.Watermark, []store.Mark, error) {
	st, err := s.use(ctx, name, nil)
	if err != nil {
		return store.Watermark{}, nil, err
	}
	defer s.leave(st)
	c, err := s.acquire(ctx)
	if err != nil {
		return store.Watermark{}, nil, err
	}
	defer func() { s.pool <- c }()
	v, err := st.look(c)
	if err != nil {
		return store.Watermark{}, nil, err
	}
	defer c.rest()
	if !v.exists {
		return store.Watermark{}, nil, nil
	}
	k, err := c.writer(st, w)
	if err != nil {
		return store.Watermark{}, nil, err
	}
	if !k.stored && !v.whole {
		if err := c.checkWriters(st, v.facts.writers); err != nil {
			return store.Watermark{}, nil, err
		}
	}
	var marks []store.Mark // newest first
	for i := len(v.recent) - 1; i >= 0; i-- {
		r := &v.recent[i].record
		marks = appendMarks(marks, r, w, v.first)
	}
	mark := k.mark
	if len(marks) > 0 {
		mark = newestMark(v.recent, w)
	}
	marks, err = c.trail(st, &v.facts, w, k.chunk, marks)
	if err != nil {
		return store.Watermark{}, nil, err
	}
	slices.Reverse(marks)
	return mark, marks, nil
}

// newestMark is the watermark that recent records raise to.
func newestMark(recent []recentRecord, w crdt.Writer) store.Watermark {
	for i := len(recent) - 1; i >= 0; i-- {
		entries := recent[i].record.Entries
		for j := len(entries) - 1; j >= 0; j-- {
			if e := &entries[j]; e.Writer == w {
				return store.Watermark{Seq: e.Seq, Hash: e.Hash, At: e.At, Subject: e.Subject}
			}
		}
	}
	return store.Watermark{}
}

// appendMarks appends the marks of one record, newest first, up to the limit.
func appendMarks(marks []store.Mark, r *store.Record, w crdt.Writer, first uint64) []store.Mark {
	for i := len(r.Entries) - 1; i >= 0 && len(marks) < store.TrailMax; i-- {
		if e := &r.Entries[i]; e.Writer == w && e.Offset >= first {
			marks = append(marks, store.Mark{Seq: e.Seq, Hash: e.Hash})
		}
	}
	return marks
}

const selectProof = `SELECT first, last, proof FROM chunks WHERE stream = ? AND first = ?`

// trail goes back from chunk to chunk.
func (c *conn) trail(st *stream, f *facts, w crdt.Writer, chunk uint64, marks []store.Mark) ([]store.Mark, error) {
	for chunk > 0 && len(marks) < store.TrailMax {
		values, err := c.One(selectProof, st.id, int64(chunk))
		if err != nil {
			return nil, failure(err)
		}
		if values == nil && chunk < f.first {
			return marks, nil // trimmed
		}
		if values == nil {
			return nil, corrupt(st.name, "the chunk at offset %d is gone", chunk)
		}
		r, err := scanChunk(values, st)
		if err != nil {
			return nil, err
		}
		for i := len(r.records) - 1; i >= 0; i-- {
			marks = appendMarks(marks, &r.records[i].record, w, f.first)
		}
		if before := r.links[w]; before < chunk {
			chunk = before
			continue
		}
		return nil, corrupt(st.name, "the chunk at offset %d follows a later one", chunk)
	}
	return marks, nil
}
