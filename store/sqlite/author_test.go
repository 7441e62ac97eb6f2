package sqlite

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/store"
	"github.com/wavesiddhartha/flowsync/wire"
)

// author writes one stream of a store, as the only hub would. It belongs to one
// goroutine.
type author struct {
	st    store.Store
	name  string
	at    store.Position
	marks map[crdt.Writer]store.Watermark
}

// place is what an acknowledged append proves: the log goes through it.
type place struct {
	stream string
	offset uint64
	chain  store.Hash
}

func newAuthor(ctx context.Context, st store.Store, name string) (*author, error) {
	s, err := st.Load(ctx, name)
	if err != nil {
		return nil, err
	}
	a := &author{st: st, name: name, at: s.Head, marks: make(map[crdt.Writer]store.Watermark)}
	for i := range 10 {
		if a.marks[device(i)], _, err = st.Recall(ctx, name, device(i), 0); err != nil {
			return nil, err
		}
	}
	return a, nil
}

func mustAuthor(t testing.TB, st store.Store, name string) *author {
	t.Helper()
	a, err := newAuthor(t.Context(), st, name)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func device(n int) crdt.Writer {
	return crdt.Writer{Client: fmt.Sprintf("device-%d", n), Inc: fmt.Sprintf("%016x", n+1)}
}

// batch makes a record with one entry for each writer named.
func (a *author) batch(by ...int) store.Batch {
	r := store.Record{Prev: a.at.Chain, Chain: a.at.Chain, Entries: make([]store.Entry, len(by))}
	marks := make(map[crdt.Writer]store.Watermark)
	for i, n := range by {
		w := device(n)
		mark, again := marks[w]
		if !again {
			mark = a.marks[w]
		}
		e := &r.Entries[i]
		*e = store.Entry{Offset: a.at.Offset + 1 + uint64(i), At: a.at.Offset, Writer: w, Seq: mark.Seq + 1, Subject: "owner"}
		e.Op = fmt.Appendf(nil, `{"amount":%d,"op":"increment"}`, e.Seq)
		e.Hash = wire.WriterHash(mark.Hash, e.Seq, e.Op)
		e.OpHash = wire.OpHash(w.Client, w.Inc, e.Seq, e.At, e.Op)
		r.Chain = wire.ChainNext(r.Chain, e.OpHash)
		marks[w] = store.Watermark{Seq: e.Seq, Hash: e.Hash, At: e.At, Subject: e.Subject}
	}
	return store.Batch{Stream: a.name, After: a.at, Record: r}
}

// append commits a record and waits for the answer.
func (a *author) append(by ...int) (place, error) {
	b := a.batch(by...)
	answer := make(chan store.Result, 1)
	a.st.Append([]store.Batch{b}, func(results []store.Result) { answer <- results[0] })
	r := <-answer
	if r.Err != nil {
		return place{}, r.Err
	}
	if r.Lost || r.Fenced != nil {
		return place{}, fmt.Errorf("lost or fenced: %+v", r)
	}
	a.follow(&b.Record)
	return place{a.name, a.at.Offset, a.at.Chain}, nil
}

func (a *author) mustAppend(t testing.TB, by ...int) {
	t.Helper()
	if _, err := a.append(by...); err != nil {
		t.Fatalf("append to %s after %d: %v", a.name, a.at.Offset, err)
	}
}

func (a *author) follow(r *store.Record) {
	for i := range r.Entries {
		e := &r.Entries[i]
		a.marks[e.Writer] = store.Watermark{Seq: e.Seq, Hash: e.Hash, At: e.At, Subject: e.Subject}
	}
	a.at.Offset, a.at.Chain = r.Last(), r.Chain
}

// save stores a snapshot at the author's place.
func (a *author) save(t testing.TB) {
	t.Helper()
	s := store.Snapshot{Rule: "crdt-counter", Position: a.at, State: fmt.Appendf(nil, `{"offset":%d}`, a.at.Offset)}
	if err := a.st.Save(t.Context(), a.name, s); err != nil {
		t.Fatal(err)
	}
}

// survey loads a stream, recomputes every hash of its log and returns the chain
// value at the end of each record.
func survey(ctx context.Context, st store.Store, name string) (map[uint64]store.Hash, error) {
	s, err := st.Load(ctx, name)
	if err != nil {
		return nil, err
	}
	tail, err := st.Read(ctx, name, s.First-1, 1<<30)
	if err != nil {
		return nil, err
	}
	chains := make(map[uint64]store.Hash)
	for i := range tail.Records {
		r := &tail.Records[i]
		if i > 0 && (r.First() != tail.Records[i-1].Last()+1 || r.Prev != tail.Records[i-1].Chain) {
			return nil, fmt.Errorf("stream %q: offset %d does not follow", name, r.First())
		}
		chain := r.Prev
		for j := range r.Entries {
			e := &r.Entries[j]
			if e.OpHash != wire.OpHash(e.Writer.Client, e.Writer.Inc, e.Seq, e.At, e.Op) {
				return nil, fmt.Errorf("stream %q: offset %d: the op is not the one that was hashed", name, e.Offset)
			}
			chain = wire.ChainNext(chain, e.OpHash)
		}
		if chain != r.Chain {
			return nil, fmt.Errorf("stream %q: offset %d: the chain does not fit", name, r.Last())
		}
		chains[r.Last()] = r.Chain
	}
	return chains, nil
}

// acks collects places as they are acknowledged.
type acks struct {
	mu     sync.Mutex
	places []place
}

func (a *acks) add(p place) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.places = append(a.places, p)
}

func (a *acks) now() []place {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.places[:len(a.places):len(a.places)]
}

// requirePlaces fails unless the stored logs go through all places.
func requirePlaces(t *testing.T, st store.Store, places []place) {
	t.Helper()
	streams := make(map[string]map[uint64]store.Hash)
	for _, p := range places {
		chains, ok := streams[p.stream]
		if !ok {
			var err error
			if chains, err = survey(t.Context(), st, p.stream); err != nil {
				t.Fatal(err)
			}
			streams[p.stream] = chains
		}
		if chains[p.offset] != p.chain {
			t.Fatalf("stream %q: offset %d was acknowledged and is not in the log, which has %d records", p.stream, p.offset, len(chains))
		}
	}
}
