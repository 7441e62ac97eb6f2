package hubcore

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/ratelimit"
	"github.com/wavesiddhartha/flowsync/store"
	"github.com/wavesiddhartha/flowsync/wire"
)

// accepted is an op that passed all checks and waits for its commit.
type accepted struct {
	w       *writer
	prev    uint64
	mark    mark
	sent    []byte // the op as its author sent it
	op      []byte // as it will be committed
	session uint64
	subject string
	tally   *tally
}

// tally follows the ops of one request until each of them is decided.
type tally struct {
	left   int  // accepted and not decided
	sealed bool // all ops of the request were looked at

	member *Member // a push: who to release
	bytes  int

	token    any     // a Local or Post: whom to settle
	w        *writer // pinned until then
	acked    uint64
	rejected *wire.Reject
	err      *wire.Error
}

// fail keeps the first error of a local request.
func (t *tally) fail(e *wire.Error) {
	if t.err == nil {
		t.err = e
	}
}

// decided counts one op of the tally as decided.
func (s *Stream) decided(t *tally, fx *Effects) {
	t.left--
	s.settle(t, fx)
}

// settle reports a tally whose ops are all decided.
func (s *Stream) settle(t *tally, fx *Effects) {
	if t.left > 0 || !t.sealed {
		return
	}
	if t.rejected != nil {
		fx.Rejected++
	}
	if t.member != nil {
		fx.Released = append(fx.Released, Released{Member: t.member, Pushes: 1, Bytes: t.bytes})
		return
	}
	if t.w != nil {
		t.w.pins--
		s.evict(t.w)
	}
	if t.token == nil {
		return // an op that founds the stream; nobody waits for it
	}
	done := Settled{Token: t.token, Acked: t.acked, Rejected: t.rejected, Err: t.err, Rule: s.rule.Name()}
	if s.phase != loading {
		done.Cursor = s.cursor()
	}
	fx.Settled = append(fx.Settled, done)
}

// push takes the ops of a session one by one, in the protocol's order of checks:
// identity, duplicate, prev, limits, rights, rule. It stops at the first that
// fails; those before it stand.
func (s *Stream) push(now Instant, ev *Push, fx *Effects) {
	t := &tally{member: ev.Member, bytes: ev.Bytes}
	sub := s.subs[ev.Member]
	switch {
	case sub == nil || !sub.ready || !sub.mode.Writes():
		s.pushError(ev, ev.Push.Seq, wire.Errorf(wire.NotReady, "open the stream for writing first, and wait for synced"), fx)
	case s.eph != nil:
		s.pushEphemeral(now, ev, fx)
	case sub.w == nil:
		// Opened while the store was away; it has to be opened again.
		s.pushError(ev, ev.Push.Seq, failure(store.ErrUnavailable), fx)
	case sub.stale, sub.parted:
	case ev.Push.Seq == 0:
		s.pushError(ev, 0, wire.Errorf(wire.BadOp, "a push needs a seq from 1"), fx)
	case ev.Push.At != nil && *ev.Push.At > s.head.Offset && !ev.fresh:
		s.refresh(ev, sub, fx)
		return
	default:
		s.pushOps(now, ev, sub, t, fx)
	}
	t.sealed = true
	s.settle(t, fx)
}

func (s *Stream) pushOps(now Instant, ev *Push, sub *subscriber, t *tally, fx *Effects) {
	w, p := sub.w, ev.Push
	acked := false
	defer func() {
		if acked {
			fx.tell(sub.target, &wire.Ack{Stream: s.name, Seq: w.committed.seq, Hash: wire.FormatHash(w.committed.hash)})
		}
	}()
	for i, op := range p.Ops {
		seq := p.Seq + uint64(i)
		if seq <= w.pending.seq {
			v := w.duplicate(seq, func(prev store.WriterHash) store.WriterHash { return wire.WriterHash(prev, seq, op) })
			if v == conflict {
				s.conflict(ev, sub, seq, fx)
				return
			}
			fx.Duplicates++
			acked = acked || seq <= w.committed.seq
			continue
		}
		prev, fits := s.fits(ev, sub, i, fx)
		if !fits {
			return
		}
		if e := s.limited(now, ev, w, w.cost(len(op))); e != nil {
			sub.ignoring = true
			s.pushError(ev, seq, e, fx)
			return
		}
		if !ev.MayWrite {
			s.pushError(ev, seq, wire.Errorf(wire.AccessDenied, "the token does not allow writing this stream"), fx)
			return
		}
		at := s.head.Offset
		if p.At != nil {
			at = *p.At
		}
		a := &accepted{
			w: w, prev: prev, sent: bytes.Clone(op), session: sub.m.Number, subject: sub.m.Subject, tally: t,
			mark: mark{seq: seq, at: at, hash: wire.WriterHash(w.pending.hash, seq, op)},
		}
		if err := s.accept(a); err != nil {
			s.reject(sub, seq, err.Code, err.Msg, fx)
			return
		}
	}
	if ev.Refused == nil {
		return
	}
	seq := p.Seq + uint64(len(p.Ops))
	if seq <= w.pending.seq {
		s.conflict(ev, sub, seq, fx)
		return
	}
	if _, fits := s.fits(ev, sub, len(p.Ops), fx); !fits {
		return
	}
	if e := s.limited(now, ev, w, ratelimit.Cost{Ops: 1}); e != nil {
		sub.ignoring = true
		s.pushError(ev, seq, e, fx)
		return
	}
	s.reject(sub, seq, ev.Refused.Code, ev.Refused.Msg, fx)
}

