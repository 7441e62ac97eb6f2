package ydoc_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

const oracleDir = "oracle"

// requireNode skips the test where yjs cannot run. In CI that is a failure:
// an oracle that is silently absent proves nothing.
func requireNode(t testing.TB) {
	t.Helper()
	reason := ""
	if _, err := exec.LookPath("node"); err != nil {
		reason = "node is not installed"
	} else if _, err := os.Stat(filepath.Join(oracleDir, "node_modules", "yjs")); err != nil {
		reason = "yjs is not installed: run npm ci in crdt/ydoc/oracle"
	}
	if reason == "" {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("no oracle: %s", reason)
	}
	t.Skipf("SKIP: no oracle: %s", reason)
}

// node is a long-lived Node process that answers one JSON line with another.
// It ends when the test does. Its methods must not be called concurrently.
type node struct {
	in     io.WriteCloser
	out    *bufio.Reader
	stderr bytes.Buffer
}

// startNode runs a script of the oracle folder.
func startNode(t testing.TB, script string) *node {
	t.Helper()
	requireNode(t)
	n := &node{}
	cmd := exec.Command("node", filepath.Join(oracleDir, script))
	cmd.Stderr = &n.stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	n.in, n.out = in, bufio.NewReaderSize(out, 1<<16)
	t.Cleanup(func() {
		in.Close() // the script ends with its input
		if err := cmd.Wait(); err != nil && !t.Failed() {
			t.Errorf("node %s: %v: %s", script, err, n.stderr.String())
		}
	})
	return n
}

// ask sends one request and decodes its answer into answer.
func (n *node) ask(request, answer any) error {
	line, err := json.Marshal(request)
	if err != nil {
		return err
	}
	if _, err := n.in.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("node ended: %w: %s", err, n.stderr.String())
	}
	line, err = n.out.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("node ended: %w: %s", err, n.stderr.String())
	}
	var failed struct {
		Error string `json:"error"`
	}
	if err := json.Unmarshal(line, &failed); err != nil {
		return fmt.Errorf("node answered with something else than JSON: %w", err)
	}
	if failed.Error != "" {
		return errors.New(failed.Error)
	}
	return json.Unmarshal(line, answer)
}

// runNode runs a script to its end and decodes what it prints.
func runNode(answer any, script string, args ...string) error {
	cmd := exec.Command("node", append([]string{filepath.Join(oracleDir, script)}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("node %s: %w: %s", script, err, stderr.String())
	}
	return json.Unmarshal(out, answer)
}
