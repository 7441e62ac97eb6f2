// Package wire is the FlowSync protocol: its messages, their strict decoding
// and canonical encoding, and its closed lists of codes. docs/protocol.md is the
// same protocol in prose and is normative.
//
//	client                                hub
//	hello {v, client, inc, streams}  ──▶
//	                                 ◀──  welcome {session, durability, limits}
//	sub {stream, cursor, acked}      ──▶
//	                                 ◀──  synced {outcome, cursor, state, yours}
//	push {stream, seq, prev, at, ops} ─▶
//	                                 ◀──  ops {stream, from, cursor, entries}
//	                                 ◀──  ack {stream, seq, hash}
//
// # Invariants
//
//   - Decoding is strict: unknown fields, duplicate keys, wrong case, lone
//     surrogates, depth over [MaxDepth] and trailing data are errors.
//   - Everything this package encodes is canonical JSON (RFC 8785) on one line.
//
// The package has no sockets, no goroutines and no state but [Decoder]'s
// scratch memory.
package wire

// Version is the protocol version this package speaks.
const Version = 1

// Subprotocol is the WebSocket subprotocol of version 1.
const Subprotocol = "flowsync.v1"

// MaxDepth is how deep JSON may nest, counting the message's own object.
const MaxDepth = 32

// MaxSafeInt is the greatest integer that every JSON implementation keeps
// exact: 2^53−1.
const MaxSafeInt = 1<<53 - 1

// ClientMessage is a message from a client to a hub: *Hello, *Sub, *Unsub,
// *Push, *SetPresence, *Emit, *GetHistory, *Auth or *Ping.
type ClientMessage interface {
	// Append appends the message as one line of JSON, without newline, to b.
	Append(b []byte) []byte
	clientMessage()
}

// HubMessage is a message from a hub to a client: *Welcome, *Synced, *Ops,
// *Value, *Ack, *Reject, *Error, *HubStatus, *Presence, *Event, *History,
// *Expiring, *Authed, *Drain or *Pong.
type HubMessage interface {
	Append(b []byte) []byte
	hubMessage()
}

// Messages from client to hub.
type (
	// Hello is the first message of a session.
	Hello struct {
		V       [2]int // lowest and highest protocol version the client speaks
		Client  string
		Inc     string // the client's incarnation, the default for its writers
		Token   string // empty: none, or given with the upgrade request
		Streams []Open // RECONNECT: streams to open in the same round trip
	}

	// Open is the part of hello and sub that opens one stream.
	Open struct {
		Stream  string
		Inc     string // empty: the hello's
		Mode    Mode
		As      As
		Cursor  string // empty: send a snapshot
		Acked   uint64 // the highest acked seq
		Hash    string // the writer hash of Acked, empty for H(0)
		Unacked int    // how many sent ops have no ack
	}

	// Sub opens a stream, or opens it again.
	Sub struct {
		Ref string
		Open
	}

	// Unsub ends a subscription. It has no answer.
	Unsub struct {
		Ref    string
		Stream string
	}

	// Push carries the ops Seq, Seq+1, … of this session's writer.
	Push struct {
		Stream string
		Seq    uint64   // 0 only on ephemeral streams
		Prev   *uint64  // the seq accepted before Seq; nil: Seq−1
		At     *uint64  // the offset the author had applied; nil: the hub's own
		Ops    [][]byte // canonical JSON objects
	}

	// SetPresence tells the other subscribers about this client.
	SetPresence struct {
		Stream string
		State  []byte // canonical JSON; null leaves
	}

	// Emit sends a message to the other subscribers.
	Emit struct {
		Ref    string
		Stream string
		Event  string
		Data   []byte // canonical JSON
	}

	// GetHistory asks for committed entries below an offset.
	GetHistory struct {
		Ref    string
		Stream string
		Before uint64 // 0: from the head
		Limit  int
	}

	// Auth renews the session's token.
	Auth struct {
		Ref   string
		Token string
	}

	// Ping asks for a pong.
	Ping struct{ N uint64 }
)

