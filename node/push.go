package node

import (
	"context"

	"github.com/wavesiddhartha/flowsync/internal/clientcore"
	"github.com/wavesiddhartha/flowsync/wire"
)

// Receipt stands for an op on its way into the queue.
type Receipt struct {
	stream string
	op     []byte
	done   chan struct{} // closed when err is set; nil: it was from the start
	err    error
}

// Wait waits until the op is accepted or not. It answers what [Node.Push] does.
func (r *Receipt) Wait() error {
	if r.done != nil {
		<-r.done
	}
	return r.err
}

// Push applies one op to the local replica and queues it for the hub. It returns
// when the op is in the queue, which with a queue file means on the disk, and
// does not wait for the hub; [Node.Flush] does. op is anything that encodes to
// the JSON object of an op of the stream's rule. ctx is looked at once, before
// anything is done.
//
// Pushes of several goroutines share a transaction of the file. One goroutine
// that pushes many ops gets the same with [Node.Submit].
//
// An op that the rule refuses as things stand here is an *[Error] with the
// rule's code, a full queue one with busy, a queue file that cannot be written
// one with store_readonly, or unavailable if that does not pass; nothing was
// queued then. An op that the hub refuses later leaves the view again and becomes
// a dead letter: see [Node.Rejected].
func (n *Node) Push(ctx context.Context, stream string, op any) error {
	return n.Submit(ctx, stream, op).Wait()
}

// Submit hands in an op without waiting for the disk. Ops that are submitted one
// after the other take effect in that order; what is true after Push is true
// after the receipt's Wait.
func (n *Node) Submit(ctx context.Context, stream string, op any) *Receipt {
	r := &Receipt{stream: stream}
	if r.err = ctx.Err(); r.err != nil {
		return r
	}
	if r.op, r.err = wire.MarshalOp(op); r.err != nil {
		return r
	}
	if len(r.op) == 0 || r.op[0] != '{' {
		r.err = wire.Errorf(wire.BadOp, "an op is a JSON object, for example {\"op\":\"increment\"}")
		return r
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	defer n.nudge()
	switch {
	case n.opts.Queue == "":
		r.err = n.push(r)
	case n.closing:
		r.err = ErrClosed
	case n.opts.QueueOps > 0 && len(n.asked) >= n.opts.QueueOps:
		r.err = wire.Errorf(wire.Busy, "%d ops wait for the disk: wait for their receipts", len(n.asked))
	default:
		r.done = make(chan struct{})
		n.asked = append(n.asked, r)
	}
	return r
}

// push steps on one push. Called with mu held, and turn if there is a file.
func (n *Node) push(r *Receipt) error {
	if err := n.ensure(r.stream); err != nil {
		return err
	}
	return n.step(clientcore.Push{Stream: r.stream, Op: r.op})
}

// takePushes steps on all that was submitted. The pushes that the machine accepts
// are answered when they are saved. Called with mu and turn held.
func (n *Node) takePushes() (answer func(error)) {
	asked := n.asked
	n.asked = nil
	for _, r := range asked {
		r.err = n.push(r)
	}
	return func(err error) {
		for _, r := range asked {
			if r.err == nil && err != nil {
				r.err = n.storeError(r.stream, err)
			}
			close(r.done)
		}
	}
}
