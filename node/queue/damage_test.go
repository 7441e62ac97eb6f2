package queue

import (
	"bytes"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wavesiddhartha/flowsync/internal/clientcore"
	"github.com/wavesiddhartha/flowsync/internal/sqlitefile"
	"github.com/wavesiddhartha/flowsync/wire"
)

// filled is a closed queue file with a bit of everything.
func filled(t *testing.T, path string) (want clientcore.Saved) {
	t.Helper()
	q := open(t, path)
	effects := clientcore.Effects{
		clientcore.SaveStream{Stream: begin("a", 40)},
		clientcore.SaveStream{Stream: begin("b", 40)},
		clientcore.SaveState{Head: begin("a", 40).Head, Kept: clientcore.Kept{Cursor: "e.3", State: []byte(`{"kept":"a"}`)}},
		clientcore.SaveDead{Dead: clientcore.DeadLetter{Stream: "b", Inc: "i", Seq: 99, Code: wire.BadText, Msg: "no", Op: []byte(`{"op":"dead"}`)}},
	}
	q.do(effects...)
	for _, e := range effects {
		want.Do(e)
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	return want
}

// A damaged row costs itself; what is left of it is set aside and told once.
func TestDamagedRows(t *testing.T) {
	lose := func(ops []clientcore.Op, seq uint64) {
		ops[seq-1] = clientcore.Op{Seq: seq, At: 3, Lost: true}
	}
	for _, c := range []struct {
		name, sql, stream, msg string
		change                 func(*clientcore.Saved)
	}{
		{"op", "UPDATE ops SET body = '{}' WHERE stream = 1 AND seq = 17", "a", "op 17",
			func(s *clientcore.Saved) { lose(s.Streams[0].Ops, 17) }},
		{"first op", "UPDATE ops SET at = 4 WHERE stream = 2 AND seq = 1", "b", "op 1 ",
			func(s *clientcore.Saved) { lose(s.Streams[1].Ops, 1); s.Streams[1].Ops[0].At = 0 }},
		{"type", "UPDATE ops SET body = x'00' WHERE stream = 2 AND seq = 40", "b", "op 40",
			func(s *clientcore.Saved) { lose(s.Streams[1].Ops, 40) }},
		{"key", "UPDATE ops SET seq = 1000 WHERE stream = 2 AND seq = 40", "b", "an op",
			func(s *clientcore.Saved) { s.Streams[1].Ops = s.Streams[1].Ops[:39] }},
		{"kept", "UPDATE kept SET state = '{}'", "a", "kept state",
			func(s *clientcore.Saved) { s.Streams[0].Kept = nil }},
		{"dead", "UPDATE dead SET sent = 7", "", "dead letter",
			func(s *clientcore.Saved) { s.Dead = nil }},
		{"owner", "UPDATE owner SET client = 'dev-2'", "", "client id",
			func(*clientcore.Saved) {}},
		{"head", "UPDATE heads SET next = 2 WHERE stream = 2", "b", "in doubt",
			func(s *clientcore.Saved) {
				s.Dead = append(inDoubt(s.Streams[1].Ops), s.Dead...)
				s.Streams = s.Streams[:1]
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "q.db")
			want := filled(t, path)
			raw, err := connect(path, sqlitefile.ReadWrite)
			if err == nil {
				err = errors.Join(raw.Script(c.sql), raw.Close())
			}
			if err != nil {
				t.Fatal(err)
			}
			c.change(&want)
			q := open(t, path)
			q.requireSaved(want)
			if d := q.found.Damage; len(d) != 1 || d[0].Stream != c.stream || !strings.Contains(d[0].Msg, c.msg) || q.found.Aside != "" {
				t.Fatalf("found %+v", q.found)
			}
			aside := 0
			if err := q.db.Query(func([]driver.Value) error { aside++; return nil }, "SELECT contents FROM damaged"); err != nil || aside != 1 {
				t.Fatalf("%d rows set aside (%v)", aside, err)
			}
			q.reopen()
			q.requireSaved(want)
		})
	}
}

// inDoubt is what becomes of ops whose writer is not known any more.
func inDoubt(ops []clientcore.Op) (dead []clientcore.DeadLetter) {
	for _, o := range ops {
		dead = append(dead, clientcore.DeadLetter{
			Stream: "b", Seq: o.Seq, Sent: true, Op: o.Body,
			Code: wire.InDoubt, Msg: "the queue file was damaged: nobody knows whether the hub has this op",
		})
	}
	return dead
}

