package flowsync

import (
	"errors"
	"slices"

	"github.com/wavesiddhartha/flowsync/acl"
	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/internal/socket"
	"github.com/wavesiddhartha/flowsync/wire"
)

// The values that the labels of metrics may have. They are closed lists, so that
// every series exists from the start, at 0, and no name, id or text that a
// client chose ever becomes a label.

// ruleLabels are the built-in rules; a rule of the program's own is "custom".
var ruleLabels = [...]string{
	Counter.Name(), Set.Name(), ORSet.Name(), Map.Name(), LWW.Name(), Log.Name(), Text.Name(), Doc.Name(), Ephemeral.Name(), "custom",
}

// ruleLabel is the index of a rule in ruleLabels.
func ruleLabel(r crdt.Rule) int {
	if i := slices.Index(ruleLabels[:], r.Name()); i >= 0 {
		return i
	}
	return len(ruleLabels) - 1
}

// clientTypes are the types of messages that clients send; "bad" is one that
// could not be understood.
var clientTypes = [...]string{"hello", "sub", "unsub", "push", "presence", "emit", "history", "auth", "ping", "bad"}

// clientType is the index of a message's type in clientTypes.
func clientType(msg wire.ClientMessage) int {
	switch msg.(type) {
	case *wire.Hello:
		return 0
	case *wire.Sub:
		return 1
	case *wire.Unsub:
		return 2
	case *wire.Push:
		return 3
	case *wire.SetPresence:
		return 4
	case *wire.Emit:
		return 5
	case *wire.GetHistory:
		return 6
	case *wire.Auth:
		return 7
	case *wire.Ping:
		return 8
	}
	return 9
}

// hubTypes are the types of messages that the hub sends.
var hubTypes = [...]string{
	"welcome", "synced", "ops", "value", "ack", "reject", "error", "hub", "presence", "event", "history", "expiring", "authed", "drain", "pong",
}

// hubType is the index of a message's type in hubTypes.
func hubType(msg wire.HubMessage) int {
	switch msg.(type) {
	case *wire.Welcome:
		return 0
	case *wire.Synced:
		return 1
	case *wire.Ops:
		return 2
	case *wire.Value:
		return 3
	case *wire.Ack:
		return 4
	case *wire.Reject:
		return 5
	case *wire.Error:
		return 6
	case *wire.HubStatus:
		return 7
	case *wire.Presence:
		return 8
	case *wire.Event:
		return 9
	case *wire.History:
		return 10
	case *wire.Expiring:
		return 11
	case *wire.Authed:
		return 12
	case *wire.Drain:
		return 13
	}
	return 14
}

// handshakeResults are how connections begin.
var handshakeResults = [...]string{"ok", "auth", "origin", "capacity", "rate", "protocol", "store"}

// handshakeResult is the result of a handshake that was refused for code.
func handshakeResult(code wire.Code) string {
	switch code {
	case wire.OriginDenied:
		return "origin"
	case wire.ConnLimit, wire.Busy, wire.ShuttingDown:
		return "capacity"
	case wire.RateLimited:
		return "rate"
	case wire.StoreReadonly, wire.Unavailable, wire.Internal:
		return "store"
	}
	if denialOf(code) == "auth" {
		return "auth"
	}
	return "protocol"
}

// disconnectReasons are why connections end.
var disconnectReasons = [...]string{
	"client", "lost", "ping_timeout", "slow_consumer", "kicked", "auth_expired", "replaced", "rate", "too_large", "protocol", "shutdown", "internal",
}

// disconnectReason is the reason why a socket reads no more.
func disconnectReason(err error) string {
	var e *socket.Error
	if !errors.As(err, &e) {
		return "internal"
	}
	if e.Remote {
		return "client"
	}
	switch e.Code {
	case 0:
		return "lost"
	case wire.CloseGoingAway:
		return "client"
	case wire.CloseTimeout:
		return "ping_timeout"
	case wire.CloseSlow:
		return "slow_consumer"
	case wire.CloseForbidden:
		return "kicked"
	case wire.CloseAuth, wire.CloseExpired:
		return "auth_expired"
	case wire.CloseReplaced:
		return "replaced"
	case wire.CloseRate:
		return "rate"
	case wire.CloseTooBig:
		return "too_large"
	case wire.CloseProtocol, wire.CloseVersion, wire.CloseBadFrame, wire.CloseBinary, wire.CloseBadUTF8:
		return "protocol"
	case wire.CloseShutdown:
		return "shutdown"
	}
	return "internal"
}

// Kinds of denial, and what was denied.
var (
	denialKinds   = [...]string{"auth", "acl", "rate", "size", "origin"}
	denialActions = [...]string{"connect", "subscribe", "read", "write", "presence", "history"}
)

// denialOf is the kind of denial that a code stands for; empty: none.
func denialOf(code wire.Code) string {
	switch code {
	case wire.AuthRequired, wire.AuthInvalid, wire.AuthExpired, wire.AuthRevoked, wire.ClientMismatch:
		return "auth"
	case wire.AccessDenied:
		return "acl"
	case wire.RateLimited, wire.ConnLimit, wire.SubLimit:
		return "rate"
	case wire.TooLarge, wire.StreamFull:
		return "size"
	case wire.OriginDenied:
		return "origin"
	}
	return ""
}

// actionOf is the action of a client's message, for denials.
func actionOf(msg wire.ClientMessage) string {
	switch msg.(type) {
	case *wire.Sub, *wire.Unsub:
		return "subscribe"
	case *wire.Push, *wire.Emit:
		return "write"
	case *wire.SetPresence:
		return "presence"
	case *wire.GetHistory:
		return "history"
	}
	return "connect"
}

// actionOfVerb is the action of a request of the HTTP API, for denials.
func actionOfVerb(v acl.Verb) string {
	if v == acl.Write {
		return "write"
	}
	return "read"
}
