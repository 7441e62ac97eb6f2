package trace

import (
	"encoding/json"
	"fmt"
	"slices"
)

// convert turns a recorded session into a Trace.
func convert(name string, b []byte) (*Trace, error) {
	var in recorded
	if err := json.Unmarshal(b, &in); err != nil {
		return nil, fmt.Errorf("trace: %w", err)
	}
	t := &Trace{Name: name, Kind: Sequential, End: &in.EndContent}
	if in.Kind == string(Concurrent) {
		t.Kind = Concurrent
		if in.StartContent != "" {
			return nil, fmt.Errorf("trace %s: a concurrent session that starts with text is not supported: make the text its first transaction", name)
		}
		if err := t.replicate(&in); err != nil {
			return nil, err
		}
		return t, t.Check()
	}
	if in.StartContent != "" {
		t.Txns = append(t.Txns, Txn{Recv: []int{}, Patches: []Patch{{Ins: in.StartContent}}})
	}
	for _, x := range in.Txns {
		t.Txns = append(t.Txns, Txn{Recv: []int{}, Patches: x.Patches})
	}
	return t, t.Check()
}

// clock counts, per replica, the transactions that are known.
type clock []int

func (c clock) of(r int) int {
	if r >= len(c) {
		return 0
	}
	return c[r]
}

func (c clock) merge(o clock) clock {
	for r, n := range o {
		if r >= len(c) {
			c = append(c, n)
			continue
		}
		c[r] = max(c[r], n)
	}
	return c
}

// replicate gives every transaction of a version graph a replica whose state
// is what the transaction's parents make when merged. An agent may branch
// from its own past; such a branch becomes a replica of its own, because a
// replica cannot forget.
func (t *Trace) replicate(in *recorded) error {
	after := make([]clock, 0, len(in.Txns)) // what is known after each transaction
	var made [][]int                        // replica → its transactions
	var known []clock                       // replica → what it knows
	var agent []int                         // replica → its agent

	for i, x := range in.Txns {
		var seen clock
		for _, p := range x.Parents {
			if p < 0 || p >= i {
				return fmt.Errorf("trace %s: transaction %d has parent %d, want an earlier one", t.Name, i, p)
			}
			seen = seen.merge(after[p])
		}
		r := 0
		for r < len(agent) && (agent[r] != x.Agent || seen.of(r) != len(made[r])) {
			r++
		}
		if r == len(agent) {
			agent, made, known = append(agent, x.Agent), append(made, nil), append(known, nil)
		}

		recv := []int{}
		for o := range seen {
			if o != r {
				recv = append(recv, made[o][known[r].of(o):seen[o]]...)
			}
		}
		slices.Sort(recv)
		t.Txns = append(t.Txns, Txn{R: r, Recv: recv, Patches: x.Patches})

		made[r] = append(made[r], i)
		own := make(clock, r+1)
		own[r] = len(made[r])
		known[r] = slices.Clone(seen).merge(own)
		after = append(after, known[r])
	}
	return nil
}
