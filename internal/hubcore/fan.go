package hubcore

import (
	"github.com/wavesiddhartha/flowsync/wire"
)

// fans are the lists of sessions that a commit goes to. A list is handed out in
// effects and never changed afterwards; when who belongs to it changes, a new
// one is made for the next commit.
type fans struct {
	fresh  bool
	states []*Target // as state, synced, keeping up
	values []*Target // as value, likewise
	due    bool      // values changed since they were last sent
}

func (f *fans) stale() { f.fresh = false }

// refreshFans rebuilds the lists if who belongs to them changed.
func (s *Stream) refreshFans() {
	if s.fans.fresh {
		return
	}
	s.fans.states, s.fans.values = nil, nil
	for _, sub := range s.order {
		if !sub.ready || sub.lagging || sub.stale || !sub.mode.Reads() {
			continue
		}
		if sub.as == wire.AsValue {
			s.fans.values = append(s.fans.values, sub.target)
			continue
		}
		s.fans.states = append(s.fans.states, sub.target)
	}
	s.fans.fresh = true
}

// flushValues sends the value to those who read the stream as value. It is
// encoded here, when the shell can take it, and not for every commit.
func (s *Stream) flushValues(fx *Effects) {
	s.refreshFans()
	if !s.fans.due || s.phase != live {
		return
	}
	s.fans.due = false
	if len(s.fans.values) == 0 {
		return
	}
	fx.Out = append(fx.Out, Out{All: s.fans.values, Msg: s.value(), Last: s.head.Offset})
}

func (s *Stream) value() *wire.Value {
	if s.eph != nil {
		return &wire.Value{Stream: s.name, Value: s.eph.state.AppendValue(nil)}
	}
	return &wire.Value{Stream: s.name, Cursor: s.cursor(), Value: s.state.AppendValue(nil)}
}

// lagged stops sending to a session whose queue is full.
func (s *Stream) lagged(m *Member) {
	if sub := s.subs[m]; sub != nil && sub.ready {
		sub.lagging = true
		s.fans.stale()
	}
}

// caught brings a session that lagged up to date, with who is present too: the
// news of both were dropped while it lagged.
func (s *Stream) caught(ev *Caught, fx *Effects) {
	sub := s.subs[ev.Member]
	if sub == nil || !sub.lagging {
		return
	}
	sub.lagging = false
	s.fans.stale()
	if !sub.ready || sub.stale || s.phase != live {
		return
	}
	s.catchUpOne(sub, ev, fx)
	s.showPeers(sub, fx)
}

// catchUpOne sends the entries after the last one that the subscriber was sent
// if they are at hand, and the state otherwise.
func (s *Stream) catchUpOne(sub *subscriber, ev *Caught, fx *Effects) {
	switch {
	case sub.as == wire.AsValue:
		fx.Out = append(fx.Out, Out{One: sub.target, Msg: s.value(), Last: s.head.Offset})
		return
	case s.eph != nil:
		s.syncEphemeral(sub, sub.unanswered(ev.Offset), fx)
		return
	}
	if entries, ok := s.ring.after(ev.Offset, s.head.Offset); ok && ev.Offset > 0 {
		s.sendOps(Out{One: sub.target}, ev.Offset, entries, fx)
		return
	}
	msg := &wire.Synced{Ref: sub.unanswered(ev.Offset), Stream: s.name, Rule: s.rule.Name(), Mode: sub.mode, Options: s.optionsInForce()}
	s.fillSnapshot(msg)
	if sub.w != nil {
		msg.Yours = sub.w.yours(sub.w.committed.seq)
	}
	fx.Out = append(fx.Out, Out{One: sub.target, Msg: msg, Last: s.head.Offset})
}

// unanswered is the ref of an open whose synced did not get through.
func (sub *subscriber) unanswered(reached uint64) string {
	if reached > 0 {
		return ""
	}
	return sub.ref
}
