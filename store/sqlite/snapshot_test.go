package sqlite

import (
	"strings"
	"testing"

	"github.com/wavesiddhartha/flowsync/internal/sqlitefile"
	"github.com/wavesiddhartha/flowsync/store"
)

// relay appends one op, and the next as soon as that one is answered, until a
// snapshot is stored: like a busy writer, but in step with the committer, so that
// what it counts does not depend on the machine.
type relay struct {
	t     *testing.T
	st    *Store
	a     *author
	save  *saving
	batch store.Batch
	ops   int           // answered while the snapshot was not
	each  func(ops int) // called by the committer before each answer
	last  chan struct{} // closed after the snapshot's answer
	seen  error         // that answer
	got   store.Result  // of the op under way
}

func (r *relay) make(c *committer) (err error) {
	r.got, err = c.append(&r.batch)
	return err
}

func (r *relay) answer(err error) {
	if err != nil || r.got.Err != nil || r.got.Lost {
		r.t.Errorf("append: %+v, %v", r.got, err)
	}
	r.a.follow(&r.batch.Record)
	select {
	case r.seen = <-r.save.outcome():
		close(r.last)
		return
	default:
	}
	r.ops++
	if r.each != nil {
		r.each(r.ops)
	}
	r.batch = r.a.batch(r.ops % 3)
	if err := r.st.committer.submit(r); err != nil {
		r.t.Error(err)
		close(r.last)
	}
}

// duringSave stores a snapshot while a relay runs, and waits for both.
func duringSave(t *testing.T, st *Store, a *author, state string, each func(ops int)) *relay {
	t.Helper()
	save := newSaving(a.name, store.Snapshot{Rule: "crdt-map", Position: a.at, State: []byte(state)})
	save.begin()
	r := &relay{t: t, st: st, a: a, save: save, batch: a.batch(0), each: each, last: make(chan struct{})}
	st.committer.mu.Lock() // both are there when the committer looks
	st.committer.queue = append(st.committer.queue, save, r)
	st.committer.wake.Signal()
	st.committer.mu.Unlock()
	<-r.last
	if r.seen != nil {
		t.Fatal(r.seen)
	}
	return r
}

// Ops are committed and answered between the pieces of a large snapshot: an op
// waits for one piece at most, not for megabytes.
func TestOpsDoNotWaitForASnapshot(t *testing.T) {
	st := mustOpen(t, scratch(t))
	defer st.Close()
	a := mustAuthor(t, st, "map:a")
	const size = 4 << 20
	for range 3 { // the third replaces the first
		a.mustAppend(t, 0)
		at := a.at.Offset
		r := duringSave(t, st, a, strings.Repeat("7", size), nil)
		if want := size / st.committer.bounds.pieceBytes; r.ops < want {
			t.Errorf("%d ops were answered while the snapshot was stored, want one for each of its %d pieces", r.ops, want)
		}
		s, err := st.Load(t.Context(), a.name)
		if err != nil || s.Snapshot == nil || s.Snapshot.Position.Offset != at || len(s.Snapshot.State) != size {
			t.Fatalf("loaded %+v, %v", s.Head, err)
		}
	}
	if n := count(t, st, "SELECT count(DISTINCT offset) FROM pieces"); n != 2 {
		t.Errorf("there are pieces of %d snapshots, want those of two", n)
	}
}

