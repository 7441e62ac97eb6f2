package clientcore

import "github.com/wavesiddhartha/flowsync/wire"

// Event is what a [Client] steps on.
type Event interface{ event() }

// Events of the application. Byte slices are canonical JSON and handed over.
type (
	// Connect starts the client, and makes it try again at once when it waits,
	// is denied or was closed.
	Connect struct{}

	// Close hangs up until the next Connect. Queues stay.
	Close struct{}

	// SetOnline simulates losing and regaining the network.
	SetOnline struct{ Online bool }

	// Open makes a stream wanted. Rule is the rule it is expected to have; empty:
	// the hub's answer says. Mode defaults to rw, As to state.
	Open struct {
		Stream string
		Rule   string
		Mode   wire.Mode
		As     wire.As
	}

	// CloseStream makes a stream unwanted. It is left once its ops are acked.
	CloseStream struct{ Stream string }

	// Push queues one op and applies it to the view. The stream must be open.
	Push struct {
		Stream string
		Op     []byte
	}

	// SetPresence says what others see of this client; nil or null leaves.
	SetPresence struct {
		Stream string
		State  []byte
	}

	// Emit sends a message to the stream's other subscribers. It is refused
	// while the stream is not open: nothing keeps it for later.
	Emit struct {
		Stream string
		Event  string
		Data   []byte
	}

	// GetHistory asks for committed entries below an offset, 0 meaning the
	// newest. HistoryPage or HistoryFailed with the same tag answers.
	GetHistory struct {
		Tag    uint64
		Stream string
		Before uint64
		Limit  int
	}

	// Keep asks for a SaveState of the stream, if there is something to save.
	// The shell decides when.
	Keep struct{ Stream string }

	// Unsaved says that Effects, those of the newest Push and Keep events, could
	// not be saved and were given up: the machine takes these events back. Between
	// them and Unsaved it may not step on an event that saves.
	Unsaved struct{ Effects Effects }

	// Discard forgets a dead letter.
	Discard struct {
		Stream string
		Inc    string
		Seq    uint64
	}
)

// Events of the shell. Link is the number of the Dial that made the socket;
// events of a socket that was given up are ignored.
type (
	// TokenReady and TokenFailed answer NeedToken. Final: there is no token to
	// have until the application connects again.
	TokenReady  struct{ Token string }
	TokenFailed struct{ Final bool }

	// Connected says that the socket is open.
	Connected struct{ Link uint64 }

	// Received carries one message of the hub. The machine copies what it keeps.
	Received struct {
		Link uint64
		Msg  wire.HubMessage
	}

	// Progress says that bytes arrived, though no whole message yet.
	Progress struct{ Link uint64 }

	// Disconnected says that the socket is closed, or could not be opened. Code
	// is the close code, 0 without one.
	Disconnected struct {
		Link   uint64
		Code   wire.CloseCode
		Reason string // for people
	}

	// Tick passes time; Wake says when one is needed.
	Tick struct{}

	// Flush sends what may be sent. The shell steps it after each run of other
	// events: ops that were pushed together then leave together.
	Flush struct{}
)

func (Connect) event()      {}
func (Close) event()        {}
func (SetOnline) event()    {}
func (Open) event()         {}
func (CloseStream) event()  {}
func (Push) event()         {}
func (SetPresence) event()  {}
func (Emit) event()         {}
func (GetHistory) event()   {}
func (Keep) event()         {}
func (Unsaved) event()      {}
func (Discard) event()      {}
func (TokenReady) event()   {}
func (TokenFailed) event()  {}
func (Connected) event()    {}
func (Received) event()     {}
func (Progress) event()     {}
func (Disconnected) event() {}
func (Tick) event()         {}
func (Flush) event()        {}
