// Command textbench replays an editing session with the document engine and
// prints what it cost as one JSON line.
//
//	textbench TRACE.json                     one session, one line
//	textbench -least TRACE.json              the least of the runs, not the median
//	textbench -mode allocs TRACE.json        allocations per operation
//	textbench -mode repeat -n 10 TRACE.json  the session ten times in one document
//	textbench -mode cold -n 500 TRACE.json   updates round robin over 500 documents
//	textbench -mode spot -n 1540             1,540 replicas insert at one spot
//	textbench -compare DIR [-out FILE]       all of it beside yjs and json-joy
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
	"slices"

	"github.com/wavesiddhartha/flowsync/crdt/ydoc/trace"
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
	mode := flags.String("mode", "line", "line, allocs, repeat, cold or spot")
	runs := flags.Int("runs", 5, "runs of which the median is printed")
	least := flags.Bool("least", false, "print the least of the runs instead: less is due to what else the machine does")
	n := flags.Int("n", 1, "how many rounds (repeat), documents (cold) or replicas (spot)")
	compare := flags.String("compare", "", "compare all libraries on the sessions of this `folder`; one without sessions is replaced by generated ones")
	out := flags.String("out", "", "with -compare: also write the tables to this Markdown `file`")
	oracle := flags.String("oracle", "crdt/ydoc/oracle", "with -compare: `folder` of the Node scripts")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *runs < 1 || *n < 1 {
		return errors.New("-runs and -n must be at least 1")
	}
	if *compare != "" {
		return runComparison(comparison{traces: *compare, oracle: *oracle, out: *out, runs: *runs}, stdout, stderr)
	}
	answer, err := answerFor(*mode, *n, *runs, *least, flags.Arg(0))
	if err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(answer)
}

// answerFor measures one thing in this process.
func answerFor(mode string, n, runs int, least bool, path string) (any, error) {
	if mode == "spot" {
		return spot(n)
	}
	if path == "" {
		return nil, errors.New("no session given: name a file that trace.Read understands, e.g. a .json.gz of josephg/editing-traces")
	}
	t, err := trace.Read(path)
	if err != nil {
		return nil, err
	}
	t, err = t.UTF16()
	if err != nil {
		return nil, err
	}
	switch mode {
	case "line":
		if least {
			return measure(t, runs, func(ms []float64) float64 { return rounded(slices.Min(ms)) })
		}
		return measure(t, runs, median)
	case "allocs":
		return allocations(t)
	case "repeat":
		return repeated(t, n)
	case "cold":
		return cold(t, n)
	default:
		return nil, fmt.Errorf("no mode %q: want line, allocs, repeat, cold or spot", mode)
	}
}
