// Package acl says what a subject may do with a stream.
//
// Rights are written as rules: a verb and a pattern of stream names.
//
//	read:chat:general     read this stream
//	write:game:*          write every stream below game, at any depth
//	read:team:*:notes     a * in the middle stands for exactly one segment
//	*:lab:*               every verb
//	!write:game:admin     and never this, whatever else is allowed
//
// # Invariants
//
//   - What no rule allows is denied.
//   - A rule that begins with ! denies and always wins; the order of rules means
//     nothing.
//   - No verb implies another.
//   - A name that is not a stream's, such as a pattern, is denied.
//   - A check allocates nothing and takes a time bounded by the name and the
//     rules, whatever they are.
//
// The package is pure: no clock, no sockets, no state.
package acl

// Verb is an action on a stream.
type Verb string

// Verbs. None of them implies another.
const (
	Read     Verb = "read"     // state, value, ops and events
	Write    Verb = "write"    // push and emit
	Presence Verb = "presence" // see others' presence and set one's own
	History  Verb = "history"  // page through committed entries
	Admin    Verb = "admin"    // what the dashboard's actions do
)

// Verbs returns all verbs.
func Verbs() []Verb { return []Verb{Read, Write, Presence, History, Admin} }

// Rights decide for one subject. Implementations are immutable and safe for
// concurrent use; Allow is called for every message and must not block.
type Rights interface {
	Allow(v Verb, stream string) bool
}

// All is every right on every stream.
type All struct{}

// Allow returns true.
func (All) Allow(Verb, string) bool { return true }

// Both are the rights that two have in common: neither can widen the other.
func Both(a, b Rights) Rights { return both{a, b} }

type both struct{ a, b Rights }

func (r both) Allow(v Verb, stream string) bool { return r.a.Allow(v, stream) && r.b.Allow(v, stream) }
