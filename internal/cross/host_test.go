package cross

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// host is one Node process with the replicas in JavaScript of many worlds; see
// web/node/host.mjs.
type host struct {
	cmd    *exec.Cmd
	stderr bytes.Buffer
	ended  chan struct{}

	mu      sync.Mutex // guards what follows
	in      *bufio.Writer
	answers map[string]chan []byte // by node
}

// needJavaScript skips the test where the client in JavaScript cannot run.
func needJavaScript(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		cannotRun(t, "there is no Node to run web/node with")
	}
	for _, built := range []string{"../../web/dist/core.js", "../../web/node_modules/ws"} {
		if _, err := os.Stat(built); err != nil {
			cannotRun(t, "%s is missing: make web", built)
		}
	}
}

func startHost(t *testing.T) *host {
	h := &host{cmd: exec.Command("node", "../../web/node/host.mjs"), answers: map[string]chan []byte{}, ended: make(chan struct{})}
	h.cmd.Stderr = &h.stderr
	in, err := h.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := h.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	h.in = bufio.NewWriter(in)
	if err := h.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { // ends with the process
		defer close(h.ended)
		s := bufio.NewScanner(out)
		s.Buffer(nil, 64<<20)
		for s.Scan() {
			name, answer, _ := bytes.Cut(s.Bytes(), []byte(" "))
			h.of(string(name)) <- bytes.Clone(answer)
		}
	}()
	t.Cleanup(func() {
		in.Close()
		<-h.ended
		if err := h.cmd.Wait(); err != nil || h.stderr.Len() > 0 {
			t.Errorf("the host: %v\n%s", err, h.stderr.Bytes())
		}
	})
	return h
}

// of is where the answers of a node arrive.
func (h *host) of(name string) chan []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.answers[name] == nil {
		h.answers[name] = make(chan []byte, 1024)
	}
	return h.answers[name]
}

func (h *host) send(name, line string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	fmt.Fprintf(h.in, "%s %s\n", name, line)
	h.in.Flush() // a host that is gone is seen when no answer comes
}

// newNode starts a replica in the host.
func (h *host) newNode(t *testing.T, name, url, client, file string) *lines {
	answers := h.of(name)
	l := &lines{t: t, client: client}
	l.send = func(line string) { h.send(name, line) }
	l.answer = func() []byte {
		select {
		case line := <-answers:
			return line
		case <-h.ended:
			t.Fatalf("the host ended:\n%s", h.stderr.Bytes())
		case <-time.After(2 * patience):
			t.Fatalf("%s did not answer", client)
		}
		return nil
	}
	l.begin = func() { l.must(`{"do":"start","url":%q,"client":%q,"queue":%q,"token":%q}`, url, client, file, client) }
	l.kill = func() { l.must(`{"do":"drop"}`) }
	l.begin()
	return l
}
