package queue

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/wavesiddhartha/flowsync/internal/clientcore"
	"github.com/wavesiddhartha/flowsync/internal/sqlitefile"
	"github.com/wavesiddhartha/flowsync/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// opened is an open queue under test.
type opened struct {
	*Queue
	t     *testing.T
	found *Contents
}

func open(t *testing.T, path string) *opened {
	t.Helper()
	q, found, err := Open(path, "dev-1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { q.Close() })
	return &opened{q, t, found}
}

// reopen closes the queue and opens it again, which has to find it sound.
func (o *opened) reopen() {
	o.t.Helper()
	if err := o.Close(); err != nil {
		o.t.Fatal(err)
	}
	*o = *open(o.t, o.path)
	if o.found.Aside != "" || len(o.found.Damage) > 0 {
		o.t.Fatalf("a sound file was found damaged: %+v", o.found)
	}
}

func (o *opened) do(effects ...clientcore.Effect) {
	o.t.Helper()
	if err := o.Do(effects); err != nil {
		o.t.Fatal(err)
	}
}

// hurry leaves out the syncs, which are most of the time: for tests of what is
// written, not of when.
func (o *opened) hurry() {
	o.t.Helper()
	if err := o.db.Script("PRAGMA synchronous = OFF"); err != nil {
		o.t.Fatal(err)
	}
}

// requireSaved compares what a reopened queue found.
func (o *opened) requireSaved(want clientcore.Saved) {
	o.t.Helper()
	for i := range want.Streams {
		if len(want.Streams[i].Ops) == 0 {
			want.Streams[i].Ops = nil
		}
	}
	if len(want.Dead) == 0 {
		want.Dead = nil
	}
	if reflect.DeepEqual(want, o.found.Saved) {
		return
	}
	if d := cmp.Diff(want, o.found.Saved); d != "" {
		o.t.Fatalf("the file differs from the model (-model +file):\n%s", d)
	}
}

func op(seq uint64) clientcore.Op {
	return clientcore.Op{Seq: seq, At: 3, Body: fmt.Appendf(nil, `{"amount":%d,"op":"increment"}`, seq)}
}

func begin(stream string, ops int) clientcore.SavedStream {
	s := clientcore.SavedStream{Head: clientcore.Head{
		Stream: stream, Rule: "crdt-counter", Inc: "0123456789abcdef", Next: uint64(ops) + 1,
		Hash: [8]byte{7}, Epoch: "e", At: 3, Seen: true,
	}}
	for seq := range uint64(ops) {
		s.Ops = append(s.Ops, op(seq+1))
	}
	return s
}

// TestConformance does random effects on the file and on the model, in
// transactions of random length, and opens the file again at random moments.
func TestConformance(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 0))
			q := open(t, filepath.Join(t.TempDir(), "q.db"))
			var model clientcore.Saved
			q.hurry()
			for range 60 {
				var effects clientcore.Effects
				for range rng.IntN(6) {
					effects = append(effects, randomEffect(rng))
				}
				q.do(effects...)
				for _, e := range effects {
					model.Do(e)
				}
				if rng.IntN(10) == 0 {
					q.reopen()
					q.requireSaved(model)
					q.hurry()
				}
			}
			q.reopen()
			q.requireSaved(model)
		})
	}
}

