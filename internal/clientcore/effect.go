package clientcore

import "github.com/wavesiddhartha/flowsync/wire"

// Effect is one thing that the shell must do.
type Effect interface{ effect() }

// Effects are done in their order. A shell may join neighbours (one transaction,
// one WebSocket message) as long as what is saved is durable before what follows
// it is sent.
type Effects []Effect

// TokenReason says why a token is needed.
type TokenReason string

// Reasons for a token.
const (
	ToConnect TokenReason = "connect"
	Expiring  TokenReason = "expiring" // the present one ends soon
	Refused   TokenReason = "rejected" // the last one was refused: a cached one will not do
)

// Effects on the connection.
type (
	// NeedToken is answered by TokenReady or TokenFailed.
	NeedToken struct{ Reason TokenReason }

	// Dial opens a socket. It is answered by Connected or Disconnected.
	Dial struct {
		Link  uint64
		Token string
	}

	// Send sends one message; messages of one flush share a WebSocket message.
	Send struct {
		Link uint64
		Msg  wire.ClientMessage
	}

	// Hangup gives a socket up, open or not. The shell does not wait for the
	// peer, and the machine no longer listens to it.
	Hangup struct {
		Link uint64
		Code wire.CloseCode
	}

	// Wake asks for a Tick at At, in place of the last one asked for. 0: none.
	Wake struct{ At Instant }
)

// Effects on the durable queue. [Saved.Do] says exactly what each means. Each is
// atomic.
type (
	// SaveStream replaces all that is saved of a stream but its dead letters and
	// its kept state.
	SaveStream struct{ Stream SavedStream }

	// SaveHead replaces a stream's head.
	SaveHead struct{ Head Head }

	// SaveOp appends an op to a stream's queue, or replaces the one with its seq.
	SaveOp struct {
		Stream string
		Op     Op
	}

	// DropOps removes the ops up to Through from a stream's queue.
	DropOps struct {
		Stream  string
		Through uint64
	}

	// SaveDead moves an op from its queue to the dead letters.
	SaveDead struct{ Dead DeadLetter }

	// DropDead removes a dead letter.
	DropDead struct {
		Stream string
		Inc    string
		Seq    uint64
	}

	// SaveState keeps a stream's confirmed state, with its head, and removes the
	// ops that it contains from the queue.
	SaveState struct {
		Head    Head
		Kept    Kept
		Through uint64
	}
)

// Notices for the application.
type (
	// Changed: the stream's view, or whether it has one, changed.
	Changed struct{ Stream string }

	// Acked: the stream's ops up to Seq are committed.
	Acked struct {
		Stream string
		Seq    uint64
	}

	// Rejected: an op became a dead letter. ID is the op's local number.
	Rejected struct {
		ID   uint64
		Dead DeadLetter
	}

	// Recovered: an op that was taken for lost is committed after all; it is no
	// longer a dead letter.
	Recovered struct{ Dead DeadLetter }

	// Discontinuity: the hub lost history that this client had seen. The state
	// was replaced.
	Discontinuity struct{ Stream string }

	// PresenceChanged: other clients' presence on the stream changed.
	PresenceChanged struct{ Stream string }

	// Heard: another client emitted. Data is the message's, valid until the next
	// event.
	Heard struct {
		Stream string
		Client string
		Event  string
		Data   []byte
	}

	// HistoryPage answers GetHistory. Entries are the message's, valid until the
	// next event.
	HistoryPage struct {
		Tag     uint64
		Entries []wire.Entry
		More    bool
	}

	// HistoryFailed answers GetHistory.
	HistoryFailed struct {
		Tag  uint64
		Code wire.Code
		Msg  string
	}

	// Fault: the hub refused something that is not an op. Stream is empty when it
	// concerns the connection.
	Fault struct {
		Stream string
		Code   wire.Code
		Msg    string
	}

	// StatusChanged: the connection's status changed.
	StatusChanged struct{ Status Status }
)

func (NeedToken) effect()       {}
func (Dial) effect()            {}
func (Send) effect()            {}
func (Hangup) effect()          {}
func (Wake) effect()            {}
func (SaveStream) effect()      {}
func (SaveHead) effect()        {}
func (SaveOp) effect()          {}
func (DropOps) effect()         {}
func (SaveDead) effect()        {}
func (DropDead) effect()        {}
func (SaveState) effect()       {}
func (Changed) effect()         {}
func (Acked) effect()           {}
func (Rejected) effect()        {}
func (Recovered) effect()       {}
func (Discontinuity) effect()   {}
func (PresenceChanged) effect() {}
func (Heard) effect()           {}
func (HistoryPage) effect()     {}
func (HistoryFailed) effect()   {}
func (Fault) effect()           {}
func (StatusChanged) effect()   {}
