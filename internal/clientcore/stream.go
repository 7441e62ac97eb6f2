package clientcore

import (
	"bytes"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/wire"
)

// phase is where a stream stands with the hub.
type phase uint8

const (
	closed  phase = iota // to be opened, not before openAt
	opening              // asked; until the answer all else about the stream is ignored
	open
	halted // refused; the next session, or another token, asks again
)

// stream is one stream of the client.
type stream struct {
	name   string
	wanted bool      // by the application; an unwanted stream lives until its ops are acked
	mode   wire.Mode // asked for
	as     wire.As   // asked for; value where the rule is unknown here

	// Of the session.
	phase   phase
	ref     string    // of the open that is not answered
	granted wire.Mode // of what was asked for
	unsure  bool      // the hub could not say what it has of ours: nothing is sent
	openAt  Instant   // not opened before
	sendAt  Instant   // nothing pushed before
	tries   int       // opens and gaps without progress
	gaps    int

	// Confirmed: what the hub sent, at offset.
	ruleName  string
	rule      crdt.Rule // nil: not known here
	ephemeral bool
	ready     bool       // synced once, or restored from a kept state
	state     crdt.State // nil while the rule is unknown, and as value
	value     []byte     // as value
	cursor    string     // empty: the next open asks for a snapshot
	epoch     string
	offset    uint64
	keptAt    string // the cursor that the shell keeps a state for

	// The writer; see pending.go.
	inc     string
	next    uint64
	at      uint64 // the highest at so far
	seen    bool   // false: ops are made blind
	acked   uint64
	hash    [8]byte // at acked
	pending []pendingOp
	sent    uint64 // ops up to here were sent in this session
	saved   bool   // the queue has a head
	retired uint64 // keeping: ops up to here are in the confirmed state
	view    crdt.State
	author  uint64 // document client of new edits; 0: take one

	own  []ownKey // ephemeral: see ephemeral.go
	here presence
}

func (c *Client) addStream(name string) *stream {
	st := &stream{name: name, mode: wire.ReadWrite, as: wire.AsState, next: 1}
	c.streams[name] = st
	c.order = append(c.order, st)
	return st
}

// open makes a stream wanted.
func (c *Client) open(ev Open) error {
	if !wire.ValidStream(ev.Stream) {
		return wire.Errorf(wire.BadStream, "this is no stream name: use 1 to 8 segments of letters, digits, _ . - joined by colons")
	}
	if ev.Mode == "" {
		ev.Mode = wire.ReadWrite
	}
	if ev.As == "" {
		ev.As = wire.AsState
	}
	st := c.streams[ev.Stream]
	if st == nil {
		st = c.addStream(ev.Stream)
	}
	st.wanted = true
	if st.ruleName == "" && ev.Rule != "" {
		c.setRule(st, ev.Rule)
	}
	if st.rule == nil && st.ruleName != "" {
		ev.As = wire.AsValue
	}
	if st.mode != ev.Mode || st.as != ev.As {
		if st.as != ev.As {
			st.forget()
			if ev.As == wire.AsState && st.rule != nil {
				st.state = st.rule.New()
			}
		}
		st.mode, st.as = ev.Mode, ev.As
		st.phase, st.openAt = closed, 0
	}
	return nil
}

func (c *Client) closeStream(name string) {
	if st := c.streams[name]; st != nil {
		st.wanted = false
	}
}

// setRule names the stream's rule. A rule that is unknown here is read as value.
func (c *Client) setRule(st *stream, name string) {
	if st.ruleName, st.view = name, nil; name == "" {
		return
	}
	st.rule = c.lookup(name)
	if st.rule == nil {
		st.as = wire.AsValue
		st.forget()
		return
	}
	st.ephemeral = name == string(crdt.Ephemeral)
	if st.as == wire.AsState {
		st.state = st.rule.New()
	}
}

// forget drops the confirmed state, so that the next open asks for a snapshot.
func (st *stream) forget() {
	st.state, st.view, st.value = nil, nil, nil
	st.ready, st.cursor, st.offset = false, "", 0
	st.author = 0 // its content went with the state, and ids are given once
}

// needed reports whether the stream must be open at the hub.
func (st *stream) needed() bool { return st.wanted || len(st.unacked()) > 0 }

// replica reports whether the stream's own entries come back to it.
func (st *stream) replica() bool { return st.as == wire.AsState && st.granted != wire.Write }

// lose forgets what only the session knew.
func (st *stream) lose() {
	st.phase, st.openAt, st.sendAt = closed, 0, 0
	st.tries, st.gaps, st.unsure = 0, 0, false
	st.granted = ""
	st.here.refused, st.here.due = false, st.here.mine != nil
	for i := range st.own {
		st.own[i].due = true
	}
	st.rewind()
}

