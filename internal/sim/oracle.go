package sim

import (
	"bytes"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/internal/clientcore"
	"github.com/wavesiddhartha/flowsync/internal/hubcore"
	"github.com/wavesiddhartha/flowsync/store"
	"github.com/wavesiddhartha/flowsync/wire"
)

// oracle knows everything that was ever committed, also what the store lost
// since, and holds what hubs and clients say against it.
type oracle struct {
	w        *world
	streams  map[string]*history
	lines    []*lineage
	lastPost map[string]*hubcore.Post
	bases    map[crdt.Writer][]store.WriterHash // of the bodies that were sent by HTTP
	presence map[presenceKey][]byte
	asked    map[askedKey][]string // what was asked for in positions, by seq
	lossy    bool                  // the store lost something, be it an epoch alone
	scratch  []byte
	pushed   pushed
}

func newOracle(w *world) *oracle {
	j := &oracle{w: w, streams: map[string]*history{}, lastPost: map[string]*hubcore.Post{}, bases: map[crdt.Writer][]store.WriterHash{}, presence: map[presenceKey][]byte{}, pushed: pushed{}, asked: map[askedKey][]string{}}
	for _, p := range w.plan.streams {
		j.streams[p.name] = &history{
			rule: p.rule, nodes: map[place]*node{}, hashs: map[markKey]bool{}, ops: map[opKey]uint64{}, seqs: map[seqKey]uint64{}, lost: map[string]int{},
		}
	}
	return j
}

// find returns the node of a cursor; there is none if nothing was ever committed
// there.
func (j *oracle) find(who, stream, cursor string) *node {
	c, ok := wire.ParseCursor(cursor)
	if !ok {
		j.w.fail("%s: %s has the cursor %q", stream, who, cursor)
	}
	n := j.streams[stream].nodes[place{c.Offset, c.Check}]
	if n == nil {
		j.w.fail("%s: %s is at %s, where nothing was committed", stream, who, cursor)
	}
	return n
}

// matches checks a state, by its digest, and a value against a cursor.
func (j *oracle) matches(who, stream, cursor string, digest [32]byte, value []byte) {
	n := j.find(who, stream, cursor)
	if digest != n.digest {
		j.w.fail("%s: the state of %s differs at %d", stream, who, n.at.Offset)
	}
	if value != nil {
		j.sameValue(who, stream, n, value)
	}
}

func (j *oracle) sameValue(who, stream string, n *node, value []byte) {
	j.decode(stream, n)
	if !bytes.Equal(value, n.value) {
		j.w.fail("%s: %s shows %s at %d, the log says %s", stream, who, value, n.at.Offset, n.value)
	}
}

// decode returns the state of a node, which must not be changed.
func (j *oracle) decode(stream string, n *node) crdt.State {
	if n.decoded == nil {
		state, err := j.streams[stream].rule.Decode(n.state)
		if err != nil {
			j.w.fail("%s: a state cannot be decoded: %v: %s", stream, err, n.state)
		}
		n.decoded, n.value = state, state.AppendValue(nil)
	}
	return n.decoded
}

// holds reports whether a writer ever committed an op.
func (j *oracle) holds(stream string, w crdt.Writer, body []byte) bool {
	h := j.streams[stream]
	if h.rule == crdt.Rule(crdt.Ephemeral) {
		return true
	}
	for key := range h.ops { // any match will do, in whatever order
		if key.writer == w && (key.body == string(body) || positional(body)) {
			return true
		}
	}
	return false
}

// hasPost reports whether the first n ops of an HTTP request are committed, under
// its body and no other.
func (j *oracle) hasPost(stream string, post *hubcore.Post, n uint64) bool {
	h := post.Base
	for i := range n {
		h = wire.WriterHash(h, i+1, post.Ops[i])
		if !j.streams[stream].hashs[markKey{post.Client, i + 1, wire.FormatHash(h)}] {
			return false
		}
	}
	return true
}

// said checks a message of a hub when it leaves the machine: nothing in it may
// be uncommitted.
func (j *oracle) said(st *stream, out *hubcore.Out) {
	h := j.streams[st.name]
	var client string
	if out.One != nil {
		client = out.One.Member.Client
	}
	switch m := out.Msg.(type) {
	case *wire.Ack:
		if !h.hashs[markKey{client, m.Seq, m.Hash}] {
			j.w.fail("%s acks op %d of %s on %s, which is not committed", st.h.name, m.Seq, client, st.name)
		}
	case *wire.Synced:
		if y := m.Yours; y != nil {
			j.saidMark(st, h, client, y.Seq, y.Hash)
			for _, t := range y.Trail {
				j.saidMark(st, h, client, t.Seq, t.Hash)
			}
		}
		j.saidEntries(st, h, m.Entries)
		if m.Value != nil && m.Cursor != "" {
			j.sameValue(st.h.name, st.name, j.find(st.h.name, st.name, m.Cursor), m.Value)
		}
	case *wire.Ops:
		j.saidEntries(st, h, m.Entries)
	case *wire.History:
		j.saidEntries(st, h, m.Entries)
	case *wire.Value:
		if m.Cursor != "" {
			j.sameValue(st.h.name, st.name, j.find(st.h.name, st.name, m.Cursor), m.Value)
		}
	}
}

// saidMark checks one mark of yours.
func (j *oracle) saidMark(st *stream, h *history, client string, seq uint64, hash string) {
	if seq > 0 && !h.hashs[markKey{client, seq, hash}] {
		j.w.fail("%s tells %s of op %d on %s, which is not committed", st.h.name, client, seq, st.name)
	}
}

