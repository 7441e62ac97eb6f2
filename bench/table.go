package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"

	"github.com/wavesiddhartha/flowsync/bench/load"
)

// tableOf prints the table of results files, each of one run.
func tableOf(paths []string) error {
	var results []result
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for line := range bytes.Lines(b) {
			var r result
			if err := json.Unmarshal(line, &r); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			results = append(results, r)
		}
	}
	fmt.Print(table(results))
	return nil
}

// table is Markdown: the ratios, then what grows.
func table(results []result) string {
	values, skipped := medians(results)
	var b strings.Builder
	b.WriteString("| | FlowSync | against | its | ratio | target | |\n|---|---|---|---|---|---|---|\n")
	met, missed := 0, 0
	for _, r := range rows() {
		ours, ok := values[cell{r.load, r.us}][r.value]
		if !ok {
			continue
		}
		theirs, ok := values[cell{r.load, r.peer}][r.value]
		if !ok {
			if why := skipped[r.peer]; why != "" {
				fmt.Fprintf(&b, "| %s | %s %s | %s | SKIP: %s | | %s | |\n", r.what, figure(ours), r.unit, r.peer, why, r.target)
			}
			continue
		}
		verdict := r.target.verdict(ours / theirs)
		switch verdict {
		case "met":
			met++
		case "MISSED":
			missed++
		}
		fmt.Fprintf(&b, "| %s | %s %s | %s | %s | %.2f | %s | %s |\n", r.what, figure(ours), r.unit, r.peer, figure(theirs), ours/theirs, r.target, verdict)
	}
	fmt.Fprintf(&b, "\n%d targets met, %d missed. %s%s\n", met, missed, checked(results), disturbed(results))
	growthTable(&b, results, values)
	return b.String()
}

// checked says what was counted, and how much of the work was the counting. A run
// that lost or repeated a message has no result.
func checked(results []result) string {
	n, least, most := 0.0, 1.0, 0.0
	for _, r := range results {
		n += r.Values["deliveries"] + r.Values["acks"] + r.Values["edits"]
		if share, ok := r.Values["generator_share"]; ok {
			least, most = min(least, share), max(most, share)
		}
	}
	return fmt.Sprintf("%s messages were checked one by one: none lost, none twice. The generator took %.0f to %.0f %% of the processor time of both sides.",
		figure(n), 100*least, 100*most)
}

// quietShare is how much of the machine others may use while figures are taken.
const quietShare = 0.05

// disturbed says how many loads ran while the machine did something else, too.
func disturbed(results []result) string {
	n, worst := 0, 0.0
	for _, r := range results {
		if x := r.Values["others_share"]; x > quietShare {
			n++
			worst = max(worst, x)
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" %d of %d runs were disturbed: others used up to %.0f %% of the processors.", n, len(results), 100*worst)
}

// growthTable shows the loads that are about sizes, each on FlowSync alone.
func growthTable(b *strings.Builder, results []result, values map[cell]load.Values) {
	columns := []string{"cpu_per_million", "p99_ms", "rss_mib", "opened_kib_per_room", "used_kib_per_room", "start_ms", "open_ms", "client_kib", "replica_kib"}
	first := true
	for _, r := range results {
		kind, _, _ := strings.Cut(r.Load, "-")
		if r.Round != 0 || !slices.Contains([]string{"subscribers", "streams", "stored", "replicas"}, kind) {
			continue
		}
		if first {
			fmt.Fprintf(b, "\n| growth | %s |\n|---|%s\n", strings.Join(columns, " | "), strings.Repeat("---|", len(columns)))
			first = false
		}
		fmt.Fprintf(b, "| %s |", r.Load)
		for _, name := range columns {
			if x, ok := values[cell{r.Load, r.Peer}][name]; ok {
				fmt.Fprintf(b, " %s", figure(x))
			}
			b.WriteString(" |")
		}
		b.WriteString("\n")
	}
}

// medians takes the median of every value over the rounds, and says why peers
// have none.
func medians(results []result) (values map[cell]load.Values, skipped map[string]string) {
	all := make(map[cell]map[string][]float64)
	skipped = make(map[string]string)
	for _, r := range results {
		if r.Skipped != "" {
			skipped[r.Peer] = r.Skipped
			continue
		}
		c := cell{r.Load, r.Peer}
		if all[c] == nil {
			all[c] = make(map[string][]float64)
		}
		for name, x := range r.Values {
			all[c][name] = append(all[c][name], x)
		}
	}
	values = make(map[cell]load.Values)
	for c, names := range all {
		values[c] = make(load.Values)
		for name, xs := range names {
			slices.Sort(xs)
			values[c][name] = (xs[(len(xs)-1)/2] + xs[len(xs)/2]) / 2
		}
	}
	return values, skipped
}

// String is the bound as the table shows it.
func (t target) String() string {
	var s string
	switch {
	case t.most > 0:
		s = fmt.Sprintf("≤ %.2f", t.most)
	case t.least > 0:
		s = fmt.Sprintf("≥ %.2f", t.least)
	}
	if t.aim != "" {
		s = strings.TrimPrefix(s+", aim "+t.aim, ", ")
	}
	return s
}

func (t target) verdict(ratio float64) string {
	switch {
	case t.most == 0 && t.least == 0:
		return ""
	case t.most > 0 && ratio <= t.most, t.least > 0 && ratio >= t.least:
		return "met"
	}
	return "MISSED"
}

// figure is a number with three digits, as people write it.
func figure(x float64) string {
	switch size := math.Abs(x); {
	case size >= 10_000_000:
		return fmt.Sprintf("%.0fM", x/1e6)
	case size >= 10_000:
		return fmt.Sprintf("%.1fk", x/1000)
	case size >= 100:
		return fmt.Sprintf("%.0f", x)
	case size >= 10:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.2f", x)
}

// machine describes where this ran.
func machine() string {
	model := "unknown processor"
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(info)) {
			if name, ok := strings.CutPrefix(line, "model name"); ok {
				model = strings.TrimSpace(strings.TrimLeft(name, " \t:"))
				break
			}
		}
	}
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	node := "no Node"
	if out, err := exec.Command("node", "--version").Output(); err == nil {
		node = "Node " + strings.TrimSpace(string(out))
	}
	return fmt.Sprintf("%d × %s, Linux %s, %s, %s.", runtime.NumCPU(), model, strings.TrimSpace(string(kernel)), runtime.Version(), node)
}
