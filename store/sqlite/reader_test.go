package sqlite

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/wavesiddhartha/flowsync/internal/sqlitefile"
	"github.com/wavesiddhartha/flowsync/store"
)

// A Reader sees what was committed before it was opened, settled or not, while
// the store goes on writing.
func TestReaderBesideAStore(t *testing.T) {
	path := scratch(t)
	st, err := open(path, "", tiny())
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	want := make(map[string]place)
	for _, name := range []string{"counter:a", "counter:b"} {
		a := mustAuthor(t, st, name)
		for i := range 40 {
			p, err := a.append(i%10, 3)
			if err != nil {
				t.Fatal(err)
			}
			want[name] = p
		}
		a.save(t)
	}
	r := mustRead(t, path)
	mustAuthor(t, st, "counter:a").mustAppend(t, 1, 2, 3) // after the moment that r is of
	names, err := r.Names()
	if err != nil || !slices.Equal(names, slices.Sorted(maps.Keys(want))) {
		t.Fatalf("names %q, %v", names, err)
	}
	if err := r.Check(); err != nil {
		t.Error(err)
	}
	for _, name := range names {
		c, err := r.Contents(name)
		if err != nil {
			t.Fatal(err)
		}
		if c.Head.Offset != want[name].offset || c.Head.Chain != want[name].chain || c.First != 1 || c.Writers == 0 || c.Bytes == 0 || len(c.Snapshots) != 1 {
			t.Errorf("%s: %+v", name, c)
		}
		next := uint64(1)
		for rec, err := range r.Records(c) {
			if err != nil {
				t.Fatal(err)
			}
			if rec.First() != next {
				t.Fatalf("%s: the record at %d comes where %d should", name, rec.First(), next)
			}
			next = rec.Last() + 1
		}
		if next != want[name].offset+1 {
			t.Errorf("%s: the log ends before %d", name, next)
		}
	}
	if _, err := r.Contents("counter:missing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a stream that is not there: %v", err)
	}
}

// What is damaged is told with the name of its stream, and the rest is read.
func TestReaderTellsDamage(t *testing.T) {
	path := scratch(t)
	furnish(t, path, "counter:damaged", "counter:healthy")
	shell(t, path, `UPDATE chunks SET entries = replace(entries, '{"amount":1,', '{"amount":7,') WHERE stream = (SELECT id FROM streams WHERE name = 'counter:damaged');
		INSERT INTO writers (stream, client, inc, seq, at, subject, hash, chunk, fence, crc) VALUES (17, 'a', 'b', 1, 1, '', x'', 0, 0, 0)`)
	r := mustRead(t, path)
	if err := r.Check(); !errors.Is(err, store.ErrCorrupt) || !strings.Contains(err.Error(), "id 17") {
		t.Errorf("check: %v", err)
	}
	for name, want := range map[string]error{"counter:damaged": store.ErrCorrupt, "counter:healthy": nil} {
		c, err := r.Contents(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range r.Records(c) {
			err = e
		}
		if !errors.Is(err, want) || want != nil && !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
}

// A backup that is made while the store commits holds all that was acknowledged
// before, and opens as a store.
func TestBackupOfAStoreInUse(t *testing.T) {
	path := scratch(t)
	st, err := open(path, "", tiny())
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	var acked acks
	stop := make(chan struct{})
	var work sync.WaitGroup
	for _, name := range []string{"counter:a", "counter:b"} {
		a := mustAuthor(t, st, name)
		work.Go(func() {
			for i := 0; ; i++ {
				p, err := a.append(i%10, 3)
				if err != nil {
					t.Error(err)
					return
				}
				acked.add(p)
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for i := range 3 {
		for len(acked.now()) < 100*(i+1) { // let some pile up
		}
		before, to := acked.now(), filepath.Join(t.TempDir(), "copy.db")
		if err := Backup(path, to); err != nil {
			t.Fatal(err)
		}
		if left, _ := filepath.Glob(to + ".*"); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
		copied := mustOpen(t, to)
		requirePlaces(t, copied, before)
		mustAuthor(t, copied, "counter:a").mustAppend(t, 1)
		if err := copied.Close(); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	work.Wait()
}

// What a Reader and a backup refuse they leave alone, byte for byte.
func TestReaderRefuses(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(t *testing.T, path string)
		want    error
	}{
		{"no file", func(*testing.T, string) {}, fs.ErrNotExist},
		{"an empty file", func(t *testing.T, path string) { write(t, path, nil) }, errForeign},
		{"a text file", func(t *testing.T, path string) { write(t, path, bytes.Repeat([]byte("notes\n"), 1000)) }, errForeign},
		{"a directory", func(t *testing.T, path string) { os.Mkdir(path, 0o700) }, errForeign},
		{"a newer version", func(t *testing.T, path string) {
			furnish(t, path, "counter:a")
			c, err := connect(path, sqlitefile.ReadWrite, "")
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if err := c.Script("PRAGMA user_version = 1000"); err != nil {
				t.Fatal(err)
			}
		}, store.ErrVersion},
		{"damage to the structure", func(t *testing.T, path string) {
			furnish(t, path, "counter:a")
			overwrite(t, path, 100, strings.Repeat("\xff", 900))
		}, store.ErrCorrupt},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := scratch(t)
			c.prepare(t, path)
			before := contents(t, path)
			if _, err := OpenReader(path); !errors.Is(err, c.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("open: %v, want %v and the path", err, c.want)
			}
			to := path + ".copy"
			if err := Backup(path, to); !errors.Is(err, c.want) {
				t.Errorf("backup: %v, want %v", err, c.want)
			}
			if after := contents(t, path); !maps.EqualFunc(before, after, bytes.Equal) {
				t.Errorf("the directory was changed: %q to %q", slices.Sorted(maps.Keys(before)), slices.Sorted(maps.Keys(after)))
			}
		})
	}
	t.Run("a place that is taken", func(t *testing.T) {
		path := scratch(t)
		furnish(t, path, "counter:a")
		to := path + ".copy"
		write(t, to, []byte("mine"))
		if err := Backup(path, to); !errors.Is(err, fs.ErrExist) {
			t.Errorf("backup: %v", err)
		}
		if kept, err := os.ReadFile(to); err != nil || string(kept) != "mine" {
			t.Errorf("what was there: %q, %v", kept, err)
		}
	})
}

// A hub that opens a closed file while it is read is noticed.
func TestReaderNoticesAHub(t *testing.T) {
	path := scratch(t)
	furnish(t, path, "counter:a")
	r, err := OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	st := mustOpen(t, path)
	defer st.Close()
	if err := r.Close(); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("close: %v", err)
	}
}

// furnish makes a file with streams of which most is settled, and closes it.
func furnish(t *testing.T, path string, names ...string) {
	t.Helper()
	st, err := open(path, "", tiny())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		a := mustAuthor(t, st, name)
		for range 30 {
			a.mustAppend(t, 0, 1, 2)
		}
		a.save(t)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
}

func mustRead(t *testing.T, path string) *Reader {
	t.Helper()
	r, err := OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}
