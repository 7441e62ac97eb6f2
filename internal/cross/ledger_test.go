package cross

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"math/big"
	"slices"
	"testing"

	"github.com/wavesiddhartha/flowsync/node"
)

// ledger counts the ops of a world by their canonical text.
type ledger struct {
	// certain are ops that a client accepted; open are those that may be there or
	// not: nobody heard an answer, or the hub lost the end of its log since.
	certain, open map[account]map[string]int
}

// account is a client's part of a stream.
type account struct{ client, stream string }

func newLedger() *ledger {
	return &ledger{certain: map[account]map[string]int{}, open: map[account]map[string]int{}}
}

func add(to map[account]map[string]int, a account, op string, n int) {
	if to[a] == nil {
		to[a] = map[string]int{}
	}
	to[a][op] += n
}

func (l *ledger) pushed(client, stream, op string, v verdict) {
	switch v {
	case accepted:
		add(l.certain, account{client, stream}, op, 1)
	case unknown:
		add(l.open, account{client, stream}, op, 1)
	}
}

// lost notes that the hub may have lost what was committed so far.
func (l *ledger) lost() {
	for a, ops := range l.certain {
		for op, n := range ops {
			add(l.open, a, op, n)
		}
	}
	clear(l.certain)
}

// committed reads a stream's whole log as the hub has it; false if the hub has
// dropped its beginning.
func committed(t *testing.T, h *hub, stream string) (map[account]map[string]int, bool) {
	t.Helper()
	n, err := node.Dial(t.Context(), "ws://"+h.addr, node.Options{Client: auditor, Token: auditor, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	found := map[account]map[string]int{}
	for before := uint64(0); ; {
		entries, more, err := n.History(ctx, stream, before, 1000)
		if err != nil {
			t.Fatalf("history of %s: %v", stream, err)
		}
		for _, e := range entries {
			add(found, account{e.Client, stream}, string(e.Op), 1)
		}
		if !more {
			return found, len(entries) == 0 || entries[0].Off == 1
		}
		before = entries[0].Off
	}
}

// settle compares what a client pushed with what is committed and what was
// rejected: nothing is lost, nothing is there twice.
func (l *ledger) settle(t *testing.T, a account, committed map[string]int, letters []letter, whole bool) {
	t.Helper()
	rejected, doubtful := map[string]int{}, map[string]int{}
	for _, d := range letters {
		if d.Stream != a.stream {
			continue
		}
		if d.Code == "in_doubt" { // the hub may have it or not
			doubtful[string(d.Op)]++
		} else {
			rejected[string(d.Op)]++
		}
	}
	ops := map[string]int{}
	for _, m := range []map[string]int{l.certain[a], l.open[a], committed, rejected} {
		maps.Copy(ops, m)
	}
	for _, op := range slices.Sorted(maps.Keys(ops)) {
		made, maybe, in, out := l.certain[a][op], l.open[a][op], committed[op], rejected[op]
		if in+out > made+maybe {
			t.Errorf("%s of %s: %s was pushed %d+%d times, is committed %d times and rejected %d times", a.stream, a.client, op, made, maybe, in, out)
		}
		if whole && in+out+doubtful[op] < made {
			t.Errorf("%s of %s: %s was pushed %d times, is committed %d times, rejected %d times and in doubt %d times", a.stream, a.client, op, made, in, out, doubtful[op])
		}
	}
}

// total is what a counter must show when these ops are committed.
func total(t *testing.T, initial string, committed map[account]map[string]int, stream string) string {
	t.Helper()
	sum, _ := new(big.Int).SetString(initial, 10)
	for a, ops := range committed {
		if a.stream != stream {
			continue
		}
		for op, n := range ops {
			var o struct {
				Op     string
				Amount *int64
			}
			if err := json.Unmarshal([]byte(op), &o); err != nil {
				t.Fatal(err)
			}
			amount := big.NewInt(1)
			if o.Amount != nil {
				amount.SetInt64(*o.Amount)
			}
			amount.Mul(amount, big.NewInt(int64(n)))
			switch o.Op {
			case "increment":
				sum.Add(sum, amount)
			case "decrement":
				sum.Sub(sum, amount)
			}
		}
	}
	text := sum.String()
	if bound := new(big.Int).Lsh(big.NewInt(1), 53); sum.CmpAbs(bound) >= 0 {
		return `"` + text + `"`
	}
	return text
}
