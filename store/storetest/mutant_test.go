package storetest_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/store"
	"github.com/wavesiddhartha/flowsync/store/storetest"
)

// mutantEnv names the mutant for the process that TestMutants starts.
const mutantEnv = "STORETEST_MUTANT"

// mutants are stores with one fault each, and the tests of the suite that are
// there to find it.
func mutants() map[string]mutant {
	return map[string]mutant{
		"answers twice":               {"Append", func(m store.Store) store.Store { return answersTwice{m} }},
		"answers before the commit":   {"Concurrent", func(m store.Store) store.Store { return answersEarly{m} }},
		"overrules the compare":       {"Lost", func(m store.Store) store.Store { return overrules{m} }},
		"hides what was missed":       {"Lost", func(m store.Store) store.Store { return hidesMissed{m} }},
		"commits batches backwards":   {"Append", func(m store.Store) store.Store { return reverses{m} }},
		"raises no fences":            {"Fence", func(m store.Store) store.Store { return fenceless{m} }},
		"forgets trimmed watermarks":  {"Recall", func(m store.Store) store.Store { return forgetful{m} }},
		"loses the tail on reopening": {"Reopen", func(m store.Store) store.Store { return m }},
		"reads across a hole":         {"Read", func(m store.Store) store.Store { return holed{m} }},
		"rotates without comparing":   {"Rotate", func(m store.Store) store.Store { return rotatesAny{m} }},
	}
}

type mutant struct {
	finder string // subtest of the suite
	wrap   func(store.Store) store.Store
}

func TestMutants(t *testing.T) {
	for name, m := range mutants() {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=^TestMutant$/^"+m.finder+"$", "-test.timeout=60s")
			cmd.Env = append(os.Environ(), mutantEnv+"="+name, "GORACE=atexit_sleep_ms=0")
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			if err == nil || !errors.As(err, &exit) {
				t.Fatalf("the suite did not find it: %v\n%s", err, out)
			}
			if !strings.Contains(string(out), "--- FAIL: TestMutant/"+m.finder+"/") {
				t.Errorf("it was not a test of %s that found it:\n%s", m.finder, out)
			}
		})
	}
}

// TestMutant runs the suite on one mutant, in a process that TestMutants starts.
func TestMutant(t *testing.T) {
	name := os.Getenv(mutantEnv)
	if name == "" {
		t.Skip("runs in a process of TestMutants")
	}
	m := mutants()[name]
	storetest.RunDurable(t,
		func(*testing.T) store.Store { return m.wrap(store.NewMemory()) },
		func(_ *testing.T, _ store.Store) store.Store { return store.NewMemory() },
	)
}

type answersTwice struct{ store.Store }

func (m answersTwice) Append(batches []store.Batch, done func([]store.Result)) {
	m.Store.Append(batches, func(r []store.Result) {
		done(r)
		done(slices.Clone(r))
	})
}

type answersEarly struct{ store.Store }

func (m answersEarly) Append(batches []store.Batch, done func([]store.Result)) {
	done(make([]store.Result, len(batches)))
	m.Store.Append(batches, func([]store.Result) {})
}

// overrules appends what lost where the head is now.
type overrules struct{ store.Store }

func (m overrules) Append(batches []store.Batch, done func([]store.Result)) {
	m.Store.Append(batches, func(results []store.Result) {
		for i := range results {
			if !results[i].Lost || results[i].Head.Epoch == "" {
				continue
			}
			b := batches[i]
			b.After, b.Record.Prev = results[i].Head, results[i].Head.Chain
			b.Record.Entries = slices.Clone(b.Record.Entries)
			for j := range b.Record.Entries {
				b.Record.Entries[j].Offset = b.After.Offset + 1 + uint64(j)
			}
			m.Store.Append([]store.Batch{b}, func(again []store.Result) { results[i] = again[0] })
		}
		done(results)
	})
}

type hidesMissed struct{ store.Store }

func (m hidesMissed) Append(batches []store.Batch, done func([]store.Result)) {
	m.Store.Append(batches, func(results []store.Result) {
		for i := range results {
			results[i].Missed = nil
		}
		done(results)
	})
}

// reverses applies the batches of a call last to first.
type reverses struct{ store.Store }

func (m reverses) Append(batches []store.Batch, done func([]store.Result)) {
	batches = slices.Clone(batches)
	slices.Reverse(batches)
	m.Store.Append(batches, func(results []store.Result) {
		slices.Reverse(results)
		done(results)
	})
}

type fenceless struct{ store.Store }

func (m fenceless) Recall(ctx context.Context, stream string, w crdt.Writer, _ uint64) (store.Watermark, []store.Mark, error) {
	return m.Store.Recall(ctx, stream, w, 0)
}

type forgetful struct{ store.Store }

func (m forgetful) Recall(ctx context.Context, stream string, w crdt.Writer, fence uint64) (store.Watermark, []store.Mark, error) {
	mark, trail, err := m.Store.Recall(ctx, stream, w, fence)
	if len(trail) == 0 {
		mark = store.Watermark{}
	}
	return mark, trail, err
}

type holed struct{ store.Store }

func (m holed) Read(ctx context.Context, stream string, after uint64, max int) (store.Tail, error) {
	tail, err := m.Store.Read(ctx, stream, after, max)
	if len(tail.Records) > 2 {
		tail.Records = slices.Delete(slices.Clone(tail.Records), 1, 2)
	}
	return tail, err
}

type rotatesAny struct{ store.Store }

func (m rotatesAny) Rotate(ctx context.Context, stream, _ string) (store.Position, error) {
	now, err := m.Load(ctx, stream)
	if err != nil {
		return store.Position{}, err
	}
	return m.Store.Rotate(ctx, stream, now.Head.Epoch)
}
