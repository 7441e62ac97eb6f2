package main

import (
	"fmt"
	"io"
	"time"
)

// progress tells on stderr how far a long job is: on a terminal in a line that is
// rewritten, elsewhere in a line for each tenth. A job that ends within a second
// says nothing.
type progress struct {
	out      io.Writer
	rewrites bool
	what     string
	begun    time.Time

	shown int  // percent last told
	told  bool // something was
}

// progressAfter is how long a job takes before it is spoken of.
const progressAfter = time.Second

func (c *console) progress(what string) *progress {
	return &progress{out: c.err, rewrites: c.rewrites(c.err), what: what, begun: time.Now()}
}

// at tells that a part of the job, from 0 to 1, is done.
func (p *progress) at(now time.Time, part float64) {
	percent := int(100 * min(part, 1))
	step := 10
	if p.rewrites {
		step = 1
	}
	if percent < p.shown+step || now.Sub(p.begun) < progressAfter {
		return
	}
	p.shown, p.told = percent/step*step, true
	if p.rewrites {
		fmt.Fprintf(p.out, "\r\x1b[K  %s  %d %%", p.what, p.shown)
		return
	}
	fmt.Fprintf(p.out, "%s: %d %%\n", p.what, p.shown)
}

// end clears the line.
func (p *progress) end() {
	if p.told && p.rewrites {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}
