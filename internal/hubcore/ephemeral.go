package hubcore

import (
	"bytes"
	"errors"
	"maps"
	"slices"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/wire"
)

// ephemeral is the state of a stream without a log. Each key carries (n, hub):
// n counts this hub's writes, and the greater pair wins.
type ephemeral struct {
	state crdt.State
	n     uint64
	owner map[string]*Member              // by key: the session it lives as long as
	owned map[*Member]map[string]struct{} // the same by session
}

func newEphemeral(rule crdt.Rule) *ephemeral {
	return &ephemeral{state: rule.New(), owner: map[string]*Member{}, owned: map[*Member]map[string]struct{}{}}
}

func (s *Stream) openEphemeral(ev *Open, sub *subscriber, fx *Effects) {
	sub.ready = true
	if sub.mode == "" {
		fx.tell(sub.target, &wire.Synced{Ref: ev.Ref, Stream: s.name, Outcome: wire.Denied})
		s.drop(sub.m)
		return
	}
	s.syncEphemeral(sub, ev.Ref, fx)
	s.showPeers(sub, fx)
}

// syncEphemeral sends the whole state; there is nothing to resume from.
func (s *Stream) syncEphemeral(sub *subscriber, ref string, fx *Effects) {
	msg := &wire.Synced{Ref: ref, Stream: s.name, Rule: s.rule.Name(), Mode: sub.mode, Outcome: wire.WriteOnly}
	switch {
	case !sub.mode.Reads():
	case sub.as == wire.AsValue:
		msg.Outcome, msg.Value = wire.Snapshot, s.eph.state.AppendValue(nil)
	default:
		msg.Outcome, msg.State = wire.Snapshot, s.eph.state.AppendState(nil)
	}
	fx.tell(sub.target, msg)
}

// pushEphemeral applies the ops of a push at once and passes them on.
func (s *Stream) pushEphemeral(ev *Push, fx *Effects) {
	if !ev.MayWrite {
		s.pushError(ev, 0, wire.Errorf(wire.AccessDenied, "the token does not allow writing this stream"), fx)
		return
	}
	if ev.Push.Seq != 0 {
		s.pushError(ev, ev.Push.Seq, wire.Errorf(wire.BadOp, "a push to an ephemeral stream has no seq"), fx)
		return
	}
	var entries []wire.Entry
	for _, op := range ev.Push.Ops {
		entry, err := s.signal(ev.Member.Client, bytes.Clone(op))
		if err != nil {
			s.pushError(ev, 0, err, fx)
			break
		}
		key, _ := crdt.Key(op)
		s.eph.claim(key, ev.Member)
		entries = append(entries, entry)
	}
	if ev.Refused != nil {
		s.pushError(ev, 0, wire.Errorf(ev.Refused.Code, "%s", ev.Refused.Msg), fx)
	}
	s.tellEphemeral(entries, fx)
}

// signal checks and applies one op.
func (s *Stream) signal(client string, body []byte) (wire.Entry, *wire.Error) {
	op := crdt.Op{Offset: s.eph.n + 1, Writer: crdt.Writer{Client: client, Inc: s.cfg.Hub}, Body: body}
	grow, err := s.eph.state.Check(op)
	if err != nil {
		var refused *crdt.Error
		if errors.As(err, &refused) {
			return wire.Entry{}, wire.Errorf(refused.Code, "%s", refused.Msg)
		}
		return wire.Entry{}, wire.Errorf(wire.BadOp, "the stream's rule refused the op")
	}
	if grow > 0 && s.eph.state.Size()+grow > s.cfg.StateBytes {
		return wire.Entry{}, wire.Errorf(wire.StreamFull, "the stream's state is at its limit of %d bytes", s.cfg.StateBytes)
	}
	s.eph.state.Apply(op)
	s.eph.n++
	return wire.Entry{Client: client, N: op.Offset, Hub: s.cfg.Hub, Op: body}, nil
}

// claim binds a key to the session that wrote it last; nil is the hub, whose
// keys stay until it stops.
func (e *ephemeral) claim(key string, m *Member) {
	if old := e.owner[key]; old != nil {
		delete(e.owned[old], key)
	}
	if m == nil {
		delete(e.owner, key)
		return
	}
	e.owner[key] = m
	if e.owned[m] == nil {
		e.owned[m] = map[string]struct{}{}
	}
	e.owned[m][key] = struct{}{}
}

// forgetKeys deletes the keys of a session that ended.
func (s *Stream) forgetKeys(m *Member, fx *Effects) {
	keys := slices.Sorted(maps.Keys(s.eph.owned[m]))
	delete(s.eph.owned, m)
	var entries []wire.Entry
	for _, key := range keys {
		delete(s.eph.owner, key)
		if entry, err := s.signal(m.Client, []byte(`{"key":"`+key+`","op":"delete"}`)); err == nil {
			entries = append(entries, entry)
		}
	}
	s.tellEphemeral(entries, fx)
}

func (s *Stream) localEphemeral(ev *Local, fx *Effects) {
	done := Settled{Token: ev.Token, Rule: s.rule.Name()}
	entry, err := s.signal(ev.Client, ev.Body)
	if err != nil {
		done.Rejected = &wire.Reject{Stream: s.name, Code: err.Code, Msg: err.Msg}
		fx.Settled = append(fx.Settled, done)
		return
	}
	key, _ := crdt.Key(ev.Body)
	s.eph.claim(key, nil)
	s.tellEphemeral([]wire.Entry{entry}, fx)
	fx.Settled = append(fx.Settled, done)
}

func (s *Stream) tellEphemeral(entries []wire.Entry, fx *Effects) {
	if len(entries) == 0 {
		return
	}
	s.refreshFans()
	if len(s.fans.states) > 0 {
		fx.Out = append(fx.Out, Out{All: s.fans.states, Msg: &wire.Ops{Stream: s.name, Entries: entries}})
	}
	if len(s.fans.values) > 0 {
		s.fans.due, fx.ValuesDue = true, true
	}
}
