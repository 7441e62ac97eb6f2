package hubcore

import (
	"errors"
	"slices"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/store"
	"github.com/wavesiddhartha/flowsync/wire"
)

// Bounds of one record, so that no commit and no message grows without limit.
const (
	recordOps = 4096
	opsBytes  = 1 << 20 // of entries in one ops message
)

// append asks for the next commit if ops wait and none is under way.
func (s *Stream) append(fx *Effects) {
	if len(s.inflight) > 0 || len(s.waiting) == 0 || s.rotating || s.phase == loading {
		return
	}
	n := min(len(s.waiting), recordOps)
	s.inflight, s.waiting = s.waiting[:n:n], s.waiting[n:]
	if len(s.waiting) == 0 {
		s.waiting = nil // or what is left of it keeps the ops before
	}
	rec := store.Record{Prev: s.head.Chain, Chain: s.head.Chain, Entries: make([]store.Entry, n)}
	for i, a := range s.inflight {
		e := store.Entry{
			Offset: s.head.Offset + uint64(i) + 1, At: a.mark.at,
			Writer: a.w.id, Seq: a.mark.seq, Subject: a.subject, Session: a.session,
			Hash: a.mark.hash, Op: a.op,
		}
		e.OpHash = wire.OpHash(e.Writer.Client, e.Writer.Inc, e.Seq, e.At, e.Op)
		rec.Chain = wire.ChainNext(rec.Chain, e.OpHash)
		rec.Entries[i] = e
	}
	s.sent = rec
	fx.Calls = append(fx.Calls, Call{Kind: CallAppend, Batch: store.Batch{Stream: s.name, After: s.head, Record: rec}})
}

// appended takes the outcome of the append under way.
func (s *Stream) appended(now Instant, ev *Appended, fx *Effects) {
	if len(s.inflight) == 0 {
		return // the stream was reloaded meanwhile
	}
	res := &ev.Result
	switch {
	case errors.Is(res.Err, store.ErrUnknown):
		s.call(continuation{kind: thenOutcome}, Call{Kind: CallRead, After: s.head.Offset, Max: recordOps}, fx)
		return
	case res.Err != nil:
		s.abandon(failure(res.Err), fx)
		if s.phase == founding {
			s.phase = live
			s.unpark(now, fx)
		}
	case len(res.Fenced) > 0:
		s.fenced(res.Fenced, fx)
	case res.Lost:
		if !s.catchUp(res.Missed, res.Head, fx) {
			return
		}
		if s.head.Offset < res.Head.Offset {
			s.call(continuation{kind: thenOutcome}, Call{Kind: CallRead, After: s.head.Offset, Max: recordOps}, fx)
			return
		}
		s.unsend()
		s.redo(fx)
	default:
		s.confirm(fx)
	}
	s.appendDone(now, fx)
}

// unsend puts the ops of an append that did not commit back in front of those
// that wait.
func (s *Stream) unsend() {
	s.waiting = append(s.inflight, s.waiting...)
	s.inflight = nil
}

// appendDone goes on with what waited for the append under way to end.
func (s *Stream) appendDone(now Instant, fx *Effects) {
	if s.phase == founding && len(s.waiting) == 0 {
		s.found(now, fx)
	}
	if s.rotating {
		fx.Calls = append(fx.Calls, Call{Kind: CallRotate, Epoch: s.head.Epoch})
	}
	s.resume(now, fx)
}

// confirm applies the ops of the append under way: they are committed.
func (s *Stream) confirm(fx *Effects) {
	ops, from := s.inflight, s.head.Offset
	s.inflight = nil
	for _, a := range ops {
		a.w.inflight--
	}
	s.tell(from, s.sent.Entries, s.advance(&s.sent), fx)
	s.sent = store.Record{}
	for _, a := range ops {
		a.tally.acked = a.mark.seq
		s.decided(a.tally, fx)
		s.evict(a.w)
	}
}

// follows reports whether a record continues the log as this hub knows it.
func (s *Stream) follows(rec *store.Record) bool {
	return len(rec.Entries) > 0 && rec.First() == s.head.Offset+1 && rec.Prev == s.head.Chain
}

