package clientcore

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/wire"
)

// modelHub is the hub's side of one append-log stream, written for reading
// rather than speed and independent of the real one: the oracle of the property
// tests.
type modelHub struct {
	rng *rand.Rand

	// Durable.
	epoch   int
	log     []wire.Entry
	writers map[crdt.Writer][]modelMark // committed ops of each writer, oldest first

	// Of the process and the session.
	accepted []modelOp
	pending  map[crdt.Writer]modelMark
	inc      string // of the open; empty: not open
	ignoring bool
	reads    uint64 // offset that the subscriber has

	out     []wire.HubMessage
	refuse  bool // answer opens with denied
	healing bool // no more faults
}

type modelMark struct {
	seq  uint64
	hash [8]byte
	at   uint64
}

type modelOp struct {
	w    crdt.Writer
	mark modelMark
	body []byte
}

const modelStream = "l"

func (h *modelHub) send(m wire.HubMessage) { h.out = append(h.out, m) }

// drop ends the session; crash also forgets what was accepted.
func (h *modelHub) drop(crash bool) {
	h.inc, h.out = "", nil
	if crash {
		h.accepted = nil
		clear(h.pending)
	}
}

func (h *modelHub) receive(m wire.ClientMessage) {
	switch m := m.(type) {
	case *wire.Hello:
		h.send(&wire.Welcome{V: 1, Session: 1, Hub: "h", Durability: "disk", Writable: true})
		for _, o := range m.Streams {
			h.open("", o)
		}
	case *wire.Sub:
		h.open(m.Ref, m.Open)
	case *wire.Unsub:
		h.inc = ""
	case *wire.Push:
		h.push(m)
	case *wire.Ping:
		h.send(&wire.Pong{N: m.N})
	}
}

func (h *modelHub) cursor() string { return cursor(h.epoch, uint64(len(h.log))) }

func (h *modelHub) state(to uint64) crdt.State {
	s := crdt.Log.New()
	for _, e := range h.log[:to] {
		s.Apply(crdt.Op{Offset: e.Off, At: e.At, Writer: crdt.Writer{Client: e.Client, Inc: e.Inc}, Seq: e.Seq, Body: e.Op})
	}
	return s
}

func (h *modelHub) mark(w crdt.Writer) modelMark {
	if ms := h.writers[w]; len(ms) > 0 {
		return ms[len(ms)-1]
	}
	return modelMark{}
}

func (h *modelHub) open(ref string, o wire.Open) {
	if o.Unacked > 0 { // the fence
		h.accepted = nil
	}
	h.pending = map[crdt.Writer]modelMark{}
	h.ignoring = false
	w := crdt.Writer{Client: self, Inc: o.Inc}
	top := h.mark(w)
	y := &wire.Yours{Seq: top.seq, Hash: wire.FormatHash(top.hash)}
	for _, m := range h.writers[w] {
		if m.seq > o.Acked && len(y.Trail) < 1024 {
			y.Trail = append(y.Trail, wire.Mark{Seq: m.seq, Hash: wire.FormatHash(m.hash)})
		}
	}
	m := &wire.Synced{Ref: ref, Stream: modelStream, Yours: y}
	if h.refuse && !h.healing {
		m.Outcome = wire.Denied
		h.inc = ""
		h.send(m)
		return
	}
	h.inc, h.reads = o.Inc, uint64(len(h.log))
	m.Rule, m.Mode, m.Cursor = "append-log", wire.ReadWrite, h.cursor()
	cur, ok := wire.ParseCursor(o.Cursor)
	switch fits := ok && cur.Epoch == fmt.Sprintf("%016x", h.epoch) && cur.Offset <= h.reads; {
	case fits && cur.Offset == h.reads:
		m.Outcome = wire.Resumed
	case fits && h.rng.IntN(3) > 0:
		m.Outcome, m.Entries = wire.Delta, h.log[cur.Offset:]
	default:
		m.Outcome = wire.Snapshot
		m.Base = uint64(h.rng.IntN(int(h.reads) + 1))
		m.State, m.Entries = h.state(m.Base).AppendState(nil), h.log[m.Base:]
	}
	h.send(m)
}

func (h *modelHub) fail(seq uint64, code wire.Code) *wire.Error {
	e := &wire.Error{Stream: modelStream, Seq: seq, Code: code, Msg: "no"}
	h.send(e)
	return e
}

