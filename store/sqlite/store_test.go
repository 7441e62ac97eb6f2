package sqlite

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/wavesiddhartha/flowsync/store"
	"github.com/wavesiddhartha/flowsync/store/storetest"
)

func TestStore(t *testing.T) {
	for name, b := range map[string]bounds{"usual": usual(), "tiny": tiny()} {
		t.Run(name, func(t *testing.T) { testStore(t, b) })
	}
}

// tiny bounds make a store settle, checkpoint and forget all the time.
func tiny() bounds {
	return bounds{settleBytes: 700, settleRecords: 3, settleFences: 2, recentBytes: 1 << 30, groupChanges: 40, chunkBytes: 600, pieceBytes: 4000, logPages: 20}
}

// Every other time the store is opened again from what a killed process would
// have left: the file and its write-ahead log, as they are.
func testStore(t *testing.T, b bounds) {
	killed := false
	storetest.RunDurable(t,
		func(t *testing.T) store.Store { return openBounded(t, scratch(t), b) },
		func(t *testing.T, st store.Store) store.Store {
			path := st.(*Store).file.path
			if killed = !killed; killed {
				left := scratch(t)
				copyStore(t, path, left)
				path = left
			}
			if err := st.Close(); err != nil {
				t.Fatal(err)
			}
			return openBounded(t, path, b)
		})
}

func openBounded(t testing.TB, path string, b bounds) *Store {
	t.Helper()
	s, err := open(path, "", b)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustOpen(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func copyStore(t testing.TB, from, to string) {
	t.Helper()
	for _, suffix := range []string{"", "-wal"} {
		if err := copyFile(from+suffix, to+suffix); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
}

func copyFile(from, to string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.Create(to)
	if err != nil {
		return err
	}
	defer dst.Close()
	_, err = io.Copy(dst, src)
	return err
}

// scratch is a path for a new store, in memory where the system has a place for
// that: most tests are about what is written, not about the disk.
func scratch(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "flowsync-")
	if err != nil {
		dir = t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return filepath.Join(dir, "flowsync.db")
}
