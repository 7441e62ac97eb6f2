package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// finding is the history that found a fault.
type finding struct {
	seed    uint64
	failure string
}

// found is found.txt: for each fault its name, the seed and the failure, with
// tabs between.
type found map[string]finding

func readFound(path string) (found, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return found{}, nil
	}
	if err != nil {
		return nil, err
	}
	f := found{}
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimRight(line, "\n"), "\t", 3)
		if len(parts) != 3 {
			return nil, fmt.Errorf("%s: this line has not three parts: %q", path, line)
		}
		seed, err := strconv.ParseUint(parts[1], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		f[parts[0]] = finding{seed, parts[2]}
	}
	return f, nil
}

// write keeps the findings in the order of the table.
func (f found) write(path string, order []mutant) error {
	var b strings.Builder
	for _, m := range order {
		if was, ok := f[m.name]; ok {
			fmt.Fprintf(&b, "%s\t%d\t%s\n", m.name, was.seed, was.failure)
		}
	}
	return os.WriteFile(path, []byte(b.String()), 0o644)
}
