package clientcore

import (
	"bytes"
	"slices"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/wire"
)

// synced takes the answer to an open, or, unasked, the state after lagging.
func (c *Client) synced(m *wire.Synced) {
	st := c.streams[m.Stream]
	switch {
	case st == nil:
	case st.phase == opening && m.Ref == st.ref:
		c.opened(st, m)
	case st.phase == open && m.Ref == "":
		c.replaced(st, m)
	}
}

// opened takes the answer to an open.
func (c *Client) opened(st *stream, m *wire.Synced) {
	if c.undecided(st, m) {
		c.openLater(st, 0)
		return
	}
	st.phase, st.granted, st.unsure = open, m.Mode, false
	if m.Outcome == wire.Denied || m.Outcome == wire.Gone {
		c.refused(st, m)
		return
	}
	if m.Rule != st.ruleName {
		c.setRule(st, m.Rule)
	}
	if st.as == wire.AsState && m.Outcome != wire.WriteOnly && st.rule == nil || !c.take(st, m) {
		if st.rule == nil {
			st.as = wire.AsValue
		}
		c.reset(st)
		c.reopen(st)
		return
	}
	st.here.due = st.here.mine != nil && !st.here.refused
	if st.ephemeral {
		c.adoptOwn(st)
	} else {
		c.reconcile(st, m)
	}
	c.emit(Changed{Stream: st.name})
}

// refused takes an open that gives no right at all.
func (c *Client) refused(st *stream, m *wire.Synced) {
	code, msg := wire.AccessDenied, "reading and writing are not granted"
	if m.Outcome == wire.Gone {
		code, msg = wire.StreamUnknown, "the stream was removed"
	}
	st.granted = ""
	c.settleWriter(st, m.Yours, code, msg)
	if st.unsure {
		return
	}
	c.halt(st, code, msg)
}

// undecided reports whether a state comes without a word of which of our ops it
// has: with them on top it would show some twice, without them lack some. What is
// shown already is neither, so it stays until the hub can say more.
func (c *Client) undecided(st *stream, m *wire.Synced) bool {
	ephemeral := m.Rule == string(crdt.Ephemeral) // which has no yours; a restored queue may not know the rule yet
	return m.Yours == nil && m.Outcome == wire.Snapshot && st.as == wire.AsState && st.mode.Writes() && !ephemeral &&
		slices.ContainsFunc(st.pending, func(p pendingOp) bool { return p.sent })
}

// reset drops the confirmed state and begins an empty one.
func (c *Client) reset(st *stream) {
	st.forget()
	if st.rule != nil && st.as == wire.AsState {
		st.state = st.rule.New()
	}
}

// take replaces or continues the confirmed state. It reports false, with the
// state as it was, when the message does not fit it.
func (c *Client) take(st *stream, m *wire.Synced) bool {
	if m.Outcome == wire.WriteOnly {
		return true
	}
	if st.ephemeral {
		return c.takeWhole(st, m)
	}
	cursor, ok := wire.ParseCursor(m.Cursor)
	if !ok {
		return false
	}
	switch m.Outcome {
	case wire.Resumed:
		ok = st.cursor != "" && cursor.Offset == st.offset && cursor.Epoch == st.epoch
	case wire.Delta:
		ok = st.state != nil && st.cursor != "" && cursor.Epoch == st.epoch &&
			continues(m.Entries, st.offset, cursor.Offset)
		if ok {
			c.apply(st, m.Entries)
		}
	case wire.Snapshot:
		ok = c.takeSnapshot(st, m, cursor)
	default:
		ok = false
	}
	if !ok {
		return false
	}
	lost := st.epoch != "" && st.epoch != cursor.Epoch
	fresh := st.epoch != cursor.Epoch
	st.cursor, st.epoch, st.offset = m.Cursor, cursor.Epoch, cursor.Offset
	st.ready, st.view = true, nil
	if lost {
		c.emit(Discontinuity{Stream: st.name})
	}
	if !c.place(st) && fresh {
		c.saveHead(st)
	}
	return true
}

func (c *Client) takeSnapshot(st *stream, m *wire.Synced, cursor wire.Cursor) bool {
	if st.as == wire.AsState && !continues(m.Entries, m.Base, cursor.Offset) || !c.takeWhole(st, m) {
		return false
	}
	if st.as == wire.AsState {
		c.apply(st, m.Entries)
	}
	return true
}

