package ydoc_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestOracleFuzz plays random rounds with replicas that have a body in each
// engine, and compares everything that the two say.
func TestOracleFuzz(t *testing.T) {
	n := startNode(t, "fuzz.mjs")
	open := [2]opener{openGo, yjsOpener(n)}
	budget := readBudget(t)
	start, total := time.Now(), uint64(0)
	var b strings.Builder
	for _, m := range modes() {
		t.Run(m.name, func(t *testing.T) {
			played := fuzz(t, n, open, m, budget)
			total += played
			fmt.Fprintf(&b, "- %s: %d rounds\n", m.name, played)
		})
	}
	const worthKeeping = 10_000
	if total < worthKeeping || t.Failed() {
		return
	}
	keep(t, "oracle-fuzz", fmt.Sprintf("# Differential fuzz against yjs\n\n- Date: %s\n- Go: %s %s/%s\n- Replicas: 3 to 5 a round, each with a body in either engine\n- Seeds: from %d in each mode\n- Took: %v\n%s- Differences: 0\n",
		time.Now().UTC().Format(time.DateOnly), runtime.Version(), runtime.GOOS, runtime.GOARCH, budget.seed, time.Since(start).Round(time.Second), b.String()))
}