// A process that ends while it stores a snapshot leaves pieces that nothing
// shows, and the next snapshot removes them. At every step.
func TestKillBetweenPieces(t *testing.T) {
	b := tiny()
	b.pieceBytes = 7
	path := scratch(t)
	st := openBounded(t, path, b)
	defer st.Close()
	a := mustAuthor(t, st, "map:a")
	const old, fresh = `{"text":"the older state"}`, `{"text":"die jüngere, größere – 🙂🙂🙂🙂"}`
	a.mustAppend(t, 0)
	older := a.at.Offset
	duringSave(t, st, a, old, nil)
	a.mustAppend(t, 0)
	newer := a.at.Offset
	var left []string
	duringSave(t, st, a, fresh, func(int) { // answered, so it is in the file
		left = append(left, scratch(t))
		copyStore(t, path, left[len(left)-1])
	})
	partly := 0
	for _, path := range left {
		again := openBounded(t, path, b)
		s, err := again.Load(t.Context(), a.name)
		if err != nil {
			t.Fatal(err)
		}
		at, state := s.Snapshot.Position.Offset, string(s.Snapshot.State)
		if (at != older || state != old) && (at != newer || state != fresh) {
			t.Fatalf("the snapshot is %s at offset %d", state, at)
		}
		if at == older && count(t, again, "SELECT count(*) FROM pieces") > len(old)/b.pieceBytes {
			partly++
		}
		heir := mustAuthor(t, again, a.name)
		heir.mustAppend(t, 9)
		if err := again.Save(t.Context(), a.name, store.Snapshot{Rule: "crdt-map", Position: heir.at, State: []byte(fresh)}); err != nil {
			t.Fatal(err)
		}
		if n := count(t, again, "SELECT count(*) FROM pieces WHERE offset NOT IN (SELECT offset FROM snapshots)"); n != 0 {
			t.Errorf("%d pieces are left over", n)
		}
		if n := count(t, again, "SELECT count(*) FROM states WHERE state IN ('"+old+"', '"+fresh+"')"); n != 2 {
			t.Errorf("the view states shows %d whole states, want 2", n)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if partly < 3 {
		t.Errorf("only %d of %d copies are from between the pieces: the test shows nothing", partly, len(left))
	}
}

// A snapshot that is no longer wanted when some of it is stored leaves nothing.
func TestSnapshotOfAFormerEpoch(t *testing.T) {
	b := tiny()
	b.pieceBytes = 7
	st := openBounded(t, scratch(t), b)
	defer st.Close()
	a := mustAuthor(t, st, "map:a")
	a.mustAppend(t, 0)
	rotate := &rotation{stream: a.name, epoch: a.at.Epoch}
	rotate.begin()
	duringSave(t, st, a, strings.Repeat("7", 100), func(ops int) {
		if ops != 5 {
			return
		}
		if err := st.committer.attempt(rotate); err != nil { // this is the committer's goroutine
			t.Error(err)
		}
		a.at.Epoch = rotate.head.Epoch
	})
	if n := count(t, st, "SELECT (SELECT count(*) FROM pieces) + (SELECT count(*) FROM snapshots)"); n != 0 {
		t.Errorf("%d rows are left of it", n)
	}
}

// count asks an open store's file.
func count(t *testing.T, st *Store, sql string) int {
	t.Helper()
	c, err := connect(st.file.path, sqlitefile.ReadOnly, "")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	row, err := c.One(sql)
	if err != nil {
		t.Fatal(err)
	}
	return int(row[0].(int64))
}

// A trim of large records is as many calls as it takes to keep each short.
func TestTrimIsBoundedInBytes(t *testing.T) {
	st := mustOpen(t, scratch(t))
	defer st.Close()
	a := mustAuthor(t, st, "map:a")
	for range 10 {
		b := a.batch(0)
		b.Record.Entries[0].Op = []byte(`"` + strings.Repeat("x", 200<<10) + `"`)
		answer := make(chan store.Result, 1)
		st.Append([]store.Batch{b}, func(results []store.Result) { answer <- results[0] })
		if r := <-answer; r.Err != nil || r.Lost {
			t.Fatalf("%+v", r)
		}
		a.follow(&b.Record)
	}
	a.save(t)
	a.mustAppend(t, 0)
	a.save(t)
	calls, more := 0, true
	for more {
		var err error
		if more, err = st.Trim(t.Context(), a.name, 10, 1000); err != nil {
			t.Fatal(err)
		}
		calls++
	}
	if tail, err := st.Read(t.Context(), a.name, 10, 10); err != nil || tail.First != 11 || calls < 5 {
		t.Errorf("the log begins at %d after %d calls, %v: want 11 after 5", tail.First, calls, err)
	}
}
