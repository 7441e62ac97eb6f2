package main

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
	"strings"
	"syscall"
	"testing"
	"time"
)

// program is the command, built once by TestMain. The tests run it as a user
// would, on ports of the kernel's choice.
var program string

// patience is how long a test waits for what must come.
const patience = 15 * time.Second

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "flowsync")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "flowsync")
	if out, err := exec.Command("go", "build", buildFlags, "-o", program, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// environment is that of the tests without what would change the output.
func environment(more ...string) []string {
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.TempDir(), "TERM=xterm-256color"}
	return append(env, more...)
}

// result is what a finished run left.
type result struct {
	out, err string
	code     int
}

// runCommand runs the program to its end.
func runCommand(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	return finish(t, stdin, program, args...)
}

func finish(t *testing.T, stdin, name string, args ...string) result {
	t.Helper()
	var out, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = environment()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{out.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// process is the program while it runs.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	in     io.WriteCloser
	lines  chan string   // of stdout; closed at its end
	stderr *bytes.Buffer // read after wait only
	exited chan struct{}
}

// start starts the program; the test ends it.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	return startProgram(t, program, args...)
}

func startProgram(t *testing.T, path string, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(path, args...), lines: make(chan string, 4096), stderr: new(bytes.Buffer), exited: make(chan struct{})}
	p.cmd.Env = environment()
	p.cmd.Stderr = p.stderr
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { // ends with the process
		defer close(p.exited)
		defer close(p.lines)
		for s := bufio.NewScanner(stdout); s.Scan(); {
			p.lines <- s.Text()
		}
		p.cmd.Wait()
	}()
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		p.wait()
		if t.Failed() && p.stderr.Len() > 0 {
			t.Logf("stderr of %s %s:\n%s", filepath.Base(path), strings.Join(args, " "), p.stderr)
		}
	})
	return p
}

// line returns the next line of stdout.
func (p *process) line() string {
	p.t.Helper()
	select {
	case line, ok := <-p.lines:
		if !ok {
			<-p.exited
			p.t.Fatalf("%s ended; stderr:\n%s", p.cmd, p.stderr)
		}
		return line
	case <-time.After(patience):
		p.t.Fatalf("%s printed nothing within %v", p.cmd, patience)
	}
	return ""
}

// object returns the next line of stdout, which must be a JSON object.
func (p *process) object() map[string]any {
	p.t.Helper()
	line := p.line()
	var m map[string]any
	if err := json.Unmarshal([]byte(line), &m); err != nil || m == nil {
		p.t.Fatalf("not a JSON object: %s", line)
	}
	return m
}

// until returns the next line for which is holds.
func (p *process) until(is func(map[string]any) bool) map[string]any {
	p.t.Helper()
	for {
		if m := p.object(); is(m) {
			return m
		}
	}
}

// wait waits for the end and returns the exit status.
func (p *process) wait() int {
	p.t.Helper()
	for range p.lines { // nobody reads them any more
	}
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.t.Fatalf("%s did not end within %v", p.cmd, patience)
	}
	return p.cmd.ProcessState.ExitCode()
}

func (p *process) interrupt() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
		p.t.Fatal(err)
	}
}

// dev starts a hub and returns its WebSocket address.
func dev(t *testing.T, args ...string) (*process, string) {
	t.Helper()
	p := start(t, append([]string{"dev", "--addr", "localhost:0", "--json"}, args...)...)
	ready := p.object()
	urls, ok := ready["urls"].(map[string]any)
	if ready["event"] != "ready" || !ok {
		t.Fatalf("the first line is not ready: %v", ready)
	}
	return p, urls["websocket"].(string)
}
