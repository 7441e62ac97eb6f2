package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// fault is an error told to a person: what happened, why, and what to try.
type fault struct {
	what string
	why  string // may be empty
	try  string // may be empty
	exit int    // 0: exitFailed
}

func (f *fault) Error() string { return f.what }

// errInterrupted ends a command that SIGINT stopped. Nothing is said.
var errInterrupted = errors.New("interrupted")

// usage makes a fault of the parser's error.
func usage(err error) error {
	f := &fault{what: err.Error(), try: "flowsync --help", exit: exitUsage}
	if what, why, ok := strings.Cut(err.Error(), ", did you mean "); ok {
		f.what, f.why = what, "did you mean "+why
	}
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context != nil {
		if n := parse.Context.Selected(); n != nil {
			f.try = "flowsync " + n.Name + " --help"
		}
	}
	return f
}

// fail tells err on stderr and returns the exit status.
func (c *console) fail(err error) int {
	if errors.Is(err, errInterrupted) {
		return exitInterrupted
	}
	f := &fault{what: err.Error()}
	errors.As(err, &f)
	p := c.errPalette()
	fmt.Fprintf(c.err, "%s %s\n", p.bad("✗"), f.what)
	if f.why != "" {
		fmt.Fprintf(c.err, "  %s\n", f.why)
	}
	if f.try != "" {
		fmt.Fprintf(c.err, "  try: %s\n", p.accent(f.try))
	}
	if f.exit != 0 {
		return f.exit
	}
	return exitFailed
}