// takeWhole takes the state of a snapshot, or its value. A state that this
// version cannot read makes the stream one that is read as value.
func (c *Client) takeWhole(st *stream, m *wire.Synced) bool {
	if st.as == wire.AsValue {
		if m.Value == nil {
			return false
		}
		st.value, st.ready = bytes.Clone(m.Value), true
		return true
	}
	state, err := st.rule.Decode(m.State)
	if err != nil {
		st.rule = nil
		c.emit(Fault{Stream: st.name, Code: wire.WrongRule, Msg: "the state cannot be read by this version of the rule: showing the hub's value"})
		return false
	}
	st.state, st.view, st.ready = state, nil, true
	return true
}

// continues reports whether entries are those from after one offset up to
// another.
func continues(entries []wire.Entry, from, to uint64) bool {
	for i := range entries {
		if from++; entries[i].Off != from {
			return false
		}
	}
	return from == to
}

// apply takes committed entries into the confirmed state.
func (c *Client) apply(st *stream, entries []wire.Entry) {
	for i := range entries {
		e := &entries[i]
		st.state.Apply(crdt.Op{
			Offset: e.Off, At: e.At, Writer: crdt.Writer{Client: e.Client, Inc: e.Inc}, Seq: e.Seq, Body: e.Op,
		})
	}
	st.view = nil
}

// place gives blind ops the offset at which the stream was first seen, and
// lowers an at that history no longer reaches: a hub refuses an at above its
// head. It reports whether it saved the stream.
func (c *Client) place(st *stream) bool {
	changed := !st.seen && st.saved
	if !st.seen || st.at > st.offset {
		st.at, st.seen = st.offset, true
	}
	for i := range st.pending {
		p := &st.pending[i]
		if p.Seq > st.acked && (p.Blind || p.At > st.offset) {
			p.At, p.Blind = st.offset, false
			changed = true
		}
	}
	if changed {
		c.saveStream(st)
	}
	return changed
}

// reconcile compares histories with the hub after an open.
func (c *Client) reconcile(st *stream, m *wire.Synced) {
	if m.Yours == nil && m.Outcome == wire.Delta {
		c.ownEntries(st, m.Entries) // if they are not ours, yours will tell with the next open
	}
	if st.mode.Writes() {
		c.settleWriter(st, m.Yours, wire.AccessDenied, "writing to this stream is not granted")
	}
}

// settleWriter finds out which unacked ops the hub has, and what becomes of the
// others: they are sent again, issued again by a new incarnation, or buried:
// with code when writing is not granted, in doubt when nobody can tell.
func (c *Client) settleWriter(st *stream, y *wire.Yours, code wire.Code, msg string) {
	writes := st.granted.Writes()
	if y == nil {
		switch {
		case !c.link.writable:
			st.unsure = writes || len(st.unacked()) > 0
		case writes:
			c.reopen(st)
		default:
			c.bury(st, 0, code, msg)
		}
		return
	}
	lost := y.Seq < st.acked
	in := c.judge(st, y)
	if !lost && (st.granted.Reads() || !st.replica()) {
		// The state that came has them; without one, nothing else is coming.
		c.settle(st, st.acked)
	}
	if !writes {
		c.bury(st, 0, code, msg)
	}
	if in == shared {
		return
	}
	if in == unknown {
		c.doubt(st, y.Seq, "the hub no longer knows whether it has this op")
	}
	c.reissue(st)
	if lost {
		c.emit(Discontinuity{Stream: st.name})
	}
	if writes {
		c.reopen(st)
	}
}

// history is how our history and the hub's compare.
type history uint8

const (
	shared  history = iota // the hub's is a beginning of ours
	parted                 // they part after what is acked now
	unknown                // whether the hub has the ops after what is acked now, nobody can tell
)

