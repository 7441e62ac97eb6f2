package node

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/internal/clientcore"
	"github.com/wavesiddhartha/flowsync/wire"
)

// Mode is what a stream is opened for; As is the form in which it is read.
type (
	Mode = wire.Mode
	As   = wire.As
)

// Modes and forms.
const (
	Read      = wire.Read
	Write     = wire.Write
	ReadWrite = wire.ReadWrite

	AsState = wire.AsState // a replica: ops show at once, also offline
	AsValue = wire.AsValue // the hub's value alone: less traffic on large states
)

// OpenOptions say how a stream is opened.
type OpenOptions struct {
	// Rule is the rule that the stream is expected to have. With it, ops show
	// before the hub was ever reached. Nil: the hub's answer says. The hub's word
	// stands in any case.
	Rule crdt.Rule

	// Mode defaults to ReadWrite; what the token does not allow of it is left
	// out. As defaults to AsState.
	Mode Mode
	As   As
}

// Open opens a stream. Push, Get and Watch open streams that are not open yet,
// with no options. Opening again changes mode and form.
func (n *Node) Open(stream string, o OpenOptions) error {
	ev := clientcore.Open{Stream: stream, Mode: o.Mode, As: o.As}
	if o.Rule != nil {
		ev.Rule = o.Rule.Name()
	}
	return n.try(ev)
}

// Leave closes a stream once its pending ops are acked. Using it again opens it
// again.
func (n *Node) Leave(stream string) { n.do(clientcore.CloseStream{Stream: stream}) }

// ensure opens a stream unless it is open. Called with mu held.
func (n *Node) ensure(stream string) error {
	if n.closing {
		return ErrClosed
	}
	if in, ok := n.core.Stream(stream); ok && in.Wanted {
		return nil
	}
	return n.step(clientcore.Open{Stream: stream})
}

// Get returns what the stream shows, as canonical JSON: the confirmed value with
// the pending ops on top. The first Get of a stream waits until it was synced
// once; when the hub cannot be reached, ops that were made here are enough.
func (n *Node) Get(ctx context.Context, stream string) (json.RawMessage, error) {
	for {
		value, change, err := n.look(stream)
		if err != nil || value != nil {
			return value, err
		}
		select {
		case <-change:
		case <-ctx.Done():
			return nil, fmt.Errorf("node: %q was not synced yet (%s): %w", stream, n.Status().Name, ctx.Err())
		}
	}
}

// look returns what the stream shows, nil for nothing yet, and a channel that is
// closed at the next change.
func (n *Node) look(stream string) (json.RawMessage, <-chan struct{}, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.ensure(stream); err != nil {
		return nil, nil, err
	}
	n.nudge()
	if refused := n.refused[stream]; refused != nil {
		return nil, nil, refused
	}
	in, _ := n.core.Stream(stream)
	if in.Synced && !in.Granted.Reads() {
		return nil, nil, &Error{Code: wire.AccessDenied, Stream: stream, Msg: "the stream is open for writing only"}
	}
	away := n.core.Status().Name != clientcore.Connecting && n.core.Status().Name != clientcore.CatchingUp
	if in.Ready || away && in.Shown > 0 {
		if value, ok := n.core.AppendView(nil, stream); ok {
			return value, n.change(stream), nil
		}
	}
	return nil, n.change(stream), nil
}

// change is closed at the stream's next change. Called with mu held.
func (n *Node) change(stream string) <-chan struct{} {
	ch := n.changed[stream]
	if ch == nil {
		ch = make(chan struct{})
		n.changed[stream] = ch
	}
	return ch
}

// Watch yields what the stream shows, as canonical JSON, and then each change of
// it. Changes that follow each other faster than the loop runs are left out; the
// newest never is. The sequence ends with an error when ctx ends, the node
// closes or the hub refuses the stream.
func (n *Node) Watch(ctx context.Context, stream string) iter.Seq2[json.RawMessage, error] {
	return func(yield func(json.RawMessage, error) bool) {
		var last json.RawMessage
		for {
			value, change, err := n.look(stream)
			if err != nil {
				yield(nil, err)
				return
			}
			if value != nil && !bytes.Equal(value, last) {
				last = value
				if !yield(bytes.Clone(value), nil) {
					return
				}
			}
			select {
			case <-change:
			case <-ctx.Done():
				yield(nil, ctx.Err())
				return
			}
		}
	}
}

// Pending counts the ops that the hub has not acked: of the streams given, or of
// all.
func (n *Node) Pending(streams ...string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(streams) == 0 {
		return n.core.Pending()
	}
	sum := 0
	for _, s := range streams {
		in, _ := n.core.Stream(s)
		sum += in.Pending
	}
	return sum
}

// Digest returns the SHA-256 digest of the stream's confirmed state, without
// pending ops: replicas at the same cursor have equal ones. It is false while
// there is no such state here.
func (n *Node) Digest(stream string) ([32]byte, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.core.Digest(stream)
}

// Cursor returns the confirmed position on the stream, epoch.offset.check.mac;
// empty without one.
func (n *Node) Cursor(stream string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	in, _ := n.core.Stream(stream)
	return in.Cursor
}
