package wire

import (
	"fmt"

	"github.com/wavesiddhartha/flowsync/crdt"
)

// Code is a stable error code. The list is closed and append-only.
type Code = crdt.Code

// Codes, by group. docs/protocol.md section 7 says where each appears.
const (
	BadJSON     Code = "bad_json"
	BadMessage  Code = "bad_message"
	UnknownType Code = "unknown_type"
	BadVersion  Code = "bad_version"
	NotReady    Code = "not_ready"
	TooLarge         = crdt.TooLarge

	AuthRequired   Code = "auth_required"
	AuthInvalid    Code = "auth_invalid"
	AuthExpired    Code = "auth_expired"
	AuthRevoked    Code = "auth_revoked"
	ClientMismatch Code = "client_mismatch"
	OriginDenied   Code = "origin_denied"
	AccessDenied   Code = "denied"

	BadStream         Code = "bad_stream"
	StreamUnknown     Code = "stream_unknown"
	StreamFull             = crdt.StreamFull
	WrongRule              = crdt.WrongRule
	BadOp                  = crdt.BadOp
	BadText                = crdt.BadText
	SeqGap            Code = "seq_gap"
	OpConflict             = crdt.OpConflict
	RemovedForever         = crdt.RemovedForever
	Overflow               = crdt.Overflow
	MissingDependency      = crdt.MissingDependency
	InDoubt           Code = "in_doubt" // made by clients, never sent

	RateLimited Code = "rate_limited"
	Busy        Code = "busy"
	ConnLimit   Code = "conn_limit"
	SubLimit    Code = "sub_limit"

	StoreReadonly Code = "store_readonly"
	StoreCorrupt  Code = "store_corrupt"
	Unavailable   Code = "unavailable"
	Resync        Code = "resync"
	Replaced      Code = "replaced"
	Retired       Code = "retired"

	ShuttingDown Code = "shutdown"
	Internal     Code = "internal"
)

// Codes returns all codes, in the order in which they were added.
func Codes() []Code {
	return []Code{
		BadJSON, BadMessage, UnknownType, BadVersion, NotReady, TooLarge,
		AuthRequired, AuthInvalid, AuthExpired, AuthRevoked, ClientMismatch, OriginDenied, AccessDenied,
		BadStream, StreamUnknown, StreamFull, WrongRule, BadOp, BadText, SeqGap, OpConflict,
		RemovedForever, Overflow, MissingDependency, InDoubt,
		RateLimited, Busy, ConnLimit, SubLimit,
		StoreReadonly, StoreCorrupt, Unavailable, Resync, Replaced, Retired,
		ShuttingDown, Internal,
	}
}

// Retryable reports whether the same request may succeed later, unchanged.
func Retryable(c Code) bool {
	switch c {
	case AuthExpired, SeqGap, RateLimited, Busy, ConnLimit, StoreReadonly, Unavailable, Resync, ShuttingDown, Internal:
		return true
	}
	return false
}

// CloseCode is a WebSocket close code. 44xx: do not reconnect unchanged. 45xx:
// reconnect with full-jitter back-off.
type CloseCode int

// Close codes.
const (
	CloseProtocol   CloseCode = 4400 // five bad messages in 10 s, or no hello
	CloseAuth       CloseCode = 4401
	CloseForbidden  CloseCode = 4403
	CloseReplaced   CloseCode = 4409
	CloseVersion    CloseCode = 4426
	CloseExpired    CloseCode = 4501
	CloseSlow       CloseCode = 4502
	CloseShutdown   CloseCode = 4503
	CloseTimeout    CloseCode = 4504
	CloseRate       CloseCode = 4505
	CloseBusy       CloseCode = 4506
	CloseStore      CloseCode = 4507
	CloseResync     CloseCode = 4508
	CloseNormal     CloseCode = 1000 // RFC 6455
	CloseGoingAway  CloseCode = 1001
	CloseBadFrame   CloseCode = 1002
	CloseBinary     CloseCode = 1003
	CloseBadUTF8    CloseCode = 1007
	CloseTooBig     CloseCode = 1009
	CloseUnexpected CloseCode = 1011
)

// CloseCodes returns all close codes that hubs send, in ascending order.
func CloseCodes() []CloseCode {
	return []CloseCode{
		CloseNormal, CloseGoingAway, CloseBadFrame, CloseBinary, CloseBadUTF8, CloseTooBig, CloseUnexpected,
		CloseProtocol, CloseAuth, CloseForbidden, CloseReplaced, CloseVersion,
		CloseExpired, CloseSlow, CloseShutdown, CloseTimeout, CloseRate, CloseBusy, CloseStore, CloseResync,
	}
}

// Reconnect reports whether a client should connect again by itself after a
// connection ended with this code. Codes that are not FlowSync's own, such as
// 1006 for a connection that broke, say nothing against it.
func (c CloseCode) Reconnect() bool { return c < 4400 || c >= 4500 }

// Text returns the reason that travels with the close frame, in plain English,
// or "" for a code that is not in the list.
func (c CloseCode) Text() string {
	switch c {
	case CloseProtocol:
		return "protocol error"
	case CloseAuth:
		return "authentication failed"
	case CloseForbidden:
		return "forbidden"
	case CloseReplaced:
		return "replaced by a newer session of this client"
	case CloseVersion:
		return "no common protocol version"
	case CloseExpired:
		return "the token expired"
	case CloseSlow:
		return "the client reads too slowly"
	case CloseShutdown:
		return "the hub shuts down"
	case CloseTimeout:
		return "timed out"
	case CloseRate:
		return "rate limit exceeded"
	case CloseBusy:
		return "the hub is busy"
	case CloseStore:
		return "the store failed"
	case CloseResync:
		return "streams must be opened again"
	case CloseNormal:
		return "closed"
	case CloseGoingAway:
		return "going away"
	case CloseBadFrame:
		return "broken WebSocket frame"
	case CloseBinary:
		return "only text messages are understood"
	case CloseBadUTF8:
		return "a text message was not valid UTF-8"
	case CloseTooBig:
		return "the message is too large"
	case CloseUnexpected:
		return "internal error"
	}
	return ""
}

// Error is the protocol's error message, and the error value that carries it.
type Error struct {
	Ref      string
	Code     Code
	Stream   string
	Seq      uint64
	Expected uint64 // seq_gap: the seq the hub waits for
	Scope    string // rate_limited: global, subject, stream or bytes
	AfterMS  int
	Msg      string // plain English, never repeats input
}

func (e *Error) Error() string { return string(e.Code) + ": " + e.Msg }

// Errorf makes an [*Error]. Its text must not contain anything of the input.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Msg: fmt.Sprintf(format, args...)}
}
