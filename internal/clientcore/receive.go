package clientcore

import (
	"slices"
	"strconv"

	"github.com/wavesiddhartha/flowsync/wire"
)

// receive takes one message of the hub.
func (c *Client) receive(m wire.HubMessage) {
	c.alive()
	if w, ok := m.(*wire.Welcome); ok && c.link.phase == greeting {
		c.welcome(w)
		return
	}
	switch m := m.(type) {
	case *wire.Drain:
		c.link.notBefore = c.now + Instant(m.AfterMS)
		return
	case *wire.Error:
		c.hubError(m)
		return
	}
	if c.link.phase != live {
		return
	}
	switch m := m.(type) {
	case *wire.Synced:
		c.synced(m)
	case *wire.Ops:
		c.ops(m)
	case *wire.Value:
		c.newValue(m)
	case *wire.Ack:
		c.acked(m)
	case *wire.Reject:
		c.rejected(m)
	case *wire.HubStatus:
		c.hubStatus(m)
	case *wire.Presence:
		c.presence(m)
	case *wire.Event:
		c.emit(Heard{Stream: m.Stream, Client: m.Client, Event: m.Event, Data: m.Data})
	case *wire.History:
		if tag, ok := c.answered(m.Ref); ok {
			c.emit(HistoryPage{Tag: tag, Entries: m.Entries, More: m.More})
		}
	case *wire.Authed:
		c.askAgain()
	case *wire.Expiring:
		if !c.link.renewing {
			c.link.renewing = true
			c.emit(NeedToken{Reason: Expiring})
		}
	}
}

// askAgain opens the streams that the former token did not allow.
func (c *Client) askAgain() {
	for _, st := range c.order {
		if st.phase == halted {
			st.phase, st.openAt = closed, 0
		}
	}
}

// Kinds of requests, told apart by the first letter of their ref.
const (
	refOpen    = "o"
	refAuth    = "a"
	refEmit    = "e"
	refHistory = "h"
)

func (c *Client) getHistory(ev GetHistory) error {
	if c.link.phase != live {
		return wire.Errorf(wire.Unavailable, "history comes from the hub, and there is no connection: try again when online")
	}
	c.asked = append(c.asked, ev.Tag)
	c.send(&wire.GetHistory{
		Ref: refHistory + strconv.FormatUint(ev.Tag, 10), Stream: ev.Stream, Before: ev.Before, Limit: ev.Limit,
	})
	return nil
}

// answered ends a history request.
func (c *Client) answered(ref string) (tag uint64, ok bool) {
	if len(ref) < 2 || ref[:1] != refHistory {
		return 0, false
	}
	tag, err := strconv.ParseUint(ref[1:], 10, 64)
	i := slices.Index(c.asked, tag)
	if err != nil || i < 0 {
		return 0, false
	}
	c.asked = slices.Delete(c.asked, i, i+1)
	return tag, true
}

// hubError sends an error to what it is about.
func (c *Client) hubError(e *wire.Error) {
	if tag, ok := c.answered(e.Ref); ok {
		c.emit(HistoryFailed{Tag: tag, Code: e.Code, Msg: e.Msg})
		return
	}
	about := ""
	if e.Ref != "" {
		about = e.Ref[:1]
	}
	st := c.streams[e.Stream]
	if st == nil || about == refAuth || about == refEmit {
		c.emit(Fault{Stream: e.Stream, Code: e.Code, Msg: e.Msg})
		return
	}
	c.streamError(st, e)
}
