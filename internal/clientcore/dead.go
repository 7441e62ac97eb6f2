package clientcore

import (
	"slices"

	"github.com/wavesiddhartha/flowsync/wire"
)

// rejected takes the hub's refusal of one op.
func (c *Client) rejected(m *wire.Reject) {
	st := c.streams[m.Stream]
	if st == nil || st.phase != open {
		return
	}
	i := st.find(m.Seq)
	if i < 0 || m.Seq <= st.acked {
		return
	}
	c.buryRange(st, i, i+1, m.Code, m.Msg)
	st.rewind()
}

// bury makes dead letters of all unacked ops from seq on.
func (c *Client) bury(st *stream, seq uint64, code wire.Code, msg string) {
	c.buryRange(st, st.from(max(seq, st.acked+1)), len(st.pending), code, msg)
	st.rewind()
}

func (c *Client) buryRange(st *stream, lo, hi int, code wire.Code, msg string) {
	if lo == hi {
		return
	}
	var refused [][]byte
	for _, p := range st.pending[lo:hi] {
		refused = append(refused, p.Body)
	}
	c.carry(st, refused, hi) // saved first: should this process end now, the refused are still queued
	for _, p := range st.pending[lo:hi] {
		d := DeadLetter{
			Stream: st.name, Inc: st.inc, Seq: p.Seq, Hash: p.hash, Sent: p.sent,
			Code: code, Msg: msg, Op: p.Body,
		}
		c.dead = append(c.dead, d)
		c.emit(SaveDead{Dead: d})
		c.emit(Rejected{ID: p.id, Dead: d})
	}
	c.unqueue(st, lo, hi)
	st.rechain()
	c.emit(Changed{Stream: st.name})
}

// exhume looks for seq and hash among the dead letters that were buried
// unheard: rights were missing, or the history was in doubt. If it is there, it
// and those before it are committed after all.
func (c *Client) exhume(st *stream, seq uint64, hash [8]byte) bool {
	if !slices.ContainsFunc(c.dead, func(d DeadLetter) bool {
		return d.is(st.name, st.inc, seq) && d.Hash == hash && d.unheard()
	}) {
		return false
	}
	alive := func(d DeadLetter) bool {
		return d.Stream == st.name && d.Inc == st.inc && d.Seq > st.acked && d.Seq <= seq && d.unheard()
	}
	for _, d := range c.dead {
		if alive(d) {
			c.emit(DropDead{Stream: d.Stream, Inc: d.Inc, Seq: d.Seq})
			c.emit(Recovered{Dead: d})
		}
	}
	c.dead = slices.DeleteFunc(c.dead, alive)
	return true
}

// unheard reports whether the op was sent and no hub looked at it and refused.
func (d *DeadLetter) unheard() bool {
	return d.Sent && (d.Code == wire.AccessDenied || d.Code == wire.StreamUnknown || d.Code == wire.InDoubt)
}

func (c *Client) discard(name, inc string, seq uint64) {
	n := len(c.dead)
	c.dead = slices.DeleteFunc(c.dead, func(d DeadLetter) bool { return d.is(name, inc, seq) })
	if len(c.dead) < n {
		c.emit(DropDead{Stream: name, Inc: inc, Seq: seq})
	}
}

// doubt makes dead letters of the unacked ops that were sent, and of those up to
// a seq that the hub has: a copy of this queue may have sent them.
func (c *Client) doubt(st *stream, through uint64, msg string) {
	lo := st.from(st.acked + 1)
	hi := lo
	for hi < len(st.pending) && (st.pending[hi].sent || st.pending[hi].Seq <= through) {
		hi++
	}
	c.buryRange(st, lo, hi, wire.InDoubt, msg)
}
