package clientcore

import (
	"fmt"

	"github.com/wavesiddhartha/flowsync/wire"
)

// Bounds of the protocol for pushes; a hub may lower them in its welcome.
const (
	maxBatchOps     = 1000
	maxBatchBytes   = 1 << 20
	maxInflightOps  = 1024
	maxMessageBytes = 10 << 20
)

// flush sends all that may be sent now.
func (c *Client) flush() {
	if c.link.phase != live {
		return
	}
	for _, st := range c.order {
		switch st.phase {
		case closed:
			if st.needed() && c.now >= st.openAt {
				st.phase, st.ref = opening, c.ref(refOpen)
				c.send(&wire.Sub{Ref: st.ref, Open: c.openOf(st)})
			}
		case open:
			c.flushStream(st)
		}
	}
}

func (c *Client) flushStream(st *stream) {
	if !st.needed() {
		st.phase = closed
		c.send(&wire.Unsub{Stream: st.name})
		return
	}
	if st.here.due {
		c.sendPresence(st)
	}
	if !c.link.writable || c.now < max(st.sendAt, c.link.writeAt) || !st.unsent() {
		return
	}
	if st.ephemeral {
		c.sendOwn(st)
		return
	}
	c.sendOps(st)
}

func (c *Client) sendPresence(st *stream) {
	st.here.due = false
	state := st.here.mine
	if state == nil || string(state) == "null" {
		st.here.mine, state = nil, []byte("null")
	}
	c.send(&wire.SetPresence{Stream: st.name, State: state})
}

// sendOps pushes what was not sent in this session, as far as the hub lets it.
func (c *Client) sendOps(st *stream) {
	for {
		lo := st.from(st.sent + 1)
		free := c.link.limits.InflightOps - (lo - st.from(st.acked+1))
		if lo == len(st.pending) || free <= 0 {
			return
		}
		first := &st.pending[lo]
		if len(first.Body) > c.opBytes() {
			msg := fmt.Sprintf("the op has %d bytes, the hub takes messages of %d", len(first.Body), c.link.limits.MessageBytes)
			c.buryRange(st, lo, lo+1, wire.TooLarge, msg)
			continue
		}
		if first.Lost {
			c.buryRange(st, lo, lo+1, wire.StoreCorrupt, "the op was damaged in the queue file, and the hub does not have it")
			continue
		}
		push := &wire.Push{Stream: st.name, Seq: first.Seq}
		if first.prev != first.Seq-1 {
			prev := first.prev
			push.Prev = &prev
		}
		if !first.Blind {
			at := first.At
			push.At = &at
		}
		hi, size := lo, 0
		for hi < len(st.pending) && hi-lo < min(free, c.link.limits.BatchOps) {
			p := &st.pending[hi]
			if hi > lo && (p.Lost || p.prev != p.Seq-1 || p.At != first.At || p.Blind != first.Blind || size+len(p.Body) > c.batchBytes()) {
				break
			}
			push.Ops = append(push.Ops, p.Body)
			size += len(p.Body) + 1
			st.sent, p.sent = p.Seq, true
			hi++
		}
		c.send(push)
	}
}

// MessageBytes is how long a WebSocket message the hub takes.
func (c *Client) MessageBytes() int { return c.link.limits.MessageBytes }

// opBytes is the longest op that fits a message, batchBytes the most that one
// push carries when it has more than one op. 1 KiB covers all that is around.
func (c *Client) opBytes() int    { return c.link.limits.MessageBytes - 1024 }
func (c *Client) batchBytes() int { return min(maxBatchBytes, c.opBytes()) }
