package queue

import (
	"github.com/wavesiddhartha/flowsync/internal/clientcore"
	"github.com/wavesiddhartha/flowsync/internal/sqlitefile"
)

// Do carries out the durable effects among those given, in one transaction. After
// an error none of them is done; they may be tried again, unless the error is
// ErrFailed.
func (q *Queue) Do(effects clientcore.Effects) error {
	if q.failed != nil {
		return q.failed
	}
	err := q.transaction(func() error {
		for _, e := range effects {
			if err := q.one(e); err != nil {
				return err
			}
		}
		return q.putHeads()
	})
	return explain(err)
}

// transaction does all of work or nothing.
func (q *Queue) transaction(work func() error) error {
	err := q.db.Exec("BEGIN IMMEDIATE")
	if err != nil {
		return q.note(err)
	}
	q.before = map[string]*stream{}
	last := q.lastID
	if err = work(); err == nil {
		if err = q.db.Exec("COMMIT"); err == nil {
			return nil
		}
	}
	for name, st := range q.before {
		if q.streams[name] = st; st == nil {
			delete(q.streams, name)
		}
	}
	q.lastID = last
	_ = q.db.Exec("ROLLBACK") // fails if the error has ended the transaction
	return q.note(err)
}

// note remembers an error after which nothing may be written any more.
func (q *Queue) note(err error) error {
	if sqlitefile.Unsynced(err) || sqlitefile.Damaged(err) {
		q.failed = explain(err)
	}
	return err
}

// one carries out one effect within a transaction.
func (q *Queue) one(e clientcore.Effect) error {
	switch e := e.(type) {
	case clientcore.SaveStream:
		return q.saveStream(&e.Stream)
	case clientcore.SaveHead:
		_, err := q.setHead(e.Head)
		return err
	case clientcore.SaveOp:
		st, err := q.touch(e.Stream)
		if err != nil {
			return err
		}
		st.head.Follow(e.Op)
		return q.putOp(st.id, &e.Op)
	case clientcore.DropOps:
		st, err := q.touch(e.Stream)
		if err != nil {
			return err
		}
		return q.dropOps(st.id, e.Through)
	case clientcore.SaveState:
		st, err := q.setHead(e.Head)
		if err != nil {
			return err
		}
		if err := q.putKept(st.id, &e.Kept); err != nil {
			return err
		}
		return q.dropOps(st.id, e.Through)
	case clientcore.SaveDead:
		st, err := q.touch(e.Dead.Stream)
		if err != nil {
			return err
		}
		if err := q.db.Exec("DELETE FROM ops WHERE stream = ? AND seq = ?", st.id, int64(e.Dead.Seq)); err != nil {
			return err
		}
		return q.putDead(&e.Dead)
	case clientcore.DropDead:
		return q.db.Exec("DELETE FROM dead WHERE stream = ? AND inc = ? AND seq = ?", e.Stream, e.Inc, int64(e.Seq))
	}
	return nil
}

func (q *Queue) saveStream(s *clientcore.SavedStream) error {
	st, err := q.setHead(s.Head)
	if err != nil {
		return err
	}
	if err := q.db.Exec("DELETE FROM ops WHERE stream = ?", st.id); err != nil {
		return err
	}
	for i := range s.Ops {
		if err := q.putOp(st.id, &s.Ops[i]); err != nil {
			return err
		}
	}
	return nil
}

func (q *Queue) setHead(h clientcore.Head) (*stream, error) {
	st, err := q.touch(h.Stream)
	if err == nil {
		st.head = h
	}
	return st, err
}

// touch returns a stream that the transaction may change, or begins one. Its head
// is written at the end.
func (q *Queue) touch(name string) (*stream, error) {
	st := q.streams[name]
	if _, touched := q.before[name]; touched {
		return st, nil
	}
	q.before[name] = st
	if st != nil {
		now := *st
		q.streams[name] = &now
		return &now, nil
	}
	q.lastID++
	st = &stream{id: q.lastID, head: clientcore.Head{Stream: name, Next: 1}}
	q.streams[name] = st
	return st, q.db.Exec("INSERT INTO names VALUES (?, ?, ?)", st.id, name, q.nameSum(st.id, name))
}

func (q *Queue) putHeads() error {
	for name := range q.before { // each row by itself: the order leaves no trace
		st := q.streams[name]
		h := &st.head
		err := q.db.Exec("INSERT OR REPLACE INTO heads VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			st.id, h.Rule, h.Inc, int64(h.Next), int64(h.Acked), h.Hash[:], h.Epoch, int64(h.At), flag(h.Seen), q.headSum(st.id, h))
		if err != nil {
			return err
		}
	}
	return nil
}

func (q *Queue) putOp(id int64, o *clientcore.Op) error {
	return q.db.Exec("INSERT OR REPLACE INTO ops VALUES (?, ?, ?, ?, ?, ?, ?)",
		id, int64(o.Seq), int64(o.At), flag(o.Blind), flag(o.Lost), text(o.Body), q.opSum(id, o))
}

func (q *Queue) dropOps(id int64, through uint64) error {
	return q.db.Exec("DELETE FROM ops WHERE stream = ? AND seq <= ?", id, int64(through))
}

func (q *Queue) putKept(id int64, k *clientcore.Kept) error {
	return q.db.Exec("INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?)", id, k.Cursor, string(k.State), q.keptSum(id, k))
}

func (q *Queue) putDead(d *clientcore.DeadLetter) error {
	return q.db.Exec("INSERT INTO dead (stream, inc, seq, hash, sent, code, msg, op, crc) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		d.Stream, d.Inc, int64(d.Seq), d.Hash[:], flag(d.Sent), string(d.Code), d.Msg, text(d.Op), q.deadSum(d))
}
