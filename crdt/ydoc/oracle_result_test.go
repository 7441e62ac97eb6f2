package ydoc_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// keep leaves a dated result in testdata/results.
func keep(t *testing.T, name, text string) {
	t.Helper()
	dir := filepath.Join("testdata", "results")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name+"-"+time.Now().UTC().Format(time.DateOnly)+".md")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Logf("kept %s", path)
}
