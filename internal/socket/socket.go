// Package socket is the hub's side of a WebSocket connection.
//
// # How a message reaches a client
//
// A [Frame] is encoded once, header included, and its bytes are shared by all
// sockets that it goes to. A socket writes it past the library, straight to the
// connection: one call that does not wait, made by whoever sends, under the
// socket's lock. Only what the kernel does not take is queued, and only then a
// goroutine writes for this socket, until nothing waits any more. So the usual
// cost of a delivery is that of one system call, an idle socket has no
// goroutine but its reader, and a slow client holds up nobody.
//
// The library keeps the handshake, the reading and the answers to control
// frames. Those pass through the same lock and the same queue, as whole frames,
// so that none can slip into another. After a close frame nothing is sent.
//
// TLS, pipes and systems other than Unix have no calls that do not wait. There
// each message is queued, and the writer waits in its place.
//
// # Invariants
//
//   - Frames leave whole and in order; a pong goes before what waits.
//   - No call but Read and Wait waits for the network.
//   - What waits is bounded in messages and bytes, for a socket and for all.
//   - Memory is taken for what arrives, never for what a header claims.
//   - Every goroutine of a socket has ended when Wait returns.
package socket

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/wavesiddhartha/flowsync/wire"
)

// Options are what the hub decides for each of its sockets.
type Options struct {
	// Origins are the origins of pages that may connect besides those of the
	// hub's own: "https://app.example.com", "app.example.com:8443" for either
	// scheme, "*.example.com" for every subdomain, "*" for any page at all.
	Origins []string

	// AnyLocalOrigin admits every page of this machine, whatever its port.
	AnyLocalOrigin bool

	// MaxMessage bounds a message of the client in bytes until SetReadLimit.
	MaxMessage int64

	// queueMessages and queueBytes bound what waits for a slow client.
	QueueMessages, QueueBytes int

	// SendBuffer bounds what the kernel keeps for a slow client, in bytes; 0
	// leaves it to the system (megabytes). Linux doubles it for its own
	// book-keeping. Below 64 KiB, a loopback segment, large messages stall.
	SendBuffer int

	// ReceiveBuffer bounds what the kernel keeps of a client that is not read, in
	// the same way.
	ReceiveBuffer int

	// WriteTimeout is how long a client may take nothing of what waits for it
	// before it is closed with 4502.
	WriteTimeout time.Duration

	// ReadTimeout is how long a message may take from its first byte to its
	// last before the client is closed with 4504.
	ReadTimeout time.Duration

	// MaxAssembling is how much memory the messages above 64 KiB may have that
	// are put together or handled, in all sockets; then the others of that size
	// are not read on. 0: there is no bound. A single one may have more.
	MaxAssembling int64

	// ControlRate is how many control frames a second a client may send.
	ControlRate int

	// Waiting, if set, counts the bytes in the queues of all sockets; beyond
	// maxWaiting each may hold less.
	Waiting    *atomic.Int64
	MaxWaiting int64

	// Buffers are shared by all sockets of a hub.
	Buffers *Buffers
}

// Owner is who a socket works for. Its methods are called without the socket's
// lock: they may send.
type Owner interface {
	// Drained is called when nothing waits any more after the socket had
	// refused a message. It runs in a goroutine of the socket, and must not wait.
	Drained()

	// Waits is called by the reader before it waits for the client to send more,
	// with how many bytes have arrived since it was called last, and a kilobyte
	// more for each frame. Until it returns the socket is not read, and the client
	// has to wait.
	Waits(arrived int)
}

// Socket is one WebSocket connection of the hub. The library keeps the
// handshake, the reading and the answers to pings; what the hub sends goes
// past it to the connection, in frames encoded once, under one lock with the
// library's own frames.
//
// The caller's reader is the only goroutine of an idle socket. A writer runs
// only while the kernel's buffer is full (or, without non-blocking writes,
// while there is something to write), a closer for the last second at most.
type Socket struct {
	// Set by Accept, read-only after.
	o       *Options
	owner   Owner
	conn    net.Conn
	raw     syscall.RawConn // nil: the connection has no non-blocking calls
	library library
	start   time.Time
	closed  chan struct{} // closed when the socket begins to close
	done    chan struct{} // closed when no goroutine of the socket is left

	// Owned by the reader.
	scratch *scratch // holds the message that read returned last
	input   input

	began   atomic.Int64 // when the message that is awaited began, since start; 0: none is
	closing atomic.Bool  // set under mu: nothing is queued from here on

	writers sync.WaitGroup

	mu      sync.Mutex // guards what follows; calls nothing of the hub's
	queue   sendQueue
	writing bool           // a writer runs and owns the connection's write side
	held    bool           // what is sent waits for Release
	lagging bool           // Drained is owed
	moved   time.Duration  // when the queue last got shorter or began, since start
	attempt attempt        // the write that does not wait
	broken  bool           // the connection takes no more
	code    wire.CloseCode // why the socket closes; 0 when the connection was lost
	cause   error          // the same in words
}

