// Command textbench replays editing sessions with the document engine and with
// its peers under Node, yjs and json-joy, and says what they cost.
//
//	textbench TRACE.json                              all phases in this process, one JSON line
//	textbench -compare DIR                            every session in every phase
//	textbench -compare DIR -only NAME -phases local   a part of it, between commas
//	textbench -phase local TRACE.json                 one phase in this process, one JSON line
//
// The phases are
//
//	quiet    replay, no updates made
//	local    replay, every edit's update encoded into a slice of its own
//	remote   all updates applied to an empty document one by one
//	save     the full state encoded
//	load     an empty document given the full state
//	heap     growth of the heap by one loaded document
//	allocs   allocations per operation, of this engine
//	cold     updates round robin over -n documents
//	spot     -n replicas insert at one spot, unaware of each other
//
// A comparison runs every measurement in a process of its own, the libraries by
// turns, round after round, so that what else the machine does hits all of them.
// It counts processor time beside the time on the clock, and gives the median
// and the least of all samples of each library by the same rule.
//
// A session whose text at the end is not the recorded one is a failure: the
// command prints no line and exits with status 1.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "textbench:", err)
		}
		os.Exit(1)
	}
}

func run(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("textbench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	phase := flags.String("phase", "", "what to measure in this process, with its samples; empty: all of a session, medians")
	runs := flags.Int("runs", 5, "without -phase: of how many runs the medians are")
	n := flags.Int("n", 1, "how often the session is played in one document; how many documents (cold) or replicas (spot)")
	dir := flags.String("dir", "", "`folder` that keeps updates and states between phases (default: one of its own)")
	warm := flags.Duration("warm", 2*time.Second, "how long a process works before it is measured, and at least one repetition")
	compare := flags.String("compare", "", "compare all libraries on the sessions of this `folder`; one without sessions is replaced by generated ones")
	only := flags.String("only", "", "with -compare: only these sessions, between commas")
	phases := flags.String("phases", "", "with -compare: only these phases, between commas")
	peers := flags.String("peers", "", "with -compare: only these libraries, between commas: flowsync, yjs, yjs-default, json-joy")
	rounds := flags.Int("rounds", 5, "with -compare: how often every library has its turn")
	oracle := flags.String("oracle", "crdt/ydoc/oracle", "with -compare: `folder` of the Node scripts")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *n < 1 || *rounds < 1 || *runs < 1 {
		return errors.New("-n, -rounds and -runs must be at least 1")
	}
	if *dir == "" {
		own, err := os.MkdirTemp("", "textbench")
		if err != nil {
			return err
		}
		defer os.RemoveAll(own)
		*dir = own
	}
	if *compare != "" {
		c := comparison{traces: *compare, oracle: *oracle, dir: *dir, rounds: *rounds,
			only: list(*only), phases: list(*phases), peers: list(*peers), n: *n, warm: *warm}
		return c.run(stdout, stderr)
	}
	if *phase == "" {
		l, err := measureLine(flags.Arg(0), *runs)
		if err != nil {
			return err
		}
		return json.NewEncoder(stdout).Encode(l)
	}
	m, err := task{phase: *phase, n: *n, dir: *dir, path: flags.Arg(0), warm: *warm}.measure()
	if err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(m)
}

// list splits at commas; the empty list means everything.
func list(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}
