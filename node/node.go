// Package node is the Go client of FlowSync: a local replica of each stream that
// takes edits at once, a queue of what the hub has not committed, and a
// connection that comes back by itself.
//
//	n, err := node.Dial(ctx, "ws://localhost:8765", node.Options{Client: "sensor-1"})
//	err = n.Counter("counter:value").Add(ctx, 5)
//	sum, err := n.Counter("counter:value").Value(ctx)
//
// # What always holds
//
//   - An op that Push accepted is acked, still queued, or a dead letter that
//     Rejected lists. It takes effect once, however often the connection breaks.
//   - Reads and watches show the hub's confirmed state with the own pending ops
//     on top, online and offline.
//
// Errors of hubs and of refused ops are *[Error] with a code.
//
// A [Node] is the shell around the step machine of internal/clientcore: it owns
// the socket, the goroutines and the lock. No lock is held across the network or
// the application's code.
package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/wavesiddhartha/flowsync/internal/clientcore"
	"github.com/wavesiddhartha/flowsync/wire"
)

// Error is an error with a code of the protocol: a hub's, or the refusal of an
// op. Branch with errors.As on its Code.
type Error = wire.Error

// ErrClosed is returned by the methods of a node that was closed.
var ErrClosed = errors.New("node: closed")

// Node is one client of a hub. All its methods may be called from any goroutine.
type Node struct {
	// Set by Dial, read-only after.
	opts  Options
	url   string
	log   *slog.Logger
	start time.Time
	ctx   context.Context // ends when Close has hung up
	stop  context.CancelFunc
	wake  chan struct{} // tells the driver that there is something to do
	work  sync.WaitGroup

	// Owned by the driver.
	link *link

	mu       sync.Mutex // guards what follows
	core     *clientcore.Client
	todo     clientcore.Effects // for the driver, in order
	wakeAt   clientcore.Instant // when the driver must tick, 0 for never
	closing  bool
	changed  map[string]chan struct{} // by stream: closed at its next change
	progress chan struct{}            // closed when an op is acked or rejected
	refused  map[string]*Error        // by stream: why the hub refuses it in this session
	flushes  []*flush
	history  map[uint64]chan page
	tag      uint64
	watchers []*subscription
}

// Dial makes a node and starts to connect. It does not wait for the hub: ops are
// queued until there is one. Errors are those of the URL and of the options. The
// token source gets the values of ctx; the end of ctx does not end the node.
func Dial(ctx context.Context, url string, o Options) (*Node, error) {
	if err := checkURL(url); err != nil {
		return nil, err
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	n := &Node{
		opts: o, url: url, log: o.Logger, start: time.Now(), wake: make(chan struct{}, 1),
		changed: map[string]chan struct{}{}, progress: make(chan struct{}),
		refused: map[string]*Error{}, history: map[uint64]chan page{},
	}
	n.ctx, n.stop = context.WithCancel(context.WithoutCancel(ctx))
	n.core = clientcore.New(clientcore.Config{
		Client: o.Client, Random: rand.Uint32, Rules: o.Rules,
		QueueOps: o.QueueOps, QueueBytes: o.QueueBytes,
		BackoffBase: millis(o.BackoffMin), BackoffCap: millis(o.BackoffMax),
	})
	n.do(clientcore.Connect{})
	n.work.Go(n.drive)
	return n, nil
}

// Close hangs up and ends the node's goroutines. The queue is in memory: if ops
// are pending, they are lost and Close says so. Call Flush first.
func (n *Node) Close() error {
	first := n.shut()
	n.work.Wait()
	if !first {
		return nil
	}
	if lost := n.Pending(); lost > 0 {
		return fmt.Errorf("node: closed with %d ops that the hub has not acked; they are lost with the queue in memory: call Flush before Close", lost)
	}
	return nil
}

// shut hangs up and tells everyone who waits. It reports whether it was the
// first to do so.
func (n *Node) shut() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closing {
		return false
	}
	n.step(clientcore.Close{})
	n.closing = true
	for _, ch := range n.changed {
		close(ch)
	}
	clear(n.changed)
	n.progressed()
	for _, w := range n.watchers {
		w.signal()
	}
	n.nudge()
	return true
}

// do feeds one event that cannot be refused.
func (n *Node) do(ev clientcore.Event) { _ = n.try(ev) }

// try feeds one event.
func (n *Node) try(ev clientcore.Event) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closing {
		return ErrClosed
	}
	defer n.nudge()
	return n.step(ev)
}

// step feeds one event to the machine and keeps its effects: those on the
// connection for the driver, those for the application at once. What is to be
// saved needs no copy while the queue is in memory: it is in the machine.
// Called with mu held.
func (n *Node) step(ev clientcore.Event) error {
	var out clientcore.Effects
	err := n.core.Step(n.now(), ev, &out)
	for _, e := range out {
		switch e := e.(type) {
		case clientcore.Send, clientcore.Dial, clientcore.Hangup, clientcore.NeedToken:
			n.todo = append(n.todo, e)
		case clientcore.Wake:
			n.wakeAt = e.At
		default:
			n.notice(e)
		}
	}
	return err
}

// nudge wakes the driver, now or when it is done with what it does.
func (n *Node) nudge() {
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// now is the time as the machine knows it. It begins at 1, since 0 means never.
func (n *Node) now() clientcore.Instant { return millis(time.Since(n.start)) + 1 }

func millis(d time.Duration) clientcore.Instant { return clientcore.Instant(d / time.Millisecond) }

// drive carries out the machine's effects on the network and passes time. It
// ends when the node was closed and everything is hung up.
func (n *Node) drive() {
	defer n.stop()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-n.wake:
		case <-timer.C:
		}
		d := n.due()
		n.carryOut(d)
		if d.last {
			return
		}
		timer.Reset(d.wait)
	}
}

// duty is what the driver does in one round.
type duty struct {
	todo clientcore.Effects
	room int           // bytes that one WebSocket message may have
	wait time.Duration // until there is more to do
	last bool          // the node is closed
}

// due ticks and flushes the machine and returns what is to be done.
func (n *Node) due() duty {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.wakeAt != 0 && n.now() >= n.wakeAt {
		n.wakeAt = 0
		n.step(clientcore.Tick{})
	}
	n.step(clientcore.Flush{})
	d := duty{todo: n.todo, room: min(sendBytes, n.core.MessageBytes()), wait: time.Hour, last: n.closing}
	n.todo = nil
	if n.wakeAt != 0 {
		d.wait = max(time.Millisecond, time.Duration(n.wakeAt-n.now())*time.Millisecond)
	}
	return d
}
