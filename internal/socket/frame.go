package socket

import (
	"encoding/binary"
	"math"
	"unicode/utf8"

	"github.com/wavesiddhartha/flowsync/wire"
)

// Opcodes of RFC 6455 section 5.2.
const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xA
)

// First and second header byte, and what a control frame may carry (RFC 6455
// section 5.5).
const (
	bitFin         = 0x80
	bitMask        = 0x80
	maxControlBody = 125
	maxFrameHeader = 10 // the hub never masks
)

// Frame is a message encoded once, header included, so that any number of
// sockets can share its bytes. Nothing in it changes after it was sent to the
// first of them.
type Frame struct {
	bytes []byte

	// uncharged frames do not count against a queue's bound in bytes: their
	// bytes are a snapshot that the hub keeps anyway.
	uncharged bool

	control bool // a pong or close frame of the socket itself
}

// NewFrame encodes msg as one text frame. It copies msg.
func NewFrame(msg []byte) *Frame {
	return &Frame{bytes: appendTextFrame(make([]byte, 0, maxFrameHeader+len(msg)), msg)}
}

// charge is how many bytes the frame takes from a queue's bound.
func (f *Frame) charge() int {
	if f.uncharged {
		return 0
	}
	return len(f.bytes)
}

// appendTextFrame appends the unmasked, unfragmented text frame of msg to b.
func appendTextFrame(b, msg []byte) []byte {
	return append(appendFrameHeader(b, opText, len(msg)), msg...)
}

func appendFrameHeader(b []byte, op byte, length int) []byte {
	b = append(b, bitFin|op)
	if length <= maxControlBody {
		return append(b, byte(length))
	}
	if length <= math.MaxUint16 {
		return binary.BigEndian.AppendUint16(append(b, 126), uint16(length))
	}
	return binary.BigEndian.AppendUint64(append(b, 127), uint64(length))
}

// newCloseFrame encodes a close frame. Code 0 stands for none. A reason that
// does not fit is cut at the end of a character.
func newCloseFrame(code wire.CloseCode, reason string) *Frame {
	if code == 0 {
		return &Frame{bytes: []byte{bitFin | opClose, 0}, control: true}
	}
	if room := maxControlBody - 2; len(reason) > room {
		for !utf8.RuneStart(reason[room]) {
			room--
		}
		reason = reason[:room]
	}
	b := appendFrameHeader(nil, opClose, 2+len(reason))
	b = binary.BigEndian.AppendUint16(b, uint16(code))
	return &Frame{bytes: append(b, reason...), control: true}
}