// advance applies a record of the log to the confirmed state. It returns the
// writers that this hub knows among its authors, each once.
func (s *Stream) advance(rec *store.Record) []*writer {
	var authors []*writer
	for i := range rec.Entries {
		e := &rec.Entries[i]
		s.state.Apply(crdt.Op{Offset: e.Offset, At: e.At, Writer: e.Writer, Seq: e.Seq, Body: e.Op})
		s.head.Offset = e.Offset
		s.head.Chain = wire.ChainNext(s.head.Chain, e.OpHash)
		s.ring.push(*e, s.head.Chain)
		s.compaction.committed(e)
		w := s.writers[e.Writer]
		if w == nil {
			continue
		}
		w.commit(mark{seq: e.Seq, hash: e.Hash, at: e.At}, e.Subject)
		if !slices.Contains(authors, w) {
			authors = append(authors, w)
		}
	}
	return authors
}

// tell sends what was committed after offset from: the entries to those who
// read them, the ack to their authors.
func (s *Stream) tell(from uint64, entries []store.Entry, authors []*writer, fx *Effects) {
	last := &entries[len(entries)-1]
	fx.Applied += len(entries)
	fx.Commits = append(fx.Commits, Commit{Last: last.Offset, Ops: len(entries), Client: last.Writer.Client})
	s.refreshFans()
	if len(s.fans.states) > 0 {
		s.sendOps(Out{All: s.fans.states}, from, entries, fx)
	}
	if len(s.fans.values) > 0 {
		s.fans.due, fx.ValuesDue = true, true
	}
	for _, w := range authors {
		for _, sub := range w.subs {
			if sub.ready && !sub.stale {
				fx.tell(sub.target, &wire.Ack{Stream: s.name, Seq: w.committed.seq, Hash: wire.FormatHash(w.committed.hash)})
			}
		}
	}
}

// sendOps sends entries as one or more ops messages of bounded size.
func (s *Stream) sendOps(to Out, from uint64, entries []store.Entry, fx *Effects) {
	for len(entries) > 0 {
		n, size := 0, 0
		for n < len(entries) && (n == 0 || size+len(entries[n].Op) <= opsBytes) {
			size += len(entries[n].Op) + entryOverhead
			n++
		}
		last := entries[n-1].Offset
		chain, _ := s.ring.at(last, s.head)
		to.Msg = &wire.Ops{Stream: s.name, From: from, Cursor: s.cursorAt(last, chain), Entries: wireEntries(entries[:n])}
		to.Last = last
		fx.Out = append(fx.Out, to)
		from, entries = last, entries[n:]
	}
}

func wireEntries(entries []store.Entry) []wire.Entry {
	if len(entries) == 0 {
		return nil
	}
	out := make([]wire.Entry, len(entries))
	for i := range entries {
		e := &entries[i]
		out[i] = wire.Entry{Off: e.Offset, Client: e.Writer.Client, Inc: e.Writer.Inc, Seq: e.Seq, At: e.At, Op: e.Op}
	}
	return out
}

// catchUp applies what other hubs committed. False: the log does not continue
// what this hub knows, and the stream is being loaded anew.
func (s *Stream) catchUp(records []store.Record, head store.Position, fx *Effects) bool {
	for i := range records {
		rec := &records[i]
		if len(rec.Entries) == 0 || rec.Last() <= s.head.Offset {
			continue
		}
		if !s.follows(rec) {
			s.reload(true, fx)
			return false
		}
		from := s.head.Offset
		s.draft = nil
		s.tell(from, rec.Entries, slices.DeleteFunc(s.advance(rec), s.disowned), fx)
	}
	if head.Offset < s.head.Offset || head.Offset == s.head.Offset && head.Chain != s.head.Chain {
		s.reload(true, fx)
		return false
	}
	if head.Epoch != s.head.Epoch && head.Offset == s.head.Offset {
		// Not before: until the head is reached, nothing shows that what this hub
		// knows is a part of the log in its new epoch.
		s.moved(head.Epoch, fx)
	}
	return true
}

// known is a position that this hub has seen committed.
type known store.Position

// ahead reports whether a log that is at head lacks the position.
func (k known) ahead(head store.Position) bool {
	return head.Offset < k.Offset || head.Offset == k.Offset && head.Chain != k.Chain
}

