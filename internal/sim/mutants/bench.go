package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// bench builds simulators with a fault in them and plays histories with them.
type bench struct {
	root string       // of the module
	dir  string       // for what is built
	n    atomic.Int64 // binaries built
}

func newBench() (*bench, error) {
	mod, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return nil, fmt.Errorf("go env GOMOD: %w", err)
	}
	dir, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		return nil, err
	}
	return &bench{root: filepath.Dir(strings.TrimSpace(string(mod))), dir: dir}, nil
}

func (b *bench) close() { _ = os.RemoveAll(b.dir) }

func (b *bench) found() string { return filepath.Join(b.root, "internal/sim/mutants/found.txt") }

// build compiles the simulator's tests with the fault in them.
func (b *bench) build(m mutant) (binary string, err error) {
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	n := b.n.Add(1)
	planted, err := plant(b.root, m)
	if err != nil {
		return "", err
	}
	for file, text := range planted {
		copied := filepath.Join(b.dir, fmt.Sprintf("%d-%s", n, strings.ReplaceAll(file, "/", "-")))
		if err := os.WriteFile(copied, text, 0o644); err != nil {
			return "", err
		}
		overlay.Replace[filepath.Join(b.root, file)] = copied
	}
	list, err := json.Marshal(overlay)
	if err != nil {
		return "", err
	}
	path := filepath.Join(b.dir, fmt.Sprintf("overlay-%d.json", n))
	if err := os.WriteFile(path, list, 0o644); err != nil {
		return "", err
	}
	binary = filepath.Join(b.dir, fmt.Sprintf("sim-%d.test", n))
	cmd := exec.Command("go", "test", "-c", "-ldflags=-s -w", "-overlay", path, "-o", binary, "./internal/sim")
	cmd.Dir = b.root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: the copy does not compile: %w\n%s", m.name, err, out)
	}
	return binary, nil
}

// plant returns the files of a fault with its edits made.
func plant(root string, m mutant) (map[string][]byte, error) {
	planted := map[string][]byte{}
	for _, e := range m.edits {
		text, ok := planted[e.file]
		if !ok {
			var err error
			if text, err = os.ReadFile(filepath.Join(root, e.file)); err != nil {
				return nil, fmt.Errorf("%s: %w", m.name, err)
			}
		}
		if n := strings.Count(string(text), e.old); n != 1 {
			return nil, fmt.Errorf("%s: this text occurs %d times in %s, and has to occur once; look what became of it:\n%s", m.name, n, e.file, e.old)
		}
		planted[e.file] = []byte(strings.Replace(string(text), e.old, e.new, 1))
	}
	return planted, nil
}

// failed is how the simulator reports a history.
var failed = regexp.MustCompile(`seed (\d+): (.*)`)

// playWithin bounds a search; a history takes milliseconds.
const playWithin = 30 * time.Minute

// play plays one history and returns how it failed, nothing if it did not.
func (b *bench) play(binary string, seed uint64) (failure string, err error) {
	_, failure, err = b.test(binary, fmt.Sprintf("-seed=%d", seed))
	return failure, err
}

// search plays histories until one fails.
func (b *bench) search(binary string, most int) (seed uint64, failure string, err error) {
	return b.test(binary, fmt.Sprintf("-seeds=%d", most), "-first")
}

func (b *bench) test(binary string, args ...string) (seed uint64, failure string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), playWithin)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, append([]string{"-test.run=^TestHistories$", "-test.timeout=0"}, args...)...)
	cmd.Dir = filepath.Join(b.root, "internal/sim")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0, "", nil
	case !errors.As(err, &exit):
		return 0, "", err
	}
	m := failed.FindSubmatch(out)
	if m == nil {
		return 0, "", fmt.Errorf("the simulator ended without a failed history: %w\n%s", err, out)
	}
	seed, err = strconv.ParseUint(string(m[1]), 10, 64)
	return seed, short(string(m[2])), err
}

// short cuts a failure to what fits a line.
func short(failure string) string {
	const most = 100
	if r := []rune(failure); len(r) > most {
		return string(r[:most]) + "…"
	}
	return failure
}