// Error is why a socket reads no more.
type Error struct {
	Code   wire.CloseCode // as sent or received; 0: the connection was lost
	Remote bool           // the client closed
	cause  error
}

func (e *Error) Error() string {
	if e.Remote {
		return fmt.Sprintf("socket: the client closed with %d", e.Code)
	}
	if e.Code == 0 {
		return fmt.Sprintf("socket: the connection was lost: %v", e.cause)
	}
	return fmt.Sprintf("socket: closed with %d: %v", e.Code, e.cause)
}

func (e *Error) Unwrap() error { return e.cause }

// elapsed is the socket's clock: it never goes back, and is never 0.
func (s *Socket) elapsed() time.Duration { return max(time.Since(s.start), 1) }

// SetReadLimit bounds the messages that read has not begun yet, in bytes. Only
// the reader may call it.
func (s *Socket) SetReadLimit(n int64) { s.library.limit(n) }

// Read returns the next text message. It is valid until the next call. When
// read fails, the client has got the close frame that fits (1002, 1003, 1007,
// 1009, 4504, 4505 …), the socket is closing, and the error is a
// [*Error]. One goroutine reads.
func (s *Socket) Read() ([]byte, error) {
	s.forget()
	if s.input.guard.waits() {
		s.began.Store(int64(s.elapsed()))
	}
	msg, err := s.next()
	s.began.Store(0)
	if err == nil && s.closing.Load() {
		err = net.ErrClosed
	}
	if err != nil {
		s.forget()
		return nil, s.readFailed(err)
	}
	return msg, nil
}

// forget gives the last message's memory back.
func (s *Socket) forget() {
	if s.scratch == nil {
		return
	}
	if s.scratch.taken > 0 {
		s.o.Buffers.large.give(s.scratch.taken, s.o.MaxAssembling)
	}
	s.o.Buffers.putScratch(s.scratch)
	s.scratch = nil
}

var (
	errBinary  = errors.New("binary messages are not part of the protocol")
	errNotUTF8 = errors.New("the text is not UTF-8")
)

func (s *Socket) next() ([]byte, error) {
	if s.raw != nil && len(s.input.rest) == 0 && s.input.err == nil {
		s.receive(nil) // here, not below the library: an idle goroutine's stack stays small
	}
	text, r, err := s.library.next()
	if err != nil {
		return nil, err
	}
	if !text {
		return nil, errBinary
	}
	s.scratch = s.o.Buffers.getScratch()
	if err := s.assemble(r); err != nil {
		return nil, err
	}
	if !utf8.Valid(s.scratch.bytes) {
		return nil, errNotUTF8
	}
	return s.scratch.bytes, nil
}

// readFailed closes the socket for err and says why it closes: the first
// reason, when there are several.
func (s *Socket) readFailed(err error) error {
	if code, ok := peerCloseCode(err); ok {
		s.closeWith(0, "", err) // the library has answered already
		return &Error{Code: code, Remote: true, cause: err}
	}
	switch {
	case errors.Is(err, errBinary):
		s.closeFor(wire.CloseBinary, errBinary)
	case errors.Is(err, errNotUTF8):
		s.closeFor(wire.CloseBadUTF8, errNotUTF8)
	case errors.Is(s.input.err, errControlFrames):
		s.closeFor(wire.CloseRate, errControlFrames)
	case errors.Is(s.input.err, errNotMasked), errors.Is(s.input.err, errFrameLength), errors.Is(s.input.err, errFragments):
		s.closeFor(wire.CloseBadFrame, s.input.err)
	case s.input.err != nil:
		s.abort(s.input.err)
	default: // the library's own findings; it has said 1002 or 1009 already, or nothing
		s.closeFor(wire.CloseBadFrame, errBadFrame)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return &Error{Code: s.code, cause: s.cause}
}

// Sweep closes the socket when the client has stopped in the middle: of a
// message it sends, or of taking what waits for it. The hub calls it about
// once a second, so that no socket needs a timer.
func (s *Socket) Sweep(now time.Time) {
	at := now.Sub(s.start)
	patience := s.o.ReadTimeout
	if s.o.Buffers.large.crowded() {
		patience = min(patience, crowdedTimeout)
	}
	if began := time.Duration(s.began.Load()); began > 0 && at-began > patience {
		s.closeFor(wire.CloseTimeout, errSlowMessage)
	}
	s.mu.Lock()
	stuck := s.queue.messages() > 0 && at-s.moved > s.o.WriteTimeout
	s.mu.Unlock()
	if stuck {
		s.closeFor(wire.CloseSlow, errSlowReader)
	}
}

// Pause waits, for the reader, or until the socket closes.
func (s *Socket) Pause(d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.closed:
	}
}

// Closing reports whether nothing of the client matters any more.
func (s *Socket) Closing() bool { return s.closing.Load() }

// Wait returns when no goroutine of the socket is left, which is within about
// a second of its close. The reader is not the socket's.
func (s *Socket) Wait() { <-s.done }

// plainCause strips the addresses that network errors carry.
func plainCause(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	return err
}
