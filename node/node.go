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
// the socket, the queue file, the goroutines and the locks. mu is not held across
// the network, the disk or the application's code.
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
	"github.com/wavesiddhartha/flowsync/node/queue"
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
	ready chan struct{} // tells the sender so
	found []Event       // what was damaged in the queue file
	work  sync.WaitGroup

	// Owned by the sender.
	link *link

	// turn is held while the queue file is written, and by whoever steps on an
	// event that saves: a transaction that fails can then be taken back. Locked
	// before mu.
	turn sync.Mutex
	file *queue.Queue // nil: the queue is in memory. Guarded by turn

	mu       sync.Mutex // guards what follows
	core     *clientcore.Client
	asked    []*Receipt         // pushes for the driver, in order
	unsaved  clientcore.Effects // what is to be saved, and what must wait for that, in order
	todo     clientcore.Effects // for the sender, in order
	keeps    map[string]*keep   // by stream: when its state is kept next
	trouble  error              // why the queue file could not be written the last time
	settled  uint64             // ops up to this number are settled, and everyone was told
	wakeAt   clientcore.Instant // when the driver must tick, 0 for never
	closing  bool
	ended    bool                     // nothing comes to todo any more
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
		opts: o, url: url, log: o.Logger, start: time.Now(),
		wake: make(chan struct{}, 1), ready: make(chan struct{}, 1), keeps: map[string]*keep{},
		changed: map[string]chan struct{}{}, progress: make(chan struct{}),
		refused: map[string]*Error{}, history: map[uint64]chan page{},
	}
	saved, err := n.openQueue()
	if err != nil {
		return nil, err
	}
	n.ctx, n.stop = context.WithCancel(context.WithoutCancel(ctx))
	n.core = clientcore.Restore(clientcore.Config{
		Client: o.Client, Random: rand.Uint32, Rules: o.Rules, Keep: o.Queue != "",
		QueueOps: o.QueueOps, QueueBytes: o.QueueBytes,
		BackoffBase: millis(o.BackoffMin), BackoffCap: millis(o.BackoffMax),
	}, saved)
	n.do(clientcore.Connect{})
	n.work.Go(n.drive)
	n.work.Go(n.deliver)
	return n, nil
}

// Close hangs up and ends the node's goroutines. Ops that are pending stay in
// the queue file, for the next Dial; with a queue in memory they are lost and
// Close says so: call Flush first.
func (n *Node) Close() error {
	first := n.shut()
	n.work.Wait()
	if !first {
		return nil
	}
	if n.opts.Queue != "" {
		return n.closeQueue()
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

// step feeds one event to the machine and sorts its effects. Called with mu held,
// and with turn held if the event may save something.
func (n *Node) step(ev clientcore.Event) error {
	var out clientcore.Effects
	err := n.core.Step(n.now(), ev, &out)
	for _, e := range out {
		n.sort(e)
	}
	return err
}

// sort puts an effect where it belongs. What has no save before it is done at
// once. Called with mu held.
func (n *Node) sort(e clientcore.Effect) {
	switch {
	case saves(e):
		if n.opts.Queue != "" { // else it needs no copy: the machine has it
			n.unsaved = append(n.unsaved, e)
		}
	case len(n.unsaved) > 0 && follows(e):
		n.unsaved = append(n.unsaved, e)
	default:
		n.release(e)
	}
}

// release hands an effect to the sender or the application. Called with mu held.
func (n *Node) release(e clientcore.Effect) {
	switch e := e.(type) {
	case clientcore.Send, clientcore.Dial, clientcore.Hangup, clientcore.NeedToken:
		n.todo = append(n.todo, e)
	case clientcore.Wake:
		n.wakeAt = e.At
	default:
		n.notice(e)
	}
}

// nudge wakes the driver, and the sender if there is something for it, now or
// when they are done with what they do. Called with mu held.
func (n *Node) nudge() {
	signal(n.wake)
	if len(n.todo) > 0 || n.ended {
		signal(n.ready)
	}
}

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// now is the time as the machine knows it. It begins at 1, since 0 means never.
func (n *Node) now() clientcore.Instant { return millis(time.Since(n.start)) + 1 }

func millis(d time.Duration) clientcore.Instant { return clientcore.Instant(d / time.Millisecond) }

// drive passes time, writes the queue file and lets the machine send. It ends
// when the node was closed and the file has what can be saved.
func (n *Node) drive() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-n.wake:
		case <-timer.C:
		}
		wait, last := n.round()
		if last {
			return
		}
		timer.Reset(wait)
	}
}

// round is one turn of the driver. It returns how long there is nothing to do,
// if nothing happens.
func (n *Node) round() (wait time.Duration, last bool) {
	n.turn.Lock()
	defer n.turn.Unlock()
	n.tick()
	n.save(n.takePushes)
	n.save(n.keepStates)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closing {
		n.end()
		return 0, true
	}
	// What is pushed waits for its transaction: only what was saved is sent here.
	n.step(clientcore.Flush{})
	if len(n.todo) > 0 {
		signal(n.ready)
	}
	return n.idle(), false
}

func (n *Node) tick() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.wakeAt != 0 && n.now() >= n.wakeAt && !n.closing {
		n.wakeAt = 0
		n.step(clientcore.Tick{})
	}
}

// idle is the time until the driver has something to do. Called with mu held.
func (n *Node) idle() time.Duration {
	if len(n.unsaved) > 0 && n.trouble == nil {
		return 0 // the flush has saved something
	}
	at := n.now() + millis(time.Hour)
	if len(n.unsaved) > 0 {
		at = n.now() + retryEvery
	}
	if n.wakeAt != 0 {
		at = min(at, n.wakeAt)
	}
	for _, k := range n.keeps {
		if k.due != 0 {
			at = min(at, k.due)
		}
	}
	return max(time.Millisecond, time.Duration(at-n.now())*time.Millisecond)
}

// end lets the sender hang up, and no more. Called with mu held.
func (n *Node) end() {
	for _, e := range n.unsaved {
		if bye, ok := e.(clientcore.Hangup); ok {
			n.todo = append(n.todo, bye)
		}
	}
	n.ended = true
	signal(n.ready)
}
