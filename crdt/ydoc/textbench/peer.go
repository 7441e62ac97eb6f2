package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

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

// measure does a task in a process of its own.
func (p peer) measure(into *measurement, k task) error {
	args := []string{"-phase", k.phase, "-n", strconv.Itoa(k.n), "-warm", k.warm.String(), "-dir", k.dir, k.path}
	if p.node != "" {
		args = []string{filepath.Join(p.node, "textbench.mjs"), "--peer", p.name, "--phase", k.phase, "--n", strconv.Itoa(k.n), "--warm", strconv.FormatInt(k.warm.Milliseconds(), 10), "--dir", k.dir, k.path}
	}
	return p.run(into, args...)
}

// run executes the command of the peer and decodes the line that it prints.
func (p peer) run(into any, args ...string) error {
	cmd := p.command(args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", p.name, err, stderr.String())
	}
	if err := json.Unmarshal(out, into); err != nil {
		return fmt.Errorf("%s printed something else than a JSON line: %w", p.name, err)
	}
	return nil
}
