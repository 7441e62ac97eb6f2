package crdt

import "fmt"

// Builtin is a rule of this package.
type Builtin string

// The built-in rules.
const (
	Counter   Builtin = "crdt-counter" // a sum that everyone adds to and takes from
	Set       Builtin = "crdt-set"     // a set; what was removed never returns
	ORSet     Builtin = "crdt-orset"   // a set; an add wins over a concurrent remove
	Map       Builtin = "crdt-map"     // keys to values; per key the write that knew more wins
	LWW       Builtin = "lww"          // one value; the write that knew more wins
	Log       Builtin = "append-log"   // the newest values, in the hub's order
	Text      Builtin = "crdt-text"    // a text that many edit at once; Yjs's Y.Text
	Doc       Builtin = "crdt-doc"     // a whole Yjs document
	Ephemeral Builtin = "ephemeral"    // keys that live as long as their session; not logged
)

// Lookup returns the built-in rule of that name.
func Lookup(name string) (Rule, bool) {
	switch rule := Builtin(name); rule {
	case Counter, Set, ORSet, Map, LWW, Log, Text, Doc, Ephemeral:
		return rule, true
	}
	return nil, false
}

// Name implements [Rule].
func (r Builtin) Name() string { return string(r) }

// New implements [Rule]. It panics if there is no such rule: r did not come from
// the constants or from [Lookup].
func (r Builtin) New() State {
	switch r {
	case Counter:
		return newCounter()
	case Set:
		return newTwoPhaseSet()
	case ORSet:
		return newObservedSet()
	case Map:
		return newKeyedMap()
	case LWW:
		return &register{}
	case Log:
		return &appendLog{keep: DefaultKeep}
	case Text, Doc:
		return newDocument(r)
	case Ephemeral:
		return newSignals()
	}
	panic("crdt: no such built-in rule")
}

// Decode implements [Rule].
func (r Builtin) Decode(encoded []byte) (State, error) {
	switch r {
	case Counter:
		return decodeCounter(encoded)
	case Set:
		return decodeTwoPhaseSet(encoded)
	case ORSet:
		return decodeObservedSet(encoded)
	case Map:
		return decodeKeyedMap(encoded)
	case LWW:
		return decodeRegister(encoded)
	case Log:
		return decodeAppendLog(encoded)
	case Text, Doc:
		return decodeDocument(r, encoded)
	case Ephemeral:
		return decodeSignals(encoded)
	}
	return nil, fmt.Errorf("crdt: decode: no such built-in rule")
}
