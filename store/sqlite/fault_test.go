package sqlite

import (
	"errors"
	"strings"
	"testing"

	"github.com/wavesiddhartha/flowsync/internal/sqlitefile"
	"github.com/wavesiddhartha/flowsync/store"
)

// P13: a full disk stops writing, not reading, and nothing has to be done but
// make space.
func TestFullDisk(t *testing.T) {
	d := newDisk(t)
	st, err := open(scratch(t), d.name, tiny())
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	a := mustAuthor(t, st, "counter:a")
	for range 10 {
		a.mustAppend(t, 0, 1)
	}
	d.full.Store(true)
	for range 3 {
		if _, err := a.append(0); !errors.Is(err, store.ErrReadonly) {
			t.Fatalf("append to a full disk: %v, want ErrReadonly", err)
		}
		if err := st.Save(t.Context(), a.name, store.Snapshot{Rule: "x", Position: a.at}); !errors.Is(err, store.ErrReadonly) {
			t.Fatalf("save to a full disk: %v, want ErrReadonly", err)
		}
		chains, err := survey(t.Context(), st, a.name)
		if err != nil || len(chains) != 10 {
			t.Fatalf("read on a full disk: %d records, %v", len(chains), err)
		}
		mark, trail, err := st.Recall(t.Context(), a.name, device(0), 3)
		if err != nil || mark != a.marks[device(0)] || len(trail) != 10 {
			t.Fatalf("recall on a full disk: %+v, %d marks, %v", mark, len(trail), err)
		}
	}
	d.full.Store(false)
	for range 10 {
		a.mustAppend(t, 0, 1)
	}
	if chains, err := survey(t.Context(), st, a.name); err != nil || len(chains) != 20 {
		t.Fatalf("%d records, %v, want 20", len(chains), err)
	}
}

// After a failed fsync nobody knows what is on the disk: nothing is acknowledged
// any more, however well later syncs go.
func TestFailedSync(t *testing.T) {
	d := newDisk(t)
	path := scratch(t)
	st, err := open(path, d.name, usual())
	if err != nil {
		t.Fatal(err)
	}
	a := mustAuthor(t, st, "counter:a")
	a.mustAppend(t, 0)
	d.badSync.Store(true)
	if _, err := a.append(0); !errors.Is(err, store.ErrFailed) || !errors.Is(err, store.ErrUnknown) {
		t.Errorf("the append whose sync failed: %v, want ErrFailed and ErrUnknown", err)
	}
	d.badSync.Store(false)
	ctx := t.Context()
	errs := make(map[string]error)
	_, errs["Append"] = a.append(0)
	_, errs["Load"] = st.Load(ctx, a.name)
	_, errs["Read"] = st.Read(ctx, a.name, 0, 10)
	_, _, errs["Recall"] = st.Recall(ctx, a.name, device(0), 0)
	_, errs["Rotate"] = st.Rotate(ctx, a.name, a.at.Epoch)
	errs["Save"] = st.Save(ctx, a.name, store.Snapshot{Position: a.at})
	_, errs["Trim"] = st.Trim(ctx, a.name, 1, 1)
	_, errs["Session"] = st.Session(ctx, "a")
	errs["Revoke"] = st.Revoke(ctx, store.Revocation{Subject: "a", Made: 1, Until: 2})
	for method, err := range errs {
		if !errors.Is(err, store.ErrFailed) {
			t.Errorf("%s after a failed sync: %v, want ErrFailed", method, err)
		}
	}
	if err := st.Close(); err != nil {
		t.Error(err)
	}
	again := mustOpen(t, path)
	defer again.Close()
	b := mustAuthor(t, again, a.name)
	if b.at.Offset < 1 {
		t.Error("the acknowledged op is gone")
	}
	b.mustAppend(t, 5)
}

// A checkpoint syncs as well, and nobody waits for that one.
func TestFailedSyncOfCheckpoint(t *testing.T) {
	d := newDisk(t)
	st, err := open(scratch(t), d.name, usual())
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	a := mustAuthor(t, st, "counter:a")
	a.mustAppend(t, 0)
	d.badSync.Store(true)
	checkpoint := func(c *committer) error {
		c.finish()
		return nil
	}
	if err := st.do(t.Context(), &errand{run: checkpoint}); err != nil {
		t.Fatal(err)
	}
	d.badSync.Store(false)
	if _, err := a.append(0); !errors.Is(err, store.ErrFailed) {
		t.Errorf("append: %v, want ErrFailed", err)
	}
}

// Nor does anybody wait for the part of a checkpoint that runs beside the commits.
func TestFailedSyncBesideCommits(t *testing.T) {
	d := newDisk(t)
	st, err := open(scratch(t), d.name, usual())
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	a := mustAuthor(t, st, "counter:a")
	a.mustAppend(t, 0)
	d.badSync.Store(true)
	moved := func(c *committer) error {
		c.logged = c.bounds.logPages + 1
		c.checkpoint()
		c.checkpoints.rest()
		return nil
	}
	if err := st.do(t.Context(), &errand{run: moved}); err != nil {
		t.Fatal(err)
	}
	d.badSync.Store(false)
	if _, err := a.append(0); !errors.Is(err, store.ErrFailed) {
		t.Errorf("append: %v, want ErrFailed", err)
	}
}

// While commits go on without a pause the write-ahead log is begun anew all the
// same: it does not grow with what is written.
func TestLogIsBegunAnew(t *testing.T) {
	b := usual()
	b.logPages = 64
	path := scratch(t)
	st := openBounded(t, path, b)
	defer st.Close()
	a := mustAuthor(t, st, "map:a")
	for range 20 {
		a.mustAppend(t, 0)
		duringSave(t, st, a, strings.Repeat("7", 1<<20), nil)
	}
	written := int64(20 << 20)
	if size := sqlitefile.Size(path + "-wal"); size > written/4 {
		t.Errorf("the log has %d bytes after more than %d were written", size, written)
	}
}

// What waits while a commit runs shares the next one's fsync.
func TestGroupCommit(t *testing.T) {
	d := newDisk(t)
	st, err := open(scratch(t), d.name, usual())
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	a := mustAuthor(t, st, "counter:a")
	d.syncs.Store(0)
	const appends = 500
	answered := make(chan store.Result, appends)
	for range appends {
		b := a.batch(0)
		a.follow(&b.Record)
		st.Append([]store.Batch{b}, func(results []store.Result) { answered <- results[0] })
	}
	for range appends {
		if r := <-answered; r.Err != nil || r.Lost {
			t.Fatalf("%+v", r)
		}
	}
	if n := d.syncs.Load(); n == 0 || n > appends/4 {
		t.Errorf("%d appends took %d syncs", appends, n)
	}
}
