package node

import (
	"context"
	"fmt"
	"slices"

	"github.com/wavesiddhartha/flowsync/internal/clientcore"
)

// DeadLetter is an op that was refused for good. Code says why: a rule's code,
// denied, stream_unknown, or in_doubt when nobody can tell any more whether the
// op took effect.
type DeadLetter = clientcore.DeadLetter

// flush is one call of Flush. It is guarded by the node's mu.
type flush struct {
	upTo uint64 // local number of the last op it waits for
	err  error  // the first rejection among them
}

// Flush waits until every op that was pushed before it, on all streams, is
// committed by the hub or rejected; also those that an earlier process left in
// the queue file. It returns the first rejection it saw, as an
// *[Error] with the op's stream and seq; [Node.Rejected] lists all.
func (n *Node) Flush(ctx context.Context) error {
	n.mu.Lock()
	f := &flush{upTo: n.core.LastID()}
	n.flushes = append(n.flushes, f)
	defer n.forgetFlush(f)
	for {
		done, closing, progress := n.settledTo() >= f.upTo, n.closing, n.progress
		n.mu.Unlock()
		switch {
		case done:
			return f.err
		case closing:
			return ErrClosed
		}
		select {
		case <-progress:
		case <-ctx.Done():
			return fmt.Errorf("node: %d ops are not acked yet (%s): %w", n.Pending(), n.Status().Name, ctx.Err())
		}
		n.mu.Lock()
	}
}

func (n *Node) forgetFlush(f *flush) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.flushes = slices.DeleteFunc(n.flushes, func(g *flush) bool { return f == g })
}

// progressed wakes those who wait for acks. Called with mu held.
func (n *Node) progressed() {
	close(n.progress)
	n.progress = make(chan struct{})
}

// rejected tells those who wait for the op. Called with mu held.
func (n *Node) rejected(e clientcore.Rejected) {
	for _, f := range n.flushes {
		if e.ID <= f.upTo && f.err == nil {
			f.err = &Error{Code: e.Dead.Code, Stream: e.Dead.Stream, Seq: e.Dead.Seq, Msg: e.Dead.Msg}
		}
	}
	n.progressed()
}

// Rejected lists the dead letters, oldest first. They stay until [Node.Discard].
func (n *Node) Rejected() []DeadLetter {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.core.DeadLetters())
}

// Discard forgets a dead letter.
func (n *Node) Discard(d DeadLetter) {
	n.turn.Lock()
	defer n.turn.Unlock()
	n.do(clientcore.Discard{Stream: d.Stream, Inc: d.Inc, Seq: d.Seq})
}
