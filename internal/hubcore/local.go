package hubcore

import (
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

// PostInc is the incarnation of every HTTP writer: a key has no second one.
const PostInc = "0000000000000000"

// post commits the ops of one HTTP request. Its writer is made from the
// idempotency key, and the writer's hashes begin with one of the body. So the
// watermark, which outlives compaction, tells a repeated request from another
// body under the same key.
func (s *Stream) post(ev *Post, fx *Effects) {
	if s.eph != nil {
		fx.Settled = append(fx.Settled, Settled{Token: ev.Token, Err: wire.Errorf(wire.WrongRule, "an ephemeral stream takes ops from sessions only; connect a client")})
		return
	}
	w := s.writer(crdt.Writer{Client: ev.Client, Inc: PostInc})
	w.pins++
	t := &tally{token: ev.Token, w: w}
	s.call(continuation{kind: thenPost, ev: ev, w: w, t: t}, Call{Kind: CallRecall, Writer: w.id}, fx)
}

func (s *Stream) postRecalled(now Instant, c continuation, ev *Recalled, fx *Effects) {
	post, t, w := c.ev.(*Post), c.t, c.w
	t.sealed = true
	switch {
	case s.phase != live || s.writers[w.id] != w:
		t.fail(failure(store.ErrUnavailable))
	case ev.Err != nil:
		t.fail(failure(ev.Err))
	default:
		w.learn(ev.Mark, ev.Tail)
		s.postOps(now, post, t, w)
	}
	s.settle(t, fx)
}

// postOps accepts the ops of a post that are not in the log yet, up to the first
// that is refused.
func (s *Stream) postOps(now Instant, post *Post, t *tally, w *writer) {
	switch {
	case !w.began(post):
		t.fail(wire.Errorf(wire.OpConflict, "this idempotency key was used with another body; use a new key"))
		return
	case w.pending.seq > w.committed.seq:
		// Whether that one commits decides what this one is.
		e := wire.Errorf(wire.Busy, "a request with this idempotency key is being committed; repeat this one for its answer")
		e.AfterMS = 100
		t.fail(e)
		return
	}
	t.acked = w.committed.seq
	if w.committed.seq == 0 {
		w.committed.hash, w.pending.hash = post.Base, post.Base
	}
	for i := t.acked; i < uint64(len(post.Ops)); i++ {
		if e := s.cfg.Spend(now, post.Subject, post.Rates, s.name, w.cost(len(post.Ops[i]))); e != nil {
			t.fail(e) // those before it stand, and the same request goes on from there
			return
		}
		if err := s.accept(s.own(w, i+1, post.Ops[i], post.Subject, t)); err != nil {
			t.rejected = &wire.Reject{Stream: s.name, Seq: i + 1, Code: err.Code, Msg: err.Msg}
			return
		}
	}
	if e := post.Refused; e != nil {
		t.rejected = &wire.Reject{Stream: s.name, Seq: uint64(len(post.Ops)) + 1, Code: e.Code, Msg: e.Msg}
	}
}

// began reports whether what is committed of an HTTP writer is the beginning of
// this request.
func (w *writer) began(post *Post) bool {
	n := w.committed.seq
	if n == 0 {
		return true
	}
	if n > uint64(len(post.Ops)) {
		return false
	}
	h := post.Base
	for i := range n {
		h = wire.WriterHash(h, i+1, post.Ops[i])
	}
	return h == w.committed.hash
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
