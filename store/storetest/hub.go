package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/store"
	"github.com/wavesiddhartha/flowsync/wire"
)

// hub is one hub's view of one stream: it makes records that follow what it
// knows, and takes over records only after it has checked every hash in them.
// A hub belongs to one goroutine.
type hub struct {
	st    *fixture
	name  string
	key   [32]byte
	at    store.Position
	first uint64                          // where the stored log should begin
	log   []store.Record                  // what it followed, from offset 1
	marks map[crdt.Writer]store.Watermark // of all writers since offset 1
}

// op is an op to be made. Only the writer is needed.
type op struct {
	by      crdt.Writer
	seq     uint64 // 0: the writer's next
	session uint64
	body    string // "": one that differs from seq to seq
}

// device names the writers of the tests.
func device(n int) crdt.Writer {
	return crdt.Writer{Client: fmt.Sprintf("device-%d", n), Inc: fmt.Sprintf("%016x", n+1)}
}

// join loads a stream that has no snapshot and follows all of its log.
func join(ctx context.Context, st *fixture, name string) (*hub, error) {
	s, err := st.Load(ctx, name)
	if err != nil {
		return nil, err
	}
	if s.Snapshot != nil {
		return nil, fmt.Errorf("stream %q has a snapshot at %d", name, s.Snapshot.Position.Offset)
	}
	h := &hub{st: st, name: name, key: s.Key, at: s.Head, first: 1, marks: make(map[crdt.Writer]store.Watermark)}
	if len(s.Tail) > 0 {
		h.at = store.Position{Epoch: s.Head.Epoch, Chain: s.Tail[0].Prev}
	}
	if err := h.follow(s.Tail...); err != nil {
		return nil, err
	}
	if h.at != s.Head {
		return nil, fmt.Errorf("the tail of %q ends at %v, its head is %v", name, place(h.at), place(s.Head))
	}
	return h, nil
}

func mustJoin(t *testing.T, st *fixture, name string) *hub {
	t.Helper()
	h, err := join(t.Context(), st, name)
	must(t, err)
	return h
}

// batch makes a batch of one record that follows what the hub knows.
func (h *hub) batch(ops ...op) store.Batch {
	r := store.Record{Prev: h.at.Chain, Chain: h.at.Chain}
	marks := make(map[crdt.Writer]store.Watermark)
	for i, o := range ops {
		mark, ok := marks[o.by]
		if !ok {
			mark = h.marks[o.by]
		}
		e := store.Entry{
			Offset:  h.at.Offset + 1 + uint64(i),
			At:      h.at.Offset,
			Writer:  o.by,
			Seq:     o.seq,
			Subject: "owner of " + o.by.Client,
			Session: o.session,
			Op:      []byte(o.body),
		}
		if e.Seq == 0 {
			e.Seq = mark.Seq + 1
		}
		if o.body == "" {
			e.Op = fmt.Appendf(nil, `{"amount":%d,"op":"increment"}`, e.Seq)
		}
		e.Hash = wire.WriterHash(mark.Hash, e.Seq, e.Op)
		e.OpHash = opHash(&e)
		r.Entries = append(r.Entries, e)
		r.Chain = wire.ChainNext(r.Chain, e.OpHash)
		marks[o.by] = watermark(&e)
	}
	return store.Batch{Stream: h.name, After: h.at, Record: r}
}

// try appends once. The hub follows its own record if it was committed.
func (h *hub) try(ops ...op) (store.Result, error) {
	b := h.batch(ops...)
	r, err := h.st.append(b)
	if err != nil {
		return r, err
	}
	if !r.Lost && r.Fenced == nil && r.Err == nil {
		return r, h.follow(b.Record)
	}
	return r, nil
}

// errFenced is how commit ends when the store refuses the session.
var errFenced = errors.New("the session is fenced off")

// commit appends as a hub does: what it missed it follows, and tries again. It
// reports how often it lost.
func (h *hub) commit(ctx context.Context, ops ...op) (lost int, err error) {
	for {
		r, err := h.try(ops...)
		switch {
		case err != nil:
			return lost, err
		case r.Err != nil:
			return lost, r.Err
		case len(r.Fenced) > 0:
			return lost, errFenced
		case !r.Lost:
			return lost, nil
		}
		lost++
		if err := h.follow(r.Missed...); err != nil {
			return lost, err
		}
		if err := h.catchUp(ctx); err != nil {
			return lost, err
		}
	}
}

// mustCommit commits one record a call, for streams with one hub.
func (h *hub) mustCommit(t *testing.T, ops ...op) {
	t.Helper()
	r, err := h.try(ops...)
	must(t, err)
	if r.Lost || r.Fenced != nil || r.Err != nil {
		t.Fatalf("not committed at %v: %+v", place(h.at), r)
	}
}

// grow commits records of one op each.
func (h *hub) grow(t *testing.T, by crdt.Writer, records int) {
	t.Helper()
	for range records {
		h.mustCommit(t, op{by: by})
	}
}

// catchUp reads the log to its head.
func (h *hub) catchUp(ctx context.Context) error {
	for {
		tail, err := h.st.Read(ctx, h.name, h.at.Offset, 100)
		if err != nil {
			return err
		}
		if err := h.follow(tail.Records...); err != nil {
			return err
		}
		h.at.Epoch = tail.Head.Epoch
		if h.at.Offset >= tail.Head.Offset {
			return nil
		}
	}
}

// follow checks that records continue what the hub knows, and takes them over.
func (h *hub) follow(records ...store.Record) error {
	for i := range records {
		r := &records[i]
		next, err := advance(h.at, r)
		if err != nil {
			return err
		}
		for j := range r.Entries {
			e := &r.Entries[j]
			mark := h.marks[e.Writer]
			if e.Seq <= mark.Seq {
				return fmt.Errorf("offset %d holds seq %d of %s again: it was at %d", e.Offset, e.Seq, e.Writer.Client, mark.Seq)
			}
			if e.Hash != wire.WriterHash(mark.Hash, e.Seq, e.Op) {
				return fmt.Errorf("offset %d: the hash of writer %s was not kept", e.Offset, e.Writer.Client)
			}
			h.marks[e.Writer] = watermark(e)
		}
		h.at = next
		h.log = append(h.log, *r)
	}
	return nil
}

// encode stands for an encoded state: it differs for different logs.
func encode(at store.Position) []byte {
	return fmt.Appendf(nil, `{"chain":"%x","offset":%d}`, at.Chain, at.Offset)
}

// snapshot makes a snapshot at a position.
func snapshot(at store.Position) store.Snapshot {
	return store.Snapshot{Rule: "crdt-counter", Position: at, State: encode(at)}
}

// stored is the part of the log that should be stored.
func (h *hub) stored() []store.Record {
	for i := range h.log {
		if h.log[i].First() >= h.first {
			return h.log[i:]
		}
	}
	return nil
}

// save stores a snapshot at the hub's place.
func (h *hub) save(t *testing.T) store.Snapshot {
	t.Helper()
	s := snapshot(h.at)
	must(t, h.st.Save(t.Context(), h.name, s))
	return s
}

func opHash(e *store.Entry) store.Hash {
	return wire.OpHash(e.Writer.Client, e.Writer.Inc, e.Seq, e.At, e.Op)
}

func watermark(e *store.Entry) store.Watermark {
	return store.Watermark{Seq: e.Seq, Hash: e.Hash, At: e.At, Subject: e.Subject}
}

// place prints a position in one short word.
func place(p store.Position) string {
	return fmt.Sprintf("%s.%d.%x", p.Epoch, p.Offset, p.Chain[:4])
}
