package sqlite

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/wavesiddhartha/flowsync/internal/sqlitefile"
	"github.com/wavesiddhartha/flowsync/store"
)

func TestOpenTwice(t *testing.T) {
	path := scratch(t)
	st := mustOpen(t, path)
	_, err := Open(path)
	if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "open already") {
		t.Errorf("the second open: %v, want ErrUnavailable and a word about the first", err)
	}
	mustAuthor(t, st, "counter:a").mustAppend(t, 0) // the first goes on
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	again := mustOpen(t, path)
	if err := again.Close(); err != nil {
		t.Error(err)
	}
	if err := again.Close(); err != nil {
		t.Errorf("the second close: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	ours := func(t *testing.T, path string) { fill(t, path, "counter:a") }
	for _, c := range []struct {
		name    string
		prepare func(t *testing.T, path string)
		want    error
		says    string
	}{
		{"a text file", func(t *testing.T, path string) { write(t, path, []byte(strings.Repeat("notes\n", 1000))) }, errForeign, "not a FlowSync store"},
		{"a short file", func(t *testing.T, path string) { write(t, path, []byte("x")) }, errForeign, "not a FlowSync store"},
		{"another database", func(t *testing.T, path string) {
			c, err := connect(path, sqlitefile.ReadWrite, "")
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if err := c.Script("CREATE TABLE notes (text TEXT)"); err != nil {
				t.Fatal(err)
			}
		}, errForeign, "not a FlowSync store"},
		{"a newer version", func(t *testing.T, path string) {
			ours(t, path)
			c, err := connect(path, sqlitefile.ReadWrite, "")
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if err := c.Script("PRAGMA user_version = 1000"); err != nil {
				t.Fatal(err)
			}
			if err := os.Remove(path + "-lock"); err != nil { // the file was moved here
				t.Fatal(err)
			}
		}, store.ErrVersion, "version 1000"},
		{"a newer version, in the log of a killed process", func(t *testing.T, path string) {
			before := filepath.Join(filepath.Dir(path), "before.db")
			ours(t, before)
			c, err := connect(before, sqlitefile.ReadWrite, "")
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if err := c.Script("PRAGMA user_version = 1000"); err != nil {
				t.Fatal(err)
			}
			copyStore(t, before, path)
		}, store.ErrVersion, "version 1000"},
		{"a directory", func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, store.ErrReadonly, "not a file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := scratch(t)
			c.prepare(t, path)
			before := contents(t, path)
			_, err := Open(path)
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), path) {
				t.Errorf("open: %v, want %q, the path and %v", err, c.says, c.want)
			}
			if after := contents(t, path); !bytes.Equal(before["flowsync.db"], after["flowsync.db"]) || !bytes.Equal(before["flowsync.db-wal"], after["flowsync.db-wal"]) {
				t.Error("the file was changed")
			}
			for name := range contents(t, path) {
				if _, was := before[name]; !was && before["flowsync.db-wal"] == nil { // beside a log SQLite makes its index
					t.Errorf("%s was left behind", name)
				}
			}
			if asides, _ := filepath.Glob(path + ".corrupt-*"); len(asides) > 0 {
				t.Errorf("it was put aside: %v", asides)
			}
		})
	}

	t.Run("no directory", func(t *testing.T) {
		_, err := Open(filepath.Join(t.TempDir(), "missing", "flowsync.db"))
		if !errors.Is(err, store.ErrReadonly) || !strings.Contains(err.Error(), "create it") {
			t.Errorf("open: %v", err)
		}
	})

	t.Run("a directory that takes no files", func(t *testing.T) {
		dir := t.TempDir()
		if os.Geteuid() == 0 { // for whom permissions mean nothing
			if dir = "/proc"; runtime.GOOS != "linux" {
				t.Skip("run it as a user other than root")
			}
		} else if err := os.Chmod(dir, 0o500); err != nil {
			t.Fatal(err)
		}
		_, err := Open(filepath.Join(dir, "flowsync.db"))
		if !errors.Is(err, store.ErrReadonly) || !strings.Contains(err.Error(), "permissions") {
			t.Errorf("open: %v", err)
		}
	})
}

