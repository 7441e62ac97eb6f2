// Command flowsync runs a hub, for development and with a file to keep its
// streams in, and is a client of any hub for people and scripts: push, get, watch,
// and a replica that speaks JSON lines. It also looks into a hub's file.
//
// # Invariants
//
//   - Output is on stdout, everything said to a person beside it on stderr. What
//     --json prints is one JSON object a line.
//   - Without a terminal there is no escape sequence and nothing is rewritten.
//   - Exit status: 0 done, 1 failed, 2 wrong usage, 78 a data file that cannot be
//     used, 130 interrupted.
package main

import (
	"errors"
	"os"

	"github.com/alecthomas/kong"
)

// Exit statuses.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitConfig      = 78  // EX_CONFIG of sysexits.h
	exitInterrupted = 130 // 128 + SIGINT, as shells report it
)

func main() {
	os.Exit(run(os.Args[1:], console{in: os.Stdin, out: os.Stdout, err: os.Stderr, env: os.Getenv}))
}

// run is main with the world as its arguments.
func run(args []string, c console) int {
	var g grammar
	parser, err := kong.New(&g,
		kong.Name("flowsync"),
		kong.Description("Streams that converge: a hub, and clients for the shell."),
		kong.NoDefaultHelp(),
		kong.Writers(c.out, c.err),
		kong.Vars{"url": defaultURL},
	)
	if err != nil {
		panic(err) // the grammar is constant: the tests parse it
	}
	if len(args) == 0 {
		parser.Stdout = c.err
		if _, err := parser.Parse([]string{"--help"}); !errors.Is(err, errHelp) {
			return c.fail(usage(err))
		}
		return exitUsage
	}
	ctx, err := parser.Parse(args)
	if errors.Is(err, errHelp) {
		return exitDone
	}
	if err != nil {
		return c.fail(usage(err))
	}
	c.choose(g.Color)
	if err := ctx.Run(&c); err != nil {
		return c.fail(err)
	}
	return exitDone
}
