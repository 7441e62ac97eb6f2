package chaos

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/store/sqlite"
)

// ledger is what a file says of the ops that a crowd pushed.
type ledger struct {
	ops  int            // committed; every op has an offset, also when the log was trimmed
	seen map[string]int // stream, writer and seq → times in what the log holds
	sum  int64
	all  []string // elements and entries, sorted
	text map[string]int
}

// readLedger reads the streams of a file that no hub has open: their states, and
// of the append-log, which is never trimmed, every entry.
func readLedger(t *testing.T, file string) *ledger {
	t.Helper()
	r, err := sqlite.OpenReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Check(); err != nil {
		t.Error(err)
	}
	l := &ledger{seen: make(map[string]int)}
	var text string
	l.value(t, l.replay(t, r, counterStream, crdt.Counter), &l.sum)
	l.value(t, l.replay(t, r, setStream, crdt.ORSet), &l.all)
	l.value(t, l.replay(t, r, textStream, crdt.Text), &text)
	l.replay(t, r, logStream, crdt.Log)
	l.text = lettersOf(text)
	slices.Sort(l.all)
	return l
}

// replay returns the state at the end of a stream's log.
func (l *ledger) replay(t *testing.T, r *sqlite.Reader, stream string, rule crdt.Rule) crdt.State {
	t.Helper()
	c, err := r.Contents(stream)
	if err != nil {
		t.Fatal(err)
	}
	if stream == logStream && c.First != 1 {
		t.Errorf("the log of %s was trimmed to %d", stream, c.First)
	}
	l.ops += int(c.Head.Offset)
	state, at := rule.New(), uint64(0)
	if len(c.Snapshots) > 0 {
		if state, err = rule.Decode(c.Snapshots[0].State); err != nil {
			t.Fatal(err)
		}
		at = c.Snapshots[0].Position.Offset
	}
	for rec, err := range r.Records(c) {
		if err != nil {
			t.Fatal(err)
		}
		for i := range rec.Entries {
			e := &rec.Entries[i]
			l.seen[fmt.Sprint(stream, e.Writer, e.Seq)]++
			if e.Offset > at {
				state.Apply(crdt.Op{Offset: e.Offset, At: e.At, Writer: e.Writer, Seq: e.Seq, Body: e.Op})
			}
			if stream != logStream {
				continue
			}
			var op struct{ Value string }
			if err := json.Unmarshal(e.Op, &op); err != nil {
				t.Fatal(err)
			}
			l.all = append(l.all, op.Value)
		}
	}
	return state
}

// value decodes what a state shows. Sums that do not fit a number are text, and
// no test here gets there.
func (l *ledger) value(t *testing.T, state crdt.State, v any) {
	t.Helper()
	if err := json.Unmarshal(state.AppendValue(nil), v); err != nil {
		t.Fatal(err)
	}
}

// balance compares the ledger with what was pushed, all of which was acked, and
// returns how many ops are gone and how many took effect twice.
func (l *ledger) balance(t *testing.T, want wanted) (lost, doubled int) {
	t.Helper()
	for op, n := range l.seen {
		if n > 1 {
			t.Errorf("%s is in the log %d times", op, n)
		}
	}
	there := make(map[string]int, len(l.all))
	for _, name := range l.all {
		there[name]++
	}
	for _, name := range want.set {
		lost += max(0, 1-there[name])
		doubled += max(0, there[name]-1)
	}
	for letter, n := range want.letters {
		lost += max(0, n-l.text[letter])
		doubled += max(0, l.text[letter]-n)
	}
	if l.ops != want.pushed {
		t.Errorf("%d ops were acked, %d are committed", want.pushed, l.ops)
	}
	if l.sum != want.sum {
		t.Errorf("the counter shows %d, the acked amounts are %d", l.sum, want.sum)
	}
	if !slices.Equal(l.all, want.set) || !maps.Equal(l.text, want.letters) {
		t.Errorf("elements, entries or letters are not those that were acked: lost %d, doubled %d", lost, doubled)
	}
	return lost, doubled
}