// redo runs everything that waits through all checks again, in its order, after
// the state under it changed.
func (s *Stream) redo(fx *Effects) {
	ops := s.waiting
	s.waiting, s.draft = nil, nil
	for _, a := range ops {
		a.w.rollback()
	}
	for _, a := range s.inflight {
		a.w.rollback()
	}
	for _, a := range s.inflight {
		a.w.accept(a.mark, a.subject)
	}
	for _, a := range ops {
		switch {
		case a.w.id.Client == initialClient && s.head.Offset > 0:
		case s.foreign(a):
			s.part(a, fx)
		case a.mark.seq <= a.w.committed.seq:
			a.tally.acked = a.mark.seq
		case a.prev != a.w.pending.seq:
			// The op before it was refused; its author will rewind, and a request
			// says which one it was.
			if a.tally.rejected == nil {
				a.tally.fail(wire.Errorf(wire.Internal, "an op before this one was refused"))
			}
		default:
			if err := s.accept(a); err != nil {
				s.refused(a, err, fx)
			}
		}
		// If accept took the op it counted it once more.
		s.decided(a.tally, fx)
	}
	for _, a := range ops {
		s.evict(a.w) // only now: a later op of the same writer may have needed it
	}
}

// foreign reports whether the log turned out to have another history of the
// op's writer, from a copy of its queue that another hub served.
func (s *Stream) foreign(a *accepted) bool {
	if a.mark.seq > a.w.committed.seq {
		return a.prev == a.w.pending.seq && wire.WriterHash(a.w.pending.hash, a.mark.seq, a.sent) != a.mark.hash
	}
	have, known := a.w.hashAt(a.mark.seq)
	return known && have != a.mark.hash
}

// disowned reports whether what was accepted of a writer turns out to be of another
// history than the log's: the ack of that one would be taken for its own. Only what
// another hub committed can show that.
func (s *Stream) disowned(w *writer) bool {
	for _, list := range [2][]*accepted{s.inflight, s.waiting} {
		for _, a := range list {
			if a.w == w && s.foreign(a) {
				return true
			}
		}
	}
	return false
}

// part drops an op of a history that is not the log's, and makes its author look,
// in whatever session it is now: what it sent again there passed as a duplicate.
func (s *Stream) part(a *accepted, fx *Effects) {
	a.tally.fail(errConflict())
	for _, sub := range a.w.subs {
		if sub.ready && !sub.parted {
			sub.parted = true
			e := errConflict()
			e.Stream, e.Seq = s.name, a.mark.seq
			fx.tell(sub.target, e)
		}
	}
}

// refused tells the author of an accepted op that it cannot be committed after all.
func (s *Stream) refused(a *accepted, err *crdt.Error, fx *Effects) {
	a.tally.rejected = &wire.Reject{Stream: s.name, Seq: a.mark.seq, Code: err.Code, Msg: err.Msg}
	if sub := s.subs[a.tally.member]; sub != nil && sub.w == a.w && sub.ready {
		sub.ignoring = true
		fx.tell(sub.target, a.tally.rejected)
	}
}

// abandon answers everything that is accepted and not committed with an error.
// Nothing of it is in the log, and its authors will send it again.
func (s *Stream) abandon(e *wire.Error, fx *Effects) {
	s.unsend()
	ops := s.waiting
	s.waiting, s.draft = nil, nil
	for _, a := range ops {
		a.w.rollback()
	}
	told := map[*subscriber]bool{}
	for _, a := range ops {
		a.tally.fail(e)
		// Also if it is ignored: what it sent again since may be of these ops, and
		// passed as duplicates.
		if sub := s.subs[a.tally.member]; sub != nil && sub.w == a.w && sub.ready && !told[sub] {
			told[sub], sub.ignoring = true, true
			about := *e
			about.Stream, about.Seq = s.name, a.mark.seq
			fx.tell(sub.target, &about)
		}
		s.decided(a.tally, fx)
		s.evict(a.w)
	}
}

