package hubcore

import (
	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/store"
)

// ring holds the newest entries of a log with the chain value at each, so that
// a client that was away briefly gets them without a read of the store.
type ring struct {
	maxEntries int
	maxBytes   int

	entries []store.Entry // consecutive offsets
	chain   []store.Hash  // chain value at each entry
	before  store.Hash    // chain value before the first entry
	bytes   int

	// checks are the beginnings of the chain values at the offsets before the
	// first entry, as cursors carry them, the newest last. They show without the
	// store whether a cursor is of this history.
	checks [][4]byte
}

// checksMax bounds the checks: 64 KiB.
const checksMax = 16 << 10

// first is the offset of the oldest entry held, or next if none is.
func (r *ring) first(next uint64) uint64 {
	if len(r.entries) == 0 {
		return next
	}
	return r.entries[0].Offset
}

// push appends one entry. The oldest go when a bound is passed, half of them at
// once, so that the cost of moving the rest is shared by many pushes.
func (r *ring) push(e store.Entry, chain store.Hash) {
	r.entries = append(r.entries, e)
	r.chain = append(r.chain, chain)
	r.bytes += len(e.Op)
	if len(r.entries) <= r.maxEntries && r.bytes <= r.maxBytes {
		return
	}
	drop := (len(r.entries) + 1) / 2
	for _, old := range r.entries[:drop] {
		r.bytes -= len(old.Op)
	}
	r.before = r.chain[drop-1]
	for _, chain := range r.chain[:drop] {
		r.checks = append(r.checks, [4]byte(chain[:4]))
	}
	if len(r.checks) > checksMax {
		r.checks = r.checks[:copy(r.checks, r.checks[len(r.checks)-checksMax/2:])]
	}
	kept := copy(r.entries, r.entries[drop:])
	clear(r.entries[kept:])
	r.entries = r.entries[:kept]
	r.chain = r.chain[:copy(r.chain, r.chain[drop:])]
}

// reset empties the ring; the next entry follows the given chain value.
func (r *ring) reset(before store.Hash) {
	r.entries, r.chain, r.bytes, r.before, r.checks = nil, nil, 0, before, nil
}

// check returns the check at an offset below the entries, if it is known.
func (r *ring) check(offset, head uint64) (check [4]byte, ok bool) {
	below := r.first(head+1) - 1 // the offset of the newest check
	if offset > below || below-offset >= uint64(len(r.checks)) {
		return check, false
	}
	return r.checks[uint64(len(r.checks))-1-(below-offset)], true
}

// at returns the chain value at an offset, if the ring reaches back to it.
func (r *ring) at(offset uint64, head store.Position) (store.Hash, bool) {
	if offset == head.Offset {
		return head.Chain, true
	}
	first := r.first(head.Offset + 1)
	if offset+1 < first || offset > head.Offset {
		return store.Hash{}, false
	}
	if offset+1 == first {
		return r.before, true
	}
	return r.chain[offset-first], true
}

// after returns the entries above an offset, if the ring holds all of them.
func (r *ring) after(offset, head uint64) ([]store.Entry, bool) {
	if offset == head {
		return nil, true
	}
	first := r.first(head + 1)
	if offset+1 < first || offset > head {
		return nil, false
	}
	return r.entries[offset+1-first:], true
}

// holds reports whether the ring has an op of a writer.
func (r *ring) holds(w crdt.Writer, seq uint64) bool {
	for i := range r.entries {
		if r.entries[i].Seq == seq && r.entries[i].Writer == w {
			return true
		}
	}
	return false
}
