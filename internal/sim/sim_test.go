package sim

import (
	"flag"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

var (
	seeds  = flag.Int("seeds", 0, "histories to play; 0: the 500 of every test run, with a check of what they reach (-short: 50)")
	from   = flag.Uint64("from", 0, "the first history to play")
	stop   = flag.Bool("first", false, "stop at the first history that fails")
	seed   = flag.Int64("seed", -1, "play this history alone; with -v, show what happens in it")
	events = flag.Int("events", 2000, "what the machines step on in a history before it heals, at least")
)

// defaultSeeds reach every rare path and take a few seconds.
const defaultSeeds = 500

// TestHistories plays random histories. Every promise that is broken names the
// command that plays its history again.
func TestHistories(t *testing.T) {
	if *seed >= 0 {
		playOne(t, uint64(*seed))
		return
	}
	n, all := *seeds, (*seeds == 0 || *seeds >= longRun) && *from == 0 && *events == 2000 && !testing.Short() && !raced
	switch {
	case n > 0:
	case testing.Short() || raced:
		n = defaultSeeds / 10
	default:
		n = defaultSeeds
	}
	seen := play(t, *from, uint64(n))
	if testing.Verbose() {
		for _, path := range slices.Sorted(maps.Keys(seen)) {
			fmt.Printf("%9d %s\n", seen[path], path)
		}
	}
	if all && !t.Failed() {
		requireReached(t, seen, n)
	}
}

// play plays n histories from a first one on, as many at a time as there are
// processors, and returns what they reached.
func play(t *testing.T, first, n uint64) map[string]int {
	var (
		mu     sync.Mutex // guards what follows
		next   = first
		end    = first + n
		seen   = map[string]int{}
		failed = map[uint64]string{}
		all    sync.WaitGroup
	)
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for {
				mu.Lock()
				seed := next
				next++
				done := seed >= end
				mu.Unlock()
				if done {
					return
				}
				r := Run(Options{Seed: seed, Events: *events})
				mu.Lock()
				if r.Failure != "" {
					failed[seed] = r.Failure
					if *stop {
						end = min(end, seed)
					}
				}
				for path, times := range r.Seen {
					seen[path] += times
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	for _, seed := range slices.Sorted(maps.Keys(failed)) {
		t.Errorf("seed %d: %s\nplay it again: go test ./internal/sim -run TestHistories -seed=%d -events=%d -v", seed, failed[seed], seed, *events)
	}
	return seen
}

func playOne(t *testing.T, seed uint64) {
	r := Run(Options{Seed: seed, Events: *events, Trace: true})
	if testing.Verbose() {
		fmt.Println(strings.Join(r.Trace, "\n"))
	}
	if r.Failure != "" {
		t.Errorf("seed %d: %s", seed, r.Failure)
	}
}

// TestSameSeedSameHistory plays histories twice: a failure is of use only if it
// can be repeated.
func TestSameSeedSameHistory(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			one := Run(Options{Seed: seed, Events: *events, Trace: true})
			two := Run(Options{Seed: seed, Events: *events})
			if one.Hash != two.Hash || !maps.Equal(one.Seen, two.Seen) {
				t.Errorf("the histories differ: %x and %x", one.Hash, two.Hash)
			}
			if other := Run(Options{Seed: seed + 1, Events: *events}); other.Hash == one.Hash {
				t.Error("another seed makes the same history")
			}
		})
	}
}
