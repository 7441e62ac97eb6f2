// Package raw is a WebSocket client that costs next to nothing: it reads with
// large buffers, hands out payloads in place and parses no more than headers. A
// load generator that works for its messages would measure itself.
package raw

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Opcodes of RFC 6455.
const (
	Text   = 1
	Binary = 2
	closes = 8
	ping   = 9
	pong   = 10
)

// AppendFrame appends one whole frame of a client. Its mask is zero, so that
// masking changes nothing and costs nothing here; a server unmasks it all the
// same.
func AppendFrame(b []byte, opcode byte, payload []byte) []byte {
	const final, masked = 0x80, 0x80
	b = append(b, final|opcode)
	switch n := len(payload); {
	case n < 126:
		b = append(b, masked|byte(n))
	case n < 1<<16:
		b = append(b, masked|126)
		b = binary.BigEndian.AppendUint16(b, uint16(n))
	default:
		b = append(b, masked|127)
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	b = append(b, 0, 0, 0, 0)
	return append(b, payload...)
}

// header is what comes before a server's payload.
type header struct {
	opcode byte
	head   int // bytes of the header
	length int // bytes of the payload
}

// errShort says that a header is not complete yet.
var errShort = errors.New("the header is not complete")

// parseHeader reads the header at the start of b. A server neither masks nor,
// here, fragments: a peer that did would be measured wrongly, so it is refused.
func parseHeader(b []byte) (header, error) {
	if len(b) < 2 {
		return header{}, errShort
	}
	if b[0]&0x80 == 0 || b[0]&0x0f == 0 {
		return header{}, errors.New("the server sent a fragment, which this client does not read")
	}
	if b[0]&0x70 != 0 || b[1]&0x80 != 0 {
		return header{}, fmt.Errorf("the server's frame begins with %x, which is compressed or masked", b[:2])
	}
	h := header{opcode: b[0] & 0x0f, head: 2, length: int(b[1])}
	switch h.length {
	case 126:
		if len(b) < 4 {
			return header{}, errShort
		}
		h.head, h.length = 4, int(binary.BigEndian.Uint16(b[2:]))
	case 127:
		if len(b) < 10 {
			return header{}, errShort
		}
		n := binary.BigEndian.Uint64(b[2:])
		if n > 1<<30 {
			return header{}, fmt.Errorf("the server announced a frame of %d bytes", n)
		}
		h.head, h.length = 10, int(n)
	}
	return h, nil
}
