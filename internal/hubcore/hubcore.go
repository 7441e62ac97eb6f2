// Package hubcore is the hub without its sockets: streams and sessions as step
// machines. A machine takes one event, changes its state and appends what must
// happen next to [Effects]; the shell (the root package, or a simulator) carries
// that out and feeds the answers back as events.
//
// # Invariants
//
//   - No op leaves the machine before its commit: acks, ops and values are made
//     from confirmed state only.
//   - A stream has at most one append under way; what is accepted meanwhile waits
//     and goes into the next one (group commit).
//   - Every op that is appended was checked against the confirmed state plus all
//     ops that wait before it.
//   - Messages to one session leave in the order in which they were appended to
//     Effects.
//
// The machines start nothing, wait for nothing and read no clock. Each belongs
// to one goroutine at a time; a lint test keeps it so.
package hubcore

import (
	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/ratelimit"
	"github.com/wavesiddhartha/flowsync/store"
	"github.com/wavesiddhartha/flowsync/wire"
)

// Instant is a time in nanoseconds on the shell's monotonic clock.
type Instant int64

// Second is one second of an Instant.
const Second Instant = 1e9

// Config is what all machines of a hub share. It is read-only.
type Config struct {
	Hub        string // the hub's id, random per process
	Inc        string // incarnation of the hub's own writers, random per process
	Durability store.Durability

	InflightOps  int // accepted and not committed, per writer
	BatchOps     int // ops in one push
	EntryBytes   int // one op
	StateBytes   int // a stream's encoded state
	MessageBytes int // one WebSocket message
	Streams      int // open at once in one session

	// RingEntries and RingBytes bound the newest entries that a stream keeps in
	// memory for clients that reconnect soon.
	RingEntries int
	RingBytes   int

	// CompactOps and CompactBytes say how much is committed between two snapshots.
	// CompactOps 0: no snapshot is ever stored.
	CompactOps   int
	CompactBytes int

	// Limiter bounds what arrives, for the hub, each subject and each stream. Nil:
	// there is no bound.
	Limiter *ratelimit.Limiter

	// TrimRecords is how many records one trim removes at most, so that a long log
	// does not hold up the commits of others. 0: 512.
	TrimRecords int
}

// Member is a session as its streams know it. The pointer is its identity.
type Member struct {
	Client  string
	Subject string
	Number  uint64 // grows with each session of the client
	Sink    any    // the shell's; never touched here
}

// Target is a session as the receiver of one stream's messages. It lives from
// one open to the next.
type Target struct {
	Member *Member

	// The shell's: the last offset it passed on, and whether it holds messages
	// back because the session's queue is full.
	Reached uint64
	Held    bool
}

// Out is a message for one session or for many.
type Out struct {
	One *Target
	All []*Target // shared and never changed; nil when One is set
	Msg wire.HubMessage

	// Last is the offset that a subscriber has reached once Msg is delivered; 0
	// when Msg does not move it.
	Last uint64
}

// CallKind names a call to the store.
type CallKind uint8

// Store calls, each answered by the event of the same name.
const (
	CallLoad   CallKind = iota // Loaded
	CallAppend                 // Appended
	CallRead                   // ReadDone
	CallRecall                 // Recalled
	CallRotate                 // Rotated
	CallSave                   // Saved
	CallTrim                   // Trimmed
)

// Call asks the shell to call the store.
type Call struct {
	Kind   CallKind
	ID     uint64 // comes back with the answer to CallRead and CallRecall
	Batch  store.Batch
	After  uint64
	Max    int
	Writer crdt.Writer
	Fence  uint64
	Epoch  string

	// CallSave: where the snapshot is. State is a copy that nobody else has, to
	// be encoded into Snapshot.State while the stream goes on: to encode takes
	// many times as long as to copy.
	Snapshot store.Snapshot
	State    crdt.State
}

// Settled answers a Local, a Post or a Query.
type Settled struct {
	Token    any    // the event's
	Acked    uint64 // Post: ops committed
	Rejected *wire.Reject
	Err      *wire.Error
	Cursor   string
	Rule     string
	Value    []byte
	State    []byte
	Digest   [32]byte
}

// Released says that Pushes push messages of Member with together Bytes bytes
// are no longer in flight.
type Released struct {
	Member *Member
	Pushes int
	Bytes  int
}

// Commit says what became part of the confirmed state: Ops ops, the last of them
// at offset Last by Client.
type Commit struct {
	Last   uint64
	Ops    int
	Client string
}

// Effects is what one step asks the shell to do. The shell empties and reuses it.
type Effects struct {
	Out      []Out
	Calls    []Call
	Settled  []Settled
	Released []Released
	Commits  []Commit

	// Replaced are sessions that a newer one of their client overtook on another
	// hub: each is to be [Displaced].
	Replaced []*Member

	// Applied, Duplicates and Rejected are how many ops became part of the state,
	// were found to be in it already, and were refused for good.
	Applied, Duplicates, Rejected int

	// ValuesDue asks for a FlushValues event when the shell is ready to send
	// values; until then they are not even encoded.
	ValuesDue bool
}

// Reset empties the effects and keeps their memory.
func (fx *Effects) Reset() {
	clear(fx.Out)
	clear(fx.Calls)
	clear(fx.Settled)
	clear(fx.Released)
	clear(fx.Replaced)
	fx.Out, fx.Calls = fx.Out[:0], fx.Calls[:0]
	fx.Settled, fx.Released, fx.Commits = fx.Settled[:0], fx.Released[:0], fx.Commits[:0]
	fx.Replaced = fx.Replaced[:0]
	fx.Applied, fx.Duplicates, fx.Rejected, fx.ValuesDue = 0, 0, 0, false
}

// send sends to a session that may not have the stream open.
func (fx *Effects) send(m *Member, msg wire.HubMessage) { fx.tell(&Target{Member: m}, msg) }

func (fx *Effects) tell(t *Target, msg wire.HubMessage) {
	fx.Out = append(fx.Out, Out{One: t, Msg: msg})
}
