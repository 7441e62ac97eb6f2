// Package acl says what a subject may do with a stream.
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

// Rights decide for one subject. Implementations are immutable and safe for
// concurrent use; Allow is called for every message and must not block.
type Rights interface {
	Allow(v Verb, stream string) bool
}

// All is every right on every stream.
type All struct{}

// Allow returns true.
func (All) Allow(Verb, string) bool { return true }
