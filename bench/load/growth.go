package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"time"

	"github.com/wavesiddhartha/flowsync/bench/peer"
	"github.com/wavesiddhartha/flowsync/node"
)

// Stored is a hub that starts over many streams which were stored before.
type Stored struct{ Streams int }

// perConnection is how many streams one connection of these loads has open.
const perConnection = 1000

// Run fills a server, starts it again and measures the new start.
func (l Stored) Run(sv *Server, again func() (*Server, error)) (Values, error) {
	fill := Rooms{Rooms: l.Streams, Members: 1, Shared: min(perConnection, l.Streams), Window: 1}
	c := &crowd{clock: clock(time.Now()), peer: sv.Peer, addr: sv.Addr}
	rooms, err := fill.fill(c)
	if err != nil {
		return nil, errors.Join(err, c.leave())
	}
	for _, r := range rooms {
		if err := r.pusher.conn.Write(r.appendPush(nil, c)); err != nil {
			return nil, errors.Join(err, c.leave())
		}
	}
	if err := errors.Join(fill.settle(c, rooms), c.leave(), sv.Stop()); err != nil {
		return nil, err
	}
	next, err := again()
	if err != nil {
		return nil, err
	}
	v, err := l.first(next)
	return v, errors.Join(err, next.Stop())
}

// first opens one stream of the server that has just started.
func (l Stored) first(sv *Server) (Values, error) {
	rss, err := sv.rss()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	conn, err := sv.Peer.Dialect.Dial(sv.Addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	messages := 0
	j := peer.Join{Client: "late", Streams: []string{roomName(l.Streams - 1)}, Mode: peer.Reads}
	positions, err := sv.Peer.Dialect.Join(conn, j, func(payload []byte) { messages += eachToken(payload, func(token) {}) })
	if err != nil {
		return nil, err
	}
	if messages != 1 || positions[0].Offset == 0 {
		return nil, fmt.Errorf("a stored stream came back with %d messages, want 1", messages)
	}
	return Values{"start_ms": sv.Start.Seconds() * 1000, "open_ms": time.Since(began).Seconds() * 1000, "rss_mib": float64(rss) / (1 << 20)}, nil
}

// Replicas is one Go client with many streams.
type Replicas struct{ Streams int }

// Run measures the memory of this process, whose client it is.
func (l Replicas) Run(sv *Server) (Values, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	before := inUse()
	n, err := node.Dial(ctx, "ws://"+sv.Addr+"/flowsync", node.Options{
		Client: "replica", Token: peer.Token, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		return nil, err
	}
	defer n.Close()
	if _, err := n.Counter("count:first").Value(ctx); err != nil {
		return nil, err
	}
	one := inUse()
	for i := range l.Streams {
		c := n.Counter(fmt.Sprintf("count:%d", i))
		if err := c.Add(ctx, 1); err != nil {
			return nil, err
		}
	}
	if err := n.Flush(ctx); err != nil {
		return nil, err
	}
	for i := range l.Streams {
		if got, err := n.Counter(fmt.Sprintf("count:%d", i)).Value(ctx); err != nil || got != 1 {
			return nil, errors.Join(fmt.Errorf("replica %d shows %d, want 1", i, got), err)
		}
	}
	many := inUse()
	return Values{"client_kib": float64(one-before) / 1024, "replica_kib": float64(many-one) / 1024 / float64(l.Streams)}, nil
}

// inUse is the memory of this process that is not garbage.
func inUse() int64 {
	runtime.GC()
	runtime.GC() // pools give up what they hold in two rounds
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// TempDir makes a folder for a server's files beside the results, on a disk:
// the system's own may be in memory, where a sync costs nothing.
func TempDir(root string) (string, error) {
	if err := os.MkdirAll(root, 0o755); err != nil {
		return "", err
	}
	return os.MkdirTemp(root, "server-")
}
