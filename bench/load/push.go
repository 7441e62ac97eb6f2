package load

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wavesiddhartha/flowsync/bench/peer"
	"github.com/wavesiddhartha/flowsync/bench/raw"
)

// Push is writers that each push a message and wait for its ack before the next.
// Nobody reads.
type Push struct {
	Writers, Streams int
	Warm, Measure    time.Duration
}

// Run drives a server with the load.
func (l Push) Run(sv *Server) (Values, error) {
	before, err := l.offsets(sv, "before")
	if err != nil {
		return nil, err
	}
	var acks, total atomic.Uint64
	var timing, ending atomic.Bool
	ws := make([]*writer, l.Writers)
	for i := range ws {
		if ws[i], err = l.writer(sv, i); err != nil {
			return nil, err
		}
		defer ws[i].conn.Close()
	}
	var done sync.WaitGroup
	for _, w := range ws {
		done.Go(func() { w.err = w.run(&acks, &timing, &ending) })
	}
	time.Sleep(l.Warm)
	first := acks.Load()
	m, err := sv.begin()
	if err != nil {
		return nil, err
	}
	timing.Store(true)
	time.Sleep(l.Measure)
	timing.Store(false)
	n := acks.Load() - first
	v, err := m.end()
	ending.Store(true)
	done.Wait()
	if err != nil {
		return nil, err
	}
	var took latencies
	for i, w := range ws {
		if w.err != nil {
			return nil, fmt.Errorf("writer %d: %w", i, w.err)
		}
		took.merge(&w.took)
		total.Add(w.seq)
	}
	if n == 0 {
		return nil, errors.New("nothing was acked")
	}
	after, err := l.offsets(sv, "after")
	if err != nil {
		return nil, err
	}
	if before+after > 0 && after-before != total.Load() {
		return nil, fmt.Errorf("%d pushes were acked and the streams have %d messages more", total.Load(), after-before)
	}
	v["acks"] = float64(n)
	v["acks_per_s"] = float64(n) / v["seconds"]
	v["cpu_per_million"] = v["server_cpu_s"] / float64(n) * 1e6
	v["p50_ms"], v["p99_ms"], v["p999_ms"] = took.at(0.5), took.at(0.99), took.at(0.999)
	return v, nil
}

// offsets asks how many messages the streams have, all together.
func (l Push) offsets(sv *Server, who string) (uint64, error) {
	conn, err := sv.Peer.Dialect.Dial(sv.Addr)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	j := peer.Join{Client: "auditor-" + who, Mode: peer.Reads}
	for i := range l.Streams {
		j.Streams = append(j.Streams, roomName(i))
	}
	positions, err := sv.Peer.Dialect.Join(conn, j, nil)
	var sum uint64
	for _, p := range positions {
		sum += p.Offset
	}
	return sum, err
}

// writer is one connection that pushes.
type writer struct {
	conn    *raw.Conn
	dialect peer.Dialect
	stream  string
	clock   clock
	seq     uint64
	took    latencies
	err     error
}

func (l Push) writer(sv *Server, i int) (*writer, error) {
	conn, err := sv.Peer.Dialect.Dial(sv.Addr)
	if err != nil {
		return nil, err
	}
	w := &writer{conn: conn, dialect: sv.Peer.Dialect, stream: roomName(i % l.Streams), clock: clock(time.Now())}
	_, err = w.dialect.Join(conn, peer.Join{Client: fmt.Sprintf("writer-%d", i), Streams: []string{w.stream}, Mode: peer.Pushes}, nil)
	return w, err
}

// run pushes until ending is set. Each ack must be that of the message before.
func (w *writer) run(acks *atomic.Uint64, timing, ending *atomic.Bool) error {
	var frame []byte
	var body [tokenEnd + len(filling)]byte
	for !ending.Load() {
		began := w.clock.now()
		w.seq++
		frame = w.dialect.AppendPush(frame[:0], w.stream, w.seq, appendBody(body[:0], 0, w.seq, began))
		if err := w.conn.Write(frame); err != nil {
			return err
		}
		if err := w.await(); err != nil {
			return err
		}
		acks.Add(1)
		if timing.Load() {
			w.took.add(w.clock.now() - began)
		}
	}
	return nil
}

func (w *writer) await() error {
	for {
		payload, err := w.conn.Next()
		if err != nil {
			return err
		}
		if answer := w.dialect.Answer(payload); answer != nil {
			if err := w.conn.Write(answer); err != nil {
				return err
			}
			continue
		}
		acked, err := w.dialect.Acked(payload)
		if err != nil {
			return err
		}
		if acked > w.seq {
			return fmt.Errorf("push %d was acked, and %d was the last", acked, w.seq)
		}
		if acked == w.seq {
			return nil
		}
	}
}