// Damage to the structure of a file of ours: the path is free then, and the file
// is kept byte for byte.
func TestOpenPutsAside(t *testing.T) {
	for _, c := range []struct {
		name   string
		damage func(t *testing.T, path string)
	}{
		{"cut off", func(t *testing.T, path string) { truncate(t, path, sqlitefile.Size(path)-4096) }},
		{"cut off in the middle of a page", func(t *testing.T, path string) { truncate(t, path, sqlitefile.Size(path)/2+100) }},
		{"only the header is left", func(t *testing.T, path string) { truncate(t, path, 100) }},
		{"the first bytes", func(t *testing.T, path string) { overwrite(t, path, 0, "garbage!") }},
		{"the schema", func(t *testing.T, path string) { overwrite(t, path, 100, strings.Repeat("\xff", 900)) }},
		{"the session counter", func(t *testing.T, path string) {
			st := mustOpen(t, path)
			if _, err := st.Session(t.Context(), "a"); err != nil {
				t.Fatal(err)
			}
			if err := st.Close(); err != nil {
				t.Fatal(err)
			}
			shell(t, path, "UPDATE meta SET value = 1")
		}},
		{"the file is empty and its log is not", func(t *testing.T, path string) {
			write(t, path+"-wal", bytes.Repeat([]byte("frame"), 100))
			truncate(t, path, 0)
		}},
		{"the file is gone and its log is not", func(t *testing.T, path string) {
			write(t, path+"-wal", bytes.Repeat([]byte("frame"), 100))
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := scratch(t)
			fill(t, path, "counter:a", "counter:b")
			c.damage(t, path)
			before := contents(t, path)
			_, err := Open(path)
			if !errors.Is(err, store.ErrCorrupt) {
				t.Fatalf("open: %v, want ErrCorrupt", err)
			}
			asides, _ := filepath.Glob(path + ".corrupt-*")
			if len(asides) == 0 || !strings.Contains(err.Error(), strings.TrimSuffix(asides[0], "-wal")) {
				t.Fatalf("open: %v, which does not name %v", err, asides)
			}
			for _, aside := range asides {
				suffix := ""
				if strings.HasSuffix(aside, "-wal") {
					suffix = "-wal"
				}
				kept, err := os.ReadFile(aside)
				if err != nil || !bytes.Equal(kept, before["flowsync.db"+suffix]) {
					t.Errorf("%s is not what was there: %d bytes, was %d (%v)", aside, len(kept), len(before["flowsync.db"+suffix]), err)
				}
			}
			st := mustOpen(t, path)
			defer st.Close()
			mustAuthor(t, st, "counter:a").mustAppend(t, 0)
		})
	}
}

// The file holds the key that signs cursors, and all that was written: it is its
// owner's alone, with all that is beside it.
func TestFilesArePrivate(t *testing.T) {
	if runtime.GOOS == "windows" {
		cannotRun(t, "modes mean nothing on Windows")
	}
	path := scratch(t)
	st := mustOpen(t, path)
	defer st.Close()
	mustAuthor(t, st, "counter:a").mustAppend(t, 0)
	backup := filepath.Join(filepath.Dir(path), "backup.db")
	if err := Backup(path, backup); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{path, path + "-wal", path + "-shm", path + "-lock", backup} {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has mode %v, want 0600", filepath.Base(file), mode)
		}
	}
}

// A process may be killed while it creates the file.
func TestOpenAfterInterruptedCreation(t *testing.T) {
	path := scratch(t)
	write(t, path, nil)
	st := mustOpen(t, path)
	defer st.Close()
	mustAuthor(t, st, "counter:a").mustAppend(t, 0)
}

func TestOpenOddPath(t *testing.T) {
	path := filepath.Join(filepath.Dir(scratch(t)), "a b?mode=memory#%41.db")
	st := mustOpen(t, path)
	mustAuthor(t, st, "counter:a").mustAppend(t, 0)
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	if sqlitefile.Size(path) == 0 {
		t.Errorf("there is no file %s", path)
	}
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func truncate(t *testing.T, path string, size int64) {
	t.Helper()
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
}

func overwrite(t *testing.T, path string, at int64, content string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte(content), at); err != nil {
		t.Fatal(err)
	}
}

// contents reads all files in the directory of a store.
func contents(t *testing.T, path string) map[string][]byte {
	t.Helper()
	files := make(map[string][]byte)
	names, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		if n.IsDir() {
			continue
		}
		b, err := os.ReadFile(filepath.Join(filepath.Dir(path), n.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[n.Name()] = b
	}
	return files
}
