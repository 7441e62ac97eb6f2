package queue

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/wavesiddhartha/flowsync/internal/clientcore"
)

// smallDisk mounts a file system of a size.
func smallDisk(t *testing.T, size string, how uintptr) string {
	t.Helper()
	dir := t.TempDir()
	if os.Getuid() != 0 {
		cannotRun(t, "mounting a small file system needs root")
	}
	if err := syscall.Mount("flowsync-test", dir, "tmpfs", how, "size="+size); err != nil {
		cannotRun(t, "a small file system cannot be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return dir
}

// On a full disk a transaction fails as a whole, passes once there is space, and
// the file holds exactly what was confirmed.
func TestFullDisk(t *testing.T) {
	dir := smallDisk(t, "512k", 0)
	path := filepath.Join(dir, "q.db")
	q := open(t, path)
	var model clientcore.Saved
	seq := uint64(0)
	push := func() error {
		var effects clientcore.Effects
		for range 5 {
			seq++
			o := op(seq)
			o.Body = []byte(`"` + strings.Repeat("x", 700) + `"`)
			effects = append(effects, clientcore.SaveOp{Stream: "n", Op: o})
		}
		err := q.Do(effects)
		if err == nil {
			for _, e := range effects {
				model.Do(e)
			}
		}
		return err
	}
	for push() == nil {
		if seq > 10_000 {
			t.Fatal("the disk does not get full")
		}
	}
	for range 3 {
		if err := push(); err == nil || errors.Is(err, ErrFailed) || !strings.Contains(err.Error(), "free some space") {
			t.Fatalf("a full disk answers %v", err)
		}
	}
	if err := syscall.Mount("flowsync-test", dir, "tmpfs", syscall.MS_REMOUNT, "size=4m"); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if err := push(); err != nil {
			t.Fatalf("with space again: %v", err)
		}
	}
	q.reopen()
	q.requireSaved(model)
	if err := q.Close(); err != nil { // before the unmount
		t.Fatal(err)
	}
}

func TestReadOnlyDirectory(t *testing.T) {
	dir := t.TempDir()
	if os.Getuid() == 0 { // permissions do not bind root
		dir = smallDisk(t, "64k", syscall.MS_RDONLY)
	} else if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	_, _, err := Open(filepath.Join(dir, "q.db"), "dev-1")
	if err == nil || !strings.Contains(err.Error(), "cannot be written") {
		t.Fatalf("a read-only directory answers %v", err)
	}
}