// limited is why the next op of a push may not come now, nil if it may. What is
// refused costs nothing, so that it can be sent again.
func (s *Stream) limited(now Instant, ev *Push, w *writer, cost ratelimit.Cost) *wire.Error {
	if ev.Crowded || w.inflight >= s.cfg.InflightOps {
		e := wire.Errorf(wire.Busy, "too much waits for its commit; send it again later")
		e.AfterMS = 100
		return e
	}
	return s.cfg.Spend(now, ev.Member.Subject, ev.Rates, s.name, cost)
}

// fits checks that op i of a push follows the last op accepted from its writer.
// If it does not, its author is told once and then ignored until an op fits.
func (s *Stream) fits(ev *Push, sub *subscriber, i int, fx *Effects) (prev uint64, ok bool) {
	w, seq := sub.w, ev.Push.Seq+uint64(i)
	prev = seq - 1
	if i == 0 && ev.Push.Prev != nil {
		prev = *ev.Push.Prev
	}
	if prev == w.pending.seq {
		sub.ignoring = false
		return prev, true
	}
	if !sub.ignoring {
		sub.ignoring = true
		e := wire.Errorf(wire.SeqGap, "an op before this one is missing; send again from the expected seq")
		e.Expected = w.pending.seq + 1
		s.pushError(ev, seq, e, fx)
	}
	return prev, false
}

// reject refuses one op for good. Its author stores it as a dead letter before
// the next op may follow.
func (s *Stream) reject(sub *subscriber, seq uint64, code wire.Code, msg string, fx *Effects) {
	sub.ignoring = true
	fx.Rejected++
	fx.tell(sub.target, &wire.Reject{Stream: s.name, Seq: seq, Code: code, Msg: msg})
}

// conflict answers an op under whose seq another one was sent. What the session
// has sent after it may fit by its seqs and still belong to the other history:
// nothing more is taken before it opens the stream again and learns where the
// two part.
func (s *Stream) conflict(ev *Push, sub *subscriber, seq uint64, fx *Effects) {
	sub.parted = true
	s.pushError(ev, seq, errConflict(), fx)
}

func errConflict() *wire.Error {
	return wire.Errorf(wire.OpConflict, "another op was sent under this seq before; open the stream again to see where the histories part")
}

// pushError answers a push with an error about one of its ops.
func (s *Stream) pushError(ev *Push, seq uint64, e *wire.Error, fx *Effects) {
	e.Stream, e.Seq = s.name, seq
	fx.send(ev.Member, e)
}

// accept checks an op against the confirmed state plus all that waits, and queues
// it for the next append.
func (s *Stream) accept(a *accepted) *crdt.Error {
	if a.mark.at > s.head.Offset {
		return crdt.Errorf(crdt.BadOp, "at is beyond the stream's newest offset")
	}
	if a.mark.at < a.w.pending.at {
		return crdt.Errorf(crdt.BadOp, "at is below that of the writer's op before")
	}
	op := crdt.Op{
		Offset: s.head.Offset + uint64(len(s.inflight)+len(s.waiting)) + 1,
		At:     a.mark.at, Writer: a.w.id, Seq: a.mark.seq, Body: a.sent,
	}
	edited, err := s.edit(&op)
	if err == nil {
		err = s.check(op)
	}
	if err != nil {
		if edited {
			s.draft = nil // it holds the edit
		}
		return refusal(err)
	}
	a.op = op.Body
	if s.draft != nil {
		s.draft.Apply(op)
	}
	a.w.accept(a.mark, a.subject)
	a.tally.left++
	s.waiting = append(s.waiting, a)
	return nil
}

