// Package crdt implements the merge rules behind every FlowSync stream.
//
// A stream is a totally ordered log of committed ops. A [Rule] says what those
// ops mean: a [State] checks an op before it is committed and applies it after.
// The same code runs on the hub and on every replica, so equal logs make equal
// states; what a rule adds is that ops made concurrently, against an older
// state, still have the effect their author meant.
//
// # Invariants
//
//   - Determinism: Apply depends on the state and the op alone. No clock, no
//     randomness, no map order.
//   - Totality: Apply accepts every op, also one that Check would refuse. An op
//     without meaning changes nothing.
//   - Canonical form: equal states have equal encodings, and Decode of an
//     encoding gives an equal state.
//
// The built-in rules hold more than that: an op that Check refuses changes
// nothing when it is applied, and what is not canonical JSON never enters a state.
//
// The package imports only the standard library and starts no goroutine. Rules
// are immutable and safe for concurrent use; a State belongs to one goroutine at
// a time.
package crdt

import "crypto/sha256"

// Op is one operation as a rule sees it.
type Op struct {
	// Offset is the op's place in the stream's log, from 1. A replica gives ops
	// of its own that are not committed yet provisional offsets above the head.
	Offset uint64

	// At is the offset the author had applied when it made the op. Together with
	// Seq it is the op's whole causal context: the author knew everything at or
	// below At, and its own earlier ops.
	At uint64

	// Writer made the op; Seq numbers its ops on this stream from 1.
	Writer Writer
	Seq    uint64

	// Body is the op itself: a JSON object in canonical form (RFC 8785). The
	// state must copy what it keeps.
	Body []byte
}

// Writer identifies the author of ops on one stream: a client and its
// incarnation. Clients with a colon in their id are hubs and the HTTP API.
type Writer struct {
	Client string
	Inc    string
}

// Rule is how the ops of a stream merge. Implement it, with [State], to add a
// rule of your own; see the package example.
type Rule interface {
	// Name identifies the rule on the wire and in stores, for example
	// "crdt-counter". Names that begin with "crdt-" are reserved.
	Name() string

	// New returns the state of a stream without ops.
	New() State

	// Decode parses what [State.AppendState] wrote. It must refuse anything
	// else with an error, allocate no more than a small multiple of the input,
	// and not keep the input.
	Decode(encoded []byte) (State, error)
}

// State is what the ops of one stream add up to.
type State interface {
	// Check says whether op may be committed next. It must not change the state.
	// A refusal is an [*Error] with one of the codes of this package; another
	// error counts as [BadOp]. grow is an upper bound for the bytes that op adds
	// to the encoding: the hub refuses growth beyond its limit. It is 0 or less
	// for an op that adds none, and for one of a rule that bounds its own state,
	// as append-log does: such an op is never refused for the size of the state.
	Check(op Op) (grow int, err error)

	// Apply takes op into the state. Ops are applied in the order of their
	// offsets, each once.
	Apply(op Op)

	// Clone returns an independent copy. Another goroutine may use it while this
	// one uses the original.
	Clone() State

	// AppendState appends the canonical encoding, a JSON value in canonical
	// form, to b.
	AppendState(b []byte) []byte

	// AppendValue appends what the stream shows to applications, a JSON value
	// in canonical form, to b.
	AppendValue(b []byte) []byte

	// Size is the length of the encoding in bytes, or a close upper bound. The
	// hub calls it for every op: it must not encode.
	Size() int
}

// Configurable is implemented by states whose registration options are part of
// the state, because they change what ops do. The hub commits them as an op of
// its own.
type Configurable interface {
	State

	// AppendOptions appends the options in force as a JSON object in canonical
	// form, without the "op" member.
	AppendOptions(b []byte) []byte
}

// Digester is implemented by states whose equality is not the equality of their
// encodings.
type Digester interface {
	// AppendDigestInput appends bytes that are equal exactly for equal states.
	AppendDigestInput(b []byte) []byte
}

// Digest proves convergence: replicas at the same offset without pending ops
// have equal digests, in every language. It is SHA-256 of the canonical encoding,
// or of what a [Digester] names.
func Digest(s State) [sha256.Size]byte {
	if d, ok := s.(Digester); ok {
		return sha256.Sum256(d.AppendDigestInput(nil))
	}
	return sha256.Sum256(s.AppendState(nil))
}
