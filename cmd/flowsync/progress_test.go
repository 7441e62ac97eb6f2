package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// A job that takes long says how far it is: by tenths to a file, in one line that
// is rewritten and cleared on a terminal, and not at all in its first second.
func TestProgress(t *testing.T) {
	run := func(rewrites bool, each time.Duration) string {
		var out bytes.Buffer
		p := &progress{out: &out, rewrites: rewrites, what: "checking a.db", begun: time.Now()}
		for i := range 1000 {
			p.at(p.begun.Add(time.Duration(i)*each), float64(i)/1000)
		}
		p.end()
		return out.String()
	}
	if got := run(false, time.Millisecond/2) + run(true, time.Millisecond/2); got != "" {
		t.Errorf("a short job says %q", got)
	}
	want := "checking a.db: 10 %\nchecking a.db: 20 %\nchecking a.db: 30 %\nchecking a.db: 40 %\nchecking a.db: 50 %\n" +
		"checking a.db: 60 %\nchecking a.db: 70 %\nchecking a.db: 80 %\nchecking a.db: 90 %\n"
	if got := run(false, 20*time.Millisecond); got != want {
		t.Errorf("to a file:\n%s", got)
	}
	got := run(true, 20*time.Millisecond)
	if strings.Contains(got, "\n") || !strings.HasSuffix(got, "\r\x1b[K  checking a.db  99 %\r\x1b[K") {
		t.Errorf("on a terminal: %q", got)
	}
}
