package trace_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/wavesiddhartha/flowsync/crdt/ydoc/trace"
)

// play applies a sequential session to plain text, counted in the units of
// the slice.
func play[T any](t *testing.T, s *trace.Trace, split func(string) []T) []T {
	t.Helper()
	var text []T
	for i, x := range s.Txns {
		for _, p := range x.Patches {
			if p.Pos+p.Del > len(text) {
				t.Fatalf("transaction %d: [%d, %d] in a text of %d", i, p.Pos, p.Del, len(text))
			}
			text = slices.Replace(text, p.Pos, p.Pos+p.Del, split(p.Ins)...)
		}
	}
	return text
}

func runes(s string) []rune { return []rune(s) }

func TestGeneratedSessionEndsAtItsText(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			s := trace.Generate(trace.Session{Seed: seed, Txns: 2000, Pairs: true})
			if err := s.Check(); err != nil {
				t.Fatal(err)
			}
			if len(s.Txns) != 2000 {
				t.Fatalf("%d transactions, want 2000", len(s.Txns))
			}
			if got := string(play(t, s, runes)); got != *s.End {
				t.Fatalf("plays to %d bytes, End has %d", len(got), len(*s.End))
			}
			u, err := s.UTF16()
			if err != nil {
				t.Fatal(err)
			}
			units := play(t, u, func(s string) []uint16 { return utf16.Encode(runes(s)) })
			if got := string(utf16.Decode(units)); got != *s.End {
				t.Fatalf("in UTF-16 units it plays to %d bytes, End has %d", len(got), len(*s.End))
			}
		})
	}
}

func TestGeneratedSessionHasPairsOnlyWhenAsked(t *testing.T) {
	astral := func(s *trace.Trace) (n int) {
		for _, x := range s.Txns {
			for _, p := range x.Patches {
				for _, c := range p.Ins {
					if c > 0xFFFF {
						n++
					}
				}
			}
		}
		return n
	}
	if n := astral(trace.Generate(trace.Session{Seed: 1, Txns: 5000, Pairs: true})); n == 0 {
		t.Error("no surrogate pair in 5,000 transactions with Pairs")
	}
	if n := astral(trace.Generate(trace.Session{Seed: 1, Txns: 5000})); n != 0 {
		t.Errorf("%d surrogate pairs without Pairs", n)
	}
}

func TestGenerateRepeatsItself(t *testing.T) {
	for _, replicas := range []int{1, 3} {
		s := trace.Session{Seed: 7, Txns: 500, Replicas: replicas}
		a, _ := json.Marshal(trace.Generate(s))
		b, _ := json.Marshal(trace.Generate(s))
		if !bytes.Equal(a, b) {
			t.Errorf("replicas=%d: one seed made two sessions", replicas)
		}
	}
}

// TestConcurrentSessionNeedsNoMergeRule plays each replica's paragraph model:
// a concurrent session is right when every position is inside the author's
// own paragraph as that author sees the text.
func TestConcurrentSessionNeedsNoMergeRule(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			const replicas = 3
			s := trace.Generate(trace.Session{Seed: seed, Txns: 1500, Replicas: replicas})
			if err := s.Check(); err != nil {
				t.Fatal(err)
			}
			if n := s.Replicas(); n != replicas {
				t.Fatalf("%d replicas edit, want %d", n, replicas)
			}
			type view [replicas][]rune
			var views [replicas]view
			paragraph := make([][]rune, len(s.Txns)) // the author's, after the transaction
			for i, x := range s.Txns {
				v := &views[x.R]
				for _, m := range x.Recv {
					v[s.Txns[m].R] = paragraph[m]
				}
				if i == 0 {
					continue // makes the paragraphs
				}
				start := 0
				for r := range x.R {
					start += len(v[r]) + 1
				}
				text := slices.Clone(v[x.R])
				for _, p := range x.Patches {
					at := p.Pos - start
					if at < 0 || at+p.Del > len(text) {
						t.Fatalf("transaction %d: [%d, %d] outside the paragraph of %d", i, at, p.Del, len(text))
					}
					text = slices.Replace(text, at, at+p.Del, runes(p.Ins)...)
				}
				paragraph[i], v[x.R] = text, text
			}
			var end strings.Builder
			for r := range views {
				end.WriteString(string(views[r][r]) + "\n")
			}
			if end.String() != *s.End {
				t.Fatal("the paragraphs do not make the text at the end")
			}
		})
	}
}

