package node

import (
	"context"
	"iter"

	"github.com/wavesiddhartha/flowsync/internal/clientcore"
	"github.com/wavesiddhartha/flowsync/wire"
)

// Peer is what another client shows of itself on a stream. State is canonical
// JSON.
type Peer = wire.Peer

// Presence is who is on a stream. It costs nothing to make.
type Presence struct {
	n      *Node
	stream string
}

// Presence refers to a stream's presence, and opens the stream.
func (n *Node) Presence(stream string) Presence {
	_, _, _ = n.look(stream) // an error comes back from Set, and from every look
	return Presence{n, stream}
}

// Set says what others see of this client, anything that encodes to JSON. It
// lasts as long as the connection and is sent again by the next one.
func (p Presence) Set(state any) error {
	body, err := wire.Marshal(state)
	if err != nil {
		return err
	}
	return p.n.try(clientcore.SetPresence{Stream: p.stream, State: body})
}

// Leave takes back what Set said.
func (p Presence) Leave() error { return p.Set(nil) }

// Others returns who else is there, by client id. After the connection is lost
// it is what was known last.
func (p Presence) Others() []Peer {
	p.n.mu.Lock()
	defer p.n.mu.Unlock()
	return p.n.core.Peers(p.stream)
}

// Watch yields who else is there, now and after each change. The sequence ends
// with an error when ctx ends, the node closes or the hub refuses the stream.
func (p Presence) Watch(ctx context.Context) iter.Seq2[[]Peer, error] {
	return func(yield func([]Peer, error) bool) {
		for {
			_, change, err := p.n.look(p.stream)
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(p.Others(), nil) {
				return
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

// Emit sends a message to the stream's other subscribers: data is anything that
// encodes to JSON. Nothing keeps it: while the stream is not open at the hub it
// fails with not_ready, and those who are away miss it.
func (n *Node) Emit(stream, event string, data any) error {
	body, err := wire.Marshal(data)
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.ensure(stream); err != nil {
		return err
	}
	defer n.nudge()
	return n.step(clientcore.Emit{Stream: stream, Event: event, Data: body})
}
