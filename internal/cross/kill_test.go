package cross

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestKill plays a few worlds whose clients are processes of their own, which end
// by kill -9, often while they push.
func TestKill(t *testing.T) {
	needJavaScript(t)
	flowsync := filepath.Join(t.TempDir(), "flowsync")
	if out, err := exec.Command("go", "build", "-o", flowsync, "../../cmd/flowsync").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	programs := map[string][]string{
		"go": {flowsync, "node"},
		"js": {"node", "../../web/node/main.mjs"},
	}
	for seed := range uint64(4) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, seed)
			w.hub.expiry = 0 // the commands take one token, and no fresh one
			for _, language := range []string{"go", "js"} {
				for i := range 2 {
					p := &process{command: programs[language], url: w.url(), queue: w.queue(language)}
					w.populate(p.start(t, fmt.Sprintf("%s-%d", language, i)))
				}
			}
			for range 3 {
				for range 15 {
					w.step()
				}
				for _, p := range w.replicas {
					w.killWhilePushing(p.(*lines))
				}
			}
			w.play(0)
		})
	}
}

// killWhilePushing kills a replica when it has answered some of its pushes.
func (w *world) killWhilePushing(l *lines) {
	k := either(w.r, w.kinds...)
	var ops []string
	for range 40 {
		w.tag++
		ops = append(ops, encode(w.t, k.op(w.r, w.tag)))
	}
	for _, op := range ops {
		l.send(fmt.Sprintf(`{"do":"push","stream":%q,"op":%s}`, k.stream, op))
	}
	heard := w.r.IntN(len(ops))
	verdicts := l.verdicts(heard)
	l.kill()
	verdicts = append(verdicts, l.verdicts(len(ops)-heard)...)
	w.account(l, k.stream, ops, verdicts)
	w.note("kill")
	l.begin()
	delete(w.offline, replica(l))
	for _, stream := range l.used {
		l.do(`{"do":"get","stream":%q,"timeout_ms":0}`, stream)
	}
}

// process is a replica in a process of its own.
type process struct {
	command []string
	url     string
	queue   string

	cmd     *exec.Cmd
	in      io.WriteCloser
	stderr  bytes.Buffer
	answers chan []byte   // closed when all were read
	ended   chan struct{} // closed when the process has ended
}

// start returns the replica; its process ends with the test.
func (p *process) start(t *testing.T, client string) *lines {
	l := &lines{t: t, client: client}
	l.send = func(line string) { io.WriteString(p.in, line+"\n") } // one that is gone does not answer
	l.answer = func() []byte {
		select {
		case line := <-p.answers:
			return line
		case <-time.After(2 * patience):
			t.Fatalf("%s did not answer", client)
			return nil
		}
	}
	l.begin = func() { p.run(t, client) }
	l.kill = func() {
		p.cmd.Process.Kill()
		<-p.ended
	}
	l.begin()
	t.Cleanup(func() {
		l.kill()
		if p.stderr.Len() > 0 {
			t.Errorf("%s: %s", client, p.stderr.Bytes())
		}
	})
	return l
}

func (p *process) run(t *testing.T, client string) {
	flags := []string{"--url", p.url, "--client", client, "--token", client, "--queue", p.queue}
	p.cmd = exec.Command(p.command[0], slices.Concat(p.command[1:], flags)...)
	p.cmd.Stderr = &p.stderr
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.answers, p.ended = make(chan []byte, 4096), make(chan struct{})
	go func() { // ends with the process
		defer close(p.ended)
		defer close(p.answers)
		s := bufio.NewScanner(out)
		s.Buffer(nil, 16<<20)
		for s.Scan() {
			if !bytes.HasPrefix(s.Bytes(), []byte(`{"event":`)) {
				p.answers <- bytes.Clone(s.Bytes())
			}
		}
		p.cmd.Wait()
	}()
}
