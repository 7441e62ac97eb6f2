// Package cross holds the clients in Go and in JavaScript to each other: random
// worlds of both, on a real hub, must end with equal digests and with every op
// accounted for. It has tests alone.
package cross

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
)

var (
	seeds = flag.Int("seeds", 12, "worlds to play")
	from  = flag.Uint64("from", 0, "the first world to play")
	steps = flag.Int("steps", 60, "edits and faults in a world")
)

// TestConverge plays random worlds: clients go offline and online, are rejected
// and restarted; the hub is cut off, restarted and loses the end of its log. A
// seed decides what is done; the network decides what meets, so that a seed that
// failed may have to be played a few times:
//
//	go test ./internal/cross -run TestConverge/all/seed=17$ -from 17 -seeds 1 -count 20
func TestConverge(t *testing.T) {
	needJavaScript(t)
	js := startHost(t)
	var (
		mu       sync.Mutex // guards happened
		happened = map[string]int{}
	)
	t.Run("all", func(t *testing.T) {
		for seed := *from; seed < *from+uint64(*seeds); seed++ {
			t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, seed)
				for i := range 2 {
					g := newGoNode(t, w.url(), fmt.Sprintf("go-%d", i), w.queue("go"))
					defer g.close()
					w.populate(g)
					name := fmt.Sprintf("js-%d", i)
					l := js.newNode(t, fmt.Sprintf("%d.%s", seed, name), w.url(), name, w.queue("js"))
					defer l.close()
					w.populate(l)
				}
				w.play(*steps)
				mu.Lock()
				defer mu.Unlock()
				for what, n := range w.happened {
					happened[what] += n
				}
			})
		}
	})
	for _, what := range slices.Sorted(maps.Keys(happened)) {
		t.Logf("%8d %s", happened[what], what)
	}
	if *seeds < 100 || t.Failed() {
		return
	}
	for _, what := range reached {
		if happened[what] == 0 {
			t.Errorf("%d worlds, and never: %s", *seeds, what)
		}
	}
}

// reached is what a hundred worlds must have come to.
var reached = []string{
	"cut", "hub restart", "log begins later", "lost tail", "offline or online", "push", "refused at once",
	"rejected bad_op", "rejected denied", "rejected overflow", "rejected removed_forever", "rejected too_large",
	"restart", "right taken",
}

// play lets things happen, and checks what they left.
func (w *world) play(steps int) {
	for range steps {
		w.step()
		if w.t.Failed() {
			return
		}
	}
	w.heal()
	w.requireEqual()
	w.requireAccounted()
}
