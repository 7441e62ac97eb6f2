package flowsync

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"
)

// badInput is one thing that a hub must bear, and its answer.
type badInput struct {
	group, name string

	// pending says what the row waits for; it is counted, not run.
	pending string

	// on is the stream it is aimed at; empty: counter:bad. stands is how many of
	// its ops are committed nevertheless.
	on     string
	stands uint64

	// send sends it. What the hub answers is written down in the trial as
	// "426", "403 denied", "close 1002", "error bad_op", "reject bad_op 1",
	// "ack 1" and so on, and must be want, in any order.
	send func(a *trial)
	want []string

	// slow rows wait for time-outs; they run side by side.
	slow bool
}

// badInputs is the whole table.
func badInputs() []badInput {
	return slices.Concat(
		httpInputs(), frameInputs(), jsonInputs(), opInputs(), identityInputs(),
		aclInputs(), nameInputs(), tokenInputs(), jwtInputs(), limitInputs(), rateInputs(), pendingInputs(),
	)
}

// TestBadInputs sends every bad input and requires its answer; that two
// witnesses, one on the same stream and one on another, go on working; that
// goroutines and descriptors are back to where they were; and that nothing of
// it is stored or logged.
func TestBadInputs(t *testing.T) {
	var groups []string
	rows, pending := map[string][]badInput{}, map[string]int{}
	for _, row := range badInputs() {
		group := row.group
		switch {
		case row.pending != "":
			pending[row.pending]++
			continue
		case row.slow:
			group = "slow"
		}
		if rows[group] == nil {
			groups = append(groups, group)
		}
		rows[group] = append(rows[group], row)
	}
	run := 0
	for _, group := range groups {
		run += len(rows[group])
		t.Run(group, func(t *testing.T) {
			w := newBadWorld(t)
			if group == "slow" {
				w.runSlow(t, rows[group])
				return
			}
			w.run(t, rows[group])
		})
	}
	t.Logf("%d bad inputs were sent", run)
	for _, what := range keysOf(pending) {
		t.Logf("%d more wait for %s", pending[what], what)
	}
}

func keysOf[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// Text that must not be found in the log: bad inputs carry it as tokens and as
// values.
const (
	secret  = "s3cr3t-t0k3n"
	payload = "p4yl0ad"
)

func (w *badWorld) run(t *testing.T, rows []badInput) {
	base := census()
	base.goroutines++ // a subtest's own
	for i, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			a := w.trial(t, row, i)
			before, digest := w.cursorOf(a.on)
			a.meet(row)
			after, now := w.cursorOf(a.on)
			if after.Offset != before.Offset+row.stands || row.stands == 0 && digest != now {
				t.Errorf("%d ops of it are stored, want %d (digest %.4x, then %.4x)", after.Offset-before.Offset, row.stands, digest, now)
			}
			w.same.work(a.on)
			w.other.work("other:counter")
			base.requireBack(t)
		})
	}
}

// runSlow runs rows side by side, while the witnesses work, and looks at what is
// left when all are done. None of them may have an op that stands.
func (w *badWorld) runSlow(t *testing.T, rows []badInput) {
	w.sockets.ReadTimeout = 3 * time.Second
	base := census()
	before, digest := w.cursorOf("counter:bad")
	var all sync.WaitGroup
	for i, row := range rows {
		all.Go(func() { t.Run(row.name, func(t *testing.T) { w.trial(t, row, i).meet(row) }) })
	}
	for range 10 {
		w.other.work("other:counter")
		time.Sleep(100 * time.Millisecond)
	}
	all.Wait()
	if after, now := w.cursorOf("counter:bad"); after.Offset != before.Offset || digest != now {
		t.Errorf("%d ops are stored", after.Offset-before.Offset)
	}
	w.same.work("counter:bad")
	w.other.work("other:counter")
	base.requireBack(t)
}

func (w *badWorld) trial(t *testing.T, row badInput, i int) *trial {
	a := &trial{t: t, world: w, on: row.on, client: fmt.Sprintf("bad-%d", i)}
	if a.on == "" {
		a.on = "counter:bad"
	}
	return a
}
