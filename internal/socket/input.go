package socket

import (
	"errors"
	"io"
	"net"
	"time"
)

// input is what a socket has received and the library has not taken yet.
// While the client is silent it holds no memory.
type input struct {
	early []byte      // what the server had read before the upgrade
	chunk *inputChunk // where rest points to; nil when that is early
	rest  []byte      // in order, not taken yet
	err   error       // what ends the input once rest is taken
	guard guard

	arrived int // bytes, since Waits was called last

	window time.Duration // the second in which guard.controls counts

	fill func(fd uintptr) bool // fillInput, bound once
	n    int                   // what fill received,
	fail error                 // or why it did not
}

// readInput hands the library what has arrived, waiting for it if need be.
func (s *Socket) readInput(p []byte) (int, error) {
	in := &s.input
	if len(in.rest) == 0 {
		if in.err == nil {
			s.receive(p)
		}
		if len(in.rest) == 0 {
			return 0, in.err
		}
	}
	n := copy(p, in.rest)
	if in.rest = in.rest[n:]; len(in.rest) == 0 {
		s.releaseInput()
	}
	return n, nil
}

func (s *Socket) releaseInput() {
	s.input.rest = nil
	if s.input.chunk != nil {
		s.o.Buffers.putChunk(s.input.chunk)
		s.input.chunk = nil
	}
}

// receive waits for bytes and lets the guard see them. Without calls that do
// not wait, a buffer of ours would be held while the client is silent: then
// the library's own, p, is used.
func (s *Socket) receive(p []byte) {
	in := &s.input
	if len(in.early) > 0 {
		in.rest, in.early = in.early, nil
		s.inspect()
		return
	}
	s.owner.Waits(in.arrived)
	in.arrived = 0
	for {
		var n int
		var err error
		if s.raw != nil {
			n, err = s.receiveRaw()
		} else {
			n, err = s.conn.Read(p)
			in.rest = p[:n]
		}
		if s.closing.Load() {
			s.releaseInput()
			in.err = net.ErrClosed // the closer drains the rest
			return
		}
		in.err = err
		if n == 0 && err == nil {
			continue
		}
		s.inspect()
		return
	}
}

// receiveRaw waits until the connection is readable, and only then takes a
// buffer.
func (s *Socket) receiveRaw() (int, error) {
	in := &s.input
	in.n, in.fail = 0, nil
	if err := s.raw.Read(in.fill); err != nil {
		return 0, err
	}
	return in.n, in.fail
}

// fillInput is called when the connection may be readable. It reports whether
// that came to an end, good or bad.
func (s *Socket) fillInput(fd uintptr) bool {
	in := &s.input
	chunk := s.o.Buffers.getChunk()
	n, err := readNow(fd, chunk[:])
	if n > 0 {
		in.chunk, in.rest, in.n = chunk, chunk[:n], n
		return true
	}
	s.o.Buffers.putChunk(chunk)
	if errors.Is(err, errWouldBlock) {
		return false
	}
	if err == nil {
		err = io.EOF
	}
	in.fail = err
	return true
}

// frameCost is how many bytes a frame counts as beside its own: one without
// content is work, too.
const frameCost = 1 << 10

// inspect lets the guard see what arrived, cuts what it refuses, and keeps the
// time of a message that has begun.
func (s *Socket) inspect() {
	in := &s.input
	frames := in.guard.begun
	now := s.elapsed()
	if second := now.Truncate(time.Second); second != in.window {
		in.window, in.guard.controls = second, 0
	}
	n, err := in.guard.scan(in.rest)
	in.arrived += n + frameCost*(in.guard.begun-frames)
	if err == nil && in.guard.controls > s.o.ControlRate {
		err = errControlFrames
	}
	if in.rest = in.rest[:n]; n == 0 {
		s.releaseInput()
	}
	if err != nil {
		in.err = err
	}
	if !in.guard.waits() {
		s.began.Store(0)
		return
	}
	s.began.CompareAndSwap(0, int64(now))
}

// drainInput takes what the client still sends until it closes its side or the
// closing deadline passes. A connection that is closed with bytes unread is
// reset, and the reset may overtake the close frame (RFC 1122 section
// 4.2.2.13).
func drainInput(conn net.Conn, b []byte) {
	for n := 0; ; n++ {
		if _, err := conn.Read(b); err != nil {
			return
		}
		if n > drainFast {
			time.Sleep(drainPause)
		}
	}
}

// A client that sends on as if nothing were is drained slowly after some chunks.
const (
	drainFast  = 8
	drainPause = 10 * time.Millisecond
)