// openOf is the open that continues the stream.
func (c *Client) openOf(st *stream) wire.Open {
	o := wire.Open{Stream: st.name, Mode: st.mode, As: st.as, Cursor: st.cursor}
	if !st.mode.Writes() || st.ephemeral {
		return o
	}
	if st.inc == "" {
		st.inc = c.newInc()
	}
	o.Inc, o.Acked = st.inc, st.acked
	if st.acked > 0 {
		o.Hash = wire.FormatHash(st.hash)
	}
	for _, p := range st.unacked() {
		if p.sent {
			o.Unacked++
		}
	}
	return o
}

// reopen opens the stream again: at once the first time, with growing delays
// while that brings nothing.
func (c *Client) reopen(st *stream) {
	st.phase, st.openAt = closed, 0
	if st.tries > 0 {
		st.openAt = c.now + c.backoff(st.tries-1)
	}
	st.tries++
	st.rewind()
}

// openLater opens the stream again after a growing delay, and not before a time.
func (c *Client) openLater(st *stream, after Instant) {
	delay := max(after, c.backoff(st.tries))
	c.reopen(st)
	st.openAt = c.now + delay
}

// halt gives the stream up for this session. Its queue stays.
func (c *Client) halt(st *stream, code wire.Code, msg string) {
	st.phase = halted
	st.rewind()
	c.emit(Fault{Stream: st.name, Code: code, Msg: msg})
	c.emit(Changed{Stream: st.name})
}

// streamError takes an error that is about a stream.
func (c *Client) streamError(st *stream, e *wire.Error) {
	switch st.phase {
	case opening:
		if e.Ref == st.ref {
			c.openFailed(st, e)
		}
	case open:
		if st.ephemeral {
			c.ownFailed(st, e)
			return
		}
		c.pushFailed(st, e)
	}
}

// openFailed takes an error in place of synced.
func (c *Client) openFailed(st *stream, e *wire.Error) {
	switch {
	case e.Code == wire.AccessDenied, e.Code == wire.StreamUnknown:
		c.bury(st, st.acked+1, e.Code, e.Msg)
		c.halt(st, e.Code, e.Msg)
	case e.Code == wire.Retired:
		c.writerRetired(st, e.Msg)
	case wire.Retryable(e.Code):
		c.openLater(st, Instant(e.AfterMS))
	default:
		c.halt(st, e.Code, e.Msg)
	}
}

// pushFailed takes an error on an open stream.
func (c *Client) pushFailed(st *stream, e *wire.Error) {
	switch e.Code {
	case wire.SeqGap:
		c.gap(st, e.Expected)
	case wire.OpConflict, wire.Resync, wire.NotReady:
		c.reopen(st)
	case wire.Retired:
		c.writerRetired(st, e.Msg)
	case wire.AccessDenied, wire.StreamUnknown:
		c.emit(Fault{Stream: st.name, Code: e.Code, Msg: e.Msg})
		if e.Seq > 0 {
			// The hub took all ops before this one; their acks are on the way.
			st.granted = wire.Read
			c.bury(st, e.Seq, e.Code, e.Msg)
			return
		}
		// It is about presence, or a new token ended the subscription: the
		// answer to another open tells.
		st.here.refused = true
		c.reopen(st)
	case wire.ClientMismatch:
		c.halt(st, e.Code, e.Msg)
	default:
		switch {
		case wire.Retryable(e.Code):
			c.hold(st, Instant(e.AfterMS))
		case e.Seq > 0:
			c.halt(st, e.Code, e.Msg)
		default:
			c.emit(Fault{Stream: st.name, Code: e.Code, Msg: e.Msg})
		}
	}
}

// hold rewinds after a retryable error and waits.
func (c *Client) hold(st *stream, after Instant) {
	if after <= 0 {
		after = 500 + c.jitter(500)
	}
	st.sendAt = max(st.sendAt, c.now+after)
	st.rewind()
}

// gap takes the seq that the hub waits for.
func (c *Client) gap(st *stream, expected uint64) {
	last := max(expected, 1) - 1
	known := last == st.acked || st.find(last) >= 0 && last > st.acked
	if !known || st.gaps > 0 {
		c.reopen(st)
		return
	}
	st.gaps++
	st.rewind()
}

// newValue takes the value of a stream that is read as value.
func (c *Client) newValue(m *wire.Value) {
	st := c.streams[m.Stream]
	if st == nil || st.phase != open || st.as != wire.AsValue {
		return
	}
	if !st.ephemeral {
		cursor, ok := wire.ParseCursor(m.Cursor)
		if !ok || cursor.Epoch != st.epoch {
			c.reopen(st)
			return
		}
		st.cursor, st.offset = m.Cursor, cursor.Offset
	}
	st.value = bytes.Clone(m.Value)
	st.tries = 0
	c.emit(Changed{Stream: st.name})
}
