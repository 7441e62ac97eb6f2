package sqlite

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/store"
)

// A row of the tables recent and chunks holds records of one stream that follow
// each other, in two columns. "entries" is for people as well: a JSON array with
// [client, seq, at, op] for each entry. "proof" is for the store alone, and needs
// nothing of entries but the bytes of the ops:
//
//	version    1 byte
//	stream     8 bytes, little-endian as all fixed numbers
//	row        8 bytes: the id in recent, 0 in chunks
//	entries    length as uvarint, CRC-32C in 4 bytes
//	first      uvarint, offset of the first entry
//	epochs     uvarint n, then n strings (uvarint length, bytes)
//	writers    uvarint n, then n times client, inc, subject (strings) and link
//	           (uvarint: the first offset of the chunk before this one that holds
//	           ops of the writer, 0 if there is none)
//	records    uvarint n, chain before them 32 bytes, then n times
//	             epoch at writing (uvarint index), entries (uvarint n), chain 32 bytes
//	             n times: writer (uvarint index), seq and session (varint
//	             differences to the writer's entry before), distance from at
//	             (varint), hash 8 bytes, op hash 32 bytes, bytes before the op
//	             (uvarint) and in it (uvarint)
//	checksum   CRC-32C of all the above, 4 bytes
const rowVersion = 1

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// written is a record and the epoch it was written in.
type written struct {
	epoch  string
	record store.Record
}

// row is what a row of recent or chunks holds.
type row struct {
	stream  int64
	id      int64 // in recent; 0 in chunks
	records []written
	links   map[crdt.Writer]uint64 // absent and 0 are the same
}

// encode writes the columns of a row. It needs at least one record.
func (r *row) encode() (entries string, proof []byte) {
	var e rowEncoder
	e.index(r)
	text := e.text(r)

	b := make([]byte, 0, 256+64*len(e.writers)+72*e.entries)
	b = append(b, rowVersion)
	b = binary.LittleEndian.AppendUint64(b, uint64(r.stream))
	b = binary.LittleEndian.AppendUint64(b, uint64(r.id))
	b = binary.AppendUvarint(b, uint64(len(text)))
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(text, castagnoli))
	b = binary.AppendUvarint(b, r.records[0].record.First())
	b = binary.AppendUvarint(b, uint64(len(e.epochs)))
	for _, epoch := range e.epochs {
		b = appendString(b, epoch)
	}
	b = binary.AppendUvarint(b, uint64(len(e.writers)))
	for _, w := range e.writers {
		b = appendString(b, w.Client)
		b = appendString(b, w.Inc)
		b = appendString(b, w.subject)
		b = binary.AppendUvarint(b, r.links[w.Writer])
	}
	b = binary.AppendUvarint(b, uint64(len(r.records)))
	b = append(b, r.records[0].record.Prev[:]...)
	b = e.records(b, r)
	return string(text), binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// bound is a writer and the subject it writes as.
type bound struct {
	crdt.Writer
	subject string
}

// rowEncoder collects what the entries of a row share.
type rowEncoder struct {
	epochs   []string
	writers  []bound
	writerAt map[bound]int
	prefixes []int // bytes before each op in entries
	entries  int
}

func (e *rowEncoder) index(r *row) {
	e.writerAt = make(map[bound]int)
	for i := range r.records {
		rec := &r.records[i]
		if n := len(e.epochs); n == 0 || e.epochs[n-1] != rec.epoch {
			e.epochs = append(e.epochs, rec.epoch)
		}
		e.entries += len(rec.record.Entries)
		for j := range rec.record.Entries {
			w := bound{rec.record.Entries[j].Writer, rec.record.Entries[j].Subject}
			if _, ok := e.writerAt[w]; !ok {
				e.writerAt[w] = len(e.writers)
				e.writers = append(e.writers, w)
			}
		}
	}
}

// text writes the column that people read.
func (e *rowEncoder) text(r *row) []byte {
	size := 2
	for i := range r.records {
		for j := range r.records[i].record.Entries {
			size += 48 + len(r.records[i].record.Entries[j].Op)
		}
	}
	b := append(make([]byte, 0, size), '[')
	e.prefixes = make([]int, 0, e.entries)
	for i := range r.records {
		for j := range r.records[i].record.Entries {
			entry := &r.records[i].record.Entries[j]
			from := len(b)
			if len(e.prefixes) == 0 {
				from = 0 // the first one has the outer bracket before it
			} else {
				b = append(b, ',')
			}
			b = append(b, '[')
			b = appendQuoted(b, entry.Writer.Client)
			b = append(b, ',')
			b = strconv.AppendUint(b, entry.Seq, 10)
			b = append(b, ',')
			b = strconv.AppendUint(b, entry.At, 10)
			b = append(b, ',')
			if len(entry.Op) == 0 {
				b = append(b, "null"...)
			}
			e.prefixes = append(e.prefixes, len(b)-from)
			b = append(b, entry.Op...)
			b = append(b, ']')
		}
	}
	return append(b, ']')
}

func (e *rowEncoder) records(b []byte, r *row) []byte {
	seqs, sessions := make([]uint64, len(e.writers)), make([]uint64, len(e.writers))
	n, epoch := 0, -1
	for i := range r.records {
		rec := &r.records[i]
		if epoch < 0 || e.epochs[epoch] != rec.epoch {
			epoch++
		}
		b = binary.AppendUvarint(b, uint64(epoch))
		b = binary.AppendUvarint(b, uint64(len(rec.record.Entries)))
		b = append(b, rec.record.Chain[:]...)
		for j := range rec.record.Entries {
			entry := &rec.record.Entries[j]
			w := e.writerAt[bound{entry.Writer, entry.Subject}]
			b = binary.AppendUvarint(b, uint64(w))
			b = binary.AppendVarint(b, int64(entry.Seq-seqs[w]))
			b = binary.AppendVarint(b, int64(entry.Session-sessions[w]))
			b = binary.AppendVarint(b, int64(entry.Offset-entry.At))
			b = append(b, entry.Hash[:]...)
			b = append(b, entry.OpHash[:]...)
			b = binary.AppendUvarint(b, uint64(e.prefixes[n]))
			b = binary.AppendUvarint(b, uint64(len(entry.Op)))
			seqs[w], sessions[w] = entry.Seq, entry.Session
			n++
		}
	}
	return b
}

// appendQuoted appends a JSON string. Client ids need no escapes.
func appendQuoted(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(s) // a string always has an encoding
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

func appendString(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// Errors of decode.
var (
	errDamaged = errors.New("its checksum does not fit")
	errForm    = errors.New("its form is broken although the checksum fits")
)

// decodeRow reads the columns of a row. Without entries (nil) ops are left out
// and their checksum is not looked at.
func decodeRow(entries, proof []byte) (*row, error) {
	if len(proof) < 5 {
		return nil, errDamaged
	}
	body := proof[:len(proof)-4]
	if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(proof[len(body):]) {
		return nil, errDamaged
	}
	if body[0] != rowVersion {
		return nil, fmt.Errorf("row version %d: %w", body[0], store.ErrVersion)
	}
	d := rowDecoder{rest: body[1:]}
	return d.row(entries)
}
