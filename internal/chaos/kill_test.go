package chaos

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"
)

// kills is how often the hub is killed; CHAOS_KILLS asks for another number.
func kills(t *testing.T) int {
	t.Helper()
	text := os.Getenv("CHAOS_KILLS")
	if text == "" {
		return 8
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("CHAOS_KILLS is %q, want a number from 1", text)
	}
	return n
}

// P1, P3, P4: SIGKILL at any moment, again and again under load, loses no acked op,
// doubles none, and leaves all sides equal.
func TestKill(t *testing.T) {
	const seed = 1
	t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
		rng := rand.New(rand.NewPCG(seed, 0))
		n := kills(t)
		h := newHub(t, filepath.Join(t.TempDir(), "flowsync.db"))
		c := newCrowd(t, h.url("ws"), 4, seed)
		begun, acked, caught := time.Now(), 0, 0
		for i := range n {
			before, _ := c.state()
			if i%2 == 0 { // the other half may come while the clients are still coming back
				eventually(t, patience, "load", func() bool { now, _ := c.state(); return now > before+queueMost })
			}
			time.Sleep(time.Duration(rng.IntN(250)) * time.Millisecond) // the moment is what is random
			h.kill()
			pushed, pending := c.state()
			if pending > 0 && pushed > before {
				caught++
			}
			acked = pushed - pending
			h.start()
		}
		took := time.Since(begun)
		if caught < n/4 {
			t.Errorf("%d of %d kills came while ops were under way: the load is too light", caught, n)
		}
		c.rest()
		c.flush(patience)
		c.requireEqual(h)
		if status, _ := h.terminate(); status != 0 {
			t.Errorf("exit status %d", status)
		}
		want := c.wanted()
		lost, doubled := readLedger(t, h.file).balance(t, want)
		slices.Sort(h.ready)
		report(t, "kills", "SIGKILL under load of 4 clients: %d kills in %.1f s, %d of them with ops under way; "+
			"%d ops acked (%d of them before the last kill), lost %d, doubled %d; ready again after %d ms (median), %d ms (most)",
			n, took.Seconds(), caught, want.pushed, acked, lost, doubled,
			h.ready[len(h.ready)/2].Milliseconds(), h.ready[len(h.ready)-1].Milliseconds())
	})
}

// P22: SIGTERM under load ends the hub with status 0 within 5 s, and what was
// acked is there after the next start.
func TestTerminate(t *testing.T) {
	const seed, rounds = 2, 3
	t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
		h := newHub(t, filepath.Join(t.TempDir(), "flowsync.db"))
		c := newCrowd(t, h.url("ws"), 4, seed)
		var longest time.Duration
		for range rounds {
			before, _ := c.state()
			eventually(t, patience, "load", func() bool { now, _ := c.state(); return now > before+300 })
			status, took := h.terminate()
			longest = max(longest, took)
			if status != 0 || took > 5*time.Second {
				t.Errorf("exit status %d after %v", status, took)
			}
			h.start()
		}
		c.rest()
		c.flush(patience)
		c.requireEqual(h)
		h.terminate()
		want := c.wanted()
		lost, doubled := readLedger(t, h.file).balance(t, want)
		report(t, "terminate", "SIGTERM under load of 4 clients: %d times, %d ops acked, lost %d, doubled %d; ended after %d ms at most",
			rounds, want.pushed, lost, doubled, longest.Milliseconds())
	})
}
