package main

import (
	"fmt"
	"strings"
)

// goal is one row of the table of goals. A limit of 0 is no limit.
type goal struct {
	what string
	unit string

	ours, theirs float64 // theirs is 0 where there is nothing to compare

	// A ratio is theirs / ours: larger is better.
	mustRatio, aimRatio float64
	must, aim           float64 // in the unit: smaller is better
}

// ratio is how many times as much the peer needs, 0 without a peer.
func (g goal) ratio() float64 {
	if g.ours <= 0 {
		return 0
	}
	return g.theirs / g.ours
}

// meets reports whether the goal keeps a limit in its unit and one in ratio.
// A ratio cannot be judged without a peer.
func (g goal) meets(limit, ratio float64) string {
	switch {
	case limit == 0 && ratio == 0:
		return "–"
	case limit != 0 && g.ours > limit:
		return "MISSED"
	case ratio != 0 && g.theirs == 0:
		return "no peer"
	case ratio != 0 && g.ratio() < ratio:
		return "MISSED"
	}
	return "met"
}

// limits says what must hold, e.g. "≥ 70×, ≤ 130 ns".
func limits(unit string, limit, ratio float64) string {
	var parts []string
	if ratio >= 1 {
		parts = append(parts, fmt.Sprintf("≥ %g×", ratio))
	}
	if limit != 0 {
		parts = append(parts, strings.TrimSpace(fmt.Sprintf("≤ %g %s", limit, unit)))
	}
	if len(parts) == 0 {
		return "–"
	}
	return strings.Join(parts, ", ")
}

// goals are the figures to reach, for the first session.
func (r *results) goals() []goal {
	lines := r.lines[r.traces[0]]
	us := lines[0]
	var them line
	var theirCold growth
	if len(lines) > 1 { // yjs comes right after flowsync
		them, theirCold = lines[1], r.cold[1]
	}
	// Goals speak of one edit; lines of the whole session.
	local := func(l line) float64 {
		if l.LocalMS == nil {
			return 0
		}
		return *l.LocalMS * 1e6 / float64(l.Updates)
	}
	remote := func(l line) float64 {
		if l.Updates == 0 {
			return 0
		}
		return l.RemoteMS * 1e6 / float64(l.Updates)
	}
	return []goal{
		{what: "local edit with a fresh encoded update", unit: "ns", ours: local(us), theirs: local(them), must: 130, mustRatio: 70, aim: 80},
		{what: "remote apply of the per-edit updates, warm", unit: "ns", ours: remote(us), theirs: remote(them), must: 170, mustRatio: 30, aim: 90},
		{what: fmt.Sprintf("remote apply over %d cold documents", coldDocuments), unit: "ns", ours: r.cold[0].RemoteNS, theirs: theirCold.RemoteNS, must: 700, aim: 400},
		{what: "encode the full state", unit: "ms", ours: us.SaveMS, theirs: them.SaveMS, mustRatio: 50, aim: 0.35},
		{what: "load: decode and integrate the full state", unit: "ms", ours: us.LoadMS, theirs: them.LoadMS, mustRatio: 14, aimRatio: 25},
		{what: "heap after load", unit: "MB", ours: float64(us.HeapBytes) / 1e6, theirs: float64(them.HeapBytes) / 1e6, mustRatio: 2, aim: 0.9},
		{what: "allocations, local edit and its update", unit: "", ours: r.allocs.Local, must: 1.1},
		{what: "allocations, the same into the caller's buffer", unit: "", ours: r.allocs.LocalInto, aim: 0.001},
		{what: "allocations, applied update", unit: "", ours: r.allocs.Apply, must: 0.02, aim: 0.001},
	}
}

// writeGoals prints the table of goals.
func (r *results) writeGoals(b *strings.Builder) {
	fmt.Fprintf(b, "## Goals, on %s\n\nA ratio is yjs / FlowSync: larger is better.\n\n", r.traces[0])
	b.WriteString("| | FlowSync | yjs | ratio | must | | aim | |\n|---|--:|--:|--:|---|---|---|---|\n")
	for _, g := range r.goals() {
		theirs, ratio := "–", "–"
		if g.theirs != 0 {
			theirs, ratio = fmt.Sprintf("%.4g %s", g.theirs, g.unit), fmt.Sprintf("%.1f×", g.ratio())
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", g.what, strings.TrimSpace(fmt.Sprintf("%.4g %s", g.ours, g.unit)), theirs, ratio,
			limits(g.unit, g.must, g.mustRatio), g.meets(g.must, g.mustRatio), limits(g.unit, g.aim, g.aimRatio), g.meets(g.aim, g.aimRatio))
	}
	lines := r.lines[r.traces[0]]
	if len(lines) > 1 {
		us, them := lines[0], lines[1]
		writeEqual(b, "bytes of all updates", us.UpdateBytes, them.UpdateBytes)
		writeEqual(b, "bytes of the full state", us.DocBytes, them.DocBytes)
	}
	b.WriteString("\n")
}

// writeEqual prints a row of two numbers that must be equal.
func writeEqual(b *strings.Builder, what string, ours, theirs int) {
	met := "met"
	if ours != theirs {
		met = "MISSED"
	}
	fmt.Fprintf(b, "| %s | %d | %d | – | equal | %s | – | – |\n", what, ours, theirs, met)
}
