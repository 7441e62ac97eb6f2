package hubcore

import (
	"github.com/wavesiddhartha/flowsync/ratelimit"
	"github.com/wavesiddhartha/flowsync/store"
	"github.com/wavesiddhartha/flowsync/wire"
)

// StreamEvent is what a [Stream] steps on.
type StreamEvent interface{ streamEvent() }

// Events of sessions, local callers and the store.
type (
	// Open opens the stream for a session, or opens it again. Inc and the rights
	// are resolved by the session.
	Open struct {
		Member *Member
		Ref    string
		Open   wire.Open

		MayRead     bool
		MayWrite    bool
		MayPresence bool

		fresh  bool      // the log was read to its head for this event
		memory *Recalled // what the store knows of the writer; nil: not asked, or taken
	}

	// Leave ends a session's use of the stream. Ended says that the session is
	// over, which also ends its presence.
	Leave struct {
		Member *Member
		Ended  bool
	}

	// Push carries ops of a session's writer. MayWrite is its right now.
	Push struct {
		Member   *Member
		Push     *wire.Push
		Bytes    int // of the message, for Released
		MayWrite bool
		Rates    ratelimit.Rates // of its subject

		// Crowded says that the hub has more in flight than it bears, and this
		// session a part of it: new ops are refused as busy.
		Crowded bool

		// Refused is why the op after the last of Push.Ops cannot be one, as found
		// by the decoder; nil: all are well formed.
		Refused *wire.Error

		fresh bool
	}

	// Local commits one op of the hub itself. It is answered by Settled.
	Local struct {
		Token  any
		Client string // begins with "hub:"
		Inc    string
		Body   []byte // canonical JSON, handed over
	}

	// Post commits ops of the HTTP API: seq 1, 2, … of a writer of their own, from
	// its watermark on. It is answered by Settled.
	Post struct {
		Token   any
		Client  string // begins with "http:"
		Subject string
		Rates   ratelimit.Rates  // of the subject
		Base    store.WriterHash // of the whole body: where the writer's hashes begin
		Ops     [][]byte         // canonical JSON, handed over

		// Refused is why the op after the last of Ops cannot be one; nil: all are
		// well formed.
		Refused *wire.Error
	}

	// Query reads the stream once it is loaded. It is answered by Settled.
	Query struct {
		Token any
		State bool // the encoded state too
	}

	// SetPresence changes what others see of a session's client.
	SetPresence struct {
		Member *Member
		State  []byte // canonical JSON, handed over; null leaves
	}

	// Emit sends an event to the other subscribers. From is nil for the hub.
	Emit struct {
		From  *Member
		Event string
		Data  []byte // canonical JSON, handed over
	}

	// GetHistory reads committed entries.
	GetHistory struct {
		Member *Member
		Get    wire.GetHistory
	}

	// Lagged says that the shell dropped the session's queued messages of this
	// stream; Caught that it can take more. Offset is the last one delivered.
	Lagged struct{ Member *Member }
	Caught struct {
		Member *Member
		Offset uint64
	}

	// FlushValues encodes and sends the values that are due.
	FlushValues struct{}

	// Tick passes time.
	Tick struct{}

	// Loaded answers CallLoad.
	Loaded struct {
		Stream *store.Stream
		Err    error
	}

	// Appended answers CallAppend.
	Appended struct{ Result store.Result }

	// ReadDone answers CallRead.
	ReadDone struct {
		ID   uint64
		Tail store.Tail
		Err  error
	}

	// Recalled answers CallRecall.
	Recalled struct {
		ID   uint64
		Mark store.Watermark
		Tail []store.Mark
		Err  error
	}

	// Rotated answers CallRotate.
	Rotated struct {
		Head store.Position
		Err  error
	}

	// Saved answers CallSave, Trimmed CallTrim.
	Saved struct {
		Snapshot store.Snapshot // as it was given to the store
		Err      error
	}
	Trimmed struct {
		More bool
		Err  error
	}
)

func (*Open) streamEvent()        {}
func (*Leave) streamEvent()       {}
func (*Push) streamEvent()        {}
func (*Local) streamEvent()       {}
func (*Post) streamEvent()        {}
func (*Query) streamEvent()       {}
func (*SetPresence) streamEvent() {}
func (*Emit) streamEvent()        {}
func (*GetHistory) streamEvent()  {}
func (*Lagged) streamEvent()      {}
func (*Caught) streamEvent()      {}
func (*FlushValues) streamEvent() {}
func (*Tick) streamEvent()        {}
func (*Loaded) streamEvent()      {}
func (*Appended) streamEvent()    {}
func (*ReadDone) streamEvent()    {}
func (*Recalled) streamEvent()    {}
func (*Rotated) streamEvent()     {}
func (*Saved) streamEvent()       {}
func (*Trimmed) streamEvent()     {}
