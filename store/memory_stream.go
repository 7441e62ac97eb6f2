package store

import (
	"fmt"
	"slices"
	"sort"
	"sync"

	"github.com/wavesiddhartha/flowsync/crdt"
)

// memoryStream is one stream of a Memory. Its zero value is a stream that does
// not exist: no append follows its head, since no After has an empty epoch.
type memoryStream struct {
	key [32]byte // set before others see the stream, read-only after

	mu   sync.Mutex // guards what follows
	head Position

	// log holds the records from the older snapshot on, or more of them. Elements
	// are never written again once they are in, so readers share the array.
	log []Record

	newest *Snapshot
	older  *Snapshot // nil until there are two

	writers map[crdt.Writer]*memoryWriter
}

// memoryWriter is what a stream knows of one writer.
type memoryWriter struct {
	mark  Watermark
	fence uint64
	trail []*Entry // its newest ops in the log, oldest first, at most TrailMax
}

func (s *memoryStream) load() *Stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := &Stream{Head: s.head, Key: s.key, First: s.first()}
	if s.newest != nil {
		snapshot := *s.newest
		st.Snapshot = &snapshot
	}
	st.Tail = slices.Clip(s.log[s.index(s.base()):])
	return st
}

func (s *memoryStream) append(b *Batch) Result {
	if err := b.check(); err != nil {
		return Result{Err: err}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if b.After != s.head {
		return s.lost(b.After.Offset)
	}
	if fenced := s.fenced(b.Record.Entries); len(fenced) > 0 {
		return Result{Fenced: fenced}
	}
	if err := s.ascending(b.Record.Entries); err != nil {
		return Result{Err: err}
	}
	s.commit(b.Record)
	return Result{}
}

// check finds what is wrong with a batch on its own.
func (b *Batch) check() error {
	if b.After.Epoch == "" {
		return fmt.Errorf("it follows no epoch: load the stream first: %w", ErrInvalid)
	}
	if len(b.Record.Entries) == 0 {
		return fmt.Errorf("its record has no entries: %w", ErrInvalid)
	}
	if b.Record.Prev != b.After.Chain {
		return fmt.Errorf("its record continues another chain than that of After: %w", ErrInvalid)
	}
	for i := range b.Record.Entries {
		if want := b.After.Offset + 1 + uint64(i); b.Record.Entries[i].Offset != want {
			return fmt.Errorf("entry %d has offset %d, and %d comes next: %w",
				i, b.Record.Entries[i].Offset, want, ErrInvalid)
		}
	}
	return nil
}

// lost answers an append that does not follow the head.
func (s *memoryStream) lost(after uint64) Result {
	r := Result{Lost: true, Head: s.head}
	if after >= s.first()-1 {
		r.Missed = s.records(after, MissedMax)
	}
	return r
}

// fenced returns the writers, each once, whose session is below their fence.
func (s *memoryStream) fenced(entries []Entry) []crdt.Writer {
	var fenced []crdt.Writer
	for i := range entries {
		e := &entries[i]
		w := s.writers[e.Writer]
		if w == nil || e.Session == 0 || e.Session >= w.fence || slices.Contains(fenced, e.Writer) {
			continue
		}
		fenced = append(fenced, e.Writer)
	}
	return fenced
}

// ascending refuses entries that would give an op a second place in the log.
func (s *memoryStream) ascending(entries []Entry) error {
	last := make(map[crdt.Writer]uint64) // does not escape: no allocation for a few writers
	for i := range entries {
		e := &entries[i]
		seq, ok := last[e.Writer]
		if w := s.writers[e.Writer]; !ok && w != nil {
			seq = w.mark.Seq
		}
		if e.Seq <= seq {
			return fmt.Errorf("entry %d has seq %d, and its writer is at %d: %w", i, e.Seq, seq, ErrInvalid)
		}
		last[e.Writer] = e.Seq
	}
	return nil
}

func (s *memoryStream) commit(r Record) {
	s.log = append(s.log, r)
	s.head.Offset, s.head.Chain = r.Last(), r.Chain
	for i := range r.Entries {
		e := &r.Entries[i]
		w := s.writer(e.Writer)
		w.mark = Watermark{Seq: e.Seq, Hash: e.Hash, At: e.At, Subject: e.Subject}
		if len(w.trail) == TrailMax {
			w.forget()
		}
		w.trail = append(w.trail, e)
	}
}

func (s *memoryStream) read(after uint64, max int) (Tail, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := s.first() // at least 1
	if after < first-1 {
		return Tail{}, fmt.Errorf("the log begins at offset %d; load the snapshot: %w", first, ErrTrimmed)
	}
	return Tail{Records: s.records(after, max), Head: s.head, First: first}, nil
}

func (s *memoryStream) recall(writer crdt.Writer, fence uint64) (Watermark, []Mark) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.writers[writer]
	if w == nil && fence == 0 {
		return Watermark{}, nil
	}
	w = s.writer(writer)
	w.fence = max(w.fence, fence)
	if len(w.trail) == 0 {
		return w.mark, nil
	}
	trail := make([]Mark, len(w.trail))
	for i, e := range w.trail {
		trail[i] = Mark{Seq: e.Seq, Hash: e.Hash}
	}
	return w.mark, trail
}

