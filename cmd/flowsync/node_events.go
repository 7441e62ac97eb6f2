package main

import (
	"context"
	"encoding/json"

	"github.com/wavesiddhartha/flowsync/node"
	"github.com/wavesiddhartha/flowsync/wire"
)

// happening is the line of an event.
type happening struct {
	Event  string `json:"event"`
	Stream string `json:"stream,omitzero"`

	Status string          `json:"status,omitzero"`
	Close  wire.CloseCode  `json:"close,omitzero"`
	Reason string          `json:"reason,omitzero"`
	Value  json.RawMessage `json:"value,omitzero"`
	Client string          `json:"client,omitzero"`
	Name   string          `json:"name,omitzero"`
	Data   json.RawMessage `json:"data,omitzero"`
	Peers  *[]peer         `json:"peers,omitzero"`

	Seq  uint64          `json:"seq,omitzero"`
	Code wire.Code       `json:"code,omitzero"`
	Msg  string          `json:"msg,omitzero"`
	Op   json.RawMessage `json:"op,omitzero"`
}

// peer is the presence of another client.
type peer struct {
	Client string          `json:"client"`
	State  json.RawMessage `json:"state"`
}

// deadLetter is an op that was refused for good.
type deadLetter struct {
	Stream string          `json:"stream"`
	Seq    uint64          `json:"seq"`
	Code   wire.Code       `json:"code"`
	Msg    string          `json:"msg"`
	Op     json.RawMessage `json:"op"`
}

func letterOf(d node.DeadLetter) deadLetter {
	return deadLetter{d.Stream, d.Seq, d.Code, d.Msg, d.Op}
}

// events prints what happens until the context ends.
func (l *loop) events() {
	for e := range l.node.Events(l.ctx) {
		h := l.happeningOf(e)
		if e.Kind == node.PresenceEvent && h.Peers == nil {
			continue
		}
		if l.write(h) != nil {
			return // run finds out too
		}
	}
}

func (l *loop) happeningOf(e node.Event) happening {
	h := happening{Event: string(e.Kind), Stream: e.Stream}
	switch e.Kind {
	case node.StatusEvent, node.ReplacedEvent:
		h.Status, h.Close, h.Reason = string(e.Status.Name), e.Status.Code, e.Status.Reason
	case node.RejectedEvent, node.RecoveredEvent:
		h.Seq, h.Code, h.Msg, h.Op = e.Dead.Seq, e.Dead.Code, e.Dead.Msg, e.Dead.Op
	case node.PresenceEvent:
		h.Peers = l.peers(e.Stream)
	case node.MessageEvent:
		h.Client, h.Name, h.Data = e.Client, e.Name, e.Data
	case node.RefusedEvent, node.DamagedEvent:
		h.Code, h.Msg = e.Err.Code, e.Err.Msg
	}
	return h
}

// attend keeps a stream's presence at hand, so that its events can name who is
// there.
func (l *loop) attend(stream string) node.Presence {
	p := l.node.Presence(stream) // opens the stream, and so is not for events
	l.mu.Lock()
	defer l.mu.Unlock()
	l.present[stream] = p
	return p
}

// peers lists who else is on a stream, nil if the stream was left.
func (l *loop) peers(stream string) *[]peer {
	l.mu.Lock()
	presence, ok := l.present[stream]
	l.mu.Unlock()
	if !ok {
		return nil
	}
	peers := []peer{}
	for _, p := range presence.Others() {
		peers = append(peers, peer{p.Client, p.State})
	}
	return &peers
}

// subscription prints a stream's values.
type subscription struct {
	cancel context.CancelFunc
	ended  chan struct{} // closed when nothing more is printed
}

// alive reports whether the subscription still prints; the hub may have refused
// the stream.
func (s *subscription) alive() bool {
	select {
	case <-s.ended:
		return false
	default:
		return true
	}
}

// sub answers with the first value of a subscription, and starts it. Later
// values wait until the answer is written.
func (l *loop) sub(c *command) answer {
	stream, timeout := c.stream(), c.timeout(l.timeout)
	if err := c.done(); err != nil {
		return failed(err)
	}
	if s := l.subs[stream]; s != nil && s.alive() {
		return l.value(stream, timeout)
	}
	l.attend(stream)
	ctx, cancel := context.WithCancel(l.ctx)
	s := &subscription{cancel: cancel, ended: make(chan struct{})}
	l.subs[stream] = s
	first, answered := make(chan answer), make(chan struct{})
	l.work.Go(func() {
		defer close(s.ended)
		defer cancel()
		l.print(ctx, stream, first, answered)
	})
	limit, stop := context.WithTimeout(l.ctx, timeout)
	defer stop()
	var a answer
	select {
	case a = <-first:
	case <-limit.Done():
		a = answer{Error: &problem{codeTimeout, "the stream was not synced in time; its values follow as events when it is"}}
	}
	a.after = func() { close(answered) }
	return a
}

// print hands the first value to the answer, or prints it too if the answer did
// not wait for it, and then prints the others, until the subscription is
// cancelled or the hub refuses the stream.
func (l *loop) print(ctx context.Context, stream string, first chan<- answer, answered <-chan struct{}) {
	begun := false
	for value, err := range l.node.Watch(ctx, stream) {
		a := answer{Value: value}
		if err != nil {
			a = failed(err)
		}
		if !begun {
			begun = true
			select {
			case first <- a:
				<-answered
				continue
			case <-answered: // with a time-out
			}
		}
		if err != nil || l.write(happening{Event: "value", Stream: stream, Value: value}) != nil {
			return
		}
	}
}

// unsub ends a subscription and leaves the stream once its ops are acked.
func (l *loop) unsub(c *command) answer {
	stream := c.stream()
	if err := c.done(); err != nil {
		return failed(err)
	}
	if s := l.subs[stream]; s != nil {
		s.cancel()
		<-s.ended
		delete(l.subs, stream)
	}
	l.mu.Lock()
	delete(l.present, stream)
	l.mu.Unlock()
	l.node.Leave(stream)
	return answer{}
}
