package main

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

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

// TestLine holds the printed line to its fields: other programs read them.
func TestLine(t *testing.T) {
	for _, s := range []trace.Session{{Seed: 1, Txns: 400, Pairs: true}, {Seed: 2, Txns: 400, Replicas: 3}} {
		session := trace.Generate(s)
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

// TestLeast: -least prints a line, too.
func TestLeast(t *testing.T) {
	var out, warnings strings.Builder
	if err := run([]string{"-least", "-runs", "3", written(t, trace.Generate(trace.Session{Seed: 1, Txns: 200}))}, &out, &warnings); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), `"runs":3`) {
		t.Fatalf("printed %q", out.String())
	}
}

func TestWrongEndFails(t *testing.T) {
	for _, s := range []trace.Session{{Seed: 1, Txns: 50}, {Seed: 2, Txns: 50, Replicas: 2}} {
		session := trace.Generate(s)
		wrong := *session.End + "?"
		session.End = &wrong
		var out, warnings strings.Builder
		err := run([]string{"-runs", "1", written(t, session)}, &out, &warnings)
		if err == nil || !strings.Contains(err.Error(), "differs from the end") {
			t.Errorf("%s: %v", session.Kind, err)
		}
		if out.Len() > 0 {
			t.Errorf("%s: printed a line all the same: %s", session.Kind, out.String())
		}
	}
}

func TestModes(t *testing.T) {
	path := written(t, trace.Generate(trace.Session{Seed: 1, Txns: 400}))
	for mode, fields := range map[string][]string{
		"allocs": {"local", "local_into", "apply"},
		"repeat": {"local_ns", "save_ms", "load_ms", "doc_bytes", "heap_bytes"},
		"cold":   {"remote_ns"},
		"spot":   {"remote_ns"},
	} {
		t.Run(mode, func(t *testing.T) {
			var out, warnings strings.Builder
			if err := run([]string{"-mode", mode, "-n", "3", path}, &out, &warnings); err != nil {
				t.Fatal(err)
			}
			var got map[string]any
			if err := json.Unmarshal([]byte(out.String()), &got); err != nil {
				t.Fatal(err)
			}
			for _, field := range fields {
				if _, ok := got[field]; !ok {
					t.Errorf("no field %q in %s", field, out.String())
				}
			}
		})
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

func TestGoalMeets(t *testing.T) {
	for _, c := range []struct {
		name         string
		g            goal
		limit, ratio float64
		want         string
	}{
		{"no limit", goal{ours: 5}, 0, 0, "–"},
		{"below the limit", goal{ours: 5}, 6, 0, "met"},
		{"above the limit", goal{ours: 7}, 6, 0, "MISSED"},
		{"enough times", goal{ours: 2, theirs: 20}, 0, 10, "met"},
		{"too few times", goal{ours: 2, theirs: 19}, 0, 10, "MISSED"},
		{"limit kept, ratio not", goal{ours: 2, theirs: 4}, 3, 10, "MISSED"},
		{"nobody to compare with", goal{ours: 2}, 3, 10, "no peer"},
	} {
		if got := c.g.meets(c.limit, c.ratio); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestWithoutSessionSaysWhat(t *testing.T) {
	var out, warnings strings.Builder
	if err := run(nil, &out, &warnings); err == nil || !strings.Contains(err.Error(), "no session") {
		t.Errorf("%v", err)
	}
}
