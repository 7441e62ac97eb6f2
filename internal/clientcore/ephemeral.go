package clientcore

import (
	"bytes"
	"slices"
	"strings"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/wire"
)

// ownKey is a key that this client wrote last on an ephemeral stream. It is
// shown over the hub's state until another client's write of the key arrives,
// and sent again by every session.
type ownKey struct {
	key    string
	body   []byte // the newest op
	due    bool   // to be sent in this session
	echoed bool   // the hub has it, as write (n, hub)
	n      uint64
	hub    string
}

// deletes reports whether a canonical op of an ephemeral stream is a delete. A
// set ends with its value, and no value has this ending outside a string, where
// the quotes would be escaped.
func deletes(body []byte) bool { return bytes.HasSuffix(body, []byte(`,"op":"delete"}`)) }

// ownAt finds the place of a key in own, which is sorted.
func (st *stream) ownAt(key string) (int, bool) {
	return slices.BinarySearchFunc(st.own, key, func(k ownKey, key string) int { return strings.Compare(k.key, key) })
}

// setOwn writes a key. A write that waits to be sent is replaced.
func (c *Client) setOwn(st *stream, body []byte) {
	key, ok := crdt.Key(body)
	if !ok {
		return
	}
	i, found := st.ownAt(key)
	if !found {
		st.own = slices.Insert(st.own, i, ownKey{})
	}
	st.own[i] = ownKey{key: key, body: body, due: true}
	st.view = nil
	c.emit(Changed{Stream: st.name})
}

// adoptOwn runs after synced of an ephemeral stream: ops that were queued
// before its rule was known become own keys.
func (c *Client) adoptOwn(st *stream) {
	queued := st.pending
	if len(queued) > 0 {
		c.emit(DropOps{Stream: st.name, Through: queued[len(queued)-1].Seq})
		bodies := make([][]byte, len(queued))
		for i := range queued {
			bodies[i] = queued[i].Body
		}
		c.unqueue(st, 0, len(queued))
		for _, b := range bodies {
			if b != nil && c.check(st, b) == nil {
				c.setOwn(st, b)
			}
		}
	}
	for i := range st.own {
		st.own[i].due, st.own[i].echoed = true, false
	}
}

// retake runs when the hub's state came whole and unasked: keys that it shows
// otherwise were written by others while this session lagged. A write of ours
// that is still on its way comes back as an echo.
func (c *Client) retake(st *stream) {
	if st.state == nil {
		return // read as value
	}
	shown := st.state.AppendValue(nil)
	st.own = slices.DeleteFunc(st.own, func(k ownKey) bool {
		if k.due {
			return false
		}
		with := st.state.Clone()
		with.Apply(c.onTop(&k))
		return !bytes.Equal(with.AppendValue(nil), shown)
	})
	st.view = nil
}

// onTop is the write of an own key above everything that the hub has.
func (c *Client) onTop(k *ownKey) crdt.Op {
	return crdt.Op{Offset: wire.MaxSafeInt, Writer: crdt.Writer{Client: c.cfg.Client, Inc: "~"}, Body: k.body}
}

// ownOps takes writes of an ephemeral stream.
func (c *Client) ownOps(st *stream, m *wire.Ops) {
	for i := range m.Entries {
		e := &m.Entries[i]
		st.state.Apply(crdt.Op{Offset: e.N, Writer: crdt.Writer{Client: e.Client, Inc: e.Hub}, Body: e.Op})
		if key, ok := crdt.Key(e.Op); ok {
			c.seeKey(st, e, key)
		}
	}
	st.view, st.tries = nil, 0
	c.emit(Changed{Stream: st.name})
}

// seeKey compares a write with what this client wrote last to the key.
func (c *Client) seeKey(st *stream, e *wire.Entry, key string) {
	i, mine := st.ownAt(key)
	switch {
	case e.Client != c.cfg.Client:
		// Not while a newer write of ours waits to be sent, nor for an older one.
		if mine && !st.own[i].due && st.own[i].olderThan(e) {
			st.own = slices.Delete(st.own, i, i+1)
		}
	case deletes(e.Op):
		// Our key ran out, or we deleted it. An unechoed key is one whose delete
		// is the end of our former session.
		if mine && !st.own[i].due && (st.own[i].echoed || bytes.Equal(st.own[i].body, e.Op)) {
			st.own = slices.Delete(st.own, i, i+1)
		}
	case !mine:
		st.own = slices.Insert(st.own, i, ownKey{key: key, body: bytes.Clone(e.Op), echoed: true, n: e.N, hub: e.Hub})
	case !st.own[i].due && bytes.Equal(st.own[i].body, e.Op):
		st.own[i].echoed, st.own[i].n, st.own[i].hub = true, e.N, e.Hub
	}
}

func (k *ownKey) olderThan(e *wire.Entry) bool {
	return !k.echoed || k.n < e.N || k.n == e.N && k.hub < e.Hub
}

// showOwn is the hub's state with the own keys on top.
func (c *Client) showOwn(st *stream) crdt.State {
	if st.state == nil || len(st.own) == 0 {
		return st.state
	}
	if st.view == nil {
		st.view = st.state.Clone()
		for i := range st.own {
			st.view.Apply(c.onTop(&st.own[i]))
		}
	}
	return st.view
}

// sendOwn sends the keys that are due.
func (c *Client) sendOwn(st *stream) {
	var ops [][]byte
	size := 0
	for i := range st.own {
		k := &st.own[i]
		if !k.due {
			continue
		}
		if len(ops) > 0 && (len(ops) >= c.link.limits.BatchOps || size+len(k.body) > c.batchBytes()) {
			c.send(&wire.Push{Stream: st.name, Ops: ops})
			ops, size = nil, 0
		}
		k.due, k.echoed = false, false
		ops = append(ops, k.body)
		size += len(k.body) + 1
	}
	if len(ops) > 0 {
		c.send(&wire.Push{Stream: st.name, Ops: ops})
	}
}

// ownFailed takes an error on an ephemeral stream. Nothing tells which key it
// is about: after a retryable one all that the hub did not echo are due again,
// after a final one they are given up. Those among them that the hub took come
// back as echoes, where there are any.
func (c *Client) ownFailed(st *stream, e *wire.Error) {
	switch {
	case e.Code == wire.Resync, e.Code == wire.NotReady:
		c.reopen(st)
	case e.Code == wire.AccessDenied, e.Code == wire.StreamUnknown:
		c.emit(Fault{Stream: st.name, Code: e.Code, Msg: e.Msg})
		st.here.refused = true
		c.reopen(st) // as in pushFailed
	case wire.Retryable(e.Code):
		c.hold(st, Instant(e.AfterMS))
		for i := range st.own {
			st.own[i].due = st.own[i].due || !st.own[i].echoed
		}
	default:
		c.emit(Fault{Stream: st.name, Code: e.Code, Msg: e.Msg})
		if st.mode.Reads() && st.replica() {
			st.own = slices.DeleteFunc(st.own, func(k ownKey) bool { return !k.due && !k.echoed })
			st.view = nil
			c.emit(Changed{Stream: st.name})
		}
	}
}
