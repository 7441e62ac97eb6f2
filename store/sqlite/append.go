package sqlite

import (
	"fmt"
	"slices"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/store"
)

// appending is one call of Append.
type appending struct {
	batches []store.Batch
	results []store.Result
	done    func([]store.Result)
	answers *answers
}

func (a *appending) make(c *committer) error {
	a.answers = c.answers
	if c.bytes > c.bounds.recentBytes {
		return c.settling
	}
	for i := range a.batches {
		var err error
		a.results[i], err = c.append(&a.batches[i])
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *appending) answer(err error) {
	if err != nil {
		for i := range a.results {
			a.results[i] = store.Result{Err: err}
		}
	}
	a.answers.put(func() { a.done(a.results) })
}

const insertRecent = `INSERT INTO recent (id, stream, first, last, proof, entries) VALUES (?, ?, ?, ?, ?, ?)`

// append judges one batch and writes its record. An error of its own is part of
// the result; the one returned is of the transaction.
func (c *committer) append(b *store.Batch) (store.Result, error) {
	if err := check(b); err != nil {
		return store.Result{Err: err}, nil
	}
	st, err := c.stream(b.Stream)
	if err != nil {
		return store.Result{Err: err}, nil
	}
	if b.After != st.next.head {
		return c.lost(st, b.After.Offset), nil
	}
	known := make([]writer, len(b.Record.Entries))
	for i := range b.Record.Entries {
		if known[i], err = c.known(st, b.Record.Entries[i].Writer); err != nil {
			return store.Result{Err: err}, nil
		}
	}
	if fenced := fenced(b.Record.Entries, known); len(fenced) > 0 {
		return store.Result{Fenced: fenced}, nil
	}
	if err := ascending(b.Record.Entries, known); err != nil {
		return store.Result{Err: err}, nil
	}
	if err := c.write(); err != nil {
		return store.Result{}, err
	}
	r := row{stream: st.id, id: c.lastID + 1, records: []written{{st.next.head.Epoch, b.Record}}}
	entries, proof := r.encode()
	if err := c.conn.Exec(insertRecent, r.id, st.id, int64(b.Record.First()), int64(b.Record.Last()), proof, entries); err != nil {
		return store.Result{}, err
	}
	c.lastID++
	size := len(entries) + len(proof)
	c.logged += size / pageSize
	c.unsettled[st] = struct{}{}
	st.take(recentRecord{st.next.head.Epoch, b.Record, size}, known)
	return store.Result{}, nil
}

// take adds a record to the transaction.
func (st *stream) take(r recentRecord, known []writer) {
	st.added = append(st.added, r)
	st.next.head.Offset, st.next.head.Chain = r.record.Last(), r.record.Chain
	for i := range r.record.Entries {
		e := &r.record.Entries[i]
		k := known[i]
		k.mark = store.Watermark{Seq: e.Seq, Hash: e.Hash, At: e.At, Subject: e.Subject}
		k.stale = true
		st.stage(e.Writer, k)
	}
}

func (st *stream) stage(w crdt.Writer, k writer) {
	if st.staged == nil {
		st.staged = make(map[crdt.Writer]writer)
	}
	st.staged[w] = k
}

// check finds what is wrong with a batch on its own.
func check(b *store.Batch) error {
	entries := b.Record.Entries
	if b.After.Epoch == "" {
		return fmt.Errorf("the batch follows no epoch; load the stream first: %w", store.ErrInvalid)
	}
	if len(entries) == 0 {
		return fmt.Errorf("the record has no entries: %w", store.ErrInvalid)
	}
	if b.Record.Prev != b.After.Chain {
		return fmt.Errorf("the record continues another chain than After has: %w", store.ErrInvalid)
	}
	for i := range entries {
		if next := b.After.Offset + 1 + uint64(i); entries[i].Offset != next {
			return fmt.Errorf("offset %d comes next, and entry %d has %d: %w", next, i, entries[i].Offset, store.ErrInvalid)
		}
	}
	return nil
}

// lost answers a batch that does not follow the head.
func (c *committer) lost(st *stream, after uint64) store.Result {
	r := store.Result{Lost: true, Head: st.next.head}
	if !st.next.exists || after >= r.Head.Offset || after+1 < st.next.first {
		return r
	}
	recent := st.unsettledRecords()
	missed, err := c.conn.tail(st, &st.next, recent, after, store.MissedMax)
	if err != nil {
		return store.Result{Err: failure(err)}
	}
	r.Missed = missed
	return r
}

// fenced names the writers, each once, whose session is below their fence.
func fenced(entries []store.Entry, known []writer) []crdt.Writer {
	var names []crdt.Writer
	for i := range entries {
		e := &entries[i]
		if e.Session > 0 && e.Session < known[i].fence && !slices.Contains(names, e.Writer) {
			names = append(names, e.Writer)
		}
	}
	return names
}

// ascending refuses entries that would give an op a second place in the log.
func ascending(entries []store.Entry, known []writer) error {
	last := make(map[crdt.Writer]uint64, len(entries))
	for i := range entries {
		e := &entries[i]
		seq, again := last[e.Writer]
		if !again {
			seq = known[i].mark.Seq
		}
		if e.Seq <= seq {
			return fmt.Errorf("entry %d has seq %d, and its writer is at %d already: %w", i, e.Seq, seq, store.ErrInvalid)
		}
		last[e.Writer] = e.Seq
	}
	return nil
}

// creation makes a stream for Load.
type creation struct {
	awaited
	stream string
}

func (n *creation) make(c *committer) error {
	st, err := c.stream(n.stream)
	if err != nil {
		return err
	}
	return c.create(st)
}

// rotation is one call of Rotate.
type rotation struct {
	awaited
	stream, epoch string
	head          store.Position
}

func (r *rotation) make(c *committer) error {
	st, err := c.stream(r.stream)
	if err != nil {
		return err
	}
	if st.next.exists && r.epoch == st.next.head.Epoch {
		if err := c.write(); err != nil {
			return err
		}
		st.next.head.Epoch = newEpoch()
		if err := c.conn.put(st); err != nil {
			return err
		}
	}
	r.head = st.next.head
	return nil
}

// fencing raises a fence. In memory that is done at once, so nothing that is
// appended later can pass it, and no disk is waited for: the store is the file's
// only writer, and forgets fences when it is opened anew.
type fencing struct {
	awaited
	stream string
	writer crdt.Writer
	fence  uint64
}

func (f *fencing) make(c *committer) error {
	st, err := c.stream(f.stream)
	if err != nil {
		return err
	}
	if err := c.create(st); err != nil {
		return err
	}
	k, err := c.known(st, f.writer)
	if err != nil {
		return err
	}
	if k.fence >= f.fence {
		return nil
	}
	k.fence, k.stale = f.fence, true
	c.unsettled[st] = struct{}{}
	c.fences++
	st.fences++
	st.stage(f.writer, k)
	return nil
}
