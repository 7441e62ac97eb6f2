package clientcore

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/vectors again")

const tracesFile = "../../testdata/vectors/client-traces.json"

// TestScripts plays every script, with the assertions in it, and compares the
// recorded traces with the vectors that other languages replay.
func TestScripts(t *testing.T) {
	var traces []trace
	for _, group := range [][]script{linkScripts, openScripts, pushScripts, writerScripts, streamScripts, restoreScripts} {
		for _, s := range group {
			t.Run(s.name, func(t *testing.T) {
				r := newRig(t, s.name, s.cfg)
				s.play(r)
				traces = append(traces, r.trace)
			})
		}
	}
	if t.Failed() {
		return
	}
	got := encode(t, traces)
	if *update {
		if err := os.WriteFile(tracesFile, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(tracesFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the machine no longer behaves as %s says: clients of other languages replay that file.\nIf the change is meant, write it again with -update and change docs/protocol.md and the other clients with it.", tracesFile)
	}
}

// script is one run with its assertions.
type script struct {
	name string
	cfg  Config
	play func(*rig)
}

// encode writes one step a line, so that a change shows where it is.
func encode(t *testing.T, traces []trace) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	add := func(v any) {
		if err := enc.Encode(v); err != nil {
			t.Fatal(err)
		}
		b.Truncate(b.Len() - 1)
	}
	for i, tr := range traces {
		b.WriteString([]string{"[\n", ",\n"}[min(i, 1)])
		b.WriteString(`{"name":`)
		add(tr.Name)
		b.WriteString(`,"config":`)
		add(tr.Config)
		b.WriteString(`,"random":`)
		add(tr.Random)
		b.WriteString(`,"steps":[`)
		for j, s := range tr.Steps {
			b.WriteString([]string{"\n", ",\n"}[min(j, 1)])
			add(s)
		}
		b.WriteString("]}")
	}
	b.WriteString("\n]\n")
	return b.Bytes()
}
