package load

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/wavesiddhartha/flowsync/bench/peer"
)

// Storm is clients that were away while their streams went on, and that all come
// back at once and recover what they missed.
type Storm struct {
	Clients, Streams, Missed int
	Rounds                   int // how often they come back; the figures are of one round
}

// stormTime bounds one round.
const stormTime = 30 * time.Second

// Run drives a server with the load.
func (l Storm) Run(sv *Server) (Values, error) {
	positions, err := l.meet(sv)
	if err != nil {
		return nil, err
	}
	if err := l.pushMissed(sv); err != nil {
		return nil, err
	}
	sum := Values{}
	for range l.Rounds {
		time.Sleep(200 * time.Millisecond) // the hub lets the former sessions go
		v, err := l.round(sv, positions)
		if err != nil {
			return nil, err
		}
		for name, x := range v {
			sum[name] += x / float64(l.Rounds)
		}
	}
	return sum, nil
}

// meet has everybody join once, and leave.
func (l Storm) meet(sv *Server) ([]peer.Position, error) {
	positions := make([]peer.Position, l.Clients)
	var tasks []func() error
	for i := range l.Clients {
		tasks = append(tasks, func() error {
			conn, err := sv.Peer.Dialect.Dial(sv.Addr)
			if err != nil {
				return err
			}
			defer conn.Close()
			p, err := sv.Peer.Dialect.Join(conn, l.join(i), nil)
			if err == nil {
				positions[i] = p[0]
			}
			return err
		})
	}
	return positions, many(64, tasks)
}

func (l Storm) join(i int) peer.Join {
	return peer.Join{Client: fmt.Sprintf("client-%d", i), Streams: []string{roomName(i % l.Streams)}, Mode: peer.Reads}
}

// pushMissed pushes what everybody misses, and waits until it is readable.
func (l Storm) pushMissed(sv *Server) error {
	c := &crowd{clock: clock(time.Now()), peer: sv.Peer, addr: sv.Addr}
	author, err := c.enter("author", 0, l.Streams, peer.Both)
	if err != nil {
		return err
	}
	for number := range l.Missed {
		var frames []byte
		for i := range l.Streams {
			r := room{number: uint32(i), stream: roomName(i), sent: uint64(number)}
			frames = r.appendPush(frames, c)
		}
		if err := author.conn.Write(frames); err != nil {
			return errors.Join(err, c.leave())
		}
	}
	for deadline := time.Now().Add(settleTime); author.total() < uint64(l.Missed*l.Streams); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			return errors.Join(errors.New("what is to be missed did not arrive"), c.leave())
		}
	}
	return c.leave()
}

// round has everybody come back at once.
func (l Storm) round(sv *Server, positions []peer.Position) (Values, error) {
	m, err := sv.begin()
	if err != nil {
		return nil, err
	}
	took := make([]int64, l.Clients)
	errs := make([]error, l.Clients)
	cuts := make([]func() error, l.Clients)
	clk := clock(time.Now())
	var done sync.WaitGroup
	for i := range l.Clients {
		done.Go(func() {
			cuts[i], errs[i] = l.recover(sv, i, positions[i])
			took[i] = clk.now()
		})
	}
	done.Wait()
	v, err := m.end()
	if err != nil {
		return nil, err
	}
	var all latencies
	for i := range took {
		all.add(took[i])
		if cuts[i] != nil {
			cuts[i]()
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	v["p50_ms"], v["p99_ms"] = all.at(0.5), all.at(0.99)
	v["storm_s"], v["storm_cpu_s"] = v["seconds"], v["server_cpu_s"]
	return v, nil
}

// recover connects one client and checks that it gets what it missed, in order
// and nothing else.
func (l Storm) recover(sv *Server, i int, from peer.Position) (func() error, error) {
	conn, err := sv.Peer.Dialect.Dial(sv.Addr)
	if err != nil {
		return nil, err
	}
	if err := conn.SetReadDeadline(time.Now().Add(stormTime)); err != nil {
		return conn.Close, err
	}
	var next uint64 = 1
	var wrong error
	take := func(payload []byte) {
		eachToken(payload, func(t token) {
			if t.number != next || t.room != uint32(i%l.Streams) {
				wrong = fmt.Errorf("client %d got message %d of room %d, want %d", i, t.number, t.room, next)
			}
			next++
		})
	}
	j := l.join(i)
	j.From = []peer.Position{from}
	if _, err := sv.Peer.Dialect.Join(conn, j, take); err != nil {
		return conn.Close, err
	}
	for next <= uint64(l.Missed) && wrong == nil {
		payload, err := conn.Next()
		if err != nil {
			return conn.Close, fmt.Errorf("client %d has %d messages of %d: %w", i, next-1, l.Missed, err)
		}
		take(payload)
	}
	return conn.Close, wrong
}
