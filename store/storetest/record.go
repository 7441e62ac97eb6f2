package storetest

import (
	"bytes"
	"fmt"

	"github.com/wavesiddhartha/flowsync/store"
	"github.com/wavesiddhartha/flowsync/wire"
)

// sound checks a record by itself: offsets and hashes.
func sound(r *store.Record) error {
	if len(r.Entries) == 0 {
		return fmt.Errorf("a record has no entries")
	}
	chain := r.Prev
	for i := range r.Entries {
		e := &r.Entries[i]
		if e.Offset != r.First()+uint64(i) {
			return fmt.Errorf("entry %d of the record at offset %d has offset %d", i, r.First(), e.Offset)
		}
		if e.OpHash != opHash(e) {
			return fmt.Errorf("offset %d: the op hash is not that of the op", e.Offset)
		}
		chain = wire.ChainNext(chain, e.OpHash)
	}
	if chain != r.Chain {
		return fmt.Errorf("the chain of the record at offset %d is not that of its entries", r.First())
	}
	return nil
}

// advance checks that a record is sound and continues at, and returns its end.
func advance(at store.Position, r *store.Record) (store.Position, error) {
	if err := sound(r); err != nil {
		return at, err
	}
	if r.First() != at.Offset+1 || r.Prev != at.Chain {
		return at, fmt.Errorf("the record at offset %d does not follow %v: a hole, or another chain", r.First(), place(at))
	}
	return store.Position{Epoch: at.Epoch, Offset: r.Last(), Chain: r.Chain}, nil
}

// same compares records in all fields. Nil and empty ops are equal.
func same(a, b []store.Record) error {
	if len(a) != len(b) {
		return fmt.Errorf("got %d records, want %d", len(a), len(b))
	}
	for i := range a {
		if err := sameRecord(&a[i], &b[i]); err != nil {
			return fmt.Errorf("record %d: %w", i, err)
		}
	}
	return nil
}

func sameRecord(a, b *store.Record) error {
	if a.Prev != b.Prev || a.Chain != b.Chain || len(a.Entries) != len(b.Entries) {
		return fmt.Errorf("got prev %x, chain %x and %d entries, want %x, %x and %d",
			a.Prev[:4], a.Chain[:4], len(a.Entries), b.Prev[:4], b.Chain[:4], len(b.Entries))
	}
	for i := range a.Entries {
		x, y := a.Entries[i], b.Entries[i]
		if !bytes.Equal(x.Op, y.Op) {
			return fmt.Errorf("entry %d: the op is not the same", i)
		}
		if x.Offset != y.Offset || x.At != y.At || x.Writer != y.Writer || x.Seq != y.Seq ||
			x.Subject != y.Subject || x.Session != y.Session || x.Hash != y.Hash || x.OpHash != y.OpHash {
			x.Op, y.Op = nil, nil
			return fmt.Errorf("entry %d: got %+v, want %+v", i, x, y)
		}
	}
	return nil
}
