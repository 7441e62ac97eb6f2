package chaos

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// report logs a measurement and, when CHAOS_RESULTS names a folder, adds it to
// the file of the day there.
func report(t *testing.T, name, format string, args ...any) {
	t.Helper()
	line := fmt.Sprintf(format, args...)
	t.Log(line)
	dir := os.Getenv("CHAOS_RESULTS")
	if dir == "" || t.Failed() {
		return
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC()
	path := filepath.Join(dir, "chaos-"+now.Format(time.DateOnly)+".md")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := fmt.Fprintf(f, "- %s, %s/%s, %d CPUs, %s: %s\n", now.Format("15:04"), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), name, line); err != nil {
		t.Fatal(err)
	}
}
