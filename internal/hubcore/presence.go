package hubcore

import (
	"bytes"
	"slices"

	"github.com/wavesiddhartha/flowsync/wire"
)

// peer is the presence of one client on a stream.
type peer struct {
	m     *Member
	state []byte
}

// setPresence changes what others see of a client. The newest session of a
// client speaks for it.
func (s *Stream) setPresence(ev *SetPresence, fx *Effects) {
	sub := s.subs[ev.Member]
	if sub == nil || !sub.ready {
		e := wire.Errorf(wire.NotReady, "open the stream first, and wait for synced")
		e.Stream = s.name
		fx.send(ev.Member, e)
		return
	}
	if bytes.Equal(ev.State, []byte("null")) {
		s.absent(ev.Member, fx)
		return
	}
	i := slices.IndexFunc(s.peers, func(p peer) bool { return p.m.Client == ev.Member.Client })
	switch {
	case i >= 0 && s.peers[i].m.Subject != ev.Member.Subject:
		// Ids are anyone's until a token pins them, but nobody takes another's face.
		e := wire.Errorf(wire.ClientMismatch, "another subject is present under this client id; use a client id of your own")
		e.Stream = s.name
		fx.send(ev.Member, e)
		return
	case i >= 0 && s.peers[i].m.Number > ev.Member.Number:
		return
	}
	if i < 0 {
		i = len(s.peers)
		s.peers = append(s.peers, peer{})
	}
	s.peers[i] = peer{m: ev.Member, state: ev.State}
	s.showOthers(ev.Member, &wire.Presence{Stream: s.name, Peers: []wire.Peer{s.peers[i].wire()}}, fx)
}

// absent ends the presence of a session.
func (s *Stream) absent(m *Member, fx *Effects) {
	i := slices.IndexFunc(s.peers, func(p peer) bool { return p.m == m })
	if i < 0 {
		return
	}
	s.peers = slices.Delete(s.peers, i, i+1)
	s.showOthers(m, &wire.Presence{Stream: s.name, Left: []wire.Left{{Client: m.Client, Session: m.Number}}}, fx)
}

// showOthers sends msg to everyone who may see presence but one.
func (s *Stream) showOthers(but *Member, msg *wire.Presence, fx *Effects) {
	if all := s.others(but, func(sub *subscriber) bool { return sub.presence }); len(all) > 0 {
		fx.Out = append(fx.Out, Out{All: all, Msg: msg})
	}
}

// showPeers tells a new subscriber who is there.
func (s *Stream) showPeers(sub *subscriber, fx *Effects) {
	if !sub.presence {
		return
	}
	msg := &wire.Presence{Stream: s.name, Full: true}
	for _, p := range s.peers {
		if p.m != sub.m {
			msg.Peers = append(msg.Peers, p.wire())
		}
	}
	fx.tell(sub.target, msg)
}

func (p peer) wire() wire.Peer {
	return wire.Peer{Client: p.m.Client, Session: p.m.Number, State: p.state}
}

// emit passes an event to the other subscribers. Nothing of it is kept.
func (s *Stream) emit(ev *Emit, fx *Effects) {
	msg := &wire.Event{Stream: s.name, Client: "hub:" + s.cfg.Hub, Event: ev.Event, Data: ev.Data}
	if ev.From != nil {
		msg.Client = ev.From.Client
	}
	all := s.others(ev.From, func(sub *subscriber) bool { return sub.mode.Reads() })
	if len(all) > 0 {
		fx.Out = append(fx.Out, Out{All: all, Msg: msg})
	}
}

func (s *Stream) others(but *Member, want func(*subscriber) bool) []*Target {
	var all []*Target
	for _, sub := range s.order {
		if sub.ready && sub.m != but && want(sub) {
			all = append(all, sub.target)
		}
	}
	return all
}
