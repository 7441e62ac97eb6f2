package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wavesiddhartha/flowsync/crdt/ydoc/trace"
)

func written(t *testing.T, s *trace.Trace) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), s.Name+".json")
	if err := s.Write(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func sequential() *trace.Trace {
	return trace.Generate(trace.Session{Seed: 1, Txns: 3000, Pairs: true})
}

func concurrent() *trace.Trace {
	return trace.Generate(trace.Session{Seed: 2, Txns: 3000, Replicas: 3})
}

// phaseFields are what each phase must fill in beside what all do.
func phaseFields() map[string][]string {
	return map[string][]string{
		"quiet":  {"cpu_ms", "wall_ms"},
		"local":  {"cpu_ms", "wall_ms", "bytes"},
		"remote": {"cpu_ms", "wall_ms", "bytes"},
		"save":   {"cpu_ms", "wall_ms", "bytes"},
		"load":   {"cpu_ms", "wall_ms", "bytes"},
		"heap":   {"heap_bytes", "chars", "bytes"},
		"allocs": {"local", "local_into", "apply"},
		"cold":   {"cpu_ms", "wall_ms"},
		"spot":   {"cpu_ms", "wall_ms"},
	}
}

func requireFields(t *testing.T, line []byte, fields ...string) {
	t.Helper()
	var got map[string]any
	if err := json.Unmarshal(line, &got); err != nil {
		t.Fatalf("printed something else than JSON: %v: %s", err, line)
	}
	for _, field := range fields {
		switch v := got[field].(type) {
		case []any:
			if len(v) == 0 {
				t.Errorf("no samples in %q: %s", field, line)
			}
		case float64:
			if v <= 0 {
				t.Errorf("%q is %v: %s", field, v, line)
			}
		default:
			t.Errorf("no field %q in %s", field, line)
		}
	}
}

// TestLine holds the line of a whole session to its fields.
func TestLine(t *testing.T) {
	for _, session := range []*trace.Trace{trace.Generate(trace.Session{Seed: 1, Txns: 400, Pairs: true}), trace.Generate(trace.Session{Seed: 2, Txns: 400, Replicas: 3})} {
		t.Run(session.Name, func(t *testing.T) {
			var out, warnings strings.Builder
			if err := run([]string{"-runs", "2", written(t, session)}, &out, &warnings); err != nil {
				t.Fatal(err)
			}
			if strings.Count(out.String(), "\n") != 1 {
				t.Fatalf("printed more than one line: %q", out.String())
			}
			var got map[string]any
			if err := json.Unmarshal([]byte(out.String()), &got); err != nil {
				t.Fatal(err)
			}
			want := strings.Fields("peer trace kind runs local_quiet_ms local_ms updates update_bytes remote_ms save_ms doc_bytes doc_gz_bytes load_ms text_chars heap_bytes")
			for _, field := range want {
				if _, ok := got[field]; !ok {
					t.Errorf("no field %q", field)
				}
			}
			if len(got) != len(want) {
				t.Errorf("%d fields, want %d: %v", len(got), len(want), got)
			}
			if concurrent := got["local_ms"] == nil; concurrent != (session.Kind == trace.Concurrent) {
				t.Errorf("local_ms is %v for a %s session", got["local_ms"], session.Kind)
			}
			if chars := int(got["text_chars"].(float64)); chars != len([]rune(*session.End)) {
				t.Errorf("text_chars is %d, the session ends with %d", chars, len([]rune(*session.End)))
			}
		})
	}
}

// TestPhases holds each phase to its fields, and the engine to few allocations.
func TestPhases(t *testing.T) {
	path := written(t, sequential())
	for phase, fields := range phaseFields() {
		t.Run(phase, func(t *testing.T) {
			var out, warnings strings.Builder
			if err := run([]string{"-phase", phase, "-n", "1", "-warm", "1ms", "-dir", t.TempDir(), path}, &out, &warnings); err != nil {
				t.Fatal(err)
			}
			requireFields(t, []byte(out.String()), fields...)
		})
	}
}

// TestPeersAnswer: yjs fills in the same fields, and writes as many bytes.
func TestPeersAnswer(t *testing.T) {
	const oracle = "../oracle"
	var warnings strings.Builder
	peers, err := findPeers(oracle, &warnings)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(peers, func(p peer) bool { return p.name == "yjs" })
	if i < 0 {
		if os.Getenv("CI") == "true" {
			t.Fatalf("no peer: %s", warnings.String())
		}
		t.Skipf("SKIP: %s", warnings.String())
	}
	for _, s := range []*trace.Trace{sequential(), concurrent()} {
		path, dir := written(t, s), t.TempDir()
		for phase, fields := range phaseFields() {
			if phase == "allocs" || s.Kind == trace.Concurrent && phase != "remote" && phase != "load" {
				continue
			}
			t.Run(s.Name+"/"+phase, func(t *testing.T) {
				k := task{phase: phase, n: 1, dir: dir, path: path, warm: time.Millisecond}
				var theirs measurement
				if err := peers[i].measure(&theirs, k); err != nil {
					t.Fatal(err)
				}
				line, err := json.Marshal(theirs)
				if err != nil {
					t.Fatal(err)
				}
				requireFields(t, line, fields...)
				ours, err := k.measure()
				if err != nil {
					t.Fatal(err)
				}
				if ours.Bytes != theirs.Bytes || ours.Ops != theirs.Ops || ours.Chars != theirs.Chars {
					t.Errorf("%d bytes, %d operations, %d characters; yjs: %d, %d, %d", ours.Bytes, ours.Ops, ours.Chars, theirs.Bytes, theirs.Ops, theirs.Chars)
				}
			})
		}
	}
}

func TestWrongEndFails(t *testing.T) {
	for _, session := range []*trace.Trace{sequential(), concurrent()} {
		wrong := *session.End + "?"
		session.End = &wrong
		var out, warnings strings.Builder
		err := run([]string{"-phase", "load", "-warm", "1ms", "-dir", t.TempDir(), written(t, session)}, &out, &warnings)
		if err == nil || !strings.Contains(err.Error(), "differs from the end") {
			t.Errorf("%s: %v", session.Kind, err)
		}
		if out.Len() > 0 {
			t.Errorf("%s: printed a line all the same: %s", session.Kind, out.String())
		}
	}
}

// TestConcurrentSessionsHaveNoLocalEdits: an error, not a wrong figure.
func TestConcurrentSessionsHaveNoLocalEdits(t *testing.T) {
	path := written(t, concurrent())
	for _, phase := range []string{"quiet", "local", "cold", "allocs"} {
		if _, err := (task{phase: phase, n: 1, dir: t.TempDir(), path: path}).measure(); err == nil {
			t.Errorf("%s: no error", phase)
		}
	}
}

func TestUpdatesKeep(t *testing.T) {
	u := &updates{}
	for _, b := range []string{"one", "", "three"} {
		u.add([]byte(b))
	}
	path := filepath.Join(t.TempDir(), "updates")
	if err := u.write(path); err != nil {
		t.Fatal(err)
	}
	got, err := readUpdates(path)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.ends, u.ends) || string(got.bytes) != "onethree" || string(got.at(2)) != "three" {
		t.Errorf("kept %q up to %v as %q up to %v", u.bytes, u.ends, got.bytes, got.ends)
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		in   []float64
		want float64
	}{{[]float64{3}, 3}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 2, 9}, 3}} {
		in := slices.Clone(c.in)
		if got := median(in); got != c.want || !slices.Equal(in, c.in) {
			t.Errorf("median of %v is %v, want %v", c.in, got, c.want)
		}
	}
}

