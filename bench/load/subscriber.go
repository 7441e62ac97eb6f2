package load

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"

	"github.com/wavesiddhartha/flowsync/bench/peer"
	"github.com/wavesiddhartha/flowsync/bench/raw"
)

// subscriber is one connection and what it has got on its rooms, which have
// numbers one after the other.
type subscriber struct {
	conn    *raw.Conn
	dialect peer.Dialect
	clock   clock
	rooms   uint32          // the number of the first room
	last    []atomic.Uint64 // per room, the number of the newest message

	timing *atomic.Bool // latencies count while it is set
	ending *atomic.Bool // set before the connections are cut

	// Owned by the reader until it ends.
	took     latencies
	lost     uint64
	repeated uint64
	err      error
}

// read runs until the connection ends.
func (s *subscriber) read(done *sync.WaitGroup) {
	defer done.Done()
	for {
		payload, err := s.conn.Next()
		if err == nil {
			err = s.take(payload)
		}
		if err != nil {
			if !s.ending.Load() || !errors.Is(err, net.ErrClosed) {
				s.err = err
			}
			return
		}
	}
}

func (s *subscriber) take(payload []byte) error {
	now, timing := s.clock.now(), s.timing.Load()
	n := eachToken(payload, func(t token) {
		i := t.room - s.rooms
		if int(i) >= len(s.last) {
			s.lost++ // a message of somebody else's
			return
		}
		last := s.last[i].Load()
		switch {
		case t.number == last+1:
			s.last[i].Store(t.number)
		case t.number > last:
			s.lost += t.number - last - 1
			s.last[i].Store(t.number)
		default:
			s.repeated++
		}
		if timing {
			s.took.add(now - t.sent)
		}
	})
	if n > 0 {
		return nil
	}
	if answer := s.dialect.Answer(payload); answer != nil {
		return s.conn.Write(answer)
	}
	_, err := s.dialect.Acked(payload)
	return err
}

// total is how many messages have come.
func (s *subscriber) total() uint64 {
	var n uint64
	for i := range s.last {
		n += s.last[i].Load()
	}
	return n
}

// Faults says why a run counts for nothing.
type Faults struct{ Lost, Repeated uint64 }

func (f Faults) Error() string {
	return fmt.Sprintf("%d messages were lost and %d came twice or late", f.Lost, f.Repeated)
}
