// Package trace holds editing sessions to replay against a text engine: who
// typed what, where, and what each author had seen by then.
//
// # Invariants
//
//   - Positions and lengths of a Trace count Unicode code points; UTF16 turns
//     them into UTF-16 code units.
//   - A transaction receives only transactions that come before it in Txns.
//   - The transactions of one replica each follow all its earlier ones.
//   - No two inserts of a concurrent session compete for one place, so every
//     correct engine ends at the same text.
//
// The package imports only the standard library and starts no goroutine.
package trace

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Kind says how many authors a session has.
type Kind string

const (
	Sequential Kind = "sequential" // one author: every R is 0, every Recv is empty
	Concurrent Kind = "concurrent" // several authors who exchange their transactions
)

// Trace is one editing session. The zero value is an empty session.
type Trace struct {
	Name string  `json:"name"`
	Kind Kind    `json:"kind"`
	End  *string `json:"end"` // the text once every replica has received everything; nil: unknown
	Txns []Txn   `json:"txns"`
}

// Txn is one transaction of one replica.
type Txn struct {
	R       int     `json:"r"`       // the replica that makes the edit, from 0
	Recv    []int   `json:"recv"`    // transactions whose updates R receives first, ascending
	Patches []Patch `json:"patches"` // applied in order
}

// Patch removes Del characters at Pos, then inserts Ins there. Its JSON is
// the array [position, deleted, inserted].
type Patch struct {
	Pos int
	Del int
	Ins string
}

// MarshalJSON encodes the patch as [position, deleted, inserted].
func (p Patch) MarshalJSON() ([]byte, error) {
	return json.Marshal([3]any{p.Pos, p.Del, p.Ins})
}

// UnmarshalJSON decodes [position, deleted, inserted].
func (p *Patch) UnmarshalJSON(b []byte) error {
	// A short array leaves nil in the last field, a long one fills the spare.
	fields := [4]any{&p.Pos, &p.Del, &p.Ins}
	if err := json.Unmarshal(b, &fields); err != nil {
		return fmt.Errorf("trace: a patch is not [position, deleted, inserted]: %w", err)
	}
	if fields[2] == nil || fields[3] != nil {
		return errors.New("trace: a patch does not have the three fields [position, deleted, inserted]")
	}
	return nil
}

// Replicas is the number of replicas that edit.
func (t *Trace) Replicas() int {
	n := 0
	for i := range t.Txns {
		n = max(n, t.Txns[i].R+1)
	}
	return n
}

// Repeat is the session played n times in one document: the text of earlier
// rounds is pushed towards the end. Only sequential sessions repeat.
func (t *Trace) Repeat(n int) (*Trace, error) {
	if t.Kind != Sequential {
		return nil, fmt.Errorf("trace %s: only a sequential session can be repeated", t.Name)
	}
	r := &Trace{Name: fmt.Sprintf("%s-x%d", t.Name, n), Kind: t.Kind}
	r.Txns = slices.Repeat(t.Txns, n)
	if t.End != nil {
		end := strings.Repeat(*t.End, n)
		r.End = &end
	}
	return r, nil
}

// Check reports the first transaction that breaks the invariants of the
// package. It does not play the session: a position past the end of the text
// shows only when the session is played.
func (t *Trace) Check() error {
	if t.Kind != Sequential && t.Kind != Concurrent {
		return fmt.Errorf("trace %s: kind %q is neither %q nor %q", t.Name, t.Kind, Sequential, Concurrent)
	}
	for i, x := range t.Txns {
		if x.R < 0 || x.R > i {
			return fmt.Errorf("trace %s: transaction %d: replica %d, want 0 to %d: replicas are numbered as they appear", t.Name, i, x.R, i)
		}
		if t.Kind == Sequential && (x.R != 0 || len(x.Recv) > 0) {
			return fmt.Errorf("trace %s: transaction %d of a sequential session names another replica", t.Name, i)
		}
		for _, m := range x.Recv {
			if m < 0 || m >= i {
				return fmt.Errorf("trace %s: transaction %d receives %d, want an earlier one", t.Name, i, m)
			}
		}
		for _, p := range x.Patches {
			if p.Pos < 0 || p.Del < 0 {
				return fmt.Errorf("trace %s: transaction %d has a negative position or length", t.Name, i)
			}
			if !utf8.ValidString(p.Ins) {
				return fmt.Errorf("trace %s: transaction %d inserts text that is not UTF-8", t.Name, i)
			}
		}
	}
	return nil
}
