package node_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/wavesiddhartha/flowsync/wire"
)

// smallDisk mounts a file system of 512 KiB. The test's nodes are to be dialed
// after it, so that they are closed before it goes.
func smallDisk(t *testing.T) string {
	t.Helper()
	if os.Getuid() != 0 {
		cannotRun(t, "mounting a small file system needs root")
	}
	dir := t.TempDir()
	if err := syscall.Mount("flowsync-test", dir, "tmpfs", 0, "size=512k"); err != nil {
		cannotRun(t, "a small file system cannot be mounted here: %v", err)
	}
	t.Cleanup(func() { must(t, syscall.Unmount(dir, 0)) })
	return dir
}

// While the disk is full pushes fail and change nothing; reads, also of what
// others do, go on; with space again the node goes on as if nothing had been.
func TestFullDisk(t *testing.T) {
	dir := smallDisk(t)
	w := newWorld(t)
	ctx := soon(t)
	other := w.dial("b")
	n := w.dialFile("a", filepath.Join(dir, "q.db"))
	requireValue(t, n, "n", "0")
	requireValue(t, n, "log", "[]")
	must(t, n.Counter("n").Add(ctx, 1), n.Flush(ctx))
	n.SetOffline(true) // so that nothing leaves the queue
	fill, accepted := strings.Repeat("x", 2000), 0
	var full error
	for full == nil {
		if full = n.Log("log").Append(ctx, fmt.Sprint(accepted, fill)); full == nil {
			accepted++
		}
		if accepted > 5000 {
			t.Fatal("the disk does not get full")
		}
	}
	if codeOf(full) != wire.StoreReadonly || !strings.Contains(full.Error(), "free some space") {
		t.Fatalf("a full disk answers %v", full)
	}
	if pending := n.Pending(); pending != accepted {
		t.Fatalf("%d pending, %d were accepted", pending, accepted)
	}
	entries, err := n.Log("log").Entries(ctx)
	if must(t, err); len(entries) != min(accepted, 1000) {
		t.Fatalf("%d entries shown, %d were accepted", len(entries), accepted)
	}
	must(t, syscall.Mount("flowsync-test", dir, "tmpfs", syscall.MS_REMOUNT, "size=16m"))
	must(t, n.Log("log").Append(ctx, "space"))
	accepted++
	n.SetOffline(false)
	must(t, other.Counter("n").Add(ctx, 4), other.Flush(ctx), n.Flush(ctx))
	until(t, "the other's op is seen", func() bool {
		v, err := n.Get(ctx, "n")
		return err == nil && string(v) == "5"
	})
	page, _, err := n.History(ctx, "log", 0, 1000)
	if must(t, err); len(page) != accepted {
		t.Fatalf("%d were committed, %d accepted", len(page), accepted)
	}
}

// A node whose disk is full before a push still follows the others.
func TestFullDiskReads(t *testing.T) {
	dir := smallDisk(t)
	w := newWorld(t)
	ctx := soon(t)
	other := w.dial("b")
	n := w.dialFile("a", filepath.Join(dir, "q.db"))
	requireValue(t, n, "n", "0")
	stuff, err := os.Create(filepath.Join(dir, "stuff"))
	must(t, err)
	for err == nil {
		_, err = stuff.Write(make([]byte, 4096))
	}
	must(t, stuff.Close())
	for i := range 3 {
		if err := n.Push(ctx, "n", map[string]any{"op": "increment"}); err != nil && codeOf(err) != wire.StoreReadonly {
			t.Fatal(err)
		} else if err == nil && i == 2 {
			t.Fatal("the disk takes all")
		}
		must(t, other.Log("log").Append(ctx, strings.Repeat("y", 100_000)), other.Flush(ctx))
	}
	until(t, "the other's ops are seen", func() bool {
		entries, err := n.Log("log").Entries(ctx)
		return err == nil && len(entries) == 3
	})
	must(t, os.Remove(stuff.Name()), n.Counter("n").Add(ctx, 2), n.Flush(ctx))
}
