package hubcore

import (
	"errors"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/store"
	"github.com/wavesiddhartha/flowsync/wire"
)

// Bounds of an answer to an open. What is more comes as a snapshot.
const (
	deltaEntries = 2048
	deltaBytes   = 1 << 20
)

// open starts an open. One that may push first recalls its writer; then it is
// placed on the log by its cursor; then it is answered, all at one offset.
func (s *Stream) open(ev *Open, fx *Effects) {
	if s.rotating {
		s.parked = append(s.parked, ev)
		return
	}
	sub := s.subs[ev.Member]
	if sub == nil {
		sub = &subscriber{m: ev.Member}
		s.subs[ev.Member] = sub
		s.order = append(s.order, sub)
	}
	s.release(sub)
	ev.fresh, ev.memory = false, nil
	*sub = subscriber{m: ev.Member, target: &Target{Member: ev.Member}, ref: ev.Ref, mode: ev.granted(), as: ev.Open.As, open: sub.open + 1, presence: ev.MayPresence}
	s.fans.stale()
	if s.eph != nil {
		s.openEphemeral(ev, sub, fx)
		return
	}
	if !ev.Open.Mode.Writes() {
		s.place(ev, sub, fx)
		return
	}
	id := crdt.Writer{Client: ev.Member.Client, Inc: ev.Open.Inc}
	sub.w = s.writer(id)
	sub.w.subs = append(sub.w.subs, sub)
	call := Call{Kind: CallRecall, Writer: id}
	if ev.Open.Unacked > 0 {
		call.Fence = ev.Member.Number
	}
	s.call(continuation{kind: thenPlace, ev: ev, sub: sub, open: sub.open, w: sub.w}, call, fx)
}

// granted is what of the wanted mode the member's rights allow.
func (ev *Open) granted() wire.Mode {
	r := ev.MayRead && ev.Open.Mode.Reads()
	w := ev.MayWrite && ev.Open.Mode.Writes()
	switch {
	case r && w:
		return wire.ReadWrite
	case r:
		return wire.Read
	case w:
		return wire.Write
	}
	return ""
}

// recalled continues an open or a post with what the store knows of its writer.
func (s *Stream) recalled(now Instant, ev *Recalled, fx *Effects) {
	c, ok := s.take(ev.ID)
	if !ok {
		return
	}
	switch c.kind {
	case thenPost:
		s.postRecalled(now, c, ev, fx)
		return
	case thenLocal:
		s.localRecalled(now, c, ev, fx)
		return
	}
	open := c.ev.(*Open)
	switch {
	case !c.current(s):
	case s.changed(&c):
		s.request(now, open, fx)
	case ev.Err != nil && open.Open.Unacked > 0 && !c.sub.mode.Writes():
		// The client would take its unacked ops for refused, which may be in the log.
		s.cannotRetry(c, failure(ev.Err), fx)
	case ev.Err != nil:
		// A loaded stream is still served while the store is away. Without yours
		// the client keeps its queue and opens again when writing is possible.
		s.release(c.sub)
		s.place(open, c.sub, fx)
	case len(s.inflight) > 0 && ev.Mark.Seq > c.w.committed.seq, open.Open.Unacked > 0 && c.w.inflight > 0:
		// What the store has more is, most likely, the append under way. And what a
		// former open of this session sent, no fence keeps out: whether it is in
		// has to be known before the client decides on it.
		s.calls = append(s.calls, c)
		s.after = append(s.after, ev)
	case ev.Mark.Seq > c.w.committed.seq && !s.ring.holds(c.w.id, ev.Mark.Seq):
		// It may be from beyond this hub's head, where another hub put it. Yours
		// is taken at the offset of the answer, so the log is read first.
		open.memory = ev
		s.refresh(open, c.sub, fx)
	default:
		s.remembered(c, open, ev, fx)
	}
}

// changed reports whether the stream was loaded anew, or moved to another epoch,
// since the open of c began. The open then begins again.
func (s *Stream) changed(c *continuation) bool {
	return s.phase != live || s.rotating || c.sub.stale || c.sub.w != c.w
}

// remembered continues an open whose writer's watermark is not beyond the head.
func (s *Stream) remembered(c continuation, open *Open, ev *Recalled, fx *Effects) {
	c.w.learn(ev.Mark, ev.Tail)
	if c.w.subject != "" && c.w.subject != open.Member.Subject {
		s.drop(open.Member)
		s.answerError(open, wire.Errorf(wire.ClientMismatch, "this client id belongs to another subject on this stream; use a client id of your own"), fx)
		return
	}
	if open.Open.Unacked > 0 {
		s.fence(c.w, open.Member.Number, fx)
	}
	s.place(open, c.sub, fx)
}

