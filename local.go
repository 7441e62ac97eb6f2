package flowsync

import (
	"context"
	"encoding/json"
	"iter"
	"sync"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/internal/hubcore"
	"github.com/wavesiddhartha/flowsync/wire"
)

// localClient is the writer of ops that the program around the hub makes.
const localClient = "hub:app"

// Push commits one op on a stream and returns when it is committed. op is
// anything that encodes to the JSON object of an op of the stream's rule. An op
// that the rule refuses is a [*wire.Error] with its code; so is a stream that is
// not registered. After ctx ends the op may still be committed.
func (h *Hub) Push(ctx context.Context, stream string, op any) error {
	body, err := wire.MarshalOp(op)
	if err != nil {
		return err
	}
	done, err := h.ask(ctx, stream, func(token chan hubcore.Settled) hubcore.StreamEvent {
		return &hubcore.Local{Token: token, Client: localClient, Inc: h.core.Inc, Body: body}
	})
	if err != nil {
		return err
	}
	if r := done.Rejected; r != nil {
		return &wire.Error{Code: r.Code, Stream: stream, Msg: r.Msg}
	}
	return nil
}

// Get returns a stream's value as canonical JSON.
func (h *Hub) Get(ctx context.Context, stream string) (json.RawMessage, error) {
	done, err := h.query(ctx, stream)
	return done.Value, err
}

func (h *Hub) query(ctx context.Context, stream string) (hubcore.Settled, error) {
	return h.ask(ctx, stream, func(token chan hubcore.Settled) hubcore.StreamEvent {
		return &hubcore.Query{Token: token}
	})
}

// ask steps a stream and waits for its answer.
func (h *Hub) ask(ctx context.Context, name string, event func(chan hubcore.Settled) hubcore.StreamEvent) (hubcore.Settled, error) {
	if err := h.enter(); err != nil {
		return hubcore.Settled{}, err
	}
	defer h.leave()
	token := make(chan hubcore.Settled, 1)
	if err := h.tell(name, event(token)); err != nil {
		return hubcore.Settled{}, err
	}
	select {
	case done := <-token:
		if done.Err != nil {
			return done, done.Err
		}
		return done, nil
	case <-ctx.Done():
		return hubcore.Settled{}, ctx.Err()
	case <-h.quit:
		return hubcore.Settled{}, ErrShutdown
	}
}

// tell feeds an event of the program around the hub to a stream.
func (h *Hub) tell(name string, ev hubcore.StreamEvent) error {
	if !wire.ValidStream(name) {
		return wire.Errorf(wire.BadStream, "a stream name is 1 to 8 segments of letters, digits, _ . - joined by colons")
	}
	due, known := h.request(name, localClient, ev)
	if due != nil {
		h.goWork(due.send)
	}
	h.commits.commit()
	if !known {
		e := wire.Errorf(wire.StreamUnknown, "no such stream is registered with this hub; register it with hub.Stream")
		e.Stream = name
		return e
	}
	return nil
}

// Watch yields a stream's value and then each new one, as canonical JSON. Values
// that follow each other faster than the loop runs are left out; the newest
// never is. The sequence ends when the loop breaks, or with an error when ctx
// ends or the hub shuts down.
func (h *Hub) Watch(ctx context.Context, stream string) iter.Seq2[json.RawMessage, error] {
	return func(yield func(json.RawMessage, error) bool) {
		for msg, err := range h.visit(ctx, stream, wire.Open{Mode: wire.Read, As: wire.AsValue}) {
			if err != nil {
				yield(nil, err)
				return
			}
			var value []byte
			switch msg := msg.(type) {
			case *wire.Synced:
				value = msg.Value
			case *wire.Value:
				value = msg.Value
			}
			if value != nil && !yield(value, nil) {
				return
			}
		}
	}
}

