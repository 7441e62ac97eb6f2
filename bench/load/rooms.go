package load

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wavesiddhartha/flowsync/bench/peer"
)

// Rooms is a load of messages in rooms: somebody pushes, all members get it.
type Rooms struct {
	Rooms   int
	Members int  // who read each room
	Apart   bool // one pusher that reads nothing; else the first member pushes
	Shared  int  // how many rooms one connection has; 0: one. Then Members is 1

	// Rate is how many messages are delivered a second, all rooms together. 0
	// saturates the server: Window messages of each room are on their way.
	Rate   int
	Window int

	Warm, Measure time.Duration
}

// room is one stream and who is in it.
type room struct {
	number  uint32
	stream  string
	pusher  *subscriber
	sent    uint64
	members []*subscriber
}

// behind is how many messages the slowest member has not got.
func (r *room) behind() uint64 {
	most := uint64(0)
	for _, m := range r.members {
		most = max(most, r.sent-m.last[r.number-m.rooms].Load())
	}
	return most
}

// crowd is all connections of a load.
type crowd struct {
	clock  clock
	peer   peer.Peer
	addr   string
	timing atomic.Bool
	ending atomic.Bool

	mu   sync.Mutex
	subs []*subscriber
	done sync.WaitGroup
}

// enter connects one client to rooms first, first+1, … and begins to read.
func (c *crowd) enter(name string, first, rooms int, mode peer.Mode) (*subscriber, error) {
	conn, err := c.peer.Dialect.Dial(c.addr)
	if err != nil {
		return nil, err
	}
	s := &subscriber{conn: conn, dialect: c.peer.Dialect, clock: c.clock, rooms: uint32(first),
		last: make([]atomic.Uint64, rooms), timing: &c.timing, ending: &c.ending}
	j := peer.Join{Client: name, Mode: mode}
	for i := range rooms {
		j.Streams = append(j.Streams, roomName(first+i))
	}
	if _, err := c.peer.Dialect.Join(conn, j, nil); err != nil {
		conn.Close()
		return nil, fmt.Errorf("%s could not join: %w", name, err)
	}
	if mode == peer.Pushes {
		s.last = nil
	}
	c.mu.Lock()
	c.subs = append(c.subs, s)
	c.mu.Unlock()
	c.done.Add(1)
	go s.read(&c.done)
	return s, nil
}

// leave cuts all connections and says what went wrong on any.
func (c *crowd) leave() error {
	c.ending.Store(true)
	for _, s := range c.subs {
		s.conn.Close()
	}
	c.done.Wait()
	var faults Faults
	for i, s := range c.subs {
		if s.err != nil {
			return fmt.Errorf("connection %d: %w", i, s.err)
		}
		faults.Lost += s.lost
		faults.Repeated += s.repeated
	}
	if faults != (Faults{}) {
		return faults
	}
	return nil
}

func (c *crowd) delivered() uint64 {
	var n uint64
	for _, s := range c.subs {
		n += s.total()
	}
	return n
}

// Run drives a server with the load.
func (l Rooms) Run(sv *Server) (Values, error) {
	c := &crowd{clock: clock(time.Now()), peer: sv.Peer, addr: sv.Addr}
	before, err := sv.rss()
	if err != nil {
		return nil, err
	}
	rooms, err := l.fill(c)
	if err != nil {
		return nil, errors.Join(err, c.leave())
	}
	opened, err := sv.rss()
	if err != nil {
		return nil, err
	}
	v, err := l.drive(c, rooms, sv)
	if err := errors.Join(err, l.settle(c, rooms), c.leave()); err != nil {
		return nil, err
	}
	after, err := sv.rss()
	if err != nil {
		return nil, err
	}
	var took latencies
	for _, s := range c.subs {
		took.merge(&s.took)
	}
	v["p50_ms"], v["p99_ms"], v["p999_ms"] = took.at(0.5), took.at(0.99), took.at(0.999)
	v["rss_mib"] = float64(after) / (1 << 20)
	v["opened_kib_per_room"] = float64(opened-before) / 1024 / float64(l.Rooms)
	v["used_kib_per_room"] = float64(after-before) / 1024 / float64(l.Rooms)
	return v, nil
}

// fill connects everybody, many at a time.
func (l Rooms) fill(c *crowd) ([]*room, error) {
	rooms := make([]*room, l.Rooms)
	for i := range rooms {
		rooms[i] = &room{number: uint32(i), stream: roomName(i), members: make([]*subscriber, l.Members)}
	}
	shared := max(l.Shared, 1)
	var tasks []func() error
	for first := 0; first < l.Rooms; first += shared {
		n := min(shared, l.Rooms-first)
		if l.Apart {
			tasks = append(tasks, func() error {
				s, err := c.enter(fmt.Sprintf("pusher-%d", first), first, n, peer.Pushes)
				for _, r := range rooms[first : first+n] {
					r.pusher = s
				}
				return err
			})
		}
		for m := range l.Members {
			mode := peer.Reads
			if m == 0 && !l.Apart {
				mode = peer.Both
			}
			tasks = append(tasks, func() error {
				s, err := c.enter(fmt.Sprintf("member-%d-%d", first, m), first, n, mode)
				for _, r := range rooms[first : first+n] {
					r.members[m] = s
					if mode == peer.Both {
						r.pusher = s
					}
				}
				return err
			})
		}
	}
	return rooms, many(64, tasks)
}

