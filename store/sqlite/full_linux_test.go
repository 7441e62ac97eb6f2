package sqlite

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/wavesiddhartha/flowsync/store"
)

// A disk that is really full: a small one in memory, which root may mount.
func TestFullDiskReally(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("flowsync", dir, "tmpfs", 0, "size=4m"); err != nil {
		cannotRun(t, "a disk of a known size cannot be mounted (%v); TestFullDisk does the same with a layer under SQLite", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	st, err := open(filepath.Join(dir, "flowsync.db"), "", tiny())
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	a := mustAuthor(t, st, "counter:a")
	a.mustAppend(t, 0)

	ballast := filepath.Join(dir, "ballast")
	for err == nil {
		err = grow(ballast)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	appended := 1
	for err = nil; err == nil && appended < 10_000; appended++ { // the log may have room left
		_, err = a.append(0)
	}
	appended--
	if !errors.Is(err, store.ErrReadonly) {
		t.Fatalf("after %d appends: %v, want ErrReadonly", appended, err)
	}
	if chains, err := survey(t.Context(), st, a.name); err != nil || len(chains) != appended {
		t.Fatalf("read on a full disk: %d records, want %d (%v)", len(chains), appended, err)
	}
	// Who only reads goes on coming: also beyond the numbers reserved on the disk.
	var session uint64
	for range 2 * sessionPiece {
		n, err := st.Session(t.Context(), "reader")
		if err != nil || n <= session {
			t.Fatalf("session %d follows %d on a full disk, %v", n, session, err)
		}
		session = n
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		a.mustAppend(t, 0)
	}
	if chains, err := survey(t.Context(), st, a.name); err != nil || len(chains) != appended+20 {
		t.Errorf("%d records, want %d (%v)", len(chains), appended+20, err)
	}
	// Those appends made sure that no number is given twice, whatever the end.
	copied := scratch(t)
	copyStore(t, filepath.Join(dir, "flowsync.db"), copied)
	again := mustOpen(t, copied)
	defer again.Close()
	if n, err := again.Session(t.Context(), "reader"); err != nil || n <= session {
		t.Errorf("after a kill session %d follows %d, %v", n, session, err)
	}
}

// A store that was closed in order needs a little room to be opened, for what
// SQLite keeps beside the file. Without it Open says so and changes nothing, and
// with room again it opens.
func TestOpenOnAFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("flowsync", dir, "tmpfs", 0, "size=4m"); err != nil {
		cannotRun(t, "a disk of a known size cannot be mounted: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	path, ballast := filepath.Join(dir, "flowsync.db"), filepath.Join(dir, "ballast")
	fill(t, path, "counter:a")
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var full error
	for full == nil {
		full = grow(ballast)
	}
	_, err = Open(path)
	if !errors.Is(err, store.ErrReadonly) || !strings.Contains(err.Error(), "free some space") {
		t.Errorf("open on a full disk: %v, want ErrReadonly and what to do", err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file was changed, %v", err)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	st := mustOpen(t, path)
	defer st.Close()
	if err := useAll(t, st, "counter:a"); err != nil {
		t.Error(err)
	}
}

// A file that takes no writes, in a directory that does, is refused and nothing is
// left beside it.
func TestReadonlyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "flowsync.db")
	fill(t, path, "counter:a")
	if err := os.Remove(path + "-lock"); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() != 0 {
		if err := os.Chmod(path, 0o400); err != nil {
			t.Fatal(err)
		}
	} else { // whom permissions do not bind
		if err := syscall.Mount(path, path, "", syscall.MS_BIND, ""); err != nil {
			cannotRun(t, "the file cannot be mounted read-only: %v", err)
		}
		t.Cleanup(func() {
			if err := syscall.Unmount(path, 0); err != nil {
				t.Error(err)
			}
		})
		if err := syscall.Mount("", path, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Open(path)
	if !errors.Is(err, store.ErrReadonly) {
		t.Errorf("open: %v, want ErrReadonly", err)
	}
	if beside, _ := filepath.Glob(path + "?*"); len(beside) > 0 {
		t.Errorf("left beside the file: %v", beside)
	}
}

// grow appends one block.
func grow(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, 4096))
	return errors.Join(err, f.Close())
}
