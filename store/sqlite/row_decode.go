package sqlite

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/store"
)

// rowDecoder reads a proof whose checksum fits. It still trusts no count: a row
// may have been made by something else.
type rowDecoder struct {
	rest   []byte
	broken bool
}

// Sizes that every one of these has at least. They bound what a count may claim.
const (
	leastEntry  = 4 + 8 + 32 + 2
	leastRecord = 2 + 32 + leastEntry
	leastWriter = 4
	leastString = 1
)

func (d *rowDecoder) row(entries []byte) (*row, error) {
	r := &row{stream: int64(d.u64()), id: int64(d.u64())}
	size, sum := d.uvarint(), d.u32()
	if entries != nil && (uint64(len(entries)) != size || crc32.Checksum(entries, castagnoli) != sum) {
		return nil, errDamaged
	}
	offset := d.uvarint()
	epochs := make([]string, d.count(leastString))
	for i := range epochs {
		epochs[i] = d.string()
	}
	writers := make([]bound, d.count(leastWriter))
	r.links = make(map[crdt.Writer]uint64, len(writers))
	for i := range writers {
		writers[i] = bound{crdt.Writer{Client: d.string(), Inc: d.string()}, d.string()}
		r.links[writers[i].Writer] = d.uvarint()
	}
	r.records = make([]written, d.count(leastRecord))
	prev := d.hash()
	b := body{epochs: epochs, writers: writers, last: make([]store.Entry, len(writers)), entries: entries, offset: offset}
	b.slab = make([]store.Entry, min(len(r.records), len(d.rest)/leastRecord+1))
	for i := range r.records {
		if d.broken || !b.record(d, &r.records[i]) {
			return nil, errForm
		}
		r.records[i].record.Prev, prev = prev, r.records[i].record.Chain
	}
	if d.broken || len(d.rest) > 0 || len(r.records) == 0 {
		return nil, errForm
	}
	return r, nil
}

// body is the state of the decoder between entries.
type body struct {
	epochs  []string
	writers []bound
	last    []store.Entry // of each writer
	entries []byte        // what is left of them; nil if ops are not wanted
	offset  uint64        // of the next entry
	slab    []store.Entry // room for one entry of each record: most records of a row are small
}

// room returns n entries of its own.
func (b *body) room(n int) []store.Entry {
	if n > len(b.slab) {
		b.slab = make([]store.Entry, n)
	}
	r := b.slab[:n:n]
	b.slab = b.slab[n:]
	return r
}

func (b *body) record(d *rowDecoder, w *written) bool {
	epoch := d.uvarint()
	if epoch >= uint64(len(b.epochs)) {
		return false
	}
	w.epoch = b.epochs[epoch]
	n := d.count(leastEntry)
	w.record.Chain = d.hash()
	w.record.Entries = b.room(n)
	for i := range w.record.Entries {
		if !b.entry(d, &w.record.Entries[i]) {
			return false
		}
	}
	return n > 0
}

func (b *body) entry(d *rowDecoder, e *store.Entry) bool {
	i := d.uvarint()
	if i >= uint64(len(b.writers)) {
		return false
	}
	last := &b.last[i]
	e.Writer, e.Subject = b.writers[i].Writer, b.writers[i].subject
	e.Seq = last.Seq + uint64(d.varint())
	e.Session = last.Session + uint64(d.varint())
	e.Offset = b.offset
	e.At = e.Offset - uint64(d.varint())
	copy(e.Hash[:], d.take(8))
	e.OpHash = d.hash()
	prefix, size := d.uvarint(), d.uvarint()
	b.offset++
	last.Seq, last.Session = e.Seq, e.Session
	if b.entries == nil {
		return !d.broken
	}
	rest := uint64(len(b.entries))
	if d.broken || prefix > rest || size > rest-prefix || rest-prefix-size == 0 {
		return false
	}
	e.Op = b.entries[prefix : prefix+size : prefix+size]
	b.entries = b.entries[prefix+size+1:] // the bracket behind it, too
	return true
}

// count reads how many follow, none of which is smaller than least.
func (d *rowDecoder) count(least int) int {
	n := d.uvarint()
	if n > uint64(len(d.rest)/least) {
		d.broken = true
		return 0
	}
	return int(n)
}

func (d *rowDecoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 {
		d.broken = true
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *rowDecoder) varint() int64 {
	v, n := binary.Varint(d.rest)
	if n <= 0 {
		d.broken = true
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *rowDecoder) take(n uint64) []byte {
	if n > uint64(len(d.rest)) {
		d.broken = true
		return nil
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}

func (d *rowDecoder) string() string { return string(d.take(d.uvarint())) }

func (d *rowDecoder) hash() (h store.Hash) {
	copy(h[:], d.take(32))
	return h
}

func (d *rowDecoder) u64() uint64 {
	if b := d.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (d *rowDecoder) u32() uint32 {
	if b := d.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}
