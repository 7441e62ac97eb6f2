package sim

import (
	"bytes"
	"crypto/sha256"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/store"
	"github.com/wavesiddhartha/flowsync/wire"
)

// history is one stream as a tree: a store that lost its tail goes on from an
// earlier node.
type history struct {
	rule  crdt.Rule
	head  *node // where the store is
	state crdt.State
	marks map[crdt.Writer]store.Watermark // of the branch that ends at head

	nodes map[place]*node
	hashs map[markKey]bool  // every writer hash that was ever committed
	ops   map[opKey]uint64  // every op, with its latest offset
	seqs  map[seqKey]uint64 // every seq of a writer, likewise
	lost  map[string]int    // bodies that the store lost, by count
}

// node is an offset of a branch: the state after it and the entry that led to it.
type node struct {
	up     *node
	at     store.Position // its epoch means nothing: epochs change under a log
	entry  store.Entry
	body   string // of the op as its author sent it
	state  []byte
	digest [32]byte

	decoded crdt.State // of state, never changed; nil: nobody asked yet
	value   []byte     // what decoded shows; likewise
}

// place finds a node by what a cursor says of it.
type place struct {
	offset uint64
	check  [4]byte
}

type markKey struct {
	client string
	seq    uint64
	hash   string
}

type seqKey struct {
	writer crdt.Writer
	seq    uint64
}

// opKey has the body too: after a loss, a copy of a queue can come first with
// another op under the same seq.
type opKey struct {
	seqKey
	body string
}

func keyOf(w crdt.Writer, seq uint64, body []byte) opKey { return opKey{seqKey{w, seq}, string(body)} }

func placeOf(p store.Position) place { return place{p.Offset, [4]byte(p.Chain[:4])} }

// begun learns of a stream without ops.
func (j *oracle) begun(stream string, at store.Position) {
	h := j.streams[stream]
	h.state = h.rule.New()
	h.head = newNode(h.state)
	h.head.at = at
	h.nodes[placeOf(at)] = h.head
	h.marks = map[crdt.Writer]store.Watermark{}
}

// committed learns of a record, and checks that it may be there.
func (j *oracle) committed(stream string, rec *store.Record) {
	h := j.streams[stream]
	if rec.Prev != h.head.at.Chain || rec.First() != h.head.at.Offset+1 {
		j.w.fail("%s: a record does not follow the log at %d", stream, h.head.at.Offset)
	}
	for i := range rec.Entries {
		j.commit(stream, h, &rec.Entries[i])
	}
	if h.head.at.Chain != rec.Chain {
		j.w.fail("%s: a record ends with a wrong chain value", stream)
	}
}

func (j *oracle) commit(stream string, h *history, e *store.Entry) {
	w, was := j.w, h.marks[e.Writer]
	w.record(stream, e.Op)
	w.note("STORE %s %d: %s/%s seq %d at %d session %d %s", stream, e.Offset, e.Writer.Client, e.Writer.Inc, e.Seq, e.At, e.Session, e.Op)
	op := crdt.Op{Offset: e.Offset, At: e.At, Writer: e.Writer, Seq: e.Seq, Body: e.Op}
	body, ours := j.asSent(stream, e, was.Hash)
	switch {
	case e.Seq <= was.Seq:
		w.fail("%s: %s/%s committed seq %d after %d", stream, e.Writer.Client, e.Writer.Inc, e.Seq, was.Seq)
	case e.At >= e.Offset || e.At < was.At:
		w.fail("%s: entry %d of %s has at %d, its writer's last was %d", stream, e.Offset, e.Writer.Client, e.At, was.At)
	case !ours:
		w.fail("%s: entry %d of %s does not continue its writer's hashes", stream, e.Offset, e.Writer.Client)
	case e.OpHash != wire.OpHash(e.Writer.Client, e.Writer.Inc, e.Seq, e.At, e.Op):
		w.fail("%s: entry %d has a wrong hash", stream, e.Offset)
	}
	if _, err := h.state.Check(op); err != nil {
		w.fail("%s: entry %d was committed and is not valid there: %v: %s", stream, e.Offset, err, e.Op)
	}
	h.state.Apply(op)
	h.marks[e.Writer] = store.Watermark{Seq: e.Seq, Hash: e.Hash, At: e.At, Subject: e.Subject}
	h.hashs[markKey{e.Writer.Client, e.Seq, wire.FormatHash(e.Hash)}] = true
	h.ops[keyOf(e.Writer, e.Seq, e.Op)] = e.Offset
	h.ops[keyOf(e.Writer, e.Seq, []byte(body))] = e.Offset
	h.seqs[seqKey{e.Writer, e.Seq}] = e.Offset
	n := newNode(h.state)
	n.up, n.entry, n.body = h.head, *e, body
	n.at = store.Position{Offset: e.Offset, Chain: wire.ChainNext(h.head.at.Chain, e.OpHash)}
	if same := h.nodes[placeOf(n.at)]; same != nil && same.at.Chain == n.at.Chain {
		n = same // committed again after a loss, in the same place
	}
	h.head = n
	h.nodes[placeOf(n.at)] = n
}

// newNode is a node with what a state is now.
func newNode(state crdt.State) *node {
	n := &node{state: state.AppendState(nil)}
	if _, ok := state.(crdt.Digester); ok {
		n.digest = crdt.Digest(state)
	} else {
		n.digest = sha256.Sum256(n.state) // as crdt.Digest says
	}
	return n
}

// relocate learns where a stream is after the store lost something.
func (j *oracle) relocate(stream string, at store.Position) {
	h, was := j.streams[stream], j.streams[stream].head
	if at.Epoch == "" {
		h.head = nil
	} else if n := h.nodes[placeOf(at)]; n != nil && n.at.Chain == at.Chain {
		j.rewind(h, n)
	} else {
		j.begun(stream, at)
	}
	for n := was; n != nil && n.up != nil && !h.head.descends(n); n = n.up {
		h.lost[n.body]++
		j.w.hit("store: lost an op")
	}
}

// rewind goes back to an earlier node.
func (j *oracle) rewind(h *history, n *node) {
	state, err := h.rule.Decode(n.state)
	if err != nil {
		j.w.fail("a state cannot be decoded: %v: %s", err, n.state)
	}
	h.head, h.state, h.marks = n, state, map[crdt.Writer]store.Watermark{}
	for ; n.up != nil; n = n.up {
		if e := &n.entry; h.marks[e.Writer].Seq < e.Seq {
			h.marks[e.Writer] = store.Watermark{Seq: e.Seq, Hash: e.Hash, At: e.At, Subject: e.Subject}
		}
	}
}

// descends reports whether n is the node or before it on its branch.
func (d *node) descends(n *node) bool {
	for d != nil && d.at.Offset > n.at.Offset {
		d = d.up
	}
	return d == n
}

// snapshot is what a compaction saves.
func (j *oracle) snapshot(stream string, at store.Position) store.Snapshot {
	h := j.streams[stream]
	return store.Snapshot{Rule: h.rule.Name(), Position: at, State: bytes.Clone(h.head.state)}
}