// judge compares the hub's history of this writer with ours and acks what both
// have.
func (c *Client) judge(st *stream, y *wire.Yours) history {
	hash, ok := wire.ParseHash(y.Hash)
	if !ok || y.Seq < st.acked {
		return parted
	}
	if c.confirm(st, y.Seq, hash) {
		return shared
	}
	if y.Seq == st.acked {
		return parted
	}
	before := st.hash
	n := c.walk(st, y.Trail)
	if st.acked == y.Seq {
		return shared
	}
	c.strays(st, before, y.Trail)
	if n == len(y.Trail) {
		return unknown
	}
	return parted
}

// strays removes the ops that the hub has from beyond where the histories part:
// a copy of this queue sent them too, after one that the hub refused it. Each
// link of a trail follows from the one before it, so it proves one op by itself.
// The new incarnation that follows saves the queue without them.
func (c *Client) strays(st *stream, prev [8]byte, trail []wire.Mark) {
	for _, m := range trail {
		hash, ok := wire.ParseHash(m.Hash)
		i := st.find(m.Seq)
		if ok && m.Seq > st.acked && i >= 0 && wire.WriterHash(prev, m.Seq, st.pending[i].Body) == hash {
			c.unqueue(st, i, i+1)
		}
		prev = hash
	}
	st.rechain()
}

// walk acks the unacked ops with which a trail begins, and counts them. At a lost
// op the trail is believed: the ops after it show whether it was ours.
func (c *Client) walk(st *stream, trail []wire.Mark) int {
	lo := st.from(st.acked + 1)
	n := 0
	for n < min(len(st.pending)-lo, len(trail)) {
		p := &st.pending[lo+n]
		hash, ok := wire.ParseHash(trail[n].Hash)
		st.chain(p, lo+n)
		if p.Lost {
			p.hash = hash
		}
		if !ok || trail[n].Seq != p.Seq || p.hash != hash {
			break
		}
		n++
	}
	if n > 0 {
		last := &st.pending[lo+n-1]
		c.confirm(st, last.Seq, last.hash)
	}
	st.rechain()
	return n
}

// replaced takes the state that the hub sends unasked to a session that lagged.
// Nothing is sent again because of it.
func (c *Client) replaced(st *stream, m *wire.Synced) {
	if m.Outcome == wire.Denied || m.Outcome == wire.Gone {
		c.refused(st, m)
		return
	}
	if st.ephemeral {
		if c.takeWhole(st, m) {
			c.retake(st)
			c.emit(Changed{Stream: st.name})
		}
		return
	}
	cursor, ok := wire.ParseCursor(m.Cursor)
	if !ok || cursor.Epoch != st.epoch || c.undecided(st, m) || !c.take(st, m) {
		c.reopen(st)
		return
	}
	c.emit(Changed{Stream: st.name})
	if !st.mode.Writes() || m.Yours == nil && len(st.pending) == 0 {
		return
	}
	if !c.stillOurs(st, m.Yours) {
		c.reopen(st)
		return
	}
	if st.replica() {
		c.settle(st, st.acked)
	}
}

func (c *Client) stillOurs(st *stream, y *wire.Yours) bool {
	if y == nil || y.Seq < st.acked {
		return false
	}
	hash, ok := wire.ParseHash(y.Hash)
	return ok && c.confirm(st, y.Seq, hash)
}

// ops takes what was committed after our offset.
func (c *Client) ops(m *wire.Ops) {
	st := c.streams[m.Stream]
	if st == nil || st.phase != open || st.state == nil {
		return
	}
	if st.ephemeral {
		c.ownOps(st, m)
		return
	}
	cursor, ok := wire.ParseCursor(m.Cursor)
	if !ok || m.From != st.offset || cursor.Epoch != st.epoch || !continues(m.Entries, m.From, cursor.Offset) {
		c.reopen(st)
		return
	}
	c.apply(st, m.Entries)
	st.cursor, st.offset = m.Cursor, cursor.Offset
	st.tries = 0
	ours := c.ownEntries(st, m.Entries)
	c.emit(Changed{Stream: st.name})
	if !ours {
		c.reopen(st)
	}
}

// ownEntries retires the ops whose entries have come. It reports false when an
// entry under our name is not ours.
func (c *Client) ownEntries(st *stream, entries []wire.Entry) bool {
	ours := true
	for i := range entries {
		if e := &entries[i]; e.Client == c.cfg.Client && e.Inc == st.inc {
			ours = c.ownEntry(st, e) && ours
		}
	}
	return ours
}