// check asks the limits and the rule about an op in the form it is committed in.
func (s *Stream) check(op crdt.Op) error {
	if len(op.Body) > s.cfg.EntryBytes {
		return crdt.Errorf(crdt.TooLarge, "the op is larger than %d bytes", s.cfg.EntryBytes)
	}
	on := s.ahead()
	grow, err := on.Check(op)
	if err == nil && grow > 0 && on.Size()+grow > s.cfg.StateBytes {
		err = crdt.Errorf(crdt.StreamFull, "the stream's state is at its limit of %d bytes; remove something first", s.cfg.StateBytes)
	}
	return err
}

// refusal is why a rule refused an op.
func refusal(err error) *crdt.Error {
	var refused *crdt.Error
	if errors.As(err, &refused) {
		return refused
	}
	return crdt.Errorf(crdt.BadOp, "the stream's rule refused the op")
}

// edit turns an op in positions into the one that is committed: positions count
// in what its author had seen, and what others did since moves them. The draft
// then has the edit already, and taking the op into it changes nothing.
func (s *Stream) edit(op *crdt.Op) (edited bool, err error) {
	if e, ok := s.state.(crdt.Editor); !ok || !e.Positional(op.Body) {
		return false, nil
	}
	entries, ok := s.ring.after(op.At, s.head.Offset)
	if !ok {
		return false, crdt.Errorf(crdt.MissingDependency, "the positions are those of a text too long ago; read it again")
	}
	since := make([]crdt.Op, 0, len(entries)+len(s.inflight)+len(s.waiting))
	for i := range entries {
		e := &entries[i]
		since = append(since, crdt.Op{Offset: e.Offset, At: e.At, Writer: e.Writer, Seq: e.Seq, Body: e.Op})
	}
	since = append(since, s.ops()...)
	if s.draft == nil {
		s.draft = s.makeDraft()
	}
	body, err := s.draft.(crdt.Editor).Edit(*op, since, s.author(op.Writer))
	if err != nil {
		return false, err
	}
	op.Body = body
	return true, nil
}

// author is the document client by which this process edits for a writer.
func (s *Stream) author(w crdt.Writer) uint64 {
	sum := sha256.Sum256([]byte(s.cfg.Inc + "\x00" + w.Client + "\x00" + w.Inc))
	return uint64(binary.BigEndian.Uint32(sum[:]))
}

// ops are the ops that are accepted and not committed, in order.
func (s *Stream) ops() []crdt.Op {
	var ops []crdt.Op
	for _, list := range [2][]*accepted{s.inflight, s.waiting} {
		for _, a := range list {
			off := s.head.Offset + uint64(len(ops)) + 1
			ops = append(ops, crdt.Op{Offset: off, At: a.mark.at, Writer: a.w.id, Seq: a.mark.seq, Body: a.op})
		}
	}
	return ops
}

// ahead is the state with everything applied that waits for its commit. On a
// quiet stream that is the confirmed state; the copy is made when the first op
// comes while another is under way, and kept.
func (s *Stream) ahead() crdt.State {
	if s.draft == nil && len(s.inflight)+len(s.waiting) == 0 {
		return s.state
	}
	if s.draft == nil {
		s.draft = s.makeDraft()
	}
	return s.draft
}

func (s *Stream) makeDraft() crdt.State {
	draft := s.state.Clone()
	for _, op := range s.ops() {
		draft.Apply(op)
	}
	return draft
}

// refresh reads the log to its head and then steps ev again. A push is copied: the
// decoder that it came from goes on to other messages.
func (s *Stream) refresh(ev StreamEvent, sub *subscriber, fx *Effects) {
	switch ev := ev.(type) {
	case *Open:
		ev.fresh = true
	case *Push:
		ev.fresh = true
		p := *ev.Push
		p.Prev, p.At = clone(p.Prev), clone(p.At)
		p.Ops = make([][]byte, len(ev.Push.Ops))
		for i, op := range ev.Push.Ops {
			p.Ops[i] = bytes.Clone(op)
		}
		ev.Push = &p
	}
	c := continuation{kind: thenRetry, ev: ev, sub: sub, open: sub.open, w: sub.w, head: known(s.head)}
	s.call(c, Call{Kind: CallRead, After: s.head.Offset, Max: deltaEntries}, fx)
}

func clone(n *uint64) *uint64 {
	if n == nil {
		return nil
	}
	c := *n
	return &c
}
