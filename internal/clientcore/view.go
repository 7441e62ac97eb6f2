package clientcore

import (
	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/wire"
)

// show returns what the stream shows: the confirmed state itself while nothing
// is pending, else a copy with the pending ops on top. Nil without a state.
func (c *Client) show(st *stream) crdt.State {
	if st.ephemeral {
		return c.showOwn(st)
	}
	if st.state == nil || len(st.pending) == 0 {
		return st.state
	}
	return c.ownView(st)
}

// ownView is a copy of the confirmed state with the pending ops on top.
func (c *Client) ownView(st *stream) crdt.State {
	if st.view == nil {
		st.view = st.state.Clone()
		for i := range st.pending {
			if !st.pending[i].Lost {
				st.view.Apply(c.provisional(st, i))
			}
		}
	}
	return st.view
}

// provisional is pending op i as the rule sees it: above the confirmed head.
func (c *Client) provisional(st *stream, i int) crdt.Op {
	p := &st.pending[i]
	return crdt.Op{
		Offset: st.offset + uint64(i) + 1, At: p.At,
		Writer: crdt.Writer{Client: c.cfg.Client, Inc: st.inc}, Seq: p.Seq, Body: p.Body,
	}
}

// AppendView appends the stream's value, a JSON value in canonical form, to b.
// It reports false, with b as it was, when there is nothing to show yet.
func (c *Client) AppendView(b []byte, name string) ([]byte, bool) {
	st := c.streams[name]
	if st == nil {
		return b, false
	}
	if s := c.show(st); s != nil {
		return s.AppendValue(b), true
	}
	if st.value == nil {
		return b, false
	}
	return append(b, st.value...), true
}

// Info is what is known of a stream.
type Info struct {
	Rule    string
	Wanted  bool      // by the application
	Ready   bool      // synced at least once, or restored from a kept state
	Synced  bool      // open at the hub now
	Halted  bool      // refused by the hub for this session
	Granted wire.Mode // of what was asked for, while synced
	Cursor  string    // of the confirmed state; empty without one
	Pending int       // ops that are not acked
	Shown   int       // ops that the view shows on top of the confirmed state
}

// Stream describes a stream that was opened.
func (c *Client) Stream(name string) (Info, bool) {
	st := c.streams[name]
	if st == nil {
		return Info{}, false
	}
	in := Info{
		Rule: st.ruleName, Wanted: st.wanted, Ready: st.ready, Synced: st.phase == open, Halted: st.phase == halted,
		Granted: st.granted, Cursor: st.cursor, Pending: len(st.unacked()), Shown: len(st.pending),
	}
	return in, true
}

// Digest is the digest of the stream's confirmed state; false without one.
func (c *Client) Digest(name string) (d [32]byte, ok bool) {
	st := c.streams[name]
	if st == nil || st.state == nil || !st.ready {
		return d, false
	}
	return crdt.Digest(st.state), true
}

// Status is the connection's status.
func (c *Client) Status() Status { return c.status }

// Pending counts the unacked ops of all streams.
func (c *Client) Pending() int {
	n := 0
	for _, st := range c.order {
		n += len(st.unacked())
	}
	return n
}

// LastID is the local number of the newest op.
func (c *Client) LastID() uint64 { return c.ids }

// SettledTo is the greatest number up to which every op is acked or a dead
// letter.
func (c *Client) SettledTo() uint64 {
	id := c.ids
	for _, st := range c.order {
		if u := st.unacked(); len(u) > 0 {
			id = min(id, u[0].id-1)
		}
	}
	return id
}

// DeadLetters returns the dead letters, oldest first. They must not be changed.
func (c *Client) DeadLetters() []DeadLetter { return c.dead }

// keep saves the confirmed state, if it moved since it was last kept.
func (c *Client) keep(name string) {
	st := c.streams[name]
	if st == nil || st.state == nil || st.cursor == "" || st.cursor == st.keptAt {
		return
	}
	st.keptAt = st.cursor
	c.begin(st)
	c.emit(SaveState{
		Head: st.head(), Kept: Kept{Cursor: st.cursor, State: st.state.AppendState(nil)}, Through: st.retired,
	})
	st.retired = 0
}