// drive pushes until the time is over and measures what comes after the warm-up.
func (l Rooms) drive(c *crowd, rooms []*room, sv *Server) (Values, error) {
	stop := time.Now().Add(l.Warm + l.Measure)
	pushed := make(chan error, 1)
	go func() {
		if l.Rate > 0 {
			pushed <- l.pace(c, rooms, stop)
		} else {
			pushed <- l.saturate(c, rooms, stop)
		}
	}()
	time.Sleep(l.Warm)
	first := c.delivered()
	m, err := sv.begin()
	if err != nil {
		return nil, err
	}
	c.timing.Store(true)
	time.Sleep(time.Until(stop))
	for c.delivered() == first && time.Since(stop) < settleTime {
		time.Sleep(time.Millisecond) // a short run on a busy machine
	}
	c.timing.Store(false)
	deliveries := c.delivered() - first
	v, err := m.end()
	if err := errors.Join(err, <-pushed); err != nil {
		return nil, err
	}
	if deliveries == 0 {
		return nil, errors.New("nothing was delivered")
	}
	v["deliveries"] = float64(deliveries)
	v["deliveries_per_s"] = float64(deliveries) / v["seconds"]
	v["cpu_per_million"] = v["server_cpu_s"] / float64(deliveries) * 1e6
	if l.Rate > 0 {
		v["of_rate"] = v["deliveries_per_s"] / float64(l.Rate)
	}
	return v, nil
}

// pace pushes at the rate, to one room after the other.
func (l Rooms) pace(c *crowd, rooms []*room, stop time.Time) error {
	every := time.Duration(float64(time.Second) * float64(l.Members) / float64(l.Rate))
	var frames []byte
	next := 0
	for due := time.Now(); ; due = due.Add(every) {
		now := time.Now()
		if now.After(stop) {
			return nil
		}
		if wait := due.Sub(now); wait > 0 {
			time.Sleep(wait)
		}
		r := rooms[next]
		next = (next + 1) % len(rooms)
		frames = r.appendPush(frames[:0], c)
		if err := r.pusher.conn.Write(frames); err != nil {
			return err
		}
	}
}

// saturate keeps a window of messages on the way in each room.
func (l Rooms) saturate(c *crowd, rooms []*room, stop time.Time) error {
	var frames []byte
	for time.Now().Before(stop) {
		idle := true
		for _, r := range rooms {
			// A window is topped up when half of it is gone: topping up by
			// single messages would make the generator the busiest process.
			behind := int(r.behind())
			if behind > l.Window/2 {
				continue
			}
			idle = false
			frames = frames[:0]
			for range l.Window - behind {
				frames = r.appendPush(frames, c)
			}
			if err := r.pusher.conn.Write(frames); err != nil {
				return err
			}
		}
		if idle {
			time.Sleep(50 * time.Microsecond)
		}
	}
	return nil
}

func (r *room) appendPush(b []byte, c *crowd) []byte {
	var body [tokenEnd + len(filling)]byte
	r.sent++
	return c.peer.Dialect.AppendPush(b, r.stream, r.sent, appendBody(body[:0], r.number, r.sent, c.clock.now()))
}

// settleTime bounds how long nothing may arrive while messages are on their way.
const settleTime = 10 * time.Second

// settle waits until everybody has everything.
func (l Rooms) settle(c *crowd, rooms []*room) error {
	had, since := c.delivered(), time.Now()
	for _, r := range rooms {
		for r.behind() > 0 {
			if time.Since(since) > settleTime {
				if now := c.delivered(); now > had {
					had, since = now, time.Now()
					continue
				}
				var missing uint64
				for _, r := range rooms {
					for _, m := range r.members {
						missing += r.sent - m.last[r.number-m.rooms].Load()
					}
				}
				return fmt.Errorf("nothing came for %v: %w", settleTime, Faults{Lost: missing})
			}
			time.Sleep(time.Millisecond)
		}
	}
	return nil
}

// many runs tasks, some at once, and returns the first error.
func many(atOnce int, tasks []func() error) error {
	var wg sync.WaitGroup
	var first error
	var once sync.Once
	slots := make(chan struct{}, atOnce)
	for _, task := range tasks {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := task(); err != nil {
				once.Do(func() { first = err })
			}
		})
	}
	wg.Wait()
	return first
}