func (h *modelHub) push(p *wire.Push) {
	if h.inc == "" {
		h.fail(p.Seq, wire.NotReady)
		return
	}
	w := crdt.Writer{Client: self, Inc: h.inc}
	for i, body := range p.Ops {
		top, ok := h.pending[w]
		if !ok || top.seq < h.mark(w).seq {
			top = h.mark(w)
		}
		seq, prev := p.Seq+uint64(i), p.Seq+uint64(i)-1
		if i == 0 && p.Prev != nil {
			prev = *p.Prev
		}
		switch {
		case seq <= top.seq:
			if !h.duplicate(w, seq, body) {
				h.fail(seq, wire.OpConflict)
				return
			}
			continue
		case prev != top.seq:
			if !h.ignoring {
				h.fail(seq, wire.SeqGap).Expected = top.seq + 1
			}
			h.ignoring = true
			return
		case !h.healing && h.rng.IntN(15) == 0:
			h.ignoring = true
			h.fail(seq, wire.RateLimited).AfterMS = 5
			return
		case *p.At > uint64(len(h.log)) || *p.At < top.at || slices.Contains(body, '9') && h.rng.IntN(2) == 0:
			h.ignoring = true
			h.send(&wire.Reject{Stream: modelStream, Seq: seq, Code: crdt.BadOp, Msg: "no"})
			return
		}
		h.ignoring = false
		mark := modelMark{seq: seq, hash: wire.WriterHash(top.hash, seq, body), at: *p.At}
		h.pending[w] = mark
		h.accepted = append(h.accepted, modelOp{w: w, mark: mark, body: slices.Clone(body)})
	}
}

// duplicate compares an op with the one that has its seq, and acks it if it is
// committed.
func (h *modelHub) duplicate(w crdt.Writer, seq uint64, body []byte) bool {
	for _, e := range h.log {
		if e.Client == w.Client && e.Inc == w.Inc && e.Seq == seq {
			h.ack(w)
			return string(e.Op) == string(body)
		}
	}
	return slices.ContainsFunc(h.accepted, func(o modelOp) bool { return o.mark.seq == seq && string(o.body) == string(body) })
}

func (h *modelHub) ack(w crdt.Writer) {
	m := h.mark(w)
	h.send(&wire.Ack{Stream: modelStream, Seq: m.seq, Hash: wire.FormatHash(m.hash)})
}

// commit makes what was accepted durable, with ops of others between.
func (h *modelHub) commit() {
	for _, o := range h.accepted {
		if h.rng.IntN(4) == 0 {
			h.append(crdt.Writer{Client: "other", Inc: otherInc}, modelMark{seq: uint64(len(h.log)) + 1, at: uint64(len(h.log))}, []byte(`{"op":"append","value":"other"}`))
		}
		h.writers[o.w] = append(h.writers[o.w], o.mark)
		h.append(o.w, o.mark, o.body)
	}
	own := len(h.accepted) > 0
	h.accepted = nil
	if h.inc == "" {
		return
	}
	w := crdt.Writer{Client: self, Inc: h.inc}
	first := h.rng.IntN(2) == 0
	if own && first {
		h.ack(w)
	}
	if from := h.reads; from < uint64(len(h.log)) {
		h.reads = uint64(len(h.log))
		h.send(&wire.Ops{Stream: modelStream, From: from, Cursor: h.cursor(), Entries: slices.Clone(h.log[from:])})
	}
	if own && !first {
		h.ack(w)
	}
}

func (h *modelHub) append(w crdt.Writer, m modelMark, body []byte) {
	h.log = append(h.log, wire.Entry{
		Off: uint64(len(h.log)) + 1, Client: w.Client, Inc: w.Inc, Seq: m.seq, At: m.at, Op: body,
	})
}

// lose cuts a tail off the log, as a store does that lost unsynced writes, and
// begins another epoch.
func (h *modelHub) lose() {
	h.log = h.log[:h.rng.IntN(len(h.log)+1)]
	h.epoch++
	h.accepted = nil
	clear(h.pending)
	clear(h.writers)
	var hash [8]byte
	hashes := map[crdt.Writer][8]byte{}
	for _, e := range h.log {
		w := crdt.Writer{Client: e.Client, Inc: e.Inc}
		if w.Client != self {
			continue
		}
		hash = wire.WriterHash(hashes[w], e.Seq, e.Op)
		hashes[w] = hash
		h.writers[w] = append(h.writers[w], modelMark{seq: e.Seq, hash: hash, at: e.At})
	}
	if h.inc != "" {
		h.fail(0, wire.Resync)
		h.inc = ""
	}
}
