package main

import (
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/wavesiddhartha/flowsync/crdt/ydoc/trace"
)

// comparison is one run of several libraries over the same sessions.
type comparison struct {
	traces string // folder of sessions
	oracle string // folder of the Node scripts
	dir    string // keeps sessions, updates and states
	rounds int
	n      int // repetitions of a session; 1: the usual growth too
	warm   time.Duration

	only, phases, peers []string // nil: all
}

// coldDocuments and spotReplicas are what the figures of
// docs/text-performance.md are stated for.
const (
	coldDocuments = 500
	spotReplicas  = 1540
)

// job is one phase of one session, for every library.
type job struct {
	task
	name string // of the session
	goal goal   // of the session that goals are stated for
}

// run prints a table for each job as soon as it is done.
func (c comparison) run(stdout, stderr io.Writer) error {
	peers, err := findPeers(c.oracle, stderr)
	if err != nil {
		return err
	}
	peers = slices.DeleteFunc(peers, func(p peer) bool { return !chosen(c.peers, p.name) })
	if len(peers) == 0 {
		return fmt.Errorf("none of the libraries %s can run here", strings.Join(c.peers, ", "))
	}
	sessions, generated, err := c.sessions(stderr)
	if err != nil {
		return err
	}
	c.introduce(stdout, peers, generated)
	jobs, err := c.jobs(sessions)
	if err != nil {
		return err
	}
	if len(jobs) == 0 {
		return fmt.Errorf("nothing to do: none of the phases %s fits these sessions", strings.Join(c.phases, ", "))
	}
	for _, j := range jobs {
		if j.phase == "allocs" && peers[0].node != "" {
			continue // it is about this engine, which was not chosen
		}
		results := make([]result, len(peers))
		for r := range c.rounds {
			for i, p := range peers {
				if j.phase == "allocs" && p.node != "" {
					continue
				}
				fmt.Fprintf(stderr, "textbench: %s %s, round %d of %d: %s\n", j.phase, j.name, r+1, c.rounds, p.name)
				var m measurement
				if err := p.measure(&m, j.task); err != nil {
					return err
				}
				results[i].add(m)
			}
			if j.once() {
				break
			}
		}
		if err := j.write(stdout, results); err != nil {
			return err
		}
	}
	return nil
}

// once says that a job counts bytes or allocations, which rounds do not change.
func (j job) once() bool { return j.phase == "heap" || j.phase == "allocs" }

func chosen(names []string, name string) bool { return names == nil || slices.Contains(names, name) }

func (c comparison) introduce(w io.Writer, peers []peer, generated bool) {
	fmt.Fprintf(w, "# Text performance, %s\n\n", time.Now().UTC().Format("2006-01-02 15:04 UTC"))
	fmt.Fprintf(w, "- Machine: %s, %d processors, %s/%s; load average %s\n", processor(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, loadAverage())
	fmt.Fprintf(w, "- FlowSync: %s, GOMAXPROCS=1, its collector's time included\n", runtime.Version())
	if slices.ContainsFunc(peers, func(p peer) bool { return p.node != "" }) {
		fmt.Fprintf(w, "- Peers: Node %s. `yjs` has client ids below 2^30, which V8 need not box: yjs at its best. `yjs-default` has ids like three quarters of those that yjs draws\n", nodeVersion())
	}
	fmt.Fprintf(w, "- %d rounds, in each of which every library has a process of its own, by turns. A process works unmeasured for %v and at least one repetition, then gives up to %d samples\n", c.rounds, c.warm, samples)
	if generated {
		fmt.Fprintf(w, "- No recorded sessions were found, so these are generated: **goals are stated for a recorded one**\n")
	} else {
		fmt.Fprintf(w, "- The sessions are those of josephg/editing-traces, licence CC BY 4.0\n")
	}
}

// sessions reads the chosen ones, the largest sequential one first, or generates
// some where the folder has none.
func (c comparison) sessions(stderr io.Writer) (sessions []*trace.Trace, generated bool, err error) {
	found, err := trace.Find(c.traces)
	if err != nil {
		return nil, false, err
	}
	for _, path := range found {
		t, err := trace.Read(path)
		if err != nil {
			return nil, false, err
		}
		sessions = append(sessions, t)
	}
	if len(sessions) == 0 {
		fmt.Fprintf(stderr, "textbench: no recorded sessions in %s: generating some\n", c.traces)
		generated = true
		sessions = []*trace.Trace{
			trace.Generate(trace.Session{Seed: 1, Txns: 100_000, Pairs: true}),
			trace.Generate(trace.Session{Seed: 2, Txns: 20_000}),
			trace.Generate(trace.Session{Seed: 3, Txns: 20_000, Replicas: 3}),
		}
	}
	names := make([]string, len(sessions))
	for i, t := range sessions {
		names[i] = t.Name
	}
	sessions = slices.DeleteFunc(sessions, func(t *trace.Trace) bool { return !chosen(c.only, t.Name) })
	if len(sessions) == 0 {
		return nil, generated, fmt.Errorf("no session of these names in %s: there are %s", c.traces, strings.Join(names, ", "))
	}
	slices.SortStableFunc(sessions, func(a, b *trace.Trace) int {
		if a.Kind != b.Kind {
			return strings.Compare(string(b.Kind), string(a.Kind)) // sequential first
		}
		return len(b.Txns) - len(a.Txns)
	})
	return sessions, generated, nil
}

// jobs writes the sessions in the format that all libraries read, and says what
// to do with them. Growth is measured on the first.
func (c comparison) jobs(sessions []*trace.Trace) ([]job, error) {
	var jobs []job
	for i, t := range sessions {
		path := filepath.Join(c.dir, t.Name+".json")
		if err := t.Write(path); err != nil {
			return nil, err
		}
		add := func(n int, phases ...string) {
			for _, phase := range phases {
				if chosen(c.phases, phase) {
					jobs = append(jobs, job{task: task{phase: phase, n: n, dir: c.dir, path: path, warm: c.warm}, name: t.Name, goal: goalOf(t.Name, phase, n)})
				}
			}
		}
		if c.n > 1 {
			add(c.n, "local", "save", "load", "heap")
			continue
		}
		sequential := t.Kind == trace.Sequential
		if sequential {
			add(1, "quiet", "local")
		}
		add(1, "remote", "save", "load", "heap")
		if sequential && i == 0 {
			add(1, "allocs")
			add(coldDocuments, "cold")
			add(spotReplicas, "spot")
		}
		if sequential && i == 0 && c.phases == nil {
			add(10, "local", "save", "load", "heap")
			add(40, "local", "save", "load", "heap")
		}
	}
	return jobs, nil
}