func (s *memoryStream) rotate(epoch string, next func() string) Position {
	s.mu.Lock()
	defer s.mu.Unlock()
	if epoch != "" && s.head.Epoch == epoch {
		s.head.Epoch = next()
	}
	return s.head
}

func (s *memoryStream) save(snapshot Snapshot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := snapshot.Position
	if p.Epoch != s.head.Epoch || p.Offset <= s.base() || !s.ends(p) {
		return
	}
	s.older, s.newest = s.newest, &snapshot
}

func (s *memoryStream) trim(offset uint64, most int) (more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.older == nil {
		return false
	}
	whole := s.index(min(offset, s.older.Position.Offset))
	n := min(whole, max(most, 0))
	for _, r := range s.log[:n] {
		for i := range r.Entries {
			e := &r.Entries[i]
			if w := s.writers[e.Writer]; len(w.trail) > 0 && w.trail[0] == e {
				w.forget()
			}
		}
	}
	s.log = s.log[n:]
	if n > 0 && n == whole {
		s.log = slices.Clone(s.log) // lets the old array go
	}
	return n < whole
}

// first is the lowest offset that the log holds, or would hold next.
func (s *memoryStream) first() uint64 {
	if len(s.log) == 0 {
		return s.head.Offset + 1
	}
	return s.log[0].First()
}

// base is the offset of the newest snapshot.
func (s *memoryStream) base() uint64 {
	if s.newest == nil {
		return 0
	}
	return s.newest.Position.Offset
}

// index finds the first record that holds an entry after offset.
func (s *memoryStream) index(offset uint64) int {
	return sort.Search(len(s.log), func(i int) bool { return s.log[i].Last() > offset })
}

// records returns records that hold entries after offset: those that follow
// until they have max entries, at least one if there is any.
func (s *memoryStream) records(after uint64, max int) []Record {
	from := s.index(after)
	to := from
	for n := 0; to < len(s.log) && (to == from || n < max); to++ {
		n += len(s.log[to].Entries)
	}
	return slices.Clip(s.log[from:to])
}

// ends says whether a record of the log ends at that offset with that chain.
func (s *memoryStream) ends(p Position) bool {
	i := s.index(p.Offset - 1)
	return i < len(s.log) && s.log[i].Last() == p.Offset && s.log[i].Chain == p.Chain
}

// writer returns what is known of a writer, creating it.
func (s *memoryStream) writer(w crdt.Writer) *memoryWriter {
	known := s.writers[w]
	if known == nil {
		known = new(memoryWriter)
		if s.writers == nil {
			s.writers = make(map[crdt.Writer]*memoryWriter)
		}
		s.writers[w] = known
	}
	return known
}

// forget drops the oldest op of the trail.
func (w *memoryWriter) forget() {
	w.trail[0] = nil // the array lives on, the entry need not
	w.trail = w.trail[1:]
	if len(w.trail) == 0 {
		w.trail = nil
	}
}
