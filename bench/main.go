// Command bench measures the hub beside its peers: the same loads, over loopback,
// server and clients in processes of their own, all in one run. docs/performance.md
// has the figures and says how to read them.
//
//	bench run [-scale full|quick|sanity]    all loads on all peers, then the table
//	bench table FILE…                       the table of former runs' results
//	bench load [-scale …] LOAD PEER         one load on one peer, as a line of JSON
//	bench serve PEER                        a peer alone, until standard input ends
//
// It needs Linux, whose accounts of processor time and memory it reads.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/wavesiddhartha/flowsync/bench/peer"
	"github.com/wavesiddhartha/flowsync/bench/proc"
)

func main() {
	if err := command(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

var errUsage = errors.New("usage: bench run | table FILE… | load LOAD PEER | serve PEER (see bench/main.go)")

func command(args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	flags := flag.NewFlagSet("bench "+args[0], flag.ContinueOnError)
	scaleName := flags.String("scale", "full", "how long and how large: full, quick or sanity")
	dir := flags.String("dir", filepath.Join("..", "results"), "folder for results, and for the servers' files")
	profile := flags.String("cpuprofile", "", "file for the server's processor profile")
	traces := flags.String("traces", filepath.Join("..", "..", "shared", "traces"), "folder of recorded editing sessions")
	growth := flags.Bool("growth", false, "run: measure how costs grow, too (always in a full run)")
	only := flags.String("only", "", "run: only loads whose names begin with one of these, between commas")
	rounds := flags.Int("rounds", 0, "run: how often each load is run, for medians (default: 3 in a full run, else 1)")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	if _, err := proc.RaiseFiles(); err != nil {
		fmt.Fprintln(os.Stderr, "bench: the bound on open files cannot be raised:", err)
	}
	s, err := findScale(*scaleName)
	if err != nil {
		return err
	}
	if *rounds > 0 {
		s.rounds = *rounds
	}
	s.trace = filepath.Join(*traces, "automerge-paper.json.gz")
	switch verb, rest := args[0], flags.Args(); {
	case verb == "run" && len(rest) == 0:
		return run(s, *dir, *traces, *growth, *only)
	case verb == "table" && len(rest) > 0:
		return tableOf(rest)
	case verb == "load" && len(rest) == 2:
		return loadOne(s, rest[0], rest[1], *dir, *profile)
	case verb == "serve" && len(rest) == 1:
		p, err := peer.Find(rest[0])
		if err != nil {
			return err
		}
		return serve(p, *dir, *profile)
	}
	return errUsage
}
