package queue

import (
	"cmp"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/wavesiddhartha/flowsync/internal/clientcore"
	"github.com/wavesiddhartha/flowsync/wire"
)

// loading is one reading of all tables.
type loading struct {
	q     *Queue
	found *Contents
	bad   []badRow
	stale bool // the tables say something else than what was found

	names   map[int64]string
	streams map[int64]*clientcore.SavedStream
}

// badRow is a row whose checksum does not fit.
type badRow struct{ table, contents string }

// load reads the whole file. Rows that are damaged are set aside, and all tables
// are written again: the damage may be in a key, where no statement would find
// the row.
func (q *Queue) load(found *Contents) error {
	q.streams, q.lastID = map[string]*stream{}, 0
	l := &loading{q: q, found: found, names: map[int64]string{}, streams: map[int64]*clientcore.SavedStream{}}
	owned, err := l.owner()
	if err != nil {
		return err
	}
	for _, read := range []func() error{l.readNames, l.readHeads, l.readKept, l.readOps, l.readDead} {
		if err := read(); err != nil {
			return err
		}
	}
	l.collect()
	switch {
	case l.stale:
		err = q.transaction(l.rewrite)
	case !owned:
		err = q.transaction(q.putOwner)
	}
	if err != nil {
		return err
	}
	return q.check()
}

// check looks for damage to the file's structure, which may hide rows.
func (q *Queue) check() error {
	whole := false
	err := q.db.Query(func(row []driver.Value) error {
		whole = row[0] == "ok"
		return nil
	}, "PRAGMA quick_check(1)")
	if err == nil && !whole {
		return fmt.Errorf("%w: its structure is", errDamaged)
	}
	return err
}

// set puts a row aside. stream may be empty.
func (l *loading) set(table, stream string, row []driver.Value, what string) {
	l.stale = true
	l.bad = append(l.bad, badRow{table, show(row)})
	l.found.Damage = append(l.found.Damage, Damage{Stream: stream, Msg: what + "; the row is in the table damaged of the queue file"})
}

// owner compares the client id; false without one.
func (l *loading) owner() (owned bool, err error) {
	err = l.q.db.Query(func(row []driver.Value) error {
		c := &columns{row: row}
		client := c.text()
		sum := c.number()
		switch {
		case c.broken || sum != (&Queue{client: client}).ownerSum():
			l.set("owner", "", row, "the row with the client id was damaged")
		case client != l.q.client:
			return fmt.Errorf("it belongs to the client id %q, not to %q: a queue cannot change hands; use that id, or another file", client, l.q.client)
		}
		owned = true
		return nil
	}, "SELECT client, crc FROM owner")
	return owned, err
}

func (q *Queue) ownerSum() int64 { return q.content("owner").sum() }

func (q *Queue) putOwner() error {
	return q.db.Exec("INSERT INTO owner VALUES (?, ?)", q.client, q.ownerSum())
}

func (l *loading) readNames() error {
	return l.q.db.Query(func(row []driver.Value) error {
		c := &columns{row: row}
		id, name := c.number(), c.text()
		if sum := c.number(); c.broken || sum != l.q.nameSum(id, name) {
			l.set("names", "", row, "the name of a stream was damaged: what was queued on it is set aside")
			return nil
		}
		l.names[id] = name
		l.q.lastID = max(l.q.lastID, id)
		return nil
	}, "SELECT id, name, crc FROM names")
}

func (l *loading) readHeads() error {
	return l.q.db.Query(func(row []driver.Value) error {
		c := &columns{row: row}
		id := c.number()
		h := clientcore.Head{
			Stream: l.names[id], Rule: c.text(), Inc: c.text(), Next: c.count(), Acked: c.count(),
			Hash: c.hash(), Epoch: c.text(), At: c.count(), Seen: c.flag(),
		}
		if sum := c.number(); c.broken || h.Stream == "" || sum != l.q.headSum(id, &h) {
			l.set("heads", h.Stream, row, "what was known of the writer was damaged: its ops are in doubt")
			return nil
		}
		l.streams[id] = &clientcore.SavedStream{Head: h}
		return nil
	}, "SELECT stream, rule, inc, next, acked, hash, epoch, at, seen, crc FROM heads")
}

func (l *loading) readKept() error {
	return l.q.db.Query(func(row []driver.Value) error {
		c := &columns{row: row}
		id := c.number()
		k := clientcore.Kept{Cursor: c.text(), State: []byte(c.text())}
		sum := c.number()
		switch st := l.streams[id]; {
		case c.broken || sum != l.q.keptSum(id, &k):
			l.set("kept", l.names[id], row, "the kept state was damaged: the hub sends it again")
		case st != nil:
			st.Kept = &k
		}
		return nil
	}, "SELECT stream, cursor, state, crc FROM kept")
}

