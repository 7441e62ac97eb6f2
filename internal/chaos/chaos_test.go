// Package chaos ends the real hub in every rude way, under load from real
// clients, and counts afterwards: what was acked and is gone, what took effect
// twice, and whether all replicas, the hub and the log in its file agree.
//
// It holds tests alone. A run in CI is short; make chaos N=100 kills as often as
// asked and writes what it measured to results/.
package chaos

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// program is the command, built once by TestMain.
var program string

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "flowsync-chaos")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "flowsync")
	if out, err := exec.Command("go", "build", "-o", program, "../../cmd/flowsync").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// hub is the place of a hub: one address and one file, and the process that runs
// there now.
type hub struct {
	t    *testing.T
	file string
	port int
	log  *os.File // stderr of all its processes

	cmd    *exec.Cmd
	exited chan struct{}
	ready  []time.Duration // of each start
}

// newHub starts the first process. The test ends the last.
func newHub(t *testing.T, file string) *hub {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &hub{t: t, file: file, port: l.Addr().(*net.TCPAddr).Port}
	l.Close()
	if h.log, err = os.Create(filepath.Join(t.TempDir(), "stderr")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		h.kill()
		if text, _ := os.ReadFile(h.log.Name()); t.Failed() && len(text) > 0 {
			t.Logf("stderr of the hubs:\n%s", text[max(0, len(text)-8000):])
		}
		h.log.Close()
	})
	h.start()
	return h
}

func (h *hub) url(scheme string) string { return scheme + "://127.0.0.1:" + strconv.Itoa(h.port) }

// start runs a process and waits until it is ready.
func (h *hub) start() {
	h.t.Helper()
	begun := time.Now()
	h.cmd = exec.Command(program, "serve", "--json", "--quiet", "--data", h.file, "--addr", "127.0.0.1:"+strconv.Itoa(h.port))
	h.cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	h.cmd.Stderr = h.log
	out, err := h.cmd.StdoutPipe()
	if err != nil {
		h.t.Fatal(err)
	}
	if err := h.cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	var first struct{ Event string }
	if !lines.Scan() || json.Unmarshal(lines.Bytes(), &first) != nil || first.Event != "ready" {
		h.t.Fatalf("the hub did not get ready: %q", lines.Text())
	}
	h.ready = append(h.ready, time.Since(begun))
	h.exited = make(chan struct{})
	go func(cmd *exec.Cmd, exited chan struct{}) { // ends with the process
		defer close(exited)
		for lines.Scan() {
		}
		cmd.Wait()
	}(h.cmd, h.exited)
}

// kill ends the process between two instructions.
func (h *hub) kill() {
	h.t.Helper()
	if err := h.cmd.Process.Kill(); err != nil && h.cmd.ProcessState == nil {
		h.t.Error(err)
	}
	<-h.exited
}

// terminate asks the process to end and returns its status and how long it took.
func (h *hub) terminate() (status int, took time.Duration) {
	h.t.Helper()
	begun := time.Now()
	if err := h.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		h.t.Fatal(err)
	}
	select {
	case <-h.exited:
	case <-time.After(patience):
		h.t.Fatalf("the hub did not end within %v of SIGTERM", patience)
	}
	return h.cmd.ProcessState.ExitCode(), time.Since(begun)
}

// get asks the HTTP API. A hub that does not answer fails the test.
func (h *hub) get(path string) *http.Response {
	h.t.Helper()
	resp, err := http.Get(h.url("http") + path)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { resp.Body.Close() })
	return resp
}

// post pushes one op through the HTTP API and returns the status and the code.
func (h *hub) post(stream, op string) (status int, code string) {
	h.t.Helper()
	resp, err := http.Post(h.url("http")+"/streams/"+stream+"/ops", "application/json", strings.NewReader(op))
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct{ Code string }
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		h.t.Fatal(err)
	}
	return resp.StatusCode, answer.Code
}

// eventually waits until ok.
func eventually(t *testing.T, within time.Duration, what string, ok func() bool) time.Duration {
	t.Helper()
	begun := time.Now()
	for !ok() {
		if time.Since(begun) > within {
			t.Fatalf("%s: not within %v", what, within)
		}
		time.Sleep(2 * time.Millisecond)
	}
	return time.Since(begun)
}