// place decides by the cursor how the open is answered. It may have to read the
// log first.
func (s *Stream) place(ev *Open, sub *subscriber, fx *Effects) {
	behind := sub.w != nil && ev.Open.Acked > sub.w.committed.seq
	if !sub.mode.Reads() {
		if behind && !ev.fresh {
			s.refresh(ev, sub, fx)
			return
		}
		s.answer(ev, sub, wire.WriteOnly, nil, fx)
		return
	}
	cur, ok := s.proven(ev.Open.Cursor)
	known := ok && cur.Epoch == s.head.Epoch
	if (behind || known && cur.Offset > s.head.Offset) && !ev.fresh {
		s.refresh(ev, sub, fx)
		return
	}
	if !known {
		s.answer(ev, sub, wire.Snapshot, nil, fx)
		return
	}
	if cur.Offset > s.head.Offset {
		s.rotate(ev, fx)
		return
	}
	chain, held := s.ring.at(cur.Offset, s.head)
	if !held && cur.Offset == 0 {
		s.answer(ev, sub, wire.Snapshot, nil, fx)
		return
	}
	ours := held && cur.Fits(chain)
	if !held {
		check, known := s.ring.check(cur.Offset, s.head.Offset)
		ours = known && check == cur.Check
		if ours || !known {
			c := continuation{kind: thenDelta, ev: ev, sub: sub, open: sub.open, w: sub.w, ours: ours}
			s.call(c, Call{Kind: CallRead, After: cur.Offset - 1, Max: deltaEntries}, fx)
			return
		}
	}
	if !ours {
		if !ev.fresh {
			s.refresh(ev, sub, fx)
			return
		}
		s.rotate(ev, fx)
		return
	}
	entries, _ := s.ring.after(cur.Offset, s.head.Offset)
	s.answerDelta(ev, sub, entries, fx)
}

// answerDelta sends the entries after the client's cursor, or the state if that
// is the smaller message. A client that is not told which of its ops are in can
// tell by its entries, and by no state.
func (s *Stream) answerDelta(ev *Open, sub *subscriber, entries []store.Entry, fx *Effects) {
	untold := sub.w == nil && ev.Open.Mode.Writes()
	size := 0
	for i := range entries {
		size += len(entries[i].Op) + entryOverhead
	}
	switch {
	case len(entries) == 0:
		s.answer(ev, sub, wire.Resumed, nil, fx)
	case sub.as == wire.AsValue, size > deltaBytes, size > s.state.Size()+entryOverhead*16 && !untold:
		s.answer(ev, sub, wire.Snapshot, nil, fx)
	default:
		s.answer(ev, sub, wire.Delta, entries, fx)
	}
}

// entryOverhead is about what an entry costs on the wire beside its op.
const entryOverhead = 96

// placed continues an open whose cursor is below the ring.
func (s *Stream) placed(now Instant, c continuation, ev *ReadDone, fx *Effects) {
	open := c.ev.(*Open)
	if !c.current(s) {
		return
	}
	if s.changed(&c) {
		s.request(now, open, fx)
		return
	}
	trimmed := errors.Is(ev.Err, store.ErrTrimmed)
	if ev.Err != nil && !trimmed && !c.ours {
		// Without the log nothing shows whether the client's history is this one.
		s.cannotRetry(c, failure(ev.Err), fx)
		return
	}
	cur, _ := wire.ParseCursor(open.Open.Cursor)
	if ev.Err != nil || cur.Epoch != s.head.Epoch || ev.Tail.First > cur.Offset {
		s.answer(open, c.sub, wire.Snapshot, nil, fx)
		return
	}
	var entries []store.Entry
	for _, rec := range ev.Tail.Records {
		chain := rec.Prev
		for i := range rec.Entries {
			chain = wire.ChainNext(chain, rec.Entries[i].OpHash)
			off := rec.Entries[i].Offset
			if own, held := s.ring.at(off, s.head); held && own != chain && !open.fresh {
				// The log lost what this hub still has: read it to its head, which shows
				// that, and do not send one history's entries after the other's.
				s.refresh(open, c.sub, fx)
				return
			}
			switch {
			case off == cur.Offset && !cur.Fits(chain):
				s.rotate(open, fx)
				return
			case off > cur.Offset && off < s.ring.first(s.head.Offset+1):
				entries = append(entries, rec.Entries[i])
			}
		}
	}
	reached := cur.Offset + uint64(len(entries))
	rest, ok := s.ring.after(reached, s.head.Offset)
	if !ok {
		s.answer(open, c.sub, wire.Snapshot, nil, fx)
		return
	}
	s.answerDelta(open, c.sub, append(entries, rest...), fx)
}