// readOps reads the queue. A damaged op keeps its place as a lost one. Ops whose
// stream has no head any more are in doubt: nobody knows their incarnation.
func (l *loading) readOps() error {
	return l.q.db.Query(func(row []driver.Value) error {
		c := &columns{row: row}
		id := c.number()
		o := clientcore.Op{Seq: c.count(), At: c.count(), Blind: c.flag(), Lost: c.flag(), Body: c.optional()}
		sum := c.number()
		name, st := l.names[id], l.streams[id]
		sound := !c.broken && sum == l.q.opSum(id, &o)
		switch {
		case sound && st != nil:
			st.Ops = append(st.Ops, o)
		case sound && name != "":
			l.stale = true
			l.found.Saved.Dead = append(l.found.Saved.Dead, clientcore.DeadLetter{
				Stream: name, Seq: o.Seq, Sent: true, Op: o.Body,
				Code: wire.InDoubt, Msg: "the queue file was damaged: nobody knows whether the hub has this op",
			})
		case !sound && st != nil && st.Acked < o.Seq && o.Seq < st.Next:
			l.set("ops", name, row, fmt.Sprintf("op %d was damaged", o.Seq))
			st.Ops = append(st.Ops, clientcore.Op{Seq: o.Seq, Lost: true})
		case st != nil:
			l.set("ops", name, row, "an op was damaged that the hub has")
		default:
			l.set("ops", name, row, "an op was damaged whose stream is not known")
		}
		return nil
	}, "SELECT stream, seq, at, blind, lost, body, crc FROM ops")
}

func (l *loading) readDead() error {
	return l.q.db.Query(func(row []driver.Value) error {
		c := &columns{row: row}
		d := clientcore.DeadLetter{
			Stream: c.text(), Inc: c.text(), Seq: c.count(), Hash: c.hash(), Sent: c.flag(),
			Code: wire.Code(c.text()), Msg: c.text(), Op: c.optional(),
		}
		if sum := c.number(); c.broken || sum != l.q.deadSum(&d) {
			l.set("dead", "", row, "a dead letter was damaged")
			return nil
		}
		l.found.Saved.Dead = append(l.found.Saved.Dead, d)
		return nil
	}, "SELECT stream, inc, seq, hash, sent, code, msg, op, crc FROM dead ORDER BY id")
}

// collect puts the streams in order, and fills the queue's memory.
func (l *loading) collect() {
	ids := make([]int64, 0, len(l.streams))
	for id, st := range l.streams {
		ids = append(ids, id)
		l.q.streams[st.Stream] = &stream{id: id, head: st.Head}
	}
	slices.Sort(ids)
	for _, id := range ids {
		st := l.streams[id]
		st.Ops = oncePerSeq(st.Ops)
		l.found.Saved.Streams = append(l.found.Saved.Streams, *st)
	}
}

// oncePerSeq sorts ops and prefers the sound one where a damaged key made two of
// one seq. A lost op has the at of the one before it.
func oncePerSeq(ops []clientcore.Op) []clientcore.Op {
	slices.SortStableFunc(ops, func(a, b clientcore.Op) int {
		return cmp.Or(cmp.Compare(a.Seq, b.Seq), cmp.Compare(flag(a.Lost), flag(b.Lost)))
	})
	ops = slices.CompactFunc(ops, func(a, b clientcore.Op) bool { return a.Seq == b.Seq })
	for i := range ops {
		if ops[i].Lost && ops[i].At == 0 && i > 0 {
			ops[i].At, ops[i].Blind = ops[i-1].At, ops[i-1].Blind
		}
	}
	return ops
}

// rewrite writes everything that was read, and what was set aside.
func (l *loading) rewrite() error {
	q := l.q
	for _, table := range []string{"owner", "names", "heads", "ops", "kept", "dead"} {
		if err := q.db.Script("DELETE FROM " + table); err != nil {
			return err
		}
	}
	errs := []error{q.putOwner()}
	q.streams = map[string]*stream{}
	for i := range l.found.Saved.Streams {
		s := &l.found.Saved.Streams[i]
		errs = append(errs, q.saveStream(s))
		if s.Kept != nil {
			errs = append(errs, q.putKept(q.streams[s.Stream].id, s.Kept))
		}
	}
	errs = append(errs, q.putHeads())
	for i := range l.found.Saved.Dead {
		errs = append(errs, q.putDead(&l.found.Saved.Dead[i]))
	}
	now := time.Now().UTC().Format(time.RFC3339)
	for _, b := range l.bad {
		errs = append(errs, q.db.Exec("INSERT INTO damaged (found, source, contents) VALUES (?, ?, ?)", now, b.table, b.contents))
	}
	return errors.Join(errs...)
}
