package hubcore

import (
	"slices"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/wire"
)

// fence drops what an older session of the writer had accepted and not committed:
// nothing of it may commit after the answer to this open. What is in the append
// under way the store itself decides.
func (s *Stream) fence(w *writer, session uint64, fx *Effects) {
	var kept, dropped []*accepted
	for _, a := range s.waiting {
		if a.w == w && a.session < session {
			dropped = append(dropped, a)
			continue
		}
		kept = append(kept, a)
	}
	if len(dropped) == 0 {
		return
	}
	w.rollback()
	s.waiting = kept
	s.redo(fx)
	for _, a := range dropped {
		s.decided(a.tally, fx)
	}
}

// fenced drops the ops of writers whose session was overtaken by a newer one, on
// this hub or another. The overtaken one ends. A newer one here may have sent some
// of the ops again; it is told to rewind.
func (s *Stream) fenced(writers []crdt.Writer, fx *Effects) {
	replaced := s.overtaken(writers)
	fx.Replaced = append(fx.Replaced, replaced...)
	s.unsend()
	var kept, dropped []*accepted
	for _, a := range s.waiting {
		if slices.Contains(writers, a.w.id) {
			dropped = append(dropped, a)
			continue
		}
		kept = append(kept, a)
	}
	s.waiting = kept
	for _, a := range dropped {
		a.w.rollback()
	}
	s.redo(fx)
	told := map[*subscriber]bool{}
	for _, a := range dropped {
		a.tally.fail(wire.Errorf(wire.Replaced, "a newer session of this client took over"))
		s.decided(a.tally, fx)
		for _, sub := range a.w.subs {
			// Also if it is ignored: what it sent again since may be of these ops.
			if sub.ready && !told[sub] && !slices.Contains(replaced, sub.m) {
				told[sub], sub.ignoring = true, true
				e := wire.Errorf(wire.SeqGap, "ops of an older session were dropped; send again from the expected seq")
				e.Stream, e.Seq, e.Expected = s.name, a.mark.seq, a.w.pending.seq+1
				fx.tell(sub.target, e)
			}
		}
		s.evict(a.w)
	}
}

// overtaken are the sessions whose ops in the append under way no store will take
// any more. Of a writer with ops of several sessions in it that is the oldest; a
// newer one, if it is overtaken too, shows with its next append.
func (s *Stream) overtaken(writers []crdt.Writer) (members []*Member) {
	for _, id := range writers {
		var oldest *Member
		for _, a := range s.inflight {
			if m := a.tally.member; a.w.id == id && m != nil && (oldest == nil || m.Number < oldest.Number) {
				oldest = m
			}
		}
		if oldest != nil {
			members = append(members, oldest)
		}
	}
	return members
}
