package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// write prints all tables as Markdown.
func (r *results) write(b *strings.Builder) {
	fmt.Fprintf(b, "# Text performance\n\nMade by `make bench-text` on %s.\n\n", time.Now().UTC().Format(time.DateOnly))
	fmt.Fprintf(b, "- Machine: %s, %d processors, %s/%s\n", processor(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)
	fmt.Fprintf(b, "- FlowSync: %s, GOMAXPROCS=1\n", runtime.Version())
	if len(r.peers) > 1 {
		fmt.Fprintf(b, "- Peers: Node %s. `yjs` has client ids below 2^30, which V8 need not box: yjs at its best. `yjs-default` has ids like three quarters of those that yjs draws.\n", nodeVersion())
	}
	fmt.Fprintf(b, "- Every measurement has a process of its own, one after the other; times are medians of %d runs in that process; of growth, editing is one run.\n", r.lines[r.traces[0]][0].Runs)
	if r.generated {
		b.WriteString("- No recorded sessions were found, so these sessions are generated: **the goals are stated for a recorded one**.\n")
	} else {
		b.WriteString("- The sessions are those of josephg/editing-traces, licence CC BY 4.0.\n")
	}
	b.WriteString("\n")
	r.writeGoals(b)
	r.writeSessions(b)
	r.writeGrowth(b)
}

// writeSessions prints what each library needs for each session.
func (r *results) writeSessions(b *strings.Builder) {
	b.WriteString("## Each session\n\nTimes are milliseconds for the whole session.\n")
	for _, name := range r.traces {
		fmt.Fprintf(b, "\n### %s\n\n", name)
		b.WriteString("| peer | local, quiet | local | updates | update bytes | remote | save | bytes | gzipped | load | characters | heap MB |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
		for _, l := range r.lines[name] {
			fmt.Fprintf(b, "| %s | %s | %s | %d | %d | %.1f | %.3f | %d | %d | %.2f | %d | %.2f |\n",
				l.Peer, optional(l.LocalQuietMS), optional(l.LocalMS), l.Updates, l.UpdateBytes, l.RemoteMS,
				l.SaveMS, l.DocBytes, l.DocGzBytes, l.LoadMS, l.TextChars, float64(l.HeapBytes)/1e6)
		}
	}
	b.WriteString("\n")
}

// writeGrowth prints how costs grow.
func (r *results) writeGrowth(b *strings.Builder) {
	fmt.Fprintf(b, "## Growth\n\n%s played 1, 10 and 40 times in one document:\n\n", r.traces[0])
	b.WriteString("| peer | times | edits | local ns/edit | save ms | load ms | bytes | heap MB |\n|---|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, p := range r.peers {
		for _, g := range r.repeat[p.name] {
			fmt.Fprintf(b, "| %s | %d | %d | %.0f | %.2f | %.1f | %d | %.2f |\n",
				p.name, g.N, g.Ops, g.LocalNS, g.SaveMS, g.LoadMS, g.DocBytes, float64(g.HeapBytes)/1e6)
		}
	}
	fmt.Fprintf(b, "\n%d replicas insert at one spot, unaware of each other, and %d cold documents receive updates in turn:\n\n", spotReplicas, coldDocuments)
	b.WriteString("| peer | one spot, µs/update | cold, ns/update |\n|---|--:|--:|\n")
	for i, p := range r.peers {
		fmt.Fprintf(b, "| %s | %.2f | %.0f |\n", p.name, r.spot[i].RemoteNS/1000, r.cold[i].RemoteNS)
	}
}

func optional(ms *float64) string {
	if ms == nil {
		return "–"
	}
	return fmt.Sprintf("%.1f", *ms)
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

func nodeVersion() string {
	out, err := exec.Command("node", "--version").Output()
	if err != nil {
		return "of unknown version"
	}
	return strings.TrimSpace(string(out))
}