func randomEffect(rng *rand.Rand) clientcore.Effect {
	stream := fmt.Sprintf("s:%d", rng.IntN(4))
	seq := func() uint64 { return uint64(rng.IntN(12) + 1) }
	inc := []string{"", "00000000000000aa", "00000000000000bb"}[rng.IntN(3)]
	hash := [8]byte{byte(rng.IntN(3)), 255}
	body := []([]byte){[]byte(`{"op":"set","value":"a\u0000ü😀'"}`), []byte(`{}`), []byte(strings.Repeat("x", rng.IntN(9000)))}[rng.IntN(3)]
	randomOp := func(n uint64) clientcore.Op {
		o := clientcore.Op{Seq: n, At: seq(), Blind: rng.IntN(3) == 0, Body: body}
		if rng.IntN(9) == 0 {
			o.Lost, o.Body = true, nil
		}
		return o
	}
	head := clientcore.Head{
		Stream: stream, Rule: []string{"", "lww"}[rng.IntN(2)], Inc: inc, Next: seq(), Acked: seq(), Hash: hash,
		Epoch: inc, At: seq(), Seen: rng.IntN(2) == 0,
	}
	switch rng.IntN(12) {
	case 0:
		s := clientcore.SavedStream{Head: head}
		for n := range uint64(rng.IntN(5)) {
			s.Ops = append(s.Ops, randomOp(n*2+1))
		}
		return clientcore.SaveStream{Stream: s}
	case 1:
		return clientcore.SaveHead{Head: head}
	case 2:
		return clientcore.DropOps{Stream: stream, Through: seq()}
	case 3, 4:
		d := clientcore.DeadLetter{
			Stream: stream, Inc: inc, Seq: seq(), Hash: hash, Sent: rng.IntN(2) == 0, Code: wire.InDoubt, Msg: "no", Op: body,
		}
		if rng.IntN(4) == 0 {
			d.Op = nil
		}
		return clientcore.SaveDead{Dead: d}
	case 5:
		return clientcore.DropDead{Stream: stream, Inc: inc, Seq: seq()}
	case 6:
		return clientcore.SaveState{Head: head, Kept: clientcore.Kept{Cursor: "e.1", State: body}, Through: seq()}
	case 7:
		return clientcore.Changed{Stream: stream} // not for the queue
	}
	return clientcore.SaveOp{Stream: stream, Op: randomOp(seq())}
}

func TestSecondOpener(t *testing.T) {
	path := filepath.Join(t.TempDir(), "q.db")
	q := open(t, path)
	if _, _, err := Open(path, "dev-1"); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Fatalf("a second opener: %v", err)
	}
	q.do(clientcore.SaveStream{Stream: begin("n", 2)})
	q.reopen()
}

func TestOtherClient(t *testing.T) {
	path := filepath.Join(t.TempDir(), "q.db")
	q := open(t, path)
	q.do(clientcore.SaveStream{Stream: begin("n", 2)})
	q.Close()
	if _, _, err := Open(path, "dev-2"); err == nil || !strings.Contains(err.Error(), `"dev-1"`) {
		t.Fatalf("another client: %v", err)
	}
	if q := open(t, path); len(q.found.Saved.Streams) != 1 {
		t.Fatalf("the refusal changed the queue: %+v", q.found)
	}
}

// Files that are not ours, or of a later version, stay as they are.
func TestRefusedFiles(t *testing.T) {
	dir := t.TempDir()
	sound := filepath.Join(dir, "q.db")
	open(t, sound).Close()
	header := func(offset int, b byte) []byte {
		data, err := os.ReadFile(sound)
		if err != nil {
			t.Fatal(err)
		}
		data[offset] = b
		return data
	}
	other := filepath.Join(dir, "other.db")
	c, err := connect(other, sqlitefile.ReadWrite)
	if err == nil {
		err = errors.Join(c.Script("CREATE TABLE diary (day TEXT); INSERT INTO diary VALUES ('dear')"), c.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	diary, err := os.ReadFile(other)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, want string
		data       []byte
	}{
		{"newer", "version 9", header(63, 9)},
		{"foreign", "another program", diary},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "f.db")
			if err := os.WriteFile(path, c.data, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, _, err := Open(path, "dev-1"); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			after, err := os.ReadFile(path)
			if err != nil || !slices.Equal(after, c.data) {
				t.Fatalf("the file was changed (%v)", err)
			}
			if more, _ := filepath.Glob(path + "*"); len(more) > 1 {
				t.Fatalf("files were made: %v", more)
			}
		})
	}
}

// The queue holds what was written: it is its owner's alone, with all beside it.
func TestFilesArePrivate(t *testing.T) {
	if runtime.GOOS == "windows" {
		cannotRun(t, "modes mean nothing on Windows")
	}
	path := filepath.Join(t.TempDir(), "q.db")
	defer open(t, path).Close()
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) < 3 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has mode %v, want 0600", filepath.Base(file), mode)
		}
	}
}

func TestBadPlaces(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "none", "q.db"): "does not exist",
		filepath.Join(file, "q.db"):        "not a directory",
		dir:                                "not a file",
	} {
		if _, _, err := Open(path, "dev-1"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", path, err, want)
		}
	}
}
