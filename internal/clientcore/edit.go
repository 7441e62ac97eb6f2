package clientcore

import "github.com/wavesiddhartha/flowsync/crdt"

// Texts and documents: what the application asks for in positions becomes an
// update here, on the own view, so that it means the same wherever it arrives.

// edit makes an op of an edit in positions, which the view then shows already.
// Every other op stays as it is, and so do positions on a stream that is not read:
// its state would never have what the update builds on, so the hub makes it.
func (c *Client) edit(st *stream, body []byte) ([]byte, error) {
	e, ok := st.state.(crdt.Editor)
	if !ok || !e.Positional(body) || !st.mode.Reads() || !st.replica() {
		return body, nil
	}
	view := c.ownView(st).(crdt.Editor)
	if st.author == 0 || view.Taken(st.author) {
		// A document client that nobody else has: it must not come back after a
		// restart, since what was queued then may be lost.
		st.author = uint64(c.cfg.Random()) | 1
	}
	op := crdt.Op{
		Offset: st.offset + uint64(len(st.pending)) + 1, At: max(st.at, st.offset),
		Writer: crdt.Writer{Client: c.cfg.Client, Inc: st.inc}, Seq: st.next, Body: body,
	}
	made, err := view.Edit(op, nil, st.author)
	if err != nil {
		st.view = nil
		return nil, refusal(err)
	}
	return made, nil
}

// carry keeps what later ops need of refused ones. The later edits of a document
// refer to what the refused ones inserted; it stays as deleted content in the first
// update from place i on, which is not in the log, whatever was sent of it: over a
// refused op nothing is accepted. New edits use another document client.
func (c *Client) carry(st *stream, refused [][]byte, i int) {
	state := st.state
	if state == nil && st.rule != nil {
		state = st.rule.New() // read as value: the application makes the updates
	}
	e, ok := state.(crdt.Editor)
	if !ok {
		return
	}
	st.author = 0
	for ; i < len(st.pending); i++ {
		p := &st.pending[i]
		body, err := e.Carry(refused, p.Body)
		if err != nil {
			continue // it is no update itself, and needs nothing
		}
		c.pendingBytes += len(body) - len(p.Body)
		p.Body = body
		c.emit(SaveOp{Stream: st.name, Op: p.Op}) // in place of the one under its seq
		return
	}
}

// unedit drops the view, which may hold an edit that is refused after all.
func (st *stream) unedit() {
	if _, ok := st.state.(crdt.Editor); ok {
		st.view = nil
	}
}

// positional reports whether an op was queued in positions, because the rule was
// not known then. The hub commits another form of it.
func (st *stream) positional(body []byte) bool {
	e, ok := st.state.(crdt.Editor)
	return ok && e.Positional(body)
}
