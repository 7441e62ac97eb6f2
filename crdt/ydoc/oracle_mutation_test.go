package ydoc_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wavesiddhartha/flowsync/crdt/ydoc"
)

// Bounds for one mutated update. They are far above what an honest update of
// the same size takes: they catch a count that was believed, not slowness.
const (
	mutationTime  = 2 * time.Second
	mutationAlloc = 1 << 20 // bytes, and mutationAllocPerByte for each byte of input
	// A recorded byte may become an item, its index entries and their growth.
	mutationAllocPerByte = 4096
)

// TestMutatedUpdates damages valid updates. Whatever comes of it, the engine
// must not panic, must stay within bounds, must leave the document unchanged
// when it refuses the update, and must converge when it takes it.
//
//	YDOC_MUTATIONS      how many; the result is kept in testdata/results
//	YDOC_MUTATION_SEED  the seed (default 0), and the number of the mutation
//	YDOC_MUTATION_FROM  to begin with (default 0)
func TestMutatedUpdates(t *testing.T) {
	count := uint64(20_000)
	if os.Getenv("CI") == "true" {
		count = 200_000
	}
	asked := number(t, "YDOC_MUTATIONS", 0)
	if asked > 0 {
		count = asked
	}
	seed, from := number(t, "YDOC_MUTATION_SEED", 0), number(t, "YDOC_MUTATION_FROM", 0)

	victims := victims(t)
	tally := newMutationTally()
	start := time.Now()
	for i := from; i < from+count; i++ {
		rng := rand.New(rand.NewPCG(seed, i))
		v := choose(rng, victims)
		mutant := mutate(rng, v.next, choose(rng, victims).next)
		err := v.suffer(mutant, tally)
		if err != nil {
			t.Fatalf("seed %d, mutation %d of case %s: %v\nmutant %x\nafter  %x\nagain: YDOC_MUTATION_SEED=%d YDOC_MUTATION_FROM=%d YDOC_MUTATIONS=1 go test -run %s ./crdt/ydoc",
				seed, i, v.name, err, mutant, v.state, seed, i, t.Name())
		}
	}
	t.Logf("%d mutations of %d updates in %v: %v", count, len(victims), time.Since(start).Round(time.Millisecond), tally)
	if tally.taken == 0 || tally.refused == 0 {
		t.Errorf("mutations must reach both ends: %v", tally)
	}
	if asked >= 1_000_000 && !t.Failed() {
		keepResult(t, seed, from, count, len(victims), time.Since(start), tally)
	}
}

