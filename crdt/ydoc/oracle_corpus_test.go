package ydoc_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/wavesiddhartha/flowsync/crdt/ydoc"
)

// recording is one case of testdata/oracle/updates.json, which
// oracle/corpus.mjs writes: updates made by yjs, and the states of yjs after
// each of them, applied in order and in reverse.
type recording struct {
	Name     string   `json:"name"`
	Updates  [][]byte `json:"updates"`
	Forward  [][]byte `json:"forward"`
	Backward [][]byte `json:"backward"`
}

func recordings(t testing.TB) []recording {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "oracle", "updates.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all []recording
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("no recorded updates")
	}
	return all
}

// TestRecordedUpdates holds the engine to recorded states of yjs, so that it
// is held to them where Node is absent too.
func TestRecordedUpdates(t *testing.T) {
	for _, r := range recordings(t) {
		t.Run(r.Name+"/forward", func(t *testing.T) { requireStates(t, r.Updates, r.Forward) })
		backward := slices.Clone(r.Updates)
		slices.Reverse(backward)
		t.Run(r.Name+"/backward", func(t *testing.T) { requireStates(t, backward, r.Backward) })
	}
}

func requireStates(t *testing.T, updates, states [][]byte) {
	t.Helper()
	d := ydoc.New(oracleReader)
	for i, u := range updates {
		if err := d.Apply(u); err != nil {
			t.Fatalf("update %d: %v", i, err)
		}
		if err := d.Check(); err != nil {
			t.Fatalf("after update %d: %v", i, err)
		}
		if got := d.AppendState(nil); !bytes.Equal(got, states[i]) {
			t.Fatalf("the state after update %d (%x) is not that of yjs:\n got %x\nwant %x", i, u, got, states[i])
		}
	}
	again := ydoc.New(oracleReader)
	if err := again.Apply(d.AppendState(nil)); err != nil {
		t.Fatalf("load: %v", err)
	}
	if !bytes.Equal(again.AppendDigestInput(nil), d.AppendDigestInput(nil)) {
		t.Fatal("a document loaded from the state has another digest")
	}
}

// TestRecordingsAreCurrent holds the recording to the yjs that is installed.
func TestRecordingsAreCurrent(t *testing.T) {
	requireNode(t)
	var current []recording
	if err := runNode(&current, "corpus.mjs"); err != nil {
		t.Fatal(err)
	}
	want, _ := json.Marshal(current)
	got, _ := json.Marshal(recordings(t))
	if !bytes.Equal(got, want) {
		t.Fatal("testdata/oracle/updates.json is not what yjs makes: run node corpus.mjs > ../testdata/oracle/updates.json in crdt/ydoc/oracle")
	}
}
