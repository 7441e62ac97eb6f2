package ydoc_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/wavesiddhartha/flowsync/crdt/ydoc"
	"github.com/wavesiddhartha/flowsync/crdt/ydoc/trace"
)

// oracleReader is the client id of the document of oracle/traces.mjs that
// only receives.
const oracleReader = 101

// sessions are the recorded ones of $YDOC_TRACES (default: the folder traces
// in a folder shared, beside the module), and generated ones always.
func sessions(t *testing.T) []*trace.Trace {
	t.Helper()
	dir := os.Getenv("YDOC_TRACES")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "traces")
	}
	paths, err := trace.Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := generated()
	if len(paths) == 0 {
		t.Logf("SKIP of recorded sessions: none in %s (set YDOC_TRACES); generated ones are played all the same", dir)
	}
	for _, path := range paths {
		s, err := trace.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		if testing.Short() && len(s.Txns) > 50_000 {
			t.Logf("SKIP %s: -short", s.Name)
			continue
		}
		all = append(all, s)
	}
	return all
}

func generated() []*trace.Trace {
	return []*trace.Trace{
		trace.Generate(trace.Session{Seed: 1, Txns: 8000, Pairs: true}),
		trace.Generate(trace.Session{Seed: 2, Txns: 6000, Replicas: 2}),
		trace.Generate(trace.Session{Seed: 3, Txns: 6000, Replicas: 5}),
	}
}

// TestOracleTraces replays editing sessions: every update of every
// transaction, and full states along the way, must be the bytes of yjs.
func TestOracleTraces(t *testing.T) {
	for _, s := range sessions(t) {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel() // each has a Node process of its own
			path := filepath.Join(t.TempDir(), "session.json")
			if err := s.Write(path); err != nil {
				t.Fatal(err)
			}
			want := answerOfYjs(t, s, path)
			if want.Updates != len(s.Txns) || len(want.Finals) != s.Replicas() || len(want.States) == 0 {
				t.Fatalf("the oracle played another session: %d updates, %d replicas, %d states", want.Updates, len(want.Finals), len(want.States))
			}
			units, err := s.UTF16()
			if err != nil {
				t.Fatal(err)
			}
			r := newReplay(units)
			r.requireUpdates(t, want, path)
			r.requireStates(t, want)
		})
	}
}

// replay plays a session with one document for each replica.
type replay struct {
	session *trace.Trace
	docs    []*ydoc.Doc
	known   []map[int]bool
	updates [][]byte
}

func newReplay(s *trace.Trace) *replay {
	r := &replay{session: s}
	for i := range s.Replicas() {
		r.docs = append(r.docs, ydoc.New(uint64(i+1)))
		r.known = append(r.known, map[int]bool{})
	}
	return r
}

func (r *replay) receive(replica, txn int) error {
	if r.known[replica][txn] {
		return nil
	}
	r.known[replica][txn] = true
	if len(r.updates[txn]) == 0 {
		return nil
	}
	if err := r.docs[replica].Apply(r.updates[txn]); err != nil {
		return fmt.Errorf("replica %d receives transaction %d: %w", replica, txn, err)
	}
	return nil
}

// play makes transaction i and its update.
func (r *replay) play(i int) error {
	x := r.session.Txns[i]
	for _, m := range x.Recv {
		if err := r.receive(x.R, m); err != nil {
			return err
		}
	}
	r.known[x.R][i] = true
	text := r.docs[x.R].Text("text")
	var failed error
	update := r.docs[x.R].AppendTransact(nil, func() {
		for _, p := range x.Patches {
			if p.Del > 0 {
				if err := text.Delete(p.Pos, p.Del); err != nil {
					failed = err
				}
			}
			if p.Ins != "" {
				if err := text.Insert(p.Pos, p.Ins); err != nil {
					failed = err
				}
			}
		}
	})
	r.updates = append(r.updates, update)
	return failed
}

// requireUpdates plays the session and compares updates block by block, and
// states at the checkpoints.
func (r *replay) requireUpdates(t *testing.T, want traceOracle, path string) {
	t.Helper()
	states := map[int]string{}
	for _, s := range want.States {
		states[int(s[0].(float64))] = s[1].(string)
	}
	block := sha256.New()
	for i := range r.session.Txns {
		if err := r.play(i); err != nil {
			t.Fatalf("transaction %d: %v", i, err)
		}
		var length [4]byte
		binary.LittleEndian.PutUint32(length[:], uint32(len(r.updates[i])))
		block.Write(length[:])
		block.Write(r.updates[i])
		if (i+1)%want.Block == 0 || i+1 == len(r.session.Txns) {
			if hex.EncodeToString(block.Sum(nil)) != want.Blocks[i/want.Block] {
				r.reportBlock(t, i/want.Block*want.Block, i+1, path)
				t.Fatalf("the hash of updates up to %d differs, but no update does", i)
			}
			block.Reset()
		}
		if hash, ok := states[i]; ok {
			if got := stateHash(r.docs[r.session.Txns[i].R]); got != hash {
				r.reportBlock(t, i/want.Block*want.Block, i+1, path)
				t.Fatalf("the full state after transaction %d is not that of yjs: SHA-256 %s, want %s", i, got, hash)
			}
		}
	}
}

// reportBlock fails with the first update from one transaction up to another
// that differs, if one does.
func (r *replay) reportBlock(t *testing.T, from, to int, path string) {
	t.Helper()
	var updates []string
	if err := runNode(&updates, "traces.mjs", path, strconv.Itoa(from), strconv.Itoa(to)); err != nil {
		t.Fatal(err)
	}
	for j, want := range updates {
		if got := hex.EncodeToString(r.updates[from+j]); got != want {
			t.Fatalf("the update of transaction %d (%+v) differs from that of yjs:\n got %s\nwant %s", from+j, r.session.Txns[from+j], got, want)
		}
	}
}

// requireStates delivers everything to everybody and compares full states.
func (r *replay) requireStates(t *testing.T, want traceOracle) {
	t.Helper()
	for replica, d := range r.docs {
		for i := range r.updates {
			if err := r.receive(replica, i); err != nil {
				t.Fatal(err)
			}
		}
		r.requireState(t, fmt.Sprintf("replica %d", replica), d, want.Finals[replica])
	}
	reader := ydoc.New(oracleReader)
	for i, u := range r.updates {
		if len(u) == 0 {
			continue
		}
		if err := reader.Apply(u); err != nil {
			t.Fatalf("reader: update %d: %v", i, err)
		}
	}
	r.requireState(t, "reader", reader, want.Reader)

	state := reader.AppendState(nil)
	again := ydoc.New(oracleReader)
	if err := again.Apply(state); err != nil {
		t.Fatalf("load: %v", err)
	}
	r.requireState(t, "loaded document", again, want.Loaded)
}

func (r *replay) requireState(t *testing.T, who string, d *ydoc.Doc, hash string) {
	t.Helper()
	if err := d.Check(); err != nil {
		t.Fatalf("%s: %v", who, err)
	}
	if r.session.End != nil && d.Text("text").String() != *r.session.End {
		t.Fatalf("%s: the text differs from the end of the session", who)
	}
	if got := stateHash(d); got != hash {
		t.Fatalf("%s: the full state is not that of yjs: SHA-256 %s, want %s", who, got, hash)
	}
}

func stateHash(d *ydoc.Doc) string {
	sum := sha256.Sum256(d.AppendState(nil))
	return hex.EncodeToString(sum[:])
}
