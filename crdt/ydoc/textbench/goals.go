package main

import (
	"fmt"
	"strings"
)

// goal is what a phase must reach. 0 is no limit.
type goal struct {
	most  float64 // of ours, in the unit of the phase
	ratio float64 // yjs / ours, at least
}

// goalsTrace is the session that goals are stated for.
const goalsTrace = "automerge-paper"

func goalOf(name, phase string, n int) goal {
	if name != goalsTrace || n != 1 && phase != "cold" {
		return goal{}
	}
	switch phase {
	case "local":
		return goal{most: 130, ratio: 70}
	case "remote":
		return goal{most: 170, ratio: 30}
	case "cold":
		return goal{most: 700}
	case "save":
		return goal{ratio: 50}
	case "load":
		return goal{ratio: 14}
	}
	return goal{}
}

// words says what must hold, e.g. "≥ 70×, ≤ 130 ns".
func (g goal) words(unit string) string {
	var parts []string
	if g.ratio != 0 {
		parts = append(parts, fmt.Sprintf("≥ %g×", g.ratio))
	}
	if g.most != 0 {
		parts = append(parts, fmt.Sprintf("≤ %g %s", g.most, unit))
	}
	return strings.Join(parts, ", ")
}

// judge compares with the limits. Without a peer, theirs is 0, and a ratio
// cannot be judged.
func (g goal) judge(ours, theirs float64) string {
	var missed []string
	if g.ratio != 0 && theirs != 0 && theirs/ours < g.ratio {
		missed = append(missed, "ratio")
	}
	if g.most != 0 && ours > g.most {
		missed = append(missed, "time")
	}
	switch {
	case len(missed) > 0:
		return strings.Join(missed, " and ") + " MISSED"
	case g.ratio != 0 && theirs == 0:
		return "no peer"
	}
	return "met"
}
