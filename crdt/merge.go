package crdt

import (
	"errors"
	"maps"
)

// Errors of [Merge].
var (
	// ErrNoMerge: only two states of one rule merge, [Counter] or [Set].
	ErrNoMerge = errors.New("crdt: merge: needs two states of crdt-counter or two of crdt-set")

	// ErrFolded: the two counters have different bases, so that a client's total
	// may be in the base of one and on its own in the other.
	ErrFolded = errors.New("crdt: merge: the counters were folded differently; apply the same log to both")

	// ErrMergeFull: what both hold together is beyond the rule's limits.
	ErrMergeFull = errors.New("crdt: merge: the result is beyond the limits of the rule")
)

// Merge joins two states as the papers define it, without a log: the greater
// total of each client, the union of what was added and of what was removed. It
// is commutative, associative (one order fails exactly if every order does) and
// idempotent, and changes neither argument. The hub never needs it; it is for
// replicas that meet without one. Counters with a base must have it from the same
// initial value or the same folds.
//
// The states of the other rules have no such join: what they mean depends on the
// order of the log.
func Merge(a, b State) (State, error) {
	switch a := a.(type) {
	case *counter:
		if b, ok := b.(*counter); ok {
			return mergeCounters(a, b)
		}
	case *twoPhaseSet:
		if b, ok := b.(*twoPhaseSet); ok {
			return mergeSets(a, b)
		}
	}
	return nil, ErrNoMerge
}

func mergeCounters(a, b *counter) (State, error) {
	if a.plus.base != b.plus.base || a.minus.base != b.minus.base {
		return nil, ErrFolded
	}
	m := &counter{a.plus.clone(), a.minus.clone()}
	if !m.plus.raise(&b.plus) || !m.minus.raise(&b.minus) {
		return nil, ErrMergeFull
	}
	return m, nil
}

// raise lifts every client's total to what it is in other. It reports whether
// the sum stayed within its range.
func (l *ledger) raise(other *ledger) bool {
	for client, n := range other.by { // order-free: each total is its own, and the sum only grows
		own := l.by[client]
		if !own.less(n) {
			continue
		}
		more := n.minus(own)
		if !l.sum.plus(more).within() {
			return false
		}
		l.add(client, more)
	}
	return true
}

func mergeSets(a, b *twoPhaseSet) (State, error) {
	m := newTwoPhaseSet()
	for _, s := range []*twoPhaseSet{a, b} {
		maps.Copy(m.live, s.live)
		maps.Copy(m.removed, s.removed)
	}
	for element := range m.removed { // order-free: a set and a sum
		delete(m.live, element)
		m.size += quotedLen(element)
	}
	for element := range m.live { // order-free: a sum
		m.size += quotedLen(element)
	}
	if len(m.live)+len(m.removed) > MaxElements {
		return nil, ErrMergeFull
	}
	return m, nil
}
