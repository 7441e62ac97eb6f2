package clientcore

import (
	"bytes"
	"slices"
	"strings"

	"github.com/wavesiddhartha/flowsync/wire"
)

// presence is who is on a stream beside this client, and what this client shows
// of itself.
type presence struct {
	mine    []byte      // nil: nothing
	due     bool        // to be sent in this session
	refused bool        // not granted in this session
	peers   []wire.Peer // by client id
}

// setPresence says what others see of this client. It is sent again by every
// session until it is null.
func (c *Client) setPresence(ev SetPresence) error {
	st := c.streams[ev.Stream]
	if st == nil {
		return wire.Errorf(wire.NotReady, "the stream is not open: open it first")
	}
	st.here.mine, st.here.due = ev.State, !st.here.refused
	return nil
}

// presence takes what the hub tells of others.
func (c *Client) presence(m *wire.Presence) {
	st := c.streams[m.Stream]
	if st == nil || st.phase != open {
		return
	}
	if m.Full {
		st.here.peers = nil
	}
	for _, l := range m.Left {
		// A lower number is a session that a newer one of that client replaced.
		if i, ok := st.here.find(l.Client); ok && st.here.peers[i].Session <= l.Session {
			st.here.peers = slices.Delete(st.here.peers, i, i+1)
		}
	}
	for _, p := range m.Peers {
		if p.Client != c.cfg.Client {
			st.here.set(p)
		}
	}
	c.emit(PresenceChanged{Stream: st.name})
}

func (h *presence) find(client string) (int, bool) {
	return slices.BinarySearchFunc(h.peers, client, func(p wire.Peer, id string) int { return strings.Compare(p.Client, id) })
}

func (h *presence) set(p wire.Peer) {
	p.State = bytes.Clone(p.State)
	i, ok := h.find(p.Client)
	switch {
	case !ok:
		h.peers = slices.Insert(h.peers, i, p)
	case h.peers[i].Session <= p.Session:
		h.peers[i] = p
	}
}

// Peers lists the others on a stream, by client id. It must not be changed.
func (c *Client) Peers(name string) []wire.Peer {
	if st := c.streams[name]; st != nil {
		return slices.Clone(st.here.peers)
	}
	return nil
}

// emitEvent sends a message to the stream's other subscribers.
func (c *Client) emitEvent(ev Emit) error {
	st := c.streams[ev.Stream]
	if st == nil || st.phase != open {
		return wire.Errorf(wire.NotReady, "the stream is not open at the hub, and events are not kept for later")
	}
	c.send(&wire.Emit{Ref: c.ref(refEmit), Stream: ev.Stream, Event: ev.Event, Data: ev.Data})
	return nil
}