func (j *oracle) saidEntries(st *stream, h *history, entries []wire.Entry) {
	if h.rule == crdt.Rule(crdt.Ephemeral) {
		return
	}
	for i := range entries {
		e := &entries[i]
		if h.ops[keyOf(crdt.Writer{Client: e.Client, Inc: e.Inc}, e.Seq, e.Op)] == 0 {
			j.w.fail("%s shows entry %d on %s, which is not committed: %s", st.h.name, e.Off, st.name, e.Op)
		}
	}
}

// stepped checks what a client has after a step: a confirmed state that the log
// held at its cursor, and a cursor that goes back only with a word.
func (j *oracle) stepped(c *client, out clientcore.Effects) {
	for _, p := range j.w.plan.streams {
		in, ok := c.core.Stream(p.name)
		if !ok || in.Cursor == "" {
			delete(c.shown, p.name)
			continue
		}
		if c.shown[p.name] != in.Cursor {
			j.moved(c, p.name, in.Cursor, out)
			c.shown[p.name] = in.Cursor
		}
		if j.w.chance(8) || c.synced {
			j.checkView(c, p.name, &in)
		}
	}
	for _, e := range out {
		switch e := e.(type) {
		case clientcore.Discontinuity:
			j.w.hit("client: discontinuity")
			if !j.lossy {
				j.w.fail("%s reports a discontinuity on %s, and nothing was lost", c.id, e.Stream)
			}
		case clientcore.Recovered:
			j.w.hit("client: recovered a dead letter")
			if !j.lossy && !c.line.forked {
				j.w.fail("%s buried op %d on %s as %s, and it was committed after that", c.id, e.Dead.Seq, e.Dead.Stream, e.Dead.Code)
			}
		case clientcore.HistoryPage:
			j.checkPage(c, &e)
		}
	}
}

func (j *oracle) moved(c *client, stream, cursor string, out clientcore.Effects) {
	n := j.find(c.id, stream, cursor)
	if d, ok := c.core.Digest(stream); ok && d != n.digest {
		j.w.fail("%s: the confirmed state of %s differs from the log's at %d", stream, c.id, n.at.Offset)
	}
	was, ok := c.shown[stream]
	if !ok {
		return
	}
	for _, e := range out {
		if d, ok := e.(clientcore.Discontinuity); ok && d.Stream == stream {
			return
		}
	}
	before := j.find(c.id, stream, was)
	if j.lossy && j.w.store.trimmed(stream, before.at.Offset) {
		return // nothing is left of the log that could show the loss
	}
	if !n.descends(before) {
		j.w.fail("%s: %s went from %s to %s without a discontinuity", stream, c.id, was, cursor)
	}
}

// checkView builds what a client should show from the log and its queue.
func (j *oracle) checkView(c *client, stream string, in *clientcore.Info) {
	view, ok := c.core.AppendView(j.scratch[:0], stream)
	j.scratch = view
	if !ok {
		j.w.fail("%s: %s has a cursor and shows nothing", stream, c.id)
	}
	n := j.find(c.id, stream, in.Cursor)
	if in.Shown == 0 || !c.hasReplica(stream) {
		j.sameValue(c.id, stream, n, view)
		return
	}
	state := j.decode(stream, n).Clone()
	for i := range c.saved.Streams {
		s := &c.saved.Streams[i]
		if s.Stream != stream {
			continue
		}
		if in.Shown > len(s.Ops) {
			j.w.fail("%s: %s shows %d ops of its own, its queue has %d", stream, c.id, in.Shown, len(s.Ops))
		}
		for k, o := range s.Ops[len(s.Ops)-in.Shown:] {
			// While it asks what a copy of its queue has sent it cannot know better.
			off := j.streams[stream].ops[keyOf(crdt.Writer{Client: c.name, Inc: s.Inc}, o.Seq, o.Body)]
			if off > 0 && off <= n.at.Offset && !j.lossy && !c.line.forked {
				j.w.fail("%s: %s shows op %d twice: its confirmed state has it at %d", stream, c.id, o.Seq, off)
			}
			state.Apply(crdt.Op{
				Offset: n.at.Offset + uint64(k) + 1, At: o.At,
				Writer: crdt.Writer{Client: c.name, Inc: s.Inc}, Seq: o.Seq, Body: o.Body,
			})
		}
	}
	if want := state.AppendValue(nil); !bytes.Equal(view, want) {
		j.w.fail("%s: %s shows %s, the log and its queue say %s", stream, c.id, view, want)
	}
}

// checkPage checks that history is a piece of the log without a hole, and that
// it ends where it was asked to.
func (j *oracle) checkPage(c *client, page *clientcore.HistoryPage) {
	q, ok := c.asked[page.Tag]
	if !ok {
		j.w.fail("%s got a page that it did not ask for", c.id)
	}
	delete(c.asked, page.Tag)
	j.w.hit("client: history page")
	if len(page.Entries) == 0 {
		return
	}
	for i := 1; i < len(page.Entries); i++ {
		if page.Entries[i].Off != page.Entries[i-1].Off+1 {
			j.w.fail("%s got a page with a hole after %d", c.id, page.Entries[i-1].Off)
		}
	}
	last := page.Entries[len(page.Entries)-1].Off
	switch {
	case j.lossy || j.w.plan.hubs > 1: // or the hub may be behind
	case q.before > 0 && last >= q.before:
		j.w.fail("%s asked for history before %d and got %d", c.id, q.before, last)
	case q.before > 0 && last+1 < min(q.before, q.reached+1), q.before == 0 && last < q.reached:
		j.w.fail("%s was at %d, asked for history before %d and got it up to %d", c.id, q.reached, q.before, last)
	}
}
