package main

import (
	"bytes"
	"path/filepath"
	"testing"
)

// TestTable fails as soon as a change of the source leaves a fault behind: its
// text has to be found, once, and a history has to be recorded for it.
func TestTable(t *testing.T) {
	root := filepath.Join("..", "..", "..")
	known, err := readFound("found.txt")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, m := range mutants() {
		if seen[m.name] {
			t.Errorf("two faults are called %q", m.name)
		}
		seen[m.name] = true
		planted, err := plant(root, m)
		if err != nil {
			t.Error(err)
		}
		if len(planted) == 0 {
			t.Errorf("%s: it changes nothing", m.name)
		}
		for file, text := range planted {
			if !bytes.HasPrefix(text, []byte("package ")) && !bytes.HasPrefix(text, []byte("// Package ")) {
				t.Errorf("%s: %s is no Go file any more", m.name, file)
			}
		}
		if _, ok := known[m.name]; !ok {
			t.Errorf("%s: no history is recorded that finds it; run make mutants", m.name)
		}
	}
	if len(known) != len(seen) {
		t.Errorf("found.txt has %d faults, the table %d; run make mutants", len(known), len(seen))
	}
}
