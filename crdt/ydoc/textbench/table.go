package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// result is what all rounds of one library gave.
type result struct{ measurement }

func (r *result) add(m measurement) {
	cpu, wall := append(r.CPU, m.CPU...), append(r.Wall, m.Wall...)
	r.measurement = m
	r.CPU, r.Wall = cpu, wall
}

// perOp is a time in the unit of the job: nanoseconds of one operation, or
// milliseconds where the whole is one.
func (r *result) perOp(ms float64) float64 {
	if r.Ops > 1 {
		return ms * 1e6 / float64(r.Ops)
	}
	return ms
}

func (r *result) unit() string {
	if r.Ops > 1 {
		return "ns"
	}
	return "ms"
}

// write prints the table of a job, ours first.
func (j job) write(w io.Writer, results []result) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\n## %s, %s", j.phase, j.name)
	switch {
	case j.phase == "cold":
		fmt.Fprintf(&b, ", %d documents", j.n)
	case j.phase == "spot":
		b.Reset()
		fmt.Fprintf(&b, "\n## spot, %d replicas", j.n)
	case j.n > 1:
		fmt.Fprintf(&b, ", %d times", j.n)
	}
	b.WriteString("\n\n")
	switch j.phase {
	case "allocs":
		m := results[0]
		b.WriteString("| local edit with its update | into the caller's buffer | applied update |\n|--:|--:|--:|\n")
		fmt.Fprintf(&b, "| %.3f | %.3f | %.3f |\n", m.Local, m.LocalInto, m.Apply)
	case "heap":
		b.WriteString("| library | heap, MB | FlowSync needs | bytes of the state | characters |\n|---|--:|--:|--:|--:|\n")
		for _, m := range results {
			fmt.Fprintf(&b, "| %s | %.2f | %.2f× | %d | %d |\n", m.Peer, float64(m.Heap)/1e6, float64(results[0].Heap)/float64(m.Heap), m.Bytes, m.Chars)
		}
	default:
		j.writeTimes(&b, results)
	}
	fmt.Fprintf(&b, "\nLoad average %s.\n", loadAverage())
	_, err := io.WriteString(w, b.String())
	return err
}

func (j job) writeTimes(b *strings.Builder, results []result) {
	unit := results[0].unit()
	fmt.Fprintf(b, "| library | CPU %s, median | least | × FlowSync, median | least | clock %s, median | least | samples | bytes |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|\n", unit, unit)
	ours := &results[0]
	for i := range results {
		r := &results[i]
		fmt.Fprintf(b, "| %s | %.4g | %.4g | %.1f | %.1f | %.4g | %.4g | %d | %d |\n", r.Peer,
			r.perOp(median(r.CPU)), r.perOp(slices.Min(r.CPU)),
			r.perOp(median(r.CPU))/ours.perOp(median(ours.CPU)), r.perOp(slices.Min(r.CPU))/ours.perOp(slices.Min(ours.CPU)),
			r.perOp(median(r.Wall)), r.perOp(slices.Min(r.Wall)), len(r.CPU), r.Bytes)
	}
	if j.goal == (goal{}) {
		return
	}
	them := slices.IndexFunc(results, func(r result) bool { return r.Peer == "yjs" })
	judge := func(pick func([]float64) float64) string {
		theirs := 0.0
		if them >= 0 {
			theirs = results[them].perOp(pick(results[them].CPU))
		}
		return j.goal.judge(ours.perOp(pick(ours.CPU)), theirs)
	}
	fmt.Fprintf(b, "\nGoal, in CPU time: %s. By the median: %s. By the least: %s.\n", j.goal.words(unit), judge(median), judge(slices.Min[[]float64]))
}

// processor is the model name where the system tells it.
func processor() string {
	b, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "processor unknown"
	}
	for l := range strings.Lines(string(b)) {
		if name, ok := strings.CutPrefix(l, "model name"); ok {
			return strings.TrimLeft(strings.TrimSpace(name), ": \t")
		}
	}
	return "processor unknown"
}

// loadAverage is how many threads wanted to run, over 1, 5 and 15 minutes.
func loadAverage() string {
	b, err := os.ReadFile("/proc/loadavg")
	if f := strings.Fields(string(b)); err == nil && len(f) > 2 {
		return strings.Join(f[:3], " ")
	}
	return "unknown"
}

func nodeVersion() string {
	out, err := exec.Command("node", "--version").Output()
	if err != nil {
		return "of unknown version"
	}
	return strings.TrimSpace(string(out))
}
