package sim

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/internal/clientcore"
	"github.com/wavesiddhartha/flowsync/store"
	"github.com/wavesiddhartha/flowsync/wire"
)

// Texts and documents: their ops are updates, and an edit that was asked for in
// positions is committed in another form than it was sent in.

// position makes an edit in positions.
func (w *world) position(n int) []byte {
	pos := w.rng.IntN(8)
	switch w.rng.IntN(4) {
	case 0:
		return fmt.Appendf(nil, `{"count":%d,"op":"delete","pos":%d}`, 1+w.rng.IntN(4), pos)
	case 1:
		return fmt.Appendf(nil, `{"count":%d,"op":"replace","pos":%d,"text":%q}`, 1+w.rng.IntN(4), pos, w.text(n))
	}
	return fmt.Appendf(nil, `{"op":"insert","pos":%d,"text":%q}`, pos, w.text(n))
}

// update makes an op of a document, as an editor does that has a Yjs document of
// its own: each builds on the ones before it.
func (w *world) update(c *client, p streamPlan, n int) []byte {
	d := &document{text: crdt.Text.New().(crdt.Editor), author: uint64(w.rng.Uint32()) | 1}
	if c != nil && c.docs[p.name] != nil {
		d = c.docs[p.name]
	} else if c != nil {
		c.docs[p.name] = d
	}
	edit := fmt.Appendf(nil, `{"op":"insert","pos":0,"text":%q}`, w.text(n))
	if len(d.text.AppendValue(nil)) > 8 && w.chance(4) {
		edit = []byte(`{"count":2,"op":"delete","pos":1}`)
	}
	body, err := d.text.Edit(crdt.Op{Offset: 1, Writer: crdt.Writer{Client: "editor"}, Seq: 1, Body: edit}, nil, d.author)
	if err != nil {
		w.fail("an edit of a document of its own: %v", err)
	}
	return body
}

// document is a document of the application: a text, whose updates a crdt-doc
// takes like any others.
type document struct {
	text   crdt.Editor
	author uint64
}

const updateStart = `{"op":"update","update":"`

// positional reports whether a body asks for an edit in positions.
func positional(body []byte) bool { return bytes.Contains(body, []byte(`"pos":`)) }

// inserts reports whether a body is an update with content: its ids are used once.
// One that only deletes begins with no structs, a zero byte.
func inserts(body []byte) bool {
	update, ok := strings.CutPrefix(string(body), updateStart)
	return ok && !strings.HasPrefix(update, "AA")
}

// askedKey is a seq of a writer.
type askedKey struct {
	stream string
	seqKey
}

// asks notes what a client sends in positions.
func (j *oracle) asks(c *client, p *wire.Push) {
	w := crdt.Writer{Client: c.name, Inc: c.savedStream(p.Stream).Inc}
	for i, op := range p.Ops {
		if positional(op) {
			key := askedKey{p.Stream, seqKey{w, p.Seq + uint64(i)}}
			j.asked[key] = append(j.asked[key], string(op))
		}
	}
}

// asSent returns an op as its author sent it, and whether it continues the
// author's hashes.
func (j *oracle) asSent(stream string, e *store.Entry, prev store.WriterHash) (body string, ours bool) {
	if e.Hash == wire.WriterHash(prev, e.Seq, e.Op) {
		return string(e.Op), true
	}
	if prev == (store.WriterHash{}) && j.beginsPost(e) {
		return string(e.Op), true
	}
	if j.streams[stream].rule != crdt.Rule(crdt.Text) {
		return string(e.Op), false
	}
	j.w.hit("text: an edit in positions was moved by the hub")
	for _, body := range j.asked[askedKey{stream, seqKey{e.Writer, e.Seq}}] {
		if e.Hash == wire.WriterHash(prev, e.Seq, []byte(body)) {
			return body, true
		}
	}
	// The hub and the HTTP API say nothing of what they ask for.
	return string(e.Op), strings.Contains(e.Writer.Client, ":")
}

// beginsPost reports whether an entry is the first of an HTTP request that was
// sent: the hashes of its writer begin with that of the body.
func (j *oracle) beginsPost(e *store.Entry) bool {
	return slices.ContainsFunc(j.bases[e.Writer], func(base store.WriterHash) bool {
		return e.Hash == wire.WriterHash(base, e.Seq, e.Op)
	})
}

// mayBeMissing holds that no op of a text or document is refused for lack of
// another one of its writer: what it needs of those that were refused it carries.
// An edit in positions may come too late for the hub; what a store lost, or a copy
// of the queue lacks, nobody carries; and of two hubs one may not have read yet what
// an op needs that was made at the other.
func (j *oracle) mayBeMissing(c *client, d *clientcore.DeadLetter) {
	if d.Code == wire.MissingDependency && !positional(d.Op) && !j.lossy && !c.line.forked && j.w.plan.hubs == 1 {
		j.w.fail("%s: op %d of %s is refused for lack of another one: %s", d.Stream, d.Seq, c.id, d.Op)
	}
}