// readDone takes what was read of the log.
func (s *Stream) readDone(now Instant, ev *ReadDone, fx *Effects) {
	c, ok := s.take(ev.ID)
	if !ok {
		return
	}
	switch c.kind {
	case thenDelta:
		s.placed(now, c, ev, fx)
	case thenHistory:
		s.answerHistory(c, ev, fx)
	case thenOutcome:
		s.outcome(now, ev, fx)
	case thenRetry:
		s.retry(now, c, ev, fx)
	}
}

// outcome settles an append whose answer was lost, or that lost against more
// than the answer could carry, by what the log holds.
func (s *Stream) outcome(now Instant, ev *ReadDone, fx *Effects) {
	if len(s.inflight) == 0 {
		return
	}
	if errors.Is(ev.Err, store.ErrTrimmed) {
		s.reload(false, fx)
		return
	}
	if errors.Is(ev.Err, store.ErrFailed) {
		// Nobody will ever say. This hub commits nothing any more, and the authors
		// keep their ops for the next.
		s.abandon(failure(ev.Err), fx)
		s.appendDone(now, fx)
		return
	}
	if ev.Err == nil && !s.catchUp(ev.Tail.Records, ev.Tail.Head, fx) {
		return
	}
	if ev.Err != nil || s.head.Offset < ev.Tail.Head.Offset {
		s.call(continuation{kind: thenOutcome}, Call{Kind: CallRead, After: s.head.Offset, Max: recordOps}, fx)
		return
	}
	// Where the log stands still the append may arrive yet. So it goes as it was: what
	// is refused now, as an edit whose positions are by now too old, could commit.
	stands := s.follows(&s.sent)
	s.unsend()
	if !stands {
		s.redo(fx)
	}
	s.appendDone(now, fx)
}

// retry steps an event again now that the log was read to its head.
func (s *Stream) retry(now Instant, c continuation, ev *ReadDone, fx *Effects) {
	if s.phase != live || s.rotating {
		s.again(now, c, fx)
		return
	}
	if len(s.inflight) > 0 {
		// What was read may be the append under way, whose answer comes first.
		s.calls = append(s.calls, c)
		s.after = append(s.after, ev)
		return
	}
	trimmed := errors.Is(ev.Err, store.ErrTrimmed)
	if ev.Err != nil && !trimmed {
		s.cannotRetry(c, failure(ev.Err), fx)
		return
	}
	if trimmed || c.head.ahead(ev.Tail.Head) {
		s.reload(!trimmed, fx)
		s.again(now, c, fx)
		return
	}
	if ev.Tail.Head.Offset > s.head.Offset {
		if !s.catchUp(ev.Tail.Records, ev.Tail.Head, fx) {
			s.again(now, c, fx)
			return
		}
		s.redo(fx)
	}
	if s.head.Offset < ev.Tail.Head.Offset {
		c.head = known(s.head)
		s.call(c, Call{Kind: CallRead, After: s.head.Offset, Max: deltaEntries}, fx)
		return
	}
	s.again(now, c, fx)
}

// again steps the event of a continuation, an open from its place on.
func (s *Stream) again(now Instant, c continuation, fx *Effects) {
	open, ok := c.ev.(*Open)
	push, isPush := c.ev.(*Push)
	switch {
	case isPush && !c.current(s):
		// It belongs to a former open, perhaps to another writer.
		fx.Released = append(fx.Released, Released{Member: push.Member, Pushes: 1, Bytes: push.Bytes})
	case !ok:
		s.request(now, c.ev, fx)
	case !c.current(s):
	case s.changed(&c):
		s.request(now, open, fx)
	case open.memory != nil:
		ev := open.memory
		open.memory = nil
		s.remembered(c, open, ev, fx)
	default:
		s.place(open, c.sub, fx)
	}
}

// cannotRetry answers an event for which the log had to be read and could not.
func (s *Stream) cannotRetry(c continuation, e *wire.Error, fx *Effects) {
	switch ev := c.ev.(type) {
	case *Open:
		if c.current(s) {
			s.drop(ev.Member)
			s.answerError(ev, e, fx)
		}
	case *Push:
		if sub := s.subs[ev.Member]; sub != nil {
			sub.ignoring = true
		}
		s.pushError(ev, ev.Push.Seq, e, fx)
		fx.Released = append(fx.Released, Released{Member: ev.Member, Pushes: 1, Bytes: ev.Bytes})
	}
}