func number(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	s := os.Getenv(name)
	if s == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// victim is a document and a valid update that it would receive next.
type victim struct {
	name  string
	state []byte // of the document
	next  []byte
	doc   *ydoc.Doc // in that state; replaced whenever a mutant was taken
}

// victims are made from the recorded updates of yjs and from random rounds of
// the engine itself, small enough to look at completely every time.
func victims(t *testing.T) []*victim {
	t.Helper()
	var all []*victim
	add := func(name string, updates [][]byte) {
		d := ydoc.New(oracleReader)
		for i, u := range updates {
			all = append(all, &victim{name: fmt.Sprintf("%s/%d", name, i), state: d.AppendState(nil), next: u, doc: d.Clone()})
			if err := d.Apply(u); err != nil {
				t.Fatalf("%s: update %d: %v", name, i, err)
			}
		}
		all = append(all, &victim{name: name + "/whole", state: ydoc.New(oracleReader).AppendState(nil), next: d.AppendState(nil), doc: ydoc.New(oracleReader)})
	}
	for _, r := range recordings(t) {
		add(r.Name, r.Updates)
	}
	for _, m := range modes() {
		if m.undo {
			continue
		}
		for seed := range uint64(3) {
			add(fmt.Sprintf("%s-%d", m.name, seed), madeByRound(t, seed, m))
		}
	}
	return all
}

// madeByRound are the updates of the first few edits of a random round that
// two replicas make in turn, each having received the other's.
func madeByRound(t *testing.T, seed uint64, m mode) [][]byte {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	var authors [2]body
	for r := range authors {
		b, err := openGo(settings{client: uint64(r + 1), rich: m.rich})
		if err != nil {
			t.Fatal(err)
		}
		authors[r] = b
	}
	var updates [][]byte
	for i := range 12 {
		var edits []edit
		for range 1 + rng.IntN(3) {
			edits = append(edits, randomEdit(rng, m))
		}
		u, err := authors[i%2].edit(0, edits)
		if err != nil {
			t.Fatal(err)
		}
		if len(u) == 0 {
			continue
		}
		if err := authors[1-i%2].apply(0, u); err != nil {
			t.Fatal(err)
		}
		updates = append(updates, u)
	}
	return updates
}

// suffer gives the mutant to the victim.
func (v *victim) suffer(mutant []byte, tally *mutationTally) (err error) {
	defer func() {
		if p := recover(); p != nil {
			stack := make([]byte, 1<<14)
			err = fmt.Errorf("panic: %v\n%s", p, stack[:runtime.Stack(stack, false)])
		}
	}()
	before, start := tally.allocated(), time.Now()
	refused := v.doc.Apply(mutant)
	took, bytesMade := time.Since(start), tally.allocated()-before
	tally.slowest, tally.largest = max(tally.slowest, took), max(tally.largest, bytesMade)
	if took > mutationTime {
		return fmt.Errorf("took %v", took)
	}
	if limit := uint64(mutationAlloc + mutationAllocPerByte*len(mutant)); bytesMade > limit {
		return fmt.Errorf("allocated %d bytes, at most %d wanted", bytesMade, limit)
	}
	if refused != nil {
		return v.requireUnchanged(refused, tally)
	}
	tally.taken++
	return v.requireConvergence()
}

// requireUnchanged is for a refused mutant.
func (v *victim) requireUnchanged(refused error, tally *mutationTally) error {
	tally.refused++
	switch {
	case errors.Is(refused, ydoc.ErrInvalid), errors.Is(refused, ydoc.ErrConflict), errors.Is(refused, ydoc.ErrLimit):
	default:
		return fmt.Errorf("refused with an error of no kind: %w", refused)
	}
	if got := v.doc.AppendState(nil); !bytes.Equal(got, v.state) {
		return fmt.Errorf("refused (%w), but the document changed to %x", refused, got)
	}
	return v.doc.Check()
}

// requireConvergence is for a mutant that was taken: a document that did not
// receive it, and one that starts empty, must reach the same.
func (v *victim) requireConvergence() error {
	hit := v.doc
	v.doc = ydoc.New(oracleReader)
	if err := v.doc.Apply(v.state); err != nil {
		return fmt.Errorf("the state before the mutant is refused: %w", err)
	}
	if err := hit.Check(); err != nil {
		return fmt.Errorf("after the mutant: %w", err)
	}
	for _, start := range [][]byte{v.state, nil} {
		other := ydoc.New(oracleReader + 1)
		if start != nil {
			if err := other.Apply(start); err != nil {
				return err
			}
		}
		if err := converge(hit, other); err != nil {
			return err
		}
	}
	return nil
}

// converge exchanges states both ways until the documents agree. Once does
// not always do: on receipt a document cleans up formats that have become
// needless, as yjs does, and that is an edit of its own.
func converge(a, b *ydoc.Doc) error {
	const rounds = 4
	for range rounds {
		for _, pair := range [][2]*ydoc.Doc{{a, b}, {b, a}} {
			state := pair[0].AppendState(nil)
			if err := pair[1].Apply(state); err != nil {
				return fmt.Errorf("the state with the mutant is refused: %w: %x", err, state)
			}
			if err := pair[1].Check(); err != nil {
				return fmt.Errorf("a document that received the state with the mutant: %w", err)
			}
		}
		if bytes.Equal(a.AppendDigestInput(nil), b.AppendDigestInput(nil)) {
			break
		}
	}
	if got, want := b.AppendDigestInput(nil), a.AppendDigestInput(nil); !bytes.Equal(got, want) {
		return fmt.Errorf("digests differ after an exchange:\n  %x\n  %x", want, got)
	}
	if got, want := b.AppendJSON(nil), a.AppendJSON(nil); !bytes.Equal(got, want) {
		return fmt.Errorf("values differ after an exchange:\n  %s\n  %s", want, got)
	}
	return nil
}

// mutationTally counts what became of the mutants.
type mutationTally struct {
	taken, refused int
	slowest        time.Duration
	largest        uint64 // bytes allocated by one Apply
	sample         []metrics.Sample
}

func newMutationTally() *mutationTally {
	return &mutationTally{sample: []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}}
}

// allocated is how many bytes this process has allocated so far.
func (m *mutationTally) allocated() uint64 {
	metrics.Read(m.sample)
	return m.sample[0].Value.Uint64()
}

func (m *mutationTally) String() string {
	return fmt.Sprintf("%d refused, %d taken, slowest %v, largest allocation of one %d bytes", m.refused, m.taken, m.slowest.Round(time.Microsecond), m.largest)
}

// keepResult leaves a dated file for a run that took long.
func keepResult(t *testing.T, seed, from, count uint64, cases int, took time.Duration, tally *mutationTally) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "# Mutated updates\n\n")
	fmt.Fprintf(&b, "- Date: %s\n- Go: %s %s/%s\n- Mutations: %d, seed %d, from %d\n- Valid updates that were mutated: %d\n- Took: %v\n- Refused: %d\n- Taken, and then converged: %d\n- Panics: 0\n- Slowest Apply: %v\n- Most bytes allocated by one Apply: %d\n",
		time.Now().UTC().Format(time.DateOnly), runtime.Version(), runtime.GOOS, runtime.GOARCH, count, seed, from, cases,
		took.Round(time.Second), tally.refused, tally.taken, tally.slowest.Round(time.Microsecond), tally.largest)
	fmt.Fprintf(&b, "\nAgain: `YDOC_MUTATIONS=%d YDOC_MUTATION_SEED=%d go test -timeout 0 -run TestMutatedUpdates ./crdt/ydoc`\n", count, seed)
	keep(t, "mutations", b.String())
}
