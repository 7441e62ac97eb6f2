package sqlite

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wavesiddhartha/flowsync/internal/sqlitefile"
	"github.com/wavesiddhartha/flowsync/store"
)

// P14: damage to a row costs its stream, whatever the row, and the error names
// the stream. Other streams are served as before.
func TestDamagedRow(t *testing.T) {
	const damaged, healthy = "counter:damaged", "counter:healthy"
	flip := func(column string) string {
		return column + ` = CAST(substr(` + column + `, 1, 40) || x'01' || substr(` + column + `, 42) AS BLOB)`
	}
	in := fmt.Sprintf(` WHERE stream = %d`, streamID(damaged))
	for _, c := range []struct{ name, sql string }{
		{"chunk: proof", `UPDATE chunks SET ` + flip("proof") + in},
		{"chunk: entries", `UPDATE chunks SET entries = replace(entries, '{"amount":1,', '{"amount":7,')` + in},
		{"chunk: first", `UPDATE chunks SET first = first + 1` + in},
		{"chunk: last", `UPDATE chunks SET last = last + 1` + in},
		{"chunk: stream", `UPDATE chunks SET stream = stream + 16` + in},
		{"chunk: gone", `DELETE FROM chunks` + in + ` AND first = (SELECT min(first) FROM chunks` + in + `)`},
		{"newest chunk: gone", `DELETE FROM chunks` + in + ` AND first = (SELECT max(first) FROM chunks` + in + `)`},
		{"chunk: proof is empty", `UPDATE chunks SET proof = x''` + in},
		{"chunk: entries are a number", `UPDATE chunks SET entries = 5` + in},
		{"recent: proof", `UPDATE recent SET ` + flip("proof") + in},
		{"recent: entries", `UPDATE recent SET entries = replace(entries, 'device', 'devise')` + in},
		{"recent: first", `UPDATE recent SET first = first + 1` + in},
		{"recent: stream", `UPDATE recent SET stream = stream + 16` + in},
		{"recent: id", `UPDATE recent SET id = id + 1000000` + in},
		{"recent: proof is empty", `UPDATE recent SET proof = x''` + in},
		{"stream: epoch", `UPDATE streams SET epoch = '0123456789abcdef' WHERE name = '` + damaged + `'`},
		{"stream: settled", `UPDATE streams SET settled = settled - 1 WHERE name = '` + damaged + `'`},
		{"stream: name", `UPDATE streams SET name = 'counter:damagee' WHERE name = '` + damaged + `'`},
		{"stream: id", `UPDATE streams SET id = id + 16 WHERE name = '` + damaged + `'`},
		{"stream: gone", `DELETE FROM streams WHERE name = '` + damaged + `'`},
		{"snapshot: state", `UPDATE snapshots SET state = '{"offset":0}'` + in},
		{"snapshot: chain", `UPDATE snapshots SET ` + strings.ReplaceAll(flip("chain"), "40", "4") + in},
		{"snapshot: offset", `UPDATE snapshots SET offset = offset + 1` + in},
		{"snapshot: epoch", `UPDATE snapshots SET epoch = '0123456789abcdef'` + in},
		{"snapshot: rule", `UPDATE snapshots SET rule = 'crdt-countes'` + in},
		{"snapshot: crc", `UPDATE snapshots SET crc = crc + 1` + in},
		{"snapshot: pieces", `UPDATE snapshots SET pieces = pieces - 1` + in},
		{"piece: data", `UPDATE pieces SET data = replace(data, 'off', 'ogf')` + in},
		{"piece: number", `UPDATE pieces SET piece = piece + 16` + in + ` AND piece = 0`},
		{"piece: offset", `UPDATE pieces SET offset = offset + 16` + in},
		{"piece: stream", `UPDATE pieces SET stream = stream + 16` + in},
		{"piece: gone", `DELETE FROM pieces` + in + ` AND piece = 1`},
		{"piece: one more", `INSERT INTO pieces SELECT stream, offset, 9, data FROM pieces` + in + ` AND piece = 0`},
		{"writer: seq", `UPDATE writers SET seq = seq - 1` + in},
		{"writer: client", `UPDATE writers SET client = 'devise-0'` + in + ` AND client = 'device-0'`},
		{"writer: gone", `DELETE FROM writers` + in + ` AND client = 'device-0'`},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := scratch(t)
			fill(t, path, damaged, healthy)
			shell(t, path, c.sql)
			st, err := open(path, "", tiny())
			if err != nil {
				t.Fatal(err)
			}
			defer st.Close()
			err = useAll(t, st, damaged)
			if !errors.Is(err, store.ErrCorrupt) || !strings.Contains(err.Error(), damaged) {
				t.Errorf("the damaged stream: %v, want ErrCorrupt and its name", err)
			}
			a := mustAuthor(t, st, healthy)
			for range 30 { // enough to settle
				a.mustAppend(t, 0, 1, 2)
			}
			if err := useAll(t, st, healthy); err != nil {
				t.Errorf("the healthy stream: %v", err)
			}
			if err := st.Close(); err != nil {
				t.Error(err)
			}
			again := mustOpen(t, path)
			defer again.Close()
			if err := useAll(t, again, damaged); !errors.Is(err, store.ErrCorrupt) {
				t.Errorf("the damaged stream, opened again: %v, want ErrCorrupt still", err)
			}
			if err := useAll(t, again, healthy); err != nil {
				t.Errorf("the healthy stream, opened again: %v", err)
			}
		})
	}
}

