package crdt

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/vectors/rules.json anew")

const vectorFile = "../testdata/vectors/rules.json"

// vector is one history of a stream for implementations in other languages:
// check each op, apply it unless it is refused, compare.
type vector struct {
	Rule    string          `json:"rule"`
	Name    string          `json:"name"`
	Ops     []vectorOp      `json:"ops"`
	Refused [][2]any        `json:"refused"` // [index in ops, code]
	State   json.RawMessage `json:"state"`
	Value   json.RawMessage `json:"value"`
	Digest  string          `json:"digest"` // hex of SHA-256 of state, byte for byte; of "digested" (base64) in texts
}

type vectorOp struct {
	Off    uint64          `json:"off"`
	At     uint64          `json:"at"`
	Client string          `json:"client"`
	Inc    string          `json:"inc"`
	Seq    uint64          `json:"seq"`
	Op     json.RawMessage `json:"op"`
}

// TestVectors: who changes a rule changes what every client in every language
// must do. Run with -update only if that is meant.
func TestVectors(t *testing.T) {
	var b bytes.Buffer
	b.WriteString("[")
	for i, v := range append(vectors, textVectors(t)...) {
		if i > 0 {
			b.WriteString(",")
		}
		b.WriteString("\n")
		writeVector(t, &b, v)
	}
	b.WriteString("\n]\n")
	if !json.Valid(b.Bytes()) {
		t.Fatal("the vectors are no JSON")
	}
	if *update {
		if err := os.WriteFile(vectorFile, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(vectorFile)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(b.Bytes(), want) {
		return
	}
	got := strings.Split(b.String(), "\n")
	for i, line := range strings.Split(string(want), "\n") {
		if i >= len(got) || got[i] != line {
			t.Fatalf("%s:%d differs: clients in other languages compute what is there\n%s\nthis package computes\n%s",
				vectorFile, i+1, line, strings.Join(got[min(i, len(got)):min(i+1, len(got))], ""))
		}
	}
	t.Fatalf("%s lacks cases: run go test -update", vectorFile)
}

// script is the source of a vector: ops as "client at body", where client is
// "alice" or "alice/incarnation". Offsets and seqs follow from what is accepted;
// for ephemeral, whose ops come in any order, "n hub" takes the place of at.
type script struct {
	rule Builtin
	name string
	ops  []string
}

func writeVector(t *testing.T, b *bytes.Buffer, sc script) {
	t.Helper()
	s := sc.rule.New()
	v := vector{Rule: sc.rule.Name(), Name: sc.name, Refused: [][2]any{}}
	head, seqs := uint64(0), map[Writer]uint64{}
	for i, line := range sc.ops {
		op := parseScript(t, sc, line)
		if sc.rule != Ephemeral {
			op.Offset = head + 1
			op.Seq = seqs[op.Writer] + 1
		}
		v.Ops = append(v.Ops, vectorOp{op.Offset, op.At, op.Writer.Client, op.Writer.Inc, op.Seq, op.Body})
		seqs[op.Writer]++ // a refused op uses up its seq
		if _, err := s.Check(op); err != nil {
			v.Refused = append(v.Refused, [2]any{i, codeOf(err)})
			continue
		}
		s.Apply(op)
		head++
	}
	if d, ok := s.(*document); ok {
		d.measure() // its size is a bound until then
	}
	requireSound(t, sc.rule, s)
	digest := Digest(s)
	v.State, v.Value, v.Digest = s.AppendState(nil), s.AppendValue(nil), hex.EncodeToString(digest[:])

	fmt.Fprintf(b, "{\"rule\":%s,\"name\":%s,\"ops\":[", line(t, v.Rule), line(t, v.Name))
	for i, op := range v.Ops {
		if i > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(b, "\n  %s", line(t, op))
	}
	fmt.Fprintf(b, "],\n \"refused\":%s,\n \"state\":%s,\n \"value\":%s,\n \"digest\":%s",
		line(t, v.Refused), line(t, v.State), line(t, v.Value), line(t, v.Digest))
	if d, ok := s.(Digester); ok {
		fmt.Fprintf(b, ",\n \"digested\":%s", line(t, d.AppendDigestInput(nil)))
	}
	b.WriteString("}")
}

func parseScript(t *testing.T, sc script, s string) Op {
	t.Helper()
	fields := strings.SplitN(s, " ", 3)
	if len(fields) != 3 {
		t.Fatalf("%s, %s: %q is no op", sc.rule, sc.name, s)
	}
	client, inc, ok := strings.Cut(fields[0], "/")
	if !ok {
		inc = "00000000000000a1"
	}
	op := Op{Writer: Writer{client, inc}, Body: []byte(fields[2])}
	n := &op.At
	if sc.rule == Ephemeral {
		n = &op.Offset
	}
	if _, err := fmt.Sscan(fields[1], n); err != nil {
		t.Fatalf("%s, %s: %q: %v", sc.rule, sc.name, s, err)
	}
	return op
}

// line is v as JSON on one line, with nothing escaped that need not be.
func line(t *testing.T, v any) string {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(b.String())
}
