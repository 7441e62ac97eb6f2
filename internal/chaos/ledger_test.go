package chaos

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/store/sqlite"
)

// ledger is what the log in the file says: how often each op is in it.
type ledger struct {
	ops  int
	seen map[string]int // stream, writer and seq → times
	sum  int64
	all  []string // elements and entries
	text map[string]int
}

// readLedger reads the logs of a file that no hub has open, and checks them.
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
	for _, stream := range []string{counterStream, setStream, textStream, logStream} {
		c, err := r.Contents(stream)
		if err != nil {
			t.Fatal(err)
		}
		if c.First != 1 {
			t.Fatalf("the log of %s was trimmed to %d: this count needs all of it", stream, c.First)
		}
		text := crdt.Text.New()
		for rec, err := range r.Records(c) {
			if err != nil {
				t.Fatal(err)
			}
			for i := range rec.Entries {
				e := &rec.Entries[i]
				if strings.HasPrefix(e.Writer.Client, "hub:") {
					continue
				}
				l.ops++
				l.seen[fmt.Sprint(stream, e.Writer, e.Seq)]++
				l.count(t, stream, e.Op)
				text.Apply(crdt.Op{Offset: e.Offset, At: e.At, Writer: e.Writer, Seq: e.Seq, Body: e.Op})
			}
		}
		if stream == textStream {
			var value string
			if err := json.Unmarshal(text.AppendValue(nil), &value); err != nil {
				t.Fatal(err)
			}
			l.text = lettersOf(value)
		}
	}
	slices.Sort(l.all)
	return l
}

func (l *ledger) count(t *testing.T, stream string, body []byte) {
	t.Helper()
	if stream == textStream {
		return
	}
	var op struct {
		Amount int64
		Value  string
	}
	if err := json.Unmarshal(body, &op); err != nil {
		t.Fatal(err)
	}
	if stream == counterStream {
		l.sum += op.Amount
		return
	}
	l.all = append(l.all, op.Value)
}

// balance compares the log with what was pushed and acked, and returns how many
// ops are gone and how many are there twice.
func (l *ledger) balance(t *testing.T, want wanted) (lost, doubled int) {
	t.Helper()
	for op, n := range l.seen {
		if n > 1 {
			t.Errorf("%s is in the log %d times", op, n)
			doubled += n - 1
		}
	}
	doubled += len(l.all) - len(slices.Compact(slices.Clone(l.all)))
	there := make(map[string]bool, len(l.all))
	for _, name := range l.all {
		there[name] = true
	}
	for _, name := range want.set {
		if !there[name] {
			lost++
		}
	}
	lost += max(0, want.pushed-l.ops)
	if lost > 0 || doubled > 0 || l.ops != want.pushed {
		t.Errorf("%d ops were acked, %d are in the log: lost %d, doubled %d", want.pushed, l.ops, lost, doubled)
	}
	if l.sum != want.sum {
		t.Errorf("the log adds up to %d, the acked amounts to %d", l.sum, want.sum)
	}
	if !slices.Equal(l.all, want.set) {
		t.Errorf("the log has %d elements and entries, %d were acked", len(l.all), len(want.set))
	}
	if !maps.Equal(l.text, want.letters) {
		t.Errorf("letters: the log has %v, %v were acked", l.text, want.letters)
	}
	return lost, doubled
}
