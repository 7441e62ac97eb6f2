package load

import (
	"errors"
	"fmt"
	"time"

	"github.com/wavesiddhartha/flowsync/bench/peer"
)

// Idle is connections that subscribe to one of 100 streams and then do nothing.
type Idle struct {
	Connections int
	Settle      time.Duration
}

const idleStreams = 100

// Run drives a server with the load.
func (l Idle) Run(sv *Server) (Values, error) {
	c := &crowd{clock: clock(time.Now()), peer: sv.Peer, addr: sv.Addr}
	// What is there before: a server that has served a connection on each
	// stream, and has let go of what starting took.
	for i := range idleStreams {
		if _, err := c.enter(fmt.Sprintf("first-%d", i), i, 1, peer.Reads); err != nil {
			return nil, errors.Join(err, c.leave())
		}
	}
	if err := sv.collect(); err != nil {
		return nil, err
	}
	before, err := sv.rss()
	if err != nil {
		return nil, err
	}
	var tasks []func() error
	for i := range l.Connections {
		tasks = append(tasks, func() error {
			_, err := c.enter(fmt.Sprintf("idle-%d", i), i%idleStreams, 1, peer.Reads)
			return err
		})
	}
	m, err := sv.begin()
	if err != nil {
		return nil, err
	}
	if err := many(64, tasks); err != nil {
		return nil, errors.Join(err, c.leave())
	}
	v, err := m.end()
	if err != nil {
		return nil, err
	}
	time.Sleep(l.Settle)
	settled, err := sv.rss()
	if err != nil {
		return nil, err
	}
	if err := sv.collect(); err != nil {
		return nil, err
	}
	collected, err := sv.rss()
	if err := errors.Join(err, c.leave()); err != nil {
		return nil, err
	}
	n := float64(l.Connections)
	v["rss_kib_per_connection"] = float64(settled-before) / 1024 / n
	v["collected_kib_per_connection"] = float64(collected-before) / 1024 / n
	v["open_cpu_us"] = v["server_cpu_s"] / n * 1e6
	return v, nil
}
