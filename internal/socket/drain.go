package socket

import "errors"

// startWriter sees to it that a writer runs. Called with mu.
func (s *Socket) startWriter() {
	if s.writing || s.held {
		return
	}
	s.writing = true
	s.writers.Add(1)
	go s.drain()
}

// drain writes what waits and ends when nothing does, or when the connection
// fails. The closer waits for it.
func (s *Socket) drain() {
	defer s.writers.Done()
	var err error
	if s.raw != nil {
		err = s.raw.Write(s.drainNow)
	} else {
		err = s.drainBlocking()
	}
	s.mu.Lock()
	if err != nil {
		s.writing = false
		s.lost(err)
	}
	tell := s.lagging && !s.closing.Load() && s.queue.messages() == 0
	if tell {
		s.lagging = false
	}
	s.mu.Unlock()
	if tell {
		s.owner.Drained()
	}
}

// drainNow writes until the kernel takes no more, and reports whether there is
// nothing left to do. Between two calls the writer holds no lock and no memory.
func (s *Socket) drainNow(fd uintptr) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	j := s.o.Buffers.getJoin()
	defer s.o.Buffers.putJoin(j)
	for s.queue.messages() > 0 {
		b, _ := s.queue.gather(j)
		n, err := writeNow(fd, b)
		if errors.Is(err, errWouldBlock) {
			return false
		}
		if err != nil {
			s.lost(err)
			break
		}
		s.advance(n)
	}
	s.writing = false
	return true
}

// drainBlocking is drain for connections that can only write and wait, such as
// those with TLS. The lock is free while it waits, so what it writes counts as
// begun.
func (s *Socket) drainBlocking() error {
	j := s.o.Buffers.getJoin()
	defer s.o.Buffers.putJoin(j)
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.queue.messages() > 0 {
		var b []byte
		b, s.queue.flying = s.queue.gather(j)
		b = b[:min(len(b), joinSize)] // small steps show a slow client's progress
		s.mu.Unlock()
		n, err := s.conn.Write(b)
		s.mu.Lock()
		s.queue.flying = 0
		s.advance(n)
		if err != nil {
			return err
		}
	}
	s.writing = false
	return nil
}

// advance notes that n bytes are out. Called with mu.
func (s *Socket) advance(n int) {
	if n == 0 {
		return
	}
	s.changeQueue(func(q *sendQueue) { q.advance(n) })
	s.moved = s.elapsed()
}
