package socket

import (
	"encoding/binary"
	"errors"
)

// maxFragments is how many frames one message may come in.
const maxFragments = 4096

// What a frameGuard refuses.
var (
	errNotMasked     = errors.New("a frame of a client must be masked")
	errFrameLength   = errors.New("the length of a frame must not be negative")
	errFragments     = errors.New("the message has too many fragments")
	errControlFrames = errors.New("too many control frames")
)

// guard follows the frames in the bytes that a client sends, in whatever
// pieces they arrive, and finds what the library that assembles them accepts
// or leaves without an answer: frames that are not masked, negative lengths,
// messages in too many fragments. It also knows whether a frame or message
// waits for its rest. It keeps no payload and allocates nothing.
type guard struct {
	header   [maxFrameHeader]byte
	have     int    // bytes of header that have arrived
	left     uint64 // bytes of mask key and payload that the frame still lacks
	final    bool   // the frame ends its message
	open     bool   // a message has begun and not ended
	frames   int    // frames of that message
	begun    int    // frames of all kinds
	controls int    // control frames since the owner last reset it
}

// waits reports whether the client owes the rest of a frame or message.
func (g *guard) waits() bool { return g.have > 0 || g.left > 0 || g.open }

// scan follows p and returns how many of its bytes are in order: all, or those
// before the frame that err refuses.
func (g *guard) scan(p []byte) (int, error) {
	for at := 0; at < len(p); {
		if g.left > 0 {
			n := min(g.left, uint64(len(p)-at))
			at += int(n)
			g.left -= n
			g.endFrame()
			continue
		}
		g.header[g.have] = p[at]
		g.have++
		at++
		if g.have < g.headerLength() {
			continue
		}
		if err := g.beginFrame(); err != nil {
			return max(at-g.have, 0), err
		}
	}
	return len(p), nil
}

func (g *guard) headerLength() int {
	if g.have < 2 {
		return 2
	}
	switch g.header[1] &^ bitMask {
	case 126:
		return 4
	case 127:
		return 10
	}
	return 2
}

// beginFrame judges a complete header.
func (g *guard) beginFrame() error {
	length := uint64(g.header[1] &^ bitMask)
	switch length {
	case 126:
		length = uint64(binary.BigEndian.Uint16(g.header[2:]))
	case 127:
		length = binary.BigEndian.Uint64(g.header[2:])
	}
	if g.header[1]&bitMask == 0 {
		return errNotMasked
	}
	if length>>63 != 0 {
		return errFrameLength
	}
	g.begun++
	if g.header[0]&0xF >= opClose {
		g.controls++
		g.final = !g.open // what it leaves open is the message around it
	} else {
		g.open = true
		g.final = g.header[0]&bitFin != 0
		if g.frames++; g.frames > maxFragments {
			return errFragments
		}
	}
	g.have = 0
	g.left = 4 + length // the mask key comes first
	return nil
}

func (g *guard) endFrame() {
	if g.left > 0 || !g.final {
		return
	}
	g.open = false
	g.frames = 0
}
