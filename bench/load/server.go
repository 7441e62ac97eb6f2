package load

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/wavesiddhartha/flowsync/bench/peer"
	"github.com/wavesiddhartha/flowsync/bench/proc"
)

// Values are what one run measured, by name.
type Values map[string]float64

// Server is a peer in a process of its own.
type Server struct {
	Peer  peer.Peer
	Addr  string
	PID   int
	Store int           // the process that stores for it; 0: none
	Start time.Duration // until it listened

	cmd   *exec.Cmd
	stdin io.Closer
}

// Ready is the line in which a server says where it listens.
type Ready struct {
	Addr  string `json:"addr"`
	PID   int    `json:"pid"`
	Store int    `json:"store"`
}

// StartServer starts a peer with its files in dir. profile names a file for the
// processor profile of a peer in Go, or is empty.
func StartServer(p peer.Peer, dir, profile string) (*Server, error) {
	began := time.Now()
	command := p.Command
	if p.Serve != nil {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		command = []string{self, "serve", "-dir", dir, "-cpuprofile", profile, p.Name}
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &Server{Peer: p, cmd: cmd, stdin: stdin}
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s did not start: %w", p.Name, err), s.Stop())
	}
	var r Ready
	if err := json.Unmarshal(line, &r); err != nil {
		return nil, errors.Join(fmt.Errorf("%s said %q: %w", p.Name, line, err), s.Stop())
	}
	s.Addr, s.PID, s.Store, s.Start = r.Addr, r.PID, r.Store, time.Since(began)
	return s, nil
}

// Stop ends the server and waits for it.
func (s *Server) Stop() error {
	s.stdin.Close()
	stopped := make(chan error, 1)
	go func() { stopped <- s.cmd.Wait() }()
	select {
	case err := <-stopped:
		return err
	case <-time.After(20 * time.Second):
		return errors.Join(errors.New("the server did not end within 20 s"), s.cmd.Process.Kill(), <-stopped)
	}
}

func (s *Server) rss() (int64, error) { return proc.RSS(s.PID) }

// collect has the server give back the memory that it does not use.
func (s *Server) collect() error {
	if err := syscall.Kill(s.PID, syscall.SIGUSR2); err != nil {
		return err
	}
	time.Sleep(time.Second)
	return nil
}

// meter measures a stretch of time.
type meter struct {
	server            *Server
	began             time.Time
	cpu, self, stores time.Duration
	machine           proc.Machine
}

func (s *Server) begin() (*meter, error) {
	m := &meter{server: s, began: time.Now(), self: proc.Self()}
	var err error
	if m.cpu, err = proc.CPU(s.PID); err != nil {
		return nil, err
	}
	if s.Store != 0 {
		if m.stores, err = proc.CPU(s.Store); err != nil {
			return nil, err
		}
	}
	m.machine, err = proc.Whole()
	return m, err
}

// end returns the seconds on the clock, those of the server's processor time and
// its store's, which share of the three's was the generator's, and which share of
// all processors went to anybody else: while that is large, figures are of the
// machine's other work.
func (m *meter) end() (Values, error) {
	cpu, err := proc.CPU(m.server.PID)
	if err != nil {
		return nil, err
	}
	machine, err := proc.Whole()
	if err != nil {
		return nil, err
	}
	var stores time.Duration
	if m.server.Store != 0 {
		if stores, err = proc.CPU(m.server.Store); err != nil {
			return nil, err
		}
	}
	server, self := (cpu - m.cpu).Seconds(), (proc.Self() - m.self).Seconds()
	v := Values{"seconds": time.Since(m.began).Seconds(), "server_cpu_s": server, "generator_cpu_s": self}
	if m.server.Store != 0 {
		v["store_cpu_s"] = (stores - m.stores).Seconds()
	}
	lost := machine.Sub(m.machine)
	others := max(0, (lost.Busy-(cpu-m.cpu)-(stores-m.stores)).Seconds()-self) + lost.Stolen.Seconds()
	v["others_share"] = others / max(lost.All.Seconds(), 1e-9)
	v["generator_share"] = self / max(self+server+v["store_cpu_s"], 1e-9)
	return v, nil
}