func TestReadWhatWasWritten(t *testing.T) {
	s := trace.Generate(trace.Session{Seed: 3, Txns: 300, Replicas: 2})
	path := filepath.Join(t.TempDir(), "session.json")
	if err := s.Write(path); err != nil {
		t.Fatal(err)
	}
	got, err := trace.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	want, _ := json.Marshal(s)
	again, _ := json.Marshal(got)
	if !bytes.Equal(want, again) {
		t.Fatal("a session read back differs from the one written")
	}
}

func TestReadRecordedSession(t *testing.T) {
	path := filepath.Join(t.TempDir(), "recorded.json.gz")
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	fmt.Fprint(z, `{"startContent":"ab","endContent":"aXc","txns":[{"time":"","patches":[[1,1,"X"],[2,0,"c"]]}]}`)
	z.Close()
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := trace.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if s.Name != "recorded" || s.Kind != trace.Sequential || len(s.Txns) != 2 {
		t.Fatalf("name %q, kind %q, %d transactions", s.Name, s.Kind, len(s.Txns))
	}
	if got := string(play(t, s, runes)); got != "aXc" || *s.End != got {
		t.Fatalf("plays to %q, End is %q", got, *s.End)
	}
}

// TestConvertBranch has an agent that goes on from its own past: the branch
// must become another replica, because the first one has seen too much.
func TestConvertBranch(t *testing.T) {
	s, err := trace.Parse("branch", []byte(`{"kind":"concurrent","endContent":"","numAgents":2,"txns":[
		{"parents":[],"agent":0,"patches":[[0,0,"a"]]},
		{"parents":[0],"agent":0,"patches":[[1,0,"b"]]},
		{"parents":[0],"agent":1,"patches":[[0,0,"c"]]},
		{"parents":[0],"agent":0,"patches":[[1,0,"d"]]},
		{"parents":[1,2,3],"agent":1,"patches":[[0,0,"e"]]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, x := range s.Txns {
		got = append(got, fmt.Sprint(x.R, x.Recv))
	}
	want := []string{"0 []", "0 []", "1 [0]", "2 [0]", "1 [1 3]"}
	if !slices.Equal(got, want) {
		t.Fatalf("replica and received:\n got %v\nwant %v", got, want)
	}
}

func TestRefuseBrokenSession(t *testing.T) {
	for _, in := range []string{
		``,
		`{"name":"x","kind":"neither","txns":[]}`,
		`{"name":"x","kind":"sequential","txns":[{"r":1,"recv":[],"patches":[]}]}`,
		`{"name":"x","kind":"sequential","txns":[{"r":0,"recv":[],"patches":[[0,0]]}]}`,
		`{"name":"x","kind":"sequential","txns":[{"r":0,"recv":[],"patches":[[0,0,"a",1]]}]}`,
		`{"name":"x","kind":"sequential","txns":[{"r":0,"recv":[],"patches":[[-1,0,""]]}]}`,
		`{"name":"x","kind":"concurrent","txns":[{"r":0,"recv":[0],"patches":[]}]}`,
		`{"kind":"concurrent","endContent":"","txns":[{"parents":[3],"agent":0,"patches":[]}]}`,
		"\x1f\x8bnot gzip",
	} {
		if _, err := trace.Parse("broken", []byte(in)); err == nil {
			t.Errorf("accepted %q", in)
		}
	}
}

func TestRepeat(t *testing.T) {
	s := trace.Generate(trace.Session{Seed: 5, Txns: 200})
	r, err := s.Repeat(3)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(play(t, r, runes)); got != strings.Repeat(*s.End, 3) || got != *r.End {
		t.Fatal("three rounds do not make the text three times")
	}
	if _, err := trace.Generate(trace.Session{Seed: 5, Txns: 200, Replicas: 2}).Repeat(2); err == nil {
		t.Fatal("repeated a concurrent session")
	}
}