// One flipped bit anywhere: nothing false is read, nothing is missing without a
// word, and the queue goes on.
func TestBitFlips(t *testing.T) {
	path := filepath.Join(t.TempDir(), "q.db")
	want := filled(t, path)
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(150) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 0))
			data := slices.Clone(sound)
			at := rng.IntN(len(data))
			data[at] ^= 1 << rng.IntN(8)
			requireHonest(t, data, nil, want, at)
		})
	}
}

// The write-ahead log of a process that was killed, with one flipped bit.
func TestLogBitFlips(t *testing.T) {
	path := filepath.Join(t.TempDir(), "q.db")
	q := open(t, path)
	q.hurry()
	var want clientcore.Saved
	for seq := range uint64(30) {
		e := clientcore.SaveOp{Stream: "a", Op: op(seq + 1)}
		q.do(e)
		want.Do(e)
	}
	file, err := os.ReadFile(path)
	log, err2 := os.ReadFile(path + "-wal")
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	requireHonest(t, file, log, want, -1)
	for seed := range uint64(60) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 1))
			data := slices.Clone(log)
			// Damage in the last transaction looks as one that was torn.
			at := rng.IntN(len(data) * 9 / 10)
			data[at] ^= 1 << rng.IntN(8)
			requireHonest(t, file, data, want, at)
		})
	}
}

// requireHonest opens a damaged file.
func requireHonest(t *testing.T, file, log []byte, want clientcore.Saved, at int) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "q.db")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	if log != nil {
		if err := os.WriteFile(path+"-wal", log, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	q, found, err := Open(path, "dev-1")
	if err != nil {
		// Its version is one of those numbers, and may be a newer one.
		if after, _ := os.ReadFile(path); at >= 60 && at < 64 && bytes.Equal(after, file) {
			return
		}
		t.Fatalf("byte %d: %v", at, err)
	}
	defer q.Close()
	if found.Aside != "" {
		kept, err := os.ReadFile(found.Aside)
		if err != nil || len(kept) != len(file) {
			t.Fatalf("byte %d: the damaged file was not kept (%v)", at, err)
		}
	}
	told := found.Aside != "" || len(found.Damage) > 0
	for _, s := range want.Streams {
		i := slices.IndexFunc(found.Saved.Streams, func(f clientcore.SavedStream) bool { return f.Stream == s.Stream })
		if i < 0 {
			if !told {
				t.Fatalf("byte %d: stream %s is missing without a word", at, s.Stream)
			}
			continue
		}
		for _, o := range s.Ops {
			same := func(f clientcore.Op) bool { return f.Seq == o.Seq && !f.Lost && bytes.Equal(f.Body, o.Body) }
			if !told && !slices.ContainsFunc(found.Saved.Streams[i].Ops, same) {
				t.Fatalf("byte %d: op %d is missing without a word", at, o.Seq)
			}
		}
	}
	for _, s := range found.Saved.Streams {
		i := slices.IndexFunc(want.Streams, func(f clientcore.SavedStream) bool { return f.Stream == s.Stream })
		if i < 0 {
			t.Fatalf("byte %d: there never was a stream %q", at, s.Stream)
		}
		for _, o := range s.Ops {
			was := func(f clientcore.Op) bool { return f.Seq == o.Seq && bytes.Equal(f.Body, o.Body) }
			if !o.Lost && !slices.ContainsFunc(want.Streams[i].Ops, was) {
				t.Fatalf("byte %d: op %d never was %s", at, o.Seq, o.Body)
			}
		}
	}
	if err := q.Do(clientcore.Effects{clientcore.SaveOp{Stream: "a", Op: op(500)}}); err != nil {
		t.Fatalf("byte %d: a push after it: %v", at, err)
	}
}

func TestTruncatedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "q.db")
	want := filled(t, path)
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{1, 15, 99, 100, 4096, len(sound) / 2, len(sound) - 4096, len(sound) - 1} {
		t.Run(fmt.Sprintf("size=%d", size), func(t *testing.T) { requireHonest(t, sound[:size], nil, want, size) })
	}
}

// A page that says it has one cell less hides a row, whose checksum nobody reads.
func TestHiddenRow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "q.db")
	want := filled(t, path)
	raw, err := connect(path, sqlitefile.Immutable)
	if err != nil {
		t.Fatal(err)
	}
	page, err := raw.number("SELECT rootpage FROM sqlite_schema WHERE name = 'dead'")
	if err := errors.Join(err, raw.Close()); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const size, cells = 4096, 4 // the page's size; the low byte of how many cells it has
	at := int(page-1)*size + cells
	if data[at] != 1 {
		t.Fatalf("the page has %d cells, want the one dead letter", data[at])
	}
	data[at] = 0
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	q := open(t, path)
	if q.found.Aside == "" {
		t.Fatalf("%d dead letters of %d, and nothing was told", len(q.found.Saved.Dead), len(want.Dead))
	}
}