// When the log does not reach back to the beginning, a snapshot that is gone is
// missed.
func TestLostSnapshots(t *testing.T) {
	path := scratch(t)
	fill(t, path, "counter:damaged", "counter:healthy")
	st := mustOpen(t, path)
	if _, err := st.Trim(t.Context(), "counter:damaged", 3, 1); err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	shell(t, path, fmt.Sprintf(`DELETE FROM snapshots WHERE stream = %d`, streamID("counter:damaged")))
	again := mustOpen(t, path)
	defer again.Close()
	if err := useAll(t, again, "counter:damaged"); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("the stream without snapshots: %v, want ErrCorrupt", err)
	}
	if err := useAll(t, again, "counter:healthy"); err != nil {
		t.Errorf("the healthy stream: %v", err)
	}
}

// Session numbers never come again: the counter is kept twice, and when both are
// damaged the file is refused and put aside.
func TestDamagedSessionCounter(t *testing.T) {
	const first, both = ` WHERE name = 'session'`, ``
	for where, refused := range map[string]bool{first: false, both: true} {
		path := scratch(t)
		st := mustOpen(t, path)
		given, err := st.Session(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
		shell(t, path, "UPDATE meta SET value = value - 1000"+where)
		again, err := Open(path)
		if refused {
			if !errors.Is(err, store.ErrCorrupt) || sqlitefile.Size(path) > 0 {
				t.Errorf("open with both damaged: %v, want ErrCorrupt and the file put aside", err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if n, err := again.Session(t.Context(), "a"); err != nil || n <= given {
			t.Errorf("session %d follows %d, %v", n, given, err)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A damaged revocation is an error: nobody knows any more what it revoked. Streams
// are served as before.
func TestDamagedRevocation(t *testing.T) {
	for _, column := range []string{"subject = 'somebody'", "token = 'other'", "made = made - 1", "until = until + 1", "crc = crc + 1"} {
		path := scratch(t)
		fill(t, path, "counter:a")
		st := mustOpen(t, path)
		if err := st.Revoke(t.Context(), store.Revocation{Subject: "ann", Token: "one", Made: 1000, Until: 2000}); err != nil {
			t.Fatal(err)
		}
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
		shell(t, path, "UPDATE revocations SET "+column)
		again := mustOpen(t, path)
		if list, err := again.Revocations(t.Context(), 0); !errors.Is(err, store.ErrCorrupt) {
			t.Errorf("%s: %v, %v, want ErrCorrupt", column, list, err)
		}
		if err := useAll(t, again, "counter:a"); err != nil {
			t.Error(err)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// fill makes streams with everything in them: chunks, recent records, writers,
// two snapshots in pieces. Then it closes the store.
func fill(t *testing.T, path string, names ...string) {
	t.Helper()
	b := usual()
	b.chunkBytes, b.pieceBytes = 600, 5
	st, err := open(path, "", b)
	if err != nil {
		t.Fatal(err)
	}
	authors := make([]*author, len(names))
	for i, name := range names {
		authors[i] = mustAuthor(t, st, name)
		for range 6 {
			authors[i].mustAppend(t, 0, 1, 2)
			authors[i].save(t)
		}
	}
	if err := st.do(t.Context(), &errand{run: (*committer).settle}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		for _, a := range authors {
			a.mustAppend(t, 1, 2)
		}
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
}

// errand is a change that a test asks of the committer.
type errand struct {
	awaited
	run func(*committer) error
}

func (e *errand) make(c *committer) error { return e.run(c) }

// useAll does what a hub does with a stream and returns the first error.
func useAll(t *testing.T, st store.Store, name string) error {
	t.Helper()
	if _, err := survey(t.Context(), st, name); err != nil {
		return err
	}
	a, err := newAuthor(t.Context(), st, name) // recalls writers
	if err != nil {
		return err
	}
	_, err = a.append(9) // a new writer: its row is not there, and rightly so
	return err
}

// shell changes a closed file as the sqlite3 shell would.
func shell(t *testing.T, path, sql string) {
	t.Helper()
	c, err := connect(path, sqlitefile.ReadWrite, "")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	before, err := c.One("SELECT total_changes()")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Exec(sql); err != nil {
		t.Fatal(err)
	}
	after, err := c.One("SELECT total_changes()")
	if err != nil {
		t.Fatal(err)
	}
	if before[0] == after[0] {
		t.Fatalf("%s changed nothing", sql)
	}
}

// A flipped bit anywhere in the file or its write-ahead log is harmless, or an
// error: never another history than the one that was acknowledged.
func TestFlippedBit(t *testing.T) {
	path := scratch(t)
	names := []string{"counter:a", "counter:b", "counter:c"}
	fill(t, path, names...)
	st := mustOpen(t, path)
	var acked []place
	var torn int64 // where the last commit begins in the log
	for range 4 {
		for _, name := range names {
			a := mustAuthor(t, st, name)
			torn = sqlitefile.Size(path + "-wal")
			p, err := a.append(0, 1)
			if err != nil {
				t.Fatal(err)
			}
			acked = append(acked, p)
		}
	}
	kept := filepath.Join(filepath.Dir(path), "kept.db") // with its log, as a killed process leaves it
	copyStore(t, path, kept)
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]int)
	for seed := range uint64(150) {
		dice := rand.New(rand.NewPCG(seed, 0))
		suffix := []string{"", "-wal"}[dice.IntN(2)]
		broken := filepath.Join(filepath.Dir(path), fmt.Sprintf("broken-%d.db", seed))
		copyStore(t, kept, broken)
		content, err := os.ReadFile(broken + suffix)
		if err != nil {
			t.Fatal(err)
		}
		at := dice.IntN(len(content))
		content[at] ^= 1 << dice.IntN(8)
		if err := os.WriteFile(broken+suffix, content, 0o600); err != nil {
			t.Fatal(err)
		}
		what := fmt.Sprintf("seed=%d: bit at %d of %q", seed, at, suffix)
		outcome := afterFlip(t, broken, acked, what)
		if outcome == lastTorn && (suffix == "" || int64(at) < torn) {
			t.Errorf("%s: the last commit is gone, and the damage is not to it", what)
		}
		seen[outcome]++
	}
	t.Log(seen)
}

// lastTorn: the last commit is missing. Damage to it looks like what a crash
// leaves, so it is the hub that finds it, by the chain.
const lastTorn = "last commit torn"

// afterFlip returns what became of a file with a flipped bit.
func afterFlip(t *testing.T, path string, acked []place, what string) string {
	t.Helper()
	size := sqlitefile.Size(path)
	st, err := Open(path)
	if err != nil {
		if !errors.Is(err, store.ErrCorrupt) && !errors.Is(err, store.ErrVersion) && !errors.Is(err, errForeign) {
			t.Errorf("%s: open: %v", what, err)
		}
		asides, _ := filepath.Glob(path + "*")
		if len(asides) < 2 || size == 0 {
			t.Errorf("%s: the file is gone: %v", what, asides)
		}
		return "refused"
	}
	defer st.Close()
	outcome := "harmless"
	streams := make(map[string]bool)
	last := make(map[string]place)
	for _, p := range acked {
		streams[p.stream] = true
		last[p.stream] = p
	}
	for name := range streams {
		chains, err := survey(t.Context(), st, name)
		if errors.Is(err, store.ErrCorrupt) || errors.Is(err, store.ErrVersion) {
			outcome = "stream refused"
			continue
		}
		if err != nil {
			t.Errorf("%s: %s: %v", what, name, err)
			continue
		}
		if p := last[name]; chains[p.offset] != p.chain {
			if tornTail(chains, acked, name) {
				outcome = lastTorn
				continue
			}
			t.Errorf("%s: %s: offset %d is gone and nobody was told", what, name, p.offset)
		}
	}
	return outcome
}

// tornTail says whether only the very last commit of all is missing.
func tornTail(chains map[uint64]store.Hash, acked []place, name string) bool {
	newest := acked[len(acked)-1]
	return newest.stream == name && chains[acked[len(acked)-4].offset] == acked[len(acked)-4].chain
}
