package trace

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// recorded is the public format of github.com/josephg/editing-traces, both
// of its kinds: a sequential session has startContent, a concurrent one has
// kind, agents and parents.
type recorded struct {
	Kind         string `json:"kind"`
	StartContent string `json:"startContent"`
	EndContent   string `json:"endContent"`
	Txns         []struct {
		Parents []int   `json:"parents"`
		Agent   int     `json:"agent"`
		Patches []Patch `json:"patches"`
	} `json:"txns"`
}

// Read reads a session from a file, gzipped or not: the format of this
// package, or a recorded session of the editing-traces repository, which it
// converts. The error wraps fs.ErrNotExist when there is no such file.
func Read(path string) (*Trace, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("trace: %w", err)
	}
	name, _, _ := strings.Cut(filepath.Base(path), ".json")
	t, err := Parse(name, b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

// Parse is Read for bytes that are already here. The name is used when the
// session does not carry its own.
func Parse(name string, b []byte) (*Trace, error) {
	b, err := plain(b)
	if err != nil {
		return nil, err
	}
	var probe struct {
		EndContent *string `json:"endContent"`
	}
	if err := json.Unmarshal(b, &probe); err != nil {
		return nil, fmt.Errorf("trace: not a JSON object: %w", err)
	}
	if probe.EndContent != nil {
		return convert(name, b)
	}
	var t Trace
	if err := json.Unmarshal(b, &t); err != nil {
		return nil, fmt.Errorf("trace: %w", err)
	}
	if t.Name == "" {
		t.Name = name
	}
	return &t, t.Check()
}

// plain undoes gzip where its two magic bytes are found.
func plain(b []byte) ([]byte, error) {
	if !bytes.HasPrefix(b, []byte{0x1f, 0x8b}) {
		return b, nil
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("trace: gzip: %w", err)
	}
	b, err = io.ReadAll(z)
	if err != nil {
		return nil, fmt.Errorf("trace: gzip: %w", err)
	}
	return b, nil
}

// Write writes the session as JSON in the format of this package.
func (t *Trace) Write(path string) error {
	b, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("trace %s: %w", t.Name, err)
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		return fmt.Errorf("trace %s: %w", t.Name, err)
	}
	return nil
}

// Find lists the session files of a folder (*.json, *.json.gz) by name. A
// folder that does not exist has none.
func Find(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("trace: %w", err)
	}
	var paths []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".json") || strings.HasSuffix(e.Name(), ".json.gz") {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	slices.Sort(paths)
	return paths, nil
}
