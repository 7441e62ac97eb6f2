package chaos

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/node"
)

// P13: on a full disk pushes get store_readonly and reads go on; when there is
// room again the hub goes on by itself within 10 s, and no acked op is gone.
func TestFullDisk(t *testing.T) {
	dir := smallDisk(t, "8m")
	h := newHub(t, filepath.Join(dir, "flowsync.db"))
	c := newCrowd(t, h.url("ws"), 3, 3)
	eventually(t, patience, "acks", func() bool { pushed, pending := c.state(); return pushed-pending > 300 })
	filler := fillDisk(t, dir)

	var status int
	var code string
	eventually(t, patience, "a push is refused", func() bool {
		status, code = h.post("chat:probe", `{"op":"append","value":"is there room?"}`)
		return status != http.StatusOK
	})
	if status != http.StatusServiceUnavailable || code != "store_readonly" {
		t.Errorf("a push on a full disk: %d %s", status, code)
	}
	eventually(t, patience, "healthz says so", func() bool { return h.get("/healthz").StatusCode == http.StatusServiceUnavailable })
	eventually(t, patience, "the clients hold ops back", func() bool { _, pending := c.state(); return pending >= 3*queueMost })
	for _, stream := range []string{counterStream, textStream} {
		if resp := h.get("/streams/" + stream); resp.StatusCode != http.StatusOK {
			t.Errorf("a read of %s on a full disk: %d", stream, resp.StatusCode)
		}
	}
	select {
	case <-h.exited:
		t.Fatal("the hub ended")
	default:
	}

	// A hub that starts meanwhile admits those who read.
	h.terminate()
	h.start()
	reader, err := node.Dial(t.Context(), h.url("ws"), node.Options{Client: "reader", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if err := reader.Open(counterStream, node.OpenOptions{Rule: crdt.Counter}); err != nil {
		t.Fatal(err)
	}
	eventually(t, patience, "a new client reads on a full disk, from a hub that was just started", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		value, err := reader.Get(ctx, counterStream)
		return err == nil && len(value) > 1
	})

	c.rest()
	pushed, pending := c.state()
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	freed := time.Now()
	c.flush(10 * time.Second)
	resumed := time.Since(freed)
	c.requireEqual(h)
	eventually(t, patience, "healthz is well again", func() bool { return h.get("/healthz").StatusCode == http.StatusOK })
	if status, _ := h.terminate(); status != 0 {
		t.Errorf("exit status %d", status)
	}
	lost, doubled := readLedger(t, h.file).balance(t, c.wanted())
	report(t, "full disk", "%d ops pushed, %d waited for room; all were acked %d ms after there was some; lost %d, doubled %d",
		pushed, pending, resumed.Milliseconds(), lost, doubled)
}

// smallDisk mounts a file system of its own size, which only root may.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size)
	switch {
	case errors.Is(err, syscall.EPERM):
		cannotRun(t, "needs the right to mount a small disk: %v", err)
	case err != nil:
		t.Fatalf("mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fillDisk takes all the room that is left, and returns the file that has it.
func fillDisk(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "filler")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 4096)
	for {
		_, err := f.Write(block)
		if errors.Is(err, syscall.ENOSPC) {
			return path
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