// answer sends synced and makes the session a subscriber.
func (s *Stream) answer(ev *Open, sub *subscriber, outcome wire.Outcome, entries []store.Entry, fx *Effects) {
	msg := &wire.Synced{Ref: ev.Ref, Stream: s.name, Rule: s.rule.Name(), Mode: sub.mode, Outcome: outcome}
	if sub.w != nil {
		msg.Yours = sub.w.yours(ev.Open.Acked)
	}
	if sub.mode == "" {
		msg.Outcome, msg.Rule = wire.Denied, ""
		fx.tell(sub.target, msg)
		s.drop(sub.m)
		return
	}
	var last uint64
	if sub.mode.Reads() {
		msg.Options = s.optionsInForce()
		msg.Cursor = s.cursor()
		last = s.head.Offset
	}
	switch {
	case outcome == wire.Snapshot && sub.as == wire.AsValue:
		msg.Value = s.state.AppendValue(nil)
	case outcome == wire.Snapshot:
		s.fillSnapshot(msg)
	case outcome == wire.Delta:
		msg.Entries = wireEntries(entries)
	}
	if !sub.mode.Writes() {
		s.release(sub)
	}
	sub.ready = true
	s.fans.stale()
	fx.Out = append(fx.Out, Out{One: sub.target, Msg: msg, Last: last})
	s.showPeers(sub, fx)
}

// fillSnapshot puts the state into an answer. The encoding is kept and shared by
// those who join soon after; they get the few entries since beside it.
func (s *Stream) fillSnapshot(msg *wire.Synced) {
	msg.Outcome, msg.Cursor = wire.Snapshot, s.cursor()
	entries, ok := s.ring.after(s.snapAt, s.head.Offset)
	if s.snap == nil || !ok || len(entries) > snapshotTail {
		s.snap, s.snapAt, entries = s.state.AppendState(nil), s.head.Offset, nil
	}
	msg.State, msg.Base, msg.Entries = s.snap, s.snapAt, wireEntries(entries)
}

// snapshotTail is how many entries an encoded state may be behind the head
// before it is encoded again.
const snapshotTail = 32

// optionsInForce are the registration options that are part of the state.
func (s *Stream) optionsInForce() []byte {
	if c, ok := s.state.(crdt.Configurable); ok {
		return c.AppendOptions(nil)
	}
	return nil
}

// rotate moves the stream to a new epoch because ev showed that history was
// lost. It waits for the append under way.
func (s *Stream) rotate(ev *Open, fx *Effects) {
	s.parked = append(s.parked, ev)
	if s.rotating {
		return
	}
	s.rotating = true
	if len(s.inflight) == 0 {
		fx.Calls = append(fx.Calls, Call{Kind: CallRotate, Epoch: s.head.Epoch})
	}
}

func (s *Stream) rotated(now Instant, ev *Rotated, fx *Effects) {
	if !s.rotating {
		return
	}
	s.rotating = false
	if ev.Err != nil {
		if s.phase == loading {
			s.phase = unloaded
		}
		s.refuse(failure(ev.Err), fx)
		return
	}
	s.lost = false
	if ev.Head.Offset != s.head.Offset || ev.Head.Chain != s.head.Chain {
		// Another hub moved on, or the store lost more: the new epoch is not that of
		// the state at hand.
		s.reload(false, fx)
		return
	}
	if s.phase == loading {
		s.head.Epoch = ev.Head.Epoch
		s.found(now, fx)
		return
	}
	s.moved(ev.Head.Epoch, fx)
	s.unpark(now, fx)
}

// moved takes over a new epoch: everyone who has the stream open opens it again,
// and what was accepted in the old one is dropped; its authors still hold it.
func (s *Stream) moved(epoch string, fx *Effects) {
	s.head.Epoch = epoch
	for _, a := range append(s.inflight, s.waiting...) {
		a.w.rollback()
		a.tally.fail(wire.Errorf(wire.Resync, "the stream's history changed; open it again"))
		s.decided(a.tally, fx)
		s.evict(a.w)
	}
	s.inflight, s.waiting, s.draft = nil, nil, nil
	for _, sub := range s.order {
		sub.stale = true
		if sub.ready {
			e := wire.Errorf(wire.Resync, "the stream's history changed; open it again")
			e.Stream = s.name
			fx.tell(sub.target, e)
		}
	}
	s.fans.stale()
}

// reload throws the confirmed state away and reads the store anew: in a new epoch
// if the log is proven to lack what this hub knows, in the present one if the
// log was merely trimmed above where this hub was.
func (s *Stream) reload(lost bool, fx *Effects) {
	s.moved(s.head.Epoch, fx)
	clear(s.writers)
	for _, sub := range s.order {
		sub.w = nil // with its writer's entry gone, nothing is left to release
	}
	s.lost, s.rotating = s.lost || lost, false
	s.phase = loading
	fx.Calls = append(fx.Calls, Call{Kind: CallLoad})
}
