package hubcore

import (
	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/ratelimit"
	"github.com/wavesiddhartha/flowsync/store"
	"github.com/wavesiddhartha/flowsync/wire"
)

// writer is what a stream knows of the author of ops.
type writer struct {
	id      crdt.Writer
	subject string // bound by the first committed op; empty: not bound yet

	committed mark // the last committed op
	pending   mark // the last accepted op, committed or not

	// recent are the newest accepted ops, oldest first, each with the hash after
	// it. Those up to committed are in the log.
	recent   []mark
	inflight int // accepted, not committed

	// known: the store was asked. Until then recent holds only what was committed
	// since someone asked.
	known bool
	subs  []*subscriber // sessions that have it open
	pins  int           // other uses: posts under way, the hub itself
}

// mark is a point in a writer's history.
type mark struct {
	seq  uint64
	hash store.WriterHash
	at   uint64
}

// learn takes what the store recalls, unless this hub knows it better already.
func (w *writer) learn(wm store.Watermark, tail []store.Mark) {
	if w.known {
		return
	}
	w.known = true
	// Seq 1 alone shows that the tail lacks nothing: another hub may have trimmed
	// the log since this one last looked where it begins.
	whole := wm.Seq == 0 || len(tail) > 0 && tail[0].Seq == 1
	since := w.recent
	w.recent = make([]mark, 0, len(tail)+len(since)+1)
	stored := mark{seq: wm.Seq, hash: wm.Hash, at: wm.At}
	switch {
	case whole:
		w.recent = append(w.recent, mark{}) // before the first op
	case len(tail) == 0:
		w.recent = append(w.recent, stored)
	}
	for _, m := range tail {
		w.recent = append(w.recent, mark{seq: m.Seq, hash: m.Hash})
	}
	for _, m := range since {
		if m.seq > wm.Seq {
			w.recent = append(w.recent, m)
		}
	}
	if w.subject == "" {
		w.subject = wm.Subject
	}
	if w.committed.seq < stored.seq {
		w.committed = stored
	}
	if w.pending.seq < w.committed.seq {
		w.pending = w.committed
	}
}

// cost is what the writer's next op costs that has so many bytes. With the first
// one the store begins to keep something about the writer.
func (w *writer) cost(bytes int) ratelimit.Cost {
	c := ratelimit.Cost{Ops: 1, Bytes: bytes}
	if w.pending.seq == 0 {
		c.Writers = 1
	}
	return c
}

// accept takes an op that passed all checks.
func (w *writer) accept(m mark, subject string) {
	if w.subject == "" {
		w.subject = subject
	}
	w.pending = m
	w.inflight++
	w.remember(m)
}

// commit moves the committed watermark. An op of another hub, or from before this
// hub knew the writer, takes the place of what was accepted here since the last
// one: that is checked again, and is of another history if its hashes differ.
func (w *writer) commit(m mark, subject string) {
	before := w.committed.seq
	w.committed = m
	if w.subject == "" {
		w.subject = subject
	}
	if have, known := w.hashAt(m.seq); known && have == m.hash {
		return
	}
	w.forget(before)
	w.pending = m
	w.remember(m)
}

// rollback forgets what was accepted and did not commit.
func (w *writer) rollback() {
	w.pending = w.committed
	w.inflight = 0
	w.forget(w.committed.seq)
}

// forget drops the marks above a seq.
func (w *writer) forget(seq uint64) {
	n := len(w.recent)
	for n > 0 && w.recent[n-1].seq > seq {
		n--
	}
	w.recent = w.recent[:n]
}

func (w *writer) remember(m mark) {
	if len(w.recent) >= 2*store.TrailMax {
		w.recent = w.recent[:copy(w.recent, w.recent[len(w.recent)-store.TrailMax:])]
	}
	w.recent = append(w.recent, m)
}

// hashAt is the hash after an op, or after nothing below a seq that holds none.
func (w *writer) hashAt(seq uint64) (h store.WriterHash, known bool) {
	for i := len(w.recent); i > 0; i-- {
		switch m := &w.recent[i-1]; {
		case m.seq == seq:
			return m.hash, true
		case m.seq < seq:
			return h, true // a hole: the log has another history
		}
	}
	return h, false
}

// verdict is what a seq at or below the watermark turns out to be.
type verdict uint8

const (
	same     verdict = iota // the very op
	conflict                // another op, or a hole
	tooOld                  // cannot be compared any more
)

// duplicate compares an op with what the writer sent before under the same seq.
func (w *writer) duplicate(seq uint64, hash func(prev store.WriterHash) store.WriterHash) verdict {
	i := len(w.recent)
	for i > 0 && w.recent[i-1].seq >= seq {
		i--
	}
	if i == len(w.recent) || w.recent[i].seq != seq {
		if i == 0 {
			return tooOld
		}
		return conflict
	}
	var prev store.WriterHash
	switch {
	case i > 0:
		prev = w.recent[i-1].hash
	case seq > 1:
		// The op before it is unknown: seq 2 after a rejected seq 1 looks the
		// same as a trimmed trail, so it is left to the author's own hash.
		return tooOld
	}
	if hash(prev) != w.recent[i].hash {
		return conflict
	}
	return same
}

// yours tells the writer how far the log has its ops, with the committed marks
// above acked. The marks come only if they are all: from a later one on, a writer
// could not tell where its history parts from the log's.
func (w *writer) yours(acked uint64) *wire.Yours {
	y := &wire.Yours{Seq: w.committed.seq, Hash: wire.FormatHash(w.committed.hash)}
	if len(w.recent) == 0 || w.recent[0].seq > acked+1 {
		return y
	}
	for _, m := range w.recent {
		if m.seq > acked && m.seq <= w.committed.seq && len(y.Trail) < store.TrailMax {
			y.Trail = append(y.Trail, wire.Mark{Seq: m.seq, Hash: wire.FormatHash(m.hash)})
		}
	}
	return y
}
