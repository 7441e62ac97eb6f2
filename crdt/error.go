package crdt

import "fmt"

// Code says why an op was refused. The codes are those of the wire protocol.
type Code string

// Codes of a refused op.
const (
	BadOp             Code = "bad_op"             // not an op of this rule, or a field is wrong
	BadText           Code = "bad_text"           // text that is not valid Unicode
	WrongRule         Code = "wrong_rule"         // an op of another rule
	RemovedForever    Code = "removed_forever"    // the element was removed from a 2P-Set
	Overflow          Code = "overflow"           // a total would leave ±10^38
	MissingDependency Code = "missing_dependency" // the op refers to something the stream does not have
	StreamFull        Code = "stream_full"        // the state is at its limit
	OpConflict        Code = "op_conflict"        // ids of a document were used for other content
	TooLarge          Code = "too_large"          // this op is over its own limit
)

// Error is a refused op.
type Error struct {
	Code Code
	Msg  string // plain English, never repeats input
}

func (e *Error) Error() string { return string(e.Code) + ": " + e.Msg }

// Errorf makes an [*Error]. Its text must not contain anything of the op.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Msg: fmt.Sprintf(format, args...)}
}
