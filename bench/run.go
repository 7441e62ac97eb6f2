package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/wavesiddhartha/flowsync/bench/load"
	"github.com/wavesiddhartha/flowsync/bench/peer"
)

// result is one run of one load on one peer, a line of a results file.
type result struct {
	Load    string      `json:"load"`
	Peer    string      `json:"peer"`
	Round   int         `json:"round"`
	Values  load.Values `json:"values,omitempty"`
	Skipped string      `json:"skipped,omitempty"` // why there are no values
}

// loadOne runs one load on one peer and prints what it measured.
func loadOne(s scale, name, peerName, dir, profile string) (err error) {
	p, err := peer.Find(peerName)
	if err != nil {
		return err
	}
	files, err := load.TempDir(dir)
	if err != nil {
		return err
	}
	defer os.RemoveAll(files)
	sv, err := load.StartServer(p, files, profile)
	if err != nil {
		return err
	}
	v, err := measure(s, name, sv, func() (*load.Server, error) { return load.StartServer(p, files, profile) })
	if err != nil {
		return fmt.Errorf("%s on %s: %w", name, peerName, err)
	}
	return json.NewEncoder(os.Stdout).Encode(result{Load: name, Peer: peerName, Values: v})
}

// measure runs a load and stops the server.
func measure(s scale, name string, sv *load.Server, again func() (*load.Server, error)) (load.Values, error) {
	if name == "stored" {
		return load.Stored{Streams: s.stored}.Run(sv, again)
	}
	r, err := s.find(name)
	if err != nil {
		return nil, errors.Join(err, sv.Stop())
	}
	v, err := r.Run(sv)
	return v, errors.Join(err, sv.Stop())
}

// cellTime bounds one load on one peer.
const cellTime = 5 * time.Minute

// run measures every cell in a process of its own and prints the table. It goes
// on after a failure, and fails at the end.
func run(s scale, dir, traces string, growth bool, only string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	name := "bench-hub-" + s.name
	if only != "" {
		name += "-" + strings.ReplaceAll(only, ",", "-")
	}
	path := filepath.Join(dir, name+".jsonl")
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := os.Stat(s.trace); err != nil {
		fmt.Fprintf(os.Stderr, "bench: no recorded session at %s: one is generated\n", s.trace)
	}
	began := time.Now()
	var results []result
	var failed []error
	for round := range s.rounds {
		for _, c := range s.plan(growth && round == 0 || s.name == "full" && round == 0) {
			wanted := func(prefix string) bool { return strings.HasPrefix(c.load, prefix) }
			if !slices.ContainsFunc(strings.Split(only, ","), wanted) {
				continue
			}
			r, err := s.one(c, dir, traces)
			if err != nil {
				fmt.Fprintf(os.Stderr, "bench: %v\n", err)
				failed = append(failed, err)
				continue
			}
			r.Round = round
			results = append(results, r)
			if err := json.NewEncoder(file).Encode(r); err != nil {
				return err
			}
			fmt.Fprintf(os.Stderr, "%4.0f s  %-18s %-16s %s\n", time.Since(began).Seconds(), c.load, c.peer, r.brief())
		}
	}
	if s.name == "sanity" {
		fmt.Println(checked(results)) // too small and short for ratios
	} else {
		fmt.Print(table(results))
	}
	fmt.Printf("\n%d results in %s, %.0f s. %s\n", len(results), path, time.Since(began).Seconds(), machine())
	if len(failed) > 0 {
		return fmt.Errorf("%d loads failed, the first: %w", len(failed), failed[0])
	}
	return nil
}

// one runs one cell.
func (s scale) one(c cell, dir, traces string) (result, error) {
	if why := missing(c.peer); why != "" {
		if mustHave(c.peer) {
			return result{}, fmt.Errorf("%s: %s", c.peer, why)
		}
		return result{Load: c.load, Peer: c.peer, Skipped: why}, nil
	}
	self, err := os.Executable()
	if err != nil {
		return result{}, err
	}
	cmd := exec.Command(self, "load", "-scale", s.name, "-dir", dir, "-traces", traces, c.load, c.peer)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := cmd.Start(); err != nil {
		return result{}, err
	}
	late := time.AfterFunc(cellTime, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	if err := cmd.Wait(); err != nil {
		return result{}, fmt.Errorf("%s on %s failed: %w", c.load, c.peer, err)
	}
	var r result
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		return result{}, fmt.Errorf("%s on %s printed %q: %w", c.load, c.peer, out.Bytes(), err)
	}
	return r, s.plausible(c, r.Values)
}

// brief is a result in a few words, to look at while the run goes on.
func (r result) brief() string {
	if r.Skipped != "" {
		return "SKIP: " + r.Skipped
	}
	var b strings.Builder
	for _, name := range []string{"deliveries_per_s", "acks_per_s", "edits_per_s", "cpu_per_million", "cpu_us_per_edit", "p99_ms", "storm_s", "storm_cpu_s",
		"rss_kib_per_connection", "collected_kib_per_connection", "join_ms", "join_cpu_ms", "start_ms", "replica_kib", "used_kib_per_room", "generator_share", "others_share"} {
		if x, ok := r.Values[name]; ok {
			fmt.Fprintf(&b, "%s %s  ", name, figure(x))
		}
	}
	return b.String()
}
