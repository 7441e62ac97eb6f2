package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// manyOps is how many ops a second are shown one by one. A busier second is
// shown as one line.
const manyOps = 5

// feed shows the hub's log to a person, a line for each record. Ops that come
// faster than one can read are summed up once a second, on a terminal in place.
type feed struct {
	// Set by newFeed, read-only after.
	out      io.Writer
	paint    palette
	rewrites bool // out is a terminal: a summary may replace the one before
	verbose  bool // every attribute of every record, no summing up

	mu        sync.Mutex
	ops       int            // in this second
	summed    map[string]int // stream → ops of this second that got no line
	busy      bool           // the last second had more than manyOps
	summaryUp bool           // the last line on screen is a summary
}

func newFeed(out io.Writer, paint palette, rewrites, verbose bool) *feed {
	return &feed{out: out, paint: paint, rewrites: rewrites, verbose: verbose, summed: make(map[string]int)}
}

// take shows a record, or counts it in.
func (f *feed) take(r record) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.name == "op" && !f.verbose {
		f.ops++
		if f.busy || f.ops > manyOps {
			f.summed[r.text("stream")]++
			return
		}
	}
	f.line(r.at, lineOf(r, f.paint, f.verbose))
	f.summaryUp = false
}

// tick ends a second: it shows what was summed up in it.
func (f *feed) tick(now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.busy = f.ops > manyOps
	f.ops = 0
	if len(f.summed) == 0 {
		return
	}
	if f.rewrites && f.summaryUp {
		io.WriteString(f.out, "\x1b[1A\x1b[2K")
	}
	f.line(now, summaryOf(f.summed, f.paint))
	f.summaryUp = true
	clear(f.summed)
}

func (f *feed) line(at time.Time, text string) {
	fmt.Fprintf(f.out, "%s  %s\n", f.paint.dim(at.Format(time.TimeOnly)), text)
}