// Messages from hub to client.
type (
	// Welcome opens the session.
	Welcome struct {
		V          int
		Session    uint64 // grows with each session of a client
		Hub        string
		Durability string // what an ack survives: memory or disk
		Writable   bool
		Limits     Limits
	}

	// Limits are the hub's limits that a client can keep to.
	Limits struct {
		MessageBytes int
		BatchOps     int
		InflightOps  int // per writer
		Streams      int // open at once in one session
	}

	// Synced answers an open, or comes unasked after the session lagged.
	Synced struct {
		Ref     string // empty: unasked
		Stream  string
		Rule    string
		Options []byte // canonical JSON object, nil: none
		Mode    Mode   // what was granted; empty for denied and gone
		Outcome Outcome
		Cursor  string
		State   []byte // the rule's encoding at offset Base
		Base    uint64
		Value   []byte
		Entries []Entry
		Yours   *Yours
	}

	// Yours tells a writer how far the hub has its ops.
	Yours struct {
		Seq   uint64
		Hash  string
		Trail []Mark // committed ops after the open's Acked, oldest first
	}

	// Mark is the writer hash at a seq.
	Mark struct {
		Seq  uint64
		Hash string
	}

	// Entry is a committed op.
	Entry struct {
		Off    uint64
		Client string
		Inc    string
		Seq    uint64
		At     uint64
		Op     []byte // canonical JSON

		// On ephemeral streams only, instead of Off, Inc, Seq and At.
		N   uint64
		Hub string
	}

	// Ops are the entries committed after offset From. On ephemeral streams From
	// and Cursor are absent.
	Ops struct {
		Stream  string
		From    uint64
		Cursor  string
		Entries []Entry
	}

	// Value is a stream's new value, for subscribers as value.
	Value struct {
		Stream string
		Cursor string
		Value  []byte
	}

	// Ack says that op Seq and all earlier accepted ops of the writer are
	// committed.
	Ack struct {
		Stream string
		Seq    uint64
		Hash   string
	}

	// Reject refuses one op for good.
	Reject struct {
		Stream string
		Seq    uint64
		Code   Code
		Msg    string
	}

	// HubStatus says that writing became possible or impossible.
	HubStatus struct {
		Writable bool
		AfterMS  int
	}

	// Presence lists peers that changed and peers that left.
	Presence struct {
		Stream string
		Peers  []Peer
		Left   []Left
		Full   bool // Peers are all there are
	}

	// Peer is the presence of one client.
	Peer struct {
		Client  string
		Session uint64
		State   []byte
	}

	// Left names a client whose presence ended.
	Left struct {
		Client  string
		Session uint64
	}

	// Event is another client's emit.
	Event struct {
		Stream string
		Client string
		Event  string
		Data   []byte
	}

	// History answers GetHistory, oldest entry first.
	History struct {
		Ref     string
		Stream  string
		Entries []Entry
		More    bool // older entries exist
	}

	// Expiring asks for a fresh token.
	Expiring struct{ InMS int }

	// Authed says that the fresh token is in force.
	Authed struct{ Ref string }

	// Drain announces that the hub closes.
	Drain struct{ AfterMS int }

	// Pong answers Ping.
	Pong struct{ N uint64 }
)

// Mode is what a session may do with an open stream.
type Mode string

// Modes.
const (
	Read      Mode = "r"
	Write     Mode = "w"
	ReadWrite Mode = "rw"
)

// Reads reports whether the mode includes reading.
func (m Mode) Reads() bool { return m == Read || m == ReadWrite }

// Writes reports whether the mode includes pushing.
func (m Mode) Writes() bool { return m == Write || m == ReadWrite }

// As is the form in which a stream is read.
type As string

// Forms.
const (
	AsState As = "state" // the rule's state and ops: a replica
	AsValue As = "value" // the value alone
)

// Outcome is how an open was answered.
type Outcome string

// Outcomes of synced.
const (
	Resumed   Outcome = "resumed"
	Delta     Outcome = "delta"
	Snapshot  Outcome = "snapshot"
	WriteOnly Outcome = "write"
	Denied    Outcome = "denied"
	Gone      Outcome = "gone"
)
