package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
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

// peer is a library and the command that measures it.
type peer struct {
	name    string
	command func(args ...string) *exec.Cmd
	node    string // folder of the Node scripts; empty for flowsync
}

// findPeers lists the libraries that can run here.
func findPeers(oracle string, stderr io.Writer) ([]peer, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	peers := []peer{{name: "flowsync", command: func(args ...string) *exec.Cmd {
		cmd := exec.Command(self, args...)
		cmd.Env = append(os.Environ(), "GOMAXPROCS=1") // figures are for one core
		return cmd
	}}}
	if _, err := exec.LookPath("node"); err != nil {
		fmt.Fprintln(stderr, "textbench: node is not installed: no peers to compare with")
		return peers, nil
	}
	if _, err := os.Stat(filepath.Join(oracle, "node_modules", "yjs")); err != nil {
		fmt.Fprintf(stderr, "textbench: no peers to compare with: run npm ci in %s\n", oracle)
		return peers, nil
	}
	node := func(args ...string) *exec.Cmd {
		// Forty rounds of a long session do not fit the default heap.
		return exec.Command("node", append([]string{"--max-old-space-size=8192"}, args...)...)
	}
	for _, name := range []string{"yjs", "yjs-default", "json-joy"} {
		peers = append(peers, peer{name: name, command: node, node: oracle})
	}
	return peers, nil
}

func (p peer) line(into *line, runs int, path string) error {
	if p.node == "" {
		return p.run(into, "-runs", strconv.Itoa(runs), path)
	}
	return p.run(into, filepath.Join(p.node, "textbench.mjs"), "--peer", p.name, "--runs", strconv.Itoa(runs), path)
}

func (p peer) growth(into *growth, mode string, n int, path string) error {
	args := []string{"-mode", mode, "-n", strconv.Itoa(n)}
	if p.node != "" {
		args = []string{filepath.Join(p.node, "growth.mjs"), "--peer", p.name, mode, strconv.Itoa(n)}
	}
	if path != "" {
		args = append(args, path)
	}
	return p.run(into, args...)
}
