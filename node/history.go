package node

import (
	"bytes"
	"context"

	"github.com/wavesiddhartha/flowsync/internal/clientcore"
	"github.com/wavesiddhartha/flowsync/wire"
)

// Entry is a committed op.
type Entry = wire.Entry

// page is the answer to a history request.
type page struct {
	entries []Entry
	more    bool
	err     error
}

// History returns up to limit committed entries of a stream below offset before,
// newest last; before 0 means the newest. more says that older ones exist. It
// needs the hub: offline it fails with unavailable.
func (n *Node) History(ctx context.Context, stream string, before uint64, limit int) (entries []Entry, more bool, err error) {
	if err := n.await(ctx, stream); err != nil {
		return nil, false, err
	}
	answer, tag, err := n.ask(stream, before, limit)
	if err != nil {
		return nil, false, err
	}
	defer n.forget(tag)
	select {
	case p := <-answer:
		return p.entries, p.more, p.err
	case <-n.ctx.Done():
		return nil, false, ErrClosed
	case <-ctx.Done():
		return nil, false, ctx.Err()
	}
}

// await waits until the stream is open at the hub, which answers for no other. It
// waits no longer when there is no connection to wait for.
func (n *Node) await(ctx context.Context, stream string) error {
	for {
		if _, _, err := n.look(stream); err != nil {
			return err
		}
		n.mu.Lock()
		in, _ := n.core.Stream(stream)
		s, change := n.core.Status().Name, n.change(stream)
		n.mu.Unlock()
		if in.Synced || s != Connecting && s != CatchingUp && s != Online {
			return nil
		}
		select {
		case <-change:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (n *Node) ask(stream string, before uint64, limit int) (<-chan page, uint64, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closing {
		return nil, 0, ErrClosed
	}
	n.tag++
	if err := n.step(clientcore.GetHistory{Tag: n.tag, Stream: stream, Before: before, Limit: limit}); err != nil {
		return nil, 0, err
	}
	answer := make(chan page, 1)
	n.history[n.tag] = answer
	n.nudge()
	return answer, n.tag, nil
}

func (n *Node) forget(tag uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.history, tag)
}

// answer hands a page to its request. Called with mu held.
func (n *Node) answer(tag uint64, p page) {
	if ch := n.history[tag]; ch != nil {
		ch <- p
		delete(n.history, tag)
	}
}

// cloneEntries copies entries out of the decoder's memory.
func cloneEntries(in []Entry) []Entry {
	out := make([]Entry, len(in))
	for i, e := range in {
		e.Op = bytes.Clone(e.Op)
		out[i] = e
	}
	return out
}
