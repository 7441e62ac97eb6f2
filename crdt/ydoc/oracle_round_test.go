package ydoc_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

// fuzzBudget is how many rounds of the differential fuzz to play and for how
// long at most, from these variables:
//
//	YDOC_FUZZ_SEED    the first seed; that round alone unless more are asked for
//	YDOC_FUZZ_ROUNDS  rounds for each mode, whatever time they take
//	YDOC_FUZZ_TIME    time for each mode, e.g. 5m
//
// Without them: 1 second for each mode, 8 in CI. At least 10,000 rounds in
// all leave a dated result in testdata/results.
type fuzzBudget struct {
	seed   uint64
	rounds uint64
	time   time.Duration
}

func readBudget(t *testing.T) fuzzBudget {
	t.Helper()
	b := fuzzBudget{rounds: 1 << 40, time: time.Second}
	if os.Getenv("CI") == "true" {
		b.time = 8 * time.Second
	}
	var err error
	if s := os.Getenv("YDOC_FUZZ_SEED"); s != "" {
		if b.seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatalf("YDOC_FUZZ_SEED: %v", err)
		}
		b.rounds = 1
	}
	if s := os.Getenv("YDOC_FUZZ_TIME"); s != "" {
		if b.time, err = time.ParseDuration(s); err != nil {
			t.Fatalf("YDOC_FUZZ_TIME: %v", err)
		}
		b.rounds = 1 << 40
	}
	if s := os.Getenv("YDOC_FUZZ_ROUNDS"); s != "" {
		if b.rounds, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatalf("YDOC_FUZZ_ROUNDS: %v", err)
		}
		b.time = time.Hour
	}
	return b
}

// TestOracleAgreesWithItself plays rounds with yjs in both bodies: a failure
// here is one of the rounds, not of the engine.
func TestOracleAgreesWithItself(t *testing.T) {
	n := startNode(t, "fuzz.mjs")
	yjs := yjsOpener(n)
	for _, m := range modes() {
		t.Run(m.name, func(t *testing.T) {
			fuzz(t, n, [2]opener{yjs, yjs}, m, fuzzBudget{rounds: 3, time: time.Minute})
		})
	}
}

// fuzz plays rounds until the budget is spent or one fails; it then shrinks
// the round and prints what is left of it. It returns how many were played.
func fuzz(t *testing.T, n *node, open [2]opener, m mode, budget fuzzBudget) uint64 {
	t.Helper()
	deadline := time.Now().Add(budget.time)
	reset := func() {
		if err := n.ask(map[string]any{"do": "reset"}, &struct{}{}); err != nil {
			t.Fatal(err)
		}
	}
	played := uint64(0)
	for seed := budget.seed; played < budget.rounds && time.Now().Before(deadline); seed++ {
		ok := t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			reset()
			s := randomScript(rand.New(rand.NewPCG(seed, 0)), m)
			err := s.run(open)
			if err == nil {
				return
			}
			reset()
			s = s.shrink(open)
			for _, st := range s.steps {
				t.Log(st)
			}
			t.Fatalf("%v\nshrunk to the %d steps above: %v\nagain: YDOC_FUZZ_SEED=%d go test -run '%s' ./crdt/ydoc", err, len(s.steps), s.run(open), seed, t.Name())
		})
		if !ok {
			return played
		}
		played++
	}
	t.Logf("%d rounds from seed %d without a difference", played, budget.seed)
	return played
}
