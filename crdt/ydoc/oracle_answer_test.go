package ydoc_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/wavesiddhartha/flowsync/crdt/ydoc/trace"
)

// traceOracle is what yjs makes of a session; oracle/traces.mjs says what
// the fields are.
type traceOracle struct {
	Yjs     string   `json:"yjs"`
	Session string   `json:"session"`
	Block   int      `json:"block"`
	Updates int      `json:"updates"`
	Blocks  []string `json:"blocks"`
	States  [][2]any `json:"states"`
	Finals  []string `json:"finals"`
	Reader  string   `json:"reader"`
	Loaded  string   `json:"loaded"`
}

// answerOfYjs has yjs play the session that is written at path. yjs takes
// seconds for a long one, so the answers for recorded sessions are kept in
// testdata/oracle/traces; they are used as long as the session and the pinned
// version of yjs are the same. CI=true and YDOC_LIVE=1 always ask yjs;
// YDOC_LIVE=1 keeps the answers for recorded sessions anew.
func answerOfYjs(t *testing.T, s *trace.Trace, path string) traceOracle {
	t.Helper()
	kept := filepath.Join("testdata", "oracle", "traces", s.Name+".json")
	live := os.Getenv("YDOC_LIVE") == "1"
	if !live && os.Getenv("CI") != "true" {
		if answer, ok := keptAnswer(t, kept, path); ok {
			return answer
		}
	}
	requireNode(t)
	var answer traceOracle
	if err := runNode(&answer, "traces.mjs", path); err != nil {
		t.Fatal(err)
	}
	if live && !isGenerated(s) {
		b, err := json.Marshal(answer)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.MkdirAll(filepath.Dir(kept), 0o755), os.WriteFile(kept, append(b, '\n'), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return answer
}

// keptAnswer reads a kept answer, if it is for this session and this yjs.
func keptAnswer(t *testing.T, kept, path string) (traceOracle, bool) {
	t.Helper()
	var answer traceOracle
	b, err := os.ReadFile(kept)
	if errors.Is(err, fs.ErrNotExist) {
		return answer, false
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &answer); err != nil {
		t.Fatal(err)
	}
	session, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(session)
	return answer, answer.Session == hex.EncodeToString(sum[:]) && answer.Yjs == pinnedYjs(t)
}

// pinnedYjs is the version of yjs that oracle/package.json names.
func pinnedYjs(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(oracleDir, "package.json"))
	if err != nil {
		t.Fatal(err)
	}
	var p struct {
		Dependencies map[string]string `json:"dependencies"`
	}
	if err := json.Unmarshal(b, &p); err != nil {
		t.Fatal(err)
	}
	return p.Dependencies["yjs"]
}

func isGenerated(s *trace.Trace) bool {
	for _, g := range generated() {
		if g.Name == s.Name {
			return true
		}
	}
	return false
}
