package hubcore

import (
	"bytes"
	"errors"
	"maps"
	"slices"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/ratelimit"
	"github.com/wavesiddhartha/flowsync/wire"
)

// ephemeral is the state of a stream without a log. Each key carries (n, hub):
// n counts this hub's writes, and the greater pair wins.
type ephemeral struct {
	state crdt.State
	n     uint64
	owner map[string]claim                // by key: the session it lives as long as
	owned map[*Member]map[string]struct{} // the same by session
	ttl   Instant                         // a key lives this long after its last write; 0: for ever
}

// claim says who wrote a key last, nil for the hub itself, and when.
type claim struct {
	m  *Member
	at Instant
}

// ExpireAfter lets the keys of an ephemeral stream end that long after their
// last write. The stream then needs a Tick each second.
func (s *Stream) ExpireAfter(ttl Instant) {
	if s.eph != nil {
		s.eph.ttl = ttl
	}
}

// expire deletes the keys that were not written for their time to live.
func (s *Stream) expire(now Instant, fx *Effects) {
	if s.eph == nil || s.eph.ttl == 0 {
		return
	}
	var dead []string
	for key, c := range s.eph.owner { // order-free: sorted below
		if now-c.at > s.eph.ttl {
			dead = append(dead, key)
		}
	}
	slices.Sort(dead)
	var entries []wire.Entry
	for _, key := range dead {
		c := s.eph.owner[key]
		client := "hub:" + s.cfg.Hub
		if c.m != nil {
			client = c.m.Client
		}
		s.eph.release(key)
		entries = s.unset(client, key, entries)
	}
	s.tellEphemeral(entries, fx)
}

func newEphemeral(rule crdt.Rule) *ephemeral {
	return &ephemeral{state: rule.New(), owner: map[string]claim{}, owned: map[*Member]map[string]struct{}{}}
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
func (s *Stream) pushEphemeral(now Instant, ev *Push, fx *Effects) {
	if !ev.MayWrite {
		s.pushError(ev, 0, wire.Errorf(wire.AccessDenied, "the token does not allow writing this stream"), fx)
		return
	}
	if ev.Push.Seq != 0 {
		s.pushError(ev, ev.Push.Seq, wire.Errorf(wire.BadOp, "a push to an ephemeral stream has no seq"), fx)
		return
	}
	var entries []wire.Entry
	told := false
	for _, op := range ev.Push.Ops {
		if e := s.cfg.Spend(now, ev.Member.Subject, ev.Rates, s.name, ratelimit.Cost{Ops: 1, Bytes: len(op)}); e != nil {
			s.pushError(ev, 0, e, fx)
			break
		}
		entry, err := s.signal(ev.Member.Client, bytes.Clone(op))
		if err != nil {
			// The others stand: keys are independent of each other, and the author
			// could not tell which ones to send again.
			if !told {
				s.pushError(ev, 0, err, fx)
			}
			told = true
			continue
		}
		key, _ := crdt.Key(op)
		s.eph.claim(key, ev.Member, now)
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
func (e *ephemeral) claim(key string, m *Member, now Instant) {
	e.release(key)
	e.owner[key] = claim{m, now}
	if m == nil {
		return
	}
	if e.owned[m] == nil {
		e.owned[m] = map[string]struct{}{}
	}
	e.owned[m][key] = struct{}{}
}

// release forgets who wrote a key.
func (e *ephemeral) release(key string) {
	if c, ok := e.owner[key]; ok && c.m != nil {
		delete(e.owned[c.m], key)
	}
	delete(e.owner, key)
}

// forgetKeys deletes the keys of a session that ended.
func (s *Stream) forgetKeys(m *Member, fx *Effects) {
	keys := slices.Sorted(maps.Keys(s.eph.owned[m]))
	delete(s.eph.owned, m)
	var entries []wire.Entry
	for _, key := range keys {
		delete(s.eph.owner, key)
		entries = s.unset(m.Client, key, entries)
	}
	s.tellEphemeral(entries, fx)
}

// unset deletes a key and appends the entry that tells of it.
func (s *Stream) unset(client, key string, entries []wire.Entry) []wire.Entry {
	entry, err := s.signal(client, []byte(`{"key":"`+key+`","op":"delete"}`))
	if err != nil {
		return entries
	}
	return append(entries, entry)
}

func (s *Stream) localEphemeral(now Instant, ev *Local, fx *Effects) {
	done := Settled{Token: ev.Token, Rule: s.rule.Name()}
	entry, err := s.signal(ev.Client, ev.Body)
	if err != nil {
		done.Rejected = &wire.Reject{Stream: s.name, Code: err.Code, Msg: err.Msg}
		fx.Settled = append(fx.Settled, done)
		return
	}
	key, _ := crdt.Key(ev.Body)
	s.eph.claim(key, nil, now)
	s.tellEphemeral([]wire.Entry{entry}, fx)
	fx.Settled = append(fx.Settled, done)
}

func (s *Stream) tellEphemeral(entries []wire.Entry, fx *Effects) {
	if len(entries) == 0 {
		return
	}
	fx.Applied += len(entries)
	s.refreshFans()
	if len(s.fans.states) > 0 {
		fx.Out = append(fx.Out, Out{All: s.fans.states, Msg: &wire.Ops{Stream: s.name, Entries: entries}})
	}
	if len(s.fans.values) > 0 {
		s.fans.due, fx.ValuesDue = true, true
	}
}
