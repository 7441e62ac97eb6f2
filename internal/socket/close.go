package socket

import (
	"encoding/binary"
	"errors"
	"time"
	"unicode/utf8"

	"github.com/wavesiddhartha/flowsync/wire"
)

// closeGrace is how long a close may take: sending what waits, the close frame
// behind it, and waiting for the client to close its side.
const closeGrace = time.Second

// Why a socket closes by itself.
var (
	errBadFrame    = errors.New("the frames do not follow RFC 6455")
	errTooBig      = errors.New("the message is too large")
	errSlowMessage = errors.New("the message did not arrive in time")
	errSlowReader  = errors.New("the client does not take what is sent to it")
	errHubClosed   = errors.New("the hub closed the session")
)

// Close sends what waits and a close frame, then closes the connection, all
// within a second. It returns at once. Later calls change nothing. A slow
// client's queue is dropped first: it would not get to the close frame.
func (s *Socket) Close(code wire.CloseCode, reason string) {
	s.closeWith(code, reason, errHubClosed)
}

// closeFor is close with its reason as an error.
func (s *Socket) closeFor(code wire.CloseCode, cause error) {
	s.closeWith(code, cause.Error(), cause)
}

func (s *Socket) closeWith(code wire.CloseCode, reason string, cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing.Load() {
		return
	}
	s.beginClose(code, cause)
	if code == wire.CloseSlow {
		s.changeQueue((*sendQueue).drop)
	}
	s.sendClose(newCloseFrame(code, reason))
	go s.finish()
}

// answerClose sends the close frame that the library wants to send: an echo of
// the client's own, or 1002 or 1009. Reasons are ours, since the library's
// repeat input.
func (s *Socket) answerClose(body []byte) {
	if len(body) < 2 {
		s.closeWith(0, "", errHubClosed)
		return
	}
	code := wire.CloseCode(binary.BigEndian.Uint16(body))
	switch {
	case !utf8.Valid(body[2:]):
		s.closeFor(wire.CloseBadUTF8, errNotUTF8)
	case code == wire.CloseBadFrame:
		s.closeFor(code, errBadFrame)
	case code == wire.CloseTooBig:
		s.closeFor(code, errTooBig)
	default:
		s.closeWith(code, "", errHubClosed)
	}
}

// abort closes a connection that can no longer be read. One that closes
// already may still have something to send.
func (s *Socket) abort(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closing.Load() {
		s.lost(err)
	}
}

// lost gives a connection up that takes nothing any more. Called with mu.
func (s *Socket) lost(err error) {
	s.broken = true
	s.changeQueue(func(q *sendQueue) { *q = sendQueue{} })
	if s.closing.Load() {
		return
	}
	s.beginClose(0, plainCause(err))
	go s.finish()
}

// beginClose refuses everything from here on and sets the clock of the close:
// the connection's deadline ends a writer that waits. Called with mu, once.
func (s *Socket) beginClose(code wire.CloseCode, cause error) {
	s.closing.Store(true)
	close(s.closed)
	s.code, s.cause = code, cause
	_ = s.conn.SetDeadline(time.Now().Add(closeGrace))
}

func (s *Socket) sendClose(f *Frame) {
	if s.held {
		s.release()
	}
	sent := 0
	if s.idle() {
		n, err := s.tryWrite(f.bytes)
		if err != nil {
			s.lost(err)
			return
		}
		if n == len(f.bytes) {
			return
		}
		sent = n
	}
	s.enqueue(f, sent)
}

// finish is the closer. It ends when the connection is closed and the library
// is done with it; the reader, which may be inside the library, ends by then.
func (s *Socket) finish() {
	defer close(s.done)
	s.writers.Wait()

	s.mu.Lock()
	delivered := !s.broken
	s.changeQueue(func(q *sendQueue) { *q = sendQueue{} })
	s.mu.Unlock()

	if delivered {
		s.linger()
		_ = s.conn.Close()
	}
	// Closing TLS over a connection that takes nothing would wait for seconds.
	_ = plainConn(s.conn).Close()
	s.library.end()
}

// linger closes our side and reads until the client closes its own.
func (s *Socket) linger() {
	if c, ok := s.conn.(interface{ CloseWrite() error }); ok && c.CloseWrite() != nil {
		return
	}
	chunk := s.o.Buffers.getChunk()
	defer s.o.Buffers.putChunk(chunk)
	drainInput(s.conn, chunk[:])
}
