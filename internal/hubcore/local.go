package hubcore

import (
	"strings"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/store"
	"github.com/wavesiddhartha/flowsync/wire"
)

// local commits an op of the hub itself. Its writer begins with this process and
// the hub numbers its ops, from its watermark on: the stream may have been
// unloaded, or loaded anew, since it last wrote.
func (s *Stream) local(now Instant, ev *Local, fx *Effects) {
	if s.eph != nil {
		s.localEphemeral(now, ev, fx)
		return
	}
	w := s.writer(crdt.Writer{Client: ev.Client, Inc: ev.Inc})
	if w.known {
		s.localOp(w, ev, fx)
		return
	}
	w.pins++
	s.call(continuation{kind: thenLocal, ev: ev, w: w}, Call{Kind: CallRecall, Writer: w.id}, fx)
}

func (s *Stream) localOp(w *writer, ev *Local, fx *Effects) {
	t := &tally{token: ev.Token, sealed: true}
	if err := s.accept(s.own(w, w.pending.seq+1, ev.Body, "", t)); err != nil {
		t.rejected = &wire.Reject{Stream: s.name, Code: err.Code, Msg: err.Msg}
		s.settle(t, fx)
	}
}

func (s *Stream) localRecalled(now Instant, c continuation, ev *Recalled, fx *Effects) {
	local, w := c.ev.(*Local), c.w
	founds := local.Token == nil
	switch {
	case s.writers[w.id] != w || s.phase != live && !s.founder(local):
		// Loaded anew meanwhile. What founds the stream is looked at again then.
		if !founds {
			s.request(now, local, fx)
		}
		return
	case ev.Err != nil:
		w.pins--
		s.evict(w)
		if !founds {
			s.answerError(local, failure(ev.Err), fx)
		}
	default:
		if w.known {
			w.pins-- // one pin stays for as long as the stream is loaded
		}
		w.learn(ev.Mark, ev.Tail)
		s.localOp(w, local, fx)
	}
	if s.phase == founding && len(s.waiting) == 0 {
		s.phase = live
		s.unpark(now, fx)
	}
}

// own makes the next op of a writer whose ops the hub numbers.
func (s *Stream) own(w *writer, seq uint64, body []byte, subject string, t *tally) *accepted {
	return &accepted{
		w: w, prev: w.pending.seq, sent: body, subject: subject, tally: t,
		mark: mark{seq: seq, at: max(s.head.Offset, w.pending.at), hash: wire.WriterHash(w.pending.hash, seq, body)},
	}
}

// post commits the ops of one HTTP request. Its writer is made from the
// idempotency key, and the writer's incarnation from the body, so that a request
// that is repeated is a duplicate and the same key with another body is not.
func (s *Stream) post(ev *Post, fx *Effects) {
	if s.eph != nil {
		fx.Settled = append(fx.Settled, Settled{Token: ev.Token, Err: wire.Errorf(wire.WrongRule, "an ephemeral stream takes ops from sessions only; connect a client")})
		return
	}
	if inc, ok := s.posted[ev.Client]; ok && inc != ev.Inc {
		fx.Settled = append(fx.Settled, Settled{Token: ev.Token, Err: wire.Errorf(wire.OpConflict, "this idempotency key was used with another body; use a new key")})
		return
	}
	id := crdt.Writer{Client: ev.Client, Inc: ev.Inc}
	if other := s.posting[ev.Client]; other != nil && other.id != id {
		// Whether that one commits decides whether the key is used.
		e := wire.Errorf(wire.Busy, "a request with this idempotency key and another body is under way; repeat this one for its answer")
		e.AfterMS = 100
		fx.Settled = append(fx.Settled, Settled{Token: ev.Token, Err: e})
		return
	}
	w := s.writer(id)
	w.pins++
	s.posting[ev.Client] = w
	t := &tally{token: ev.Token, w: w}
	s.call(continuation{kind: thenPost, ev: ev, w: w, t: t}, Call{Kind: CallRecall, Writer: id}, fx)
}

func (s *Stream) postRecalled(c continuation, ev *Recalled, fx *Effects) {
	post, t, w := c.ev.(*Post), c.t, c.w
	t.sealed = true
	switch {
	case s.phase != live || s.writers[w.id] != w:
		t.fail(failure(store.ErrUnavailable))
	case ev.Err != nil:
		t.fail(failure(ev.Err))
	default:
		w.learn(ev.Mark, ev.Tail)
		s.postOps(post, t, w)
	}
	s.settle(t, fx)
}

// postOps accepts the ops of a post that are not in the log yet, up to the first
// that is refused.
func (s *Stream) postOps(post *Post, t *tally, w *writer) {
	t.acked = min(w.committed.seq, uint64(len(post.Ops)))
	for i, op := range post.Ops {
		seq := uint64(i) + 1
		if seq <= w.committed.seq {
			continue
		}
		if seq <= w.pending.seq {
			// The first sending of this very request is being committed.
			e := wire.Errorf(wire.Busy, "the same request is being committed; repeat it for its answer")
			e.AfterMS = 100
			t.fail(e)
			return
		}
		if err := s.accept(s.own(w, seq, op, post.Subject, t)); err != nil {
			t.rejected = &wire.Reject{Stream: s.name, Seq: seq, Code: err.Code, Msg: err.Msg}
			return
		}
	}
	if e := post.Refused; e != nil {
		t.rejected = &wire.Reject{Stream: s.name, Seq: uint64(len(post.Ops)) + 1, Code: e.Code, Msg: e.Msg}
	}
}

// postedMax is how many HTTP writers a stream tells apart by their key.
const postedMax = 100_000

// remember keeps the incarnation of the newest HTTP writers.
func (s *Stream) remember(id crdt.Writer) {
	if !strings.HasPrefix(id.Client, "http:") {
		return
	}
	if _, ok := s.posted[id.Client]; ok {
		return
	}
	if len(s.postedOrder) == postedMax {
		delete(s.posted, s.postedOrder[0])
		s.postedOrder = s.postedOrder[1:]
	}
	s.posted[id.Client] = id.Inc
	s.postedOrder = append(s.postedOrder, id.Client)
}

// query answers with the confirmed state.
func (s *Stream) query(ev *Query, fx *Effects) {
	on := s.state
	done := Settled{Token: ev.Token, Rule: s.rule.Name()}
	if s.eph != nil {
		on = s.eph.state
	} else {
		done.Cursor = s.cursor()
	}
	done.Value, done.Digest = on.AppendValue(nil), crdt.Digest(on)
	if ev.State {
		done.State = on.AppendState(nil)
	}
	fx.Settled = append(fx.Settled, done)
}