func TestGoalJudges(t *testing.T) {
	for _, c := range []struct {
		name         string
		g            goal
		ours, theirs float64
		want         string
	}{
		{"below the limit", goal{most: 6}, 5, 0, "met"},
		{"above the limit", goal{most: 6}, 7, 0, "time MISSED"},
		{"enough times", goal{ratio: 10}, 2, 20, "met"},
		{"too few times", goal{ratio: 10}, 2, 19, "ratio MISSED"},
		{"limit kept, ratio not", goal{most: 3, ratio: 10}, 2, 4, "ratio MISSED"},
		{"neither", goal{most: 1, ratio: 10}, 2, 4, "ratio and time MISSED"},
		{"nobody to compare with", goal{most: 3, ratio: 10}, 2, 0, "no peer"},
	} {
		if got := c.g.judge(c.ours, c.theirs); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// TestTableOfTimes: both libraries by the same rule, in the unit of the phase.
func TestTableOfTimes(t *testing.T) {
	j := job{task: task{phase: "local", n: 1}, name: goalsTrace, goal: goalOf(goalsTrace, "local", 1)}
	results := []result{
		{measurement{Peer: "flowsync", Ops: 1e6, CPU: []float64{200, 100, 120}, Wall: []float64{300, 100, 120}}},
		{measurement{Peer: "yjs", Ops: 1e6, CPU: []float64{9600, 6000, 20000}, Wall: []float64{9600, 6000, 20000}}},
	}
	var b strings.Builder
	if err := j.write(&b, results); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| flowsync | 120 | 100 | 1.0 | 1.0 | 120 | 100 | 3 | 0 |",
		"| yjs | 9600 | 6000 | 80.0 | 60.0 | 9600 | 6000 | 3 | 0 |",
		"By the median: met. By the least: ratio MISSED.",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}

func TestWithoutSessionSaysWhat(t *testing.T) {
	var out, warnings strings.Builder
	if err := run(nil, &out, &warnings); err == nil || !strings.Contains(err.Error(), "no session") {
		t.Errorf("%v", err)
	}
}

// TestComparison: the whole command, beside nobody.
func TestComparison(t *testing.T) {
	dir := t.TempDir()
	if err := sequential().Write(filepath.Join(dir, "s.json")); err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(t.TempDir(), "textbench")
	if b, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	out, err := exec.Command(bin, "-compare", dir, "-peers", "flowsync", "-phases", "local,allocs", "-rounds", "2", "-warm", "1ms").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"load average", "## local, ", "## allocs, ", "GOMAXPROCS=1", "| flowsync | "} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	for _, flag := range []string{"-only", "-phases", "-peers"} {
		if _, err := exec.Command(bin, "-compare", dir, flag, "nothing").Output(); err == nil {
			t.Errorf("%s with what is not there is no failure", flag)
		}
	}
}
