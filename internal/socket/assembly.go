package socket

import (
	"io"
	"net"
	"slices"
	"sync"
	"time"
)

// assembly bounds the memory of large messages, over all sockets of a hub, from
// when they are put together until they have been handled. Who needs more than is
// left is not read meanwhile. A message that is never finished could so hold up
// others: while anybody waits, none may take longer than crowdedTimeout. The zero
// value is ready.
type assembly struct {
	mu   sync.Mutex // guards what follows
	used int64
	line []*assembling // who waits, the first to come in front
}

// assembling is a socket that waits for memory.
type assembling struct {
	n    int64
	room chan struct{} // closed when the memory is its own
}

// crowdedTimeout is how long a message may take while others wait for memory.
const crowdedTimeout = 5 * time.Second

// take gets n bytes of the most that all may have, waiting for them until gone is
// closed. Who is alone gets any number.
func (a *assembly) take(n, most int64, gone <-chan struct{}) bool {
	w := &assembling{n, make(chan struct{})}
	a.mu.Lock()
	a.line = append(a.line, w)
	a.serve(most)
	a.mu.Unlock()
	select {
	case <-w.room:
		return true
	case <-gone:
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	i := slices.Index(a.line, w)
	if i < 0 {
		return true // it came at the same time
	}
	a.line = slices.Delete(a.line, i, i+1)
	a.serve(most)
	return false
}

func (a *assembly) give(n, most int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.used -= n
	a.serve(most)
}

// serve gives what is left to those in front. Called with mu.
func (a *assembly) serve(most int64) {
	for len(a.line) > 0 && (a.used == 0 || a.used+a.line[0].n <= most) {
		a.used += a.line[0].n
		close(a.line[0].room)
		a.line = slices.Delete(a.line, 0, 1)
	}
}

// crowded reports whether anybody waits.
func (a *assembly) crowded() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.line) > 0
}

// assemble reads a message into the scratch, which grows with what has arrived,
// never with what a header claims.
func (s *Socket) assemble(r io.Reader) error {
	c := s.scratch
	for {
		if len(c.bytes) == cap(c.bytes) && !s.grow(c) {
			return net.ErrClosed
		}
		n, err := r.Read(c.bytes[len(c.bytes):cap(c.bytes)])
		c.bytes = c.bytes[:len(c.bytes)+n]
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// grow doubles the scratch: by smaller steps a large message would leave several
// times its size to the garbage collector. It reports whether there was room.
func (s *Socket) grow(c *scratch) bool {
	to := 2 * cap(c.bytes)
	if more := int64(to) - c.taken; s.o.MaxAssembling > 0 && to > scratchKeep {
		if !s.o.Buffers.large.take(more, s.o.MaxAssembling, s.closed) {
			return false
		}
		c.taken += more
	}
	c.bytes = append(make([]byte, 0, to), c.bytes...)
	return true
}
