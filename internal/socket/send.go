package socket

import (
	"errors"
	"slices"
)

// What acknowledgements and answers may take beyond the bounds of a queue:
// without it a client that lags could not even be told so.
const (
	reserveMessages = 256
	reserveBytes    = 256 << 10
)

// Send sends msg, one or more JSON objects separated by newlines, as one text
// message. It copies msg and never waits: what the kernel does not take at
// once is queued. It reports false when the queue is full, and the message is
// not sent: the subscriber lags, and Drained will be called. It also reports
// false when the socket closes.
func (s *Socket) Send(msg []byte) bool { return s.sendCopy(msg, false) }

// SendUrgent is send for acknowledgements and answers: it may use the reserve.
func (s *Socket) SendUrgent(msg []byte) bool { return s.sendCopy(msg, true) }

// SendFrame is send for a frame that is shared with other sockets.
func (s *Socket) SendFrame(f *Frame) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.offer(f.bytes, f, false)
}

func (s *Socket) sendCopy(msg []byte, urgent bool) bool {
	if maxFrameHeader+len(msg) > joinSize {
		f := NewFrame(msg)
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.offer(f.bytes, f, urgent)
	}
	j := s.o.Buffers.getJoin()
	defer s.o.Buffers.putJoin(j)
	b := appendTextFrame(j[:0], msg)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.offer(b, nil, urgent)
}

// offer writes the frame b if that is possible at once, or queues f; without
// f, a copy of b. Called with mu.
func (s *Socket) offer(b []byte, f *Frame, urgent bool) bool {
	if s.closing.Load() {
		return false
	}
	if s.held && len(b) > joinSize/2 {
		s.release() // it is worth a write of its own
	}
	sent := 0
	if s.idle() {
		n, err := s.tryWrite(b)
		if err != nil {
			s.lost(err)
			return false
		}
		if n == len(b) {
			return true
		}
		sent = n
	} else if !s.hasRoom(b, f, urgent) {
		s.lagging = true
		return false
	}
	if f == nil {
		f = &Frame{bytes: slices.Clone(b)}
	}
	s.enqueue(f, sent)
	return true
}

// Hold lets what is sent wait until Release, to leave in one write. Where the
// connection has no calls that do not wait, the writer joins what waits anyway.
func (s *Socket) Hold() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = s.raw != nil && !s.closing.Load()
}

// Release sends what has waited since Hold.
func (s *Socket) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held {
		s.release()
	}
}

// release ends a hold. Called with mu.
func (s *Socket) release() {
	s.held = false
	if s.writing || s.queue.messages() == 0 {
		return
	}
	j := s.o.Buffers.getJoin()
	defer s.o.Buffers.putJoin(j)
	b, _ := s.queue.gather(j)
	n, err := s.tryWrite(b)
	if err != nil {
		s.lost(err)
		return
	}
	if s.advance(n); s.queue.messages() > 0 || s.lagging {
		s.startWriter() // which also tells the owner that it has drained
	}
}

// idle reports whether a frame may go to the connection right now. Called
// with mu.
func (s *Socket) idle() bool {
	return s.raw != nil && !s.writing && !s.held && s.queue.messages() == 0
}

// hasRoom reports whether the frame fits into the queue's bounds. An empty
// queue takes anything, or a message larger than the bound could never be sent.
func (s *Socket) hasRoom(b []byte, f *Frame, urgent bool) bool {
	charge := len(b)
	if f != nil {
		charge = f.charge()
	}
	messages, bytes := s.o.QueueMessages, s.o.QueueBytes
	if urgent {
		messages += reserveMessages
		bytes += reserveBytes
	}
	if s.queue.messages() == 0 {
		return true
	}
	// Where all sockets together hold too much, those that are furthest behind
	// lag first: the rest may fill up to a sixteenth of what is usual.
	if s.o.Waiting != nil && s.o.Waiting.Load() > s.o.MaxWaiting {
		bytes /= 16
	}
	return s.queue.messages() < messages && s.queue.bytes+charge <= bytes
}

// enqueue lets f wait, of which sent bytes are out, and sees to it that a
// writer runs. Called with mu.
func (s *Socket) enqueue(f *Frame, sent int) {
	if s.queue.messages() == 0 {
		s.moved = s.elapsed()
		s.queue.sent = sent
	}
	s.changeQueue(func(q *sendQueue) { q.push(f) })
	s.startWriter()
}

// changeQueue keeps the hub's count of waiting bytes. Called with mu.
func (s *Socket) changeQueue(change func(*sendQueue)) {
	before := s.queue.bytes
	change(&s.queue)
	if s.o.Waiting != nil && s.queue.bytes != before {
		s.o.Waiting.Add(int64(s.queue.bytes - before))
	}
}

// Queued is what waits for the client: messages, and their bytes as charged.
func (s *Socket) Queued() (messages, bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queue.messages(), s.queue.bytes
}

// pong sends a pong of the library's, before anything that waits. b is the
// whole frame; it is copied.
func (s *Socket) pong(b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing.Load() {
		return
	}
	sent := 0
	if s.idle() {
		n, err := s.tryWrite(b)
		if err != nil {
			s.lost(err)
			return
		}
		if n == len(b) {
			return
		}
		sent = n
	}
	f := &Frame{bytes: slices.Clone(b), control: true}
	if s.queue.messages() == 0 {
		s.enqueue(f, sent)
		return
	}
	s.changeQueue(func(q *sendQueue) { q.pushPong(f) })
}

// attempt is one write that takes what the kernel takes and does not wait. It
// exists so that a write allocates nothing.
type attempt struct {
	run func(fd uintptr) bool // once, bound once
	b   []byte
	n   int
	err error
}

func (a *attempt) once(fd uintptr) bool {
	a.n, a.err = writeNow(fd, a.b)
	return true
}

// tryWrite writes as much of b as the kernel takes now. Called with mu, when
// idle.
func (s *Socket) tryWrite(b []byte) (int, error) {
	a := &s.attempt
	a.b = b
	err := s.raw.Write(a.run)
	a.b = nil
	if err != nil {
		return 0, err
	}
	if errors.Is(a.err, errWouldBlock) {
		return 0, nil
	}
	return a.n, a.err
}
