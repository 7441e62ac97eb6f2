package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wavesiddhartha/flowsync/crdt/ydoc/trace"
)

// comparison is one run of all libraries over the same sessions.
type comparison struct {
	traces string // folder of sessions
	oracle string // folder of the Node scripts
	out    string // Markdown file to write; empty: none
	runs   int
}

// growthRounds, coldDocuments and spotReplicas are what the figures of
// docs/text-performance.md are stated for.
const (
	coldDocuments = 500
	spotReplicas  = 1540
)

func growthRounds() []int { return []int{1, 10, 40} }

// results are everything that was measured.
type results struct {
	generated bool                // no recorded sessions were found
	peers     []peer              // flowsync first
	traces    []string            // names of the sessions; the first is the one of the table of goals
	lines     map[string][]line   // session → one line per peer
	cold      []growth            // one per peer
	spot      []growth            // one per peer
	repeat    map[string][]growth // peer → one per round
	allocs    allocs
}

// runComparison measures all peers one after the other, each measurement in
// a process of its own, and prints tables.
func runComparison(c comparison, stdout, stderr io.Writer) error {
	dir, err := os.MkdirTemp("", "textbench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	r := &results{lines: map[string][]line{}, repeat: map[string][]growth{}}
	if r.peers, err = findPeers(c.oracle, stderr); err != nil {
		return err
	}
	paths, err := c.prepare(dir, r, stderr)
	if err != nil {
		return err
	}
	if err := c.measureAll(r, paths, stderr); err != nil {
		return err
	}

	var b strings.Builder
	r.write(&b)
	if _, err := io.WriteString(stdout, b.String()); err != nil {
		return err
	}
	if c.out == "" {
		return nil
	}
	return os.WriteFile(c.out, []byte(b.String()), 0o644)
}

// prepare writes the sessions in the format that all peers read, the largest
// sequential one first, or generates some where the folder has none.
func (c comparison) prepare(dir string, r *results, stderr io.Writer) ([]string, error) {
	found, err := trace.Find(c.traces)
	if err != nil {
		return nil, err
	}
	var sessions []*trace.Trace
	for _, path := range found {
		t, err := trace.Read(path)
		if err != nil {
			return nil, err
		}
		sessions = append(sessions, t)
	}
	if len(sessions) == 0 {
		fmt.Fprintf(stderr, "textbench: no recorded sessions in %s: generating some\n", c.traces)
		r.generated = true
		sessions = []*trace.Trace{
			trace.Generate(trace.Session{Seed: 1, Txns: 100_000, Pairs: true}),
			trace.Generate(trace.Session{Seed: 2, Txns: 20_000}),
			trace.Generate(trace.Session{Seed: 3, Txns: 20_000, Replicas: 3}),
		}
	}
	slices.SortStableFunc(sessions, func(a, b *trace.Trace) int {
		if a.Kind != b.Kind {
			return strings.Compare(string(b.Kind), string(a.Kind)) // sequential first
		}
		return len(b.Txns) - len(a.Txns)
	})
	if sessions[0].Kind != trace.Sequential {
		return nil, fmt.Errorf("no sequential session in %s: the table of goals needs one", c.traces)
	}
	var paths []string
	for _, t := range sessions {
		path := filepath.Join(dir, t.Name+".json")
		if err := t.Write(path); err != nil {
			return nil, err
		}
		paths = append(paths, path)
		r.traces = append(r.traces, t.Name)
	}
	return paths, nil
}

func (c comparison) measureAll(r *results, paths []string, stderr io.Writer) error {
	progress := func(what string, p peer) { fmt.Fprintf(stderr, "textbench: %s: %s\n", what, p.name) }
	for i, path := range paths {
		for _, p := range r.peers {
			progress(r.traces[i], p)
			var l line
			if err := p.line(&l, c.runs, path); err != nil {
				return err
			}
			r.lines[r.traces[i]] = append(r.lines[r.traces[i]], l)
		}
	}
	for _, p := range r.peers {
		var g growth
		progress(fmt.Sprintf("%d cold documents", coldDocuments), p)
		if err := p.growth(&g, "cold", coldDocuments, paths[0]); err != nil {
			return err
		}
		r.cold = append(r.cold, g)
		g = growth{}
		progress(fmt.Sprintf("%d replicas at one spot", spotReplicas), p)
		if err := p.growth(&g, "spot", spotReplicas, ""); err != nil {
			return err
		}
		r.spot = append(r.spot, g)
		for _, n := range growthRounds() {
			g = growth{}
			progress(fmt.Sprintf("%s, %d times", r.traces[0], n), p)
			if err := p.growth(&g, "repeat", n, paths[0]); err != nil {
				return err
			}
			r.repeat[p.name] = append(r.repeat[p.name], g)
		}
	}
	return r.peers[0].run(&r.allocs, "-mode", "allocs", paths[0])
}