// Emit sends an event to everyone who reads the stream. Nothing of it is stored.
func (h *Hub) Emit(ctx context.Context, stream, event string, data any) error {
	body, err := wire.Marshal(data)
	if err != nil {
		return err
	}
	if err := h.enter(); err != nil {
		return err
	}
	defer h.leave()
	if err := h.tell(stream, &hubcore.Emit{Event: event, Data: body}); err != nil {
		return err
	}
	return ctx.Err()
}

// Presence returns who is present on a stream, by client id.
func (h *Hub) Presence(ctx context.Context, stream string) ([]wire.Peer, error) {
	for msg, err := range h.visit(ctx, stream, wire.Open{Mode: wire.Read, As: wire.AsValue}) {
		if err != nil {
			return nil, err
		}
		if p, ok := msg.(*wire.Presence); ok && p.Full {
			return p.Peers, nil
		}
	}
	return nil, ErrShutdown
}

// History returns up to limit committed entries below offset before, newest
// last; before 0 means the newest. limit is at most 1,000. more says that older
// ones exist.
func (h *Hub) History(ctx context.Context, stream string, before uint64, limit int) (entries []wire.Entry, more bool, err error) {
	get := &wire.GetHistory{Ref: "1", Stream: stream, Before: before, Limit: limit}
	for msg, err := range h.visit(ctx, stream, wire.Open{Mode: wire.Read, As: wire.AsValue}, get) {
		if err != nil {
			return nil, false, err
		}
		if page, ok := msg.(*wire.History); ok {
			return page.Entries, page.More, nil
		}
	}
	return nil, false, ErrShutdown
}

// visit opens a stream as a member of the hub's own and yields what it is sent.
func (h *Hub) visit(ctx context.Context, name string, o wire.Open, more ...*wire.GetHistory) iter.Seq2[wire.HubMessage, error] {
	return func(yield func(wire.HubMessage, error) bool) {
		if err := h.enter(); err != nil {
			yield(nil, err)
			return
		}
		defer h.leave()
		box := &inbox{wake: make(chan struct{}, 1)}
		m := &hubcore.Member{Client: localClient, Number: h.mine.Add(1), Sink: box}
		o.Stream = name
		if err := h.tell(name, &hubcore.Open{Member: m, Open: o, MayRead: true, MayPresence: true}); err != nil {
			yield(nil, err)
			return
		}
		defer func() { _ = h.tell(name, &hubcore.Leave{Member: m, Ended: true}) }()
		for _, get := range more {
			_ = h.tell(name, &hubcore.GetHistory{Member: m, Get: *get}) // it is open, so it is there
		}
		for {
			select {
			case <-box.wake:
			case <-ctx.Done():
				yield(nil, ctx.Err())
				return
			case <-h.quit:
				yield(nil, ErrShutdown)
				return
			}
			for _, msg := range box.take() {
				if e, ok := msg.(*wire.Error); ok {
					yield(nil, e)
					return
				}
				if !yield(msg, nil) {
					return
				}
			}
		}
	}
}

// inbox is where a member of the hub's own gets its messages.
type inbox struct {
	wake chan struct{} // holds one token while there is something to take

	mu   sync.Mutex // guards msgs; no other lock is taken under it
	msgs []wire.HubMessage
}

// put adds a message. Of values that follow each other only the newest stays, so
// a slow reader costs one value and not all of them.
func (b *inbox) put(msg wire.HubMessage) {
	b.mu.Lock()
	_, isValue := msg.(*wire.Value)
	if n := len(b.msgs); isValue && n > 0 {
		if _, ok := b.msgs[n-1].(*wire.Value); ok {
			b.msgs = b.msgs[:n-1]
		}
	}
	b.msgs = append(b.msgs, msg)
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

func (b *inbox) take() []wire.HubMessage {
	b.mu.Lock()
	defer b.mu.Unlock()
	msgs := b.msgs
	b.msgs = nil
	return msgs
}

// Rule and State are what a rule of your own implements; see package crdt.
type (
	Rule  = crdt.Rule
	State = crdt.State
)
