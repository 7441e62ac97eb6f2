package node

import (
	"bytes"
	"context"
	"encoding/json"
	"iter"
	"slices"

	"github.com/wavesiddhartha/flowsync/internal/clientcore"
	"github.com/wavesiddhartha/flowsync/wire"
)

// EventKind says what an [Event] is about.
type EventKind string

// Kinds of events, with the fields that are set beside Stream.
const (
	StatusEvent        EventKind = "status"        // Status
	ReplacedEvent      EventKind = "replaced"      // Status; a newer session of this client took over
	RejectedEvent      EventKind = "rejected"      // Dead: an op became a dead letter and left the view
	RecoveredEvent     EventKind = "recovered"     // Dead: it took effect after all, and is no dead letter any more
	DiscontinuityEvent EventKind = "discontinuity" // the hub lost history: the state was replaced
	PresenceEvent      EventKind = "presence"      // someone else's presence changed
	MessageEvent       EventKind = "message"       // Client, Name, Data: another client emitted
	RefusedEvent       EventKind = "refused"       // Err: the hub refused something that is no op
	DamagedEvent       EventKind = "damaged"       // Err: something in the queue file could not be read when it was opened
	MissedEvent        EventKind = "missed"        // the loop was slow and events were dropped before this one
)

// Event is something that happened.
type Event struct {
	Kind   EventKind
	Stream string // empty for the connection

	Status Status
	Dead   DeadLetter
	Client string
	Name   string
	Data   json.RawMessage
	Err    *Error
}

// eventsKept is how many events wait for a slow loop.
const eventsKept = 1024

// subscription is one loop over Events. It is guarded by the node's mu.
type subscription struct {
	queue  []Event
	missed bool
	wake   chan struct{}
}

func (s *subscription) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *subscription) add(e Event) {
	if len(s.queue) >= eventsKept {
		s.queue, s.missed = s.queue[1:], true
	}
	s.queue = append(s.queue, e)
	s.signal()
}

func (s *subscription) take() []Event {
	events := s.queue
	if s.missed {
		events = append([]Event{{Kind: MissedEvent}}, events...)
	}
	s.queue, s.missed = nil, false
	return events
}

// Events yields what happens from the first step of the loop on, beginning with
// what was found damaged in the queue file and the present status. A loop that falls 1,024 events behind loses the oldest. The
// sequence ends when ctx ends or the node closes.
func (n *Node) Events(ctx context.Context) iter.Seq[Event] {
	return func(yield func(Event) bool) {
		s := &subscription{wake: make(chan struct{}, 1)}
		n.mu.Lock()
		for _, e := range n.found {
			s.add(e)
		}
		s.add(Event{Kind: StatusEvent, Status: n.statusOf(n.core.Status())})
		n.watchers = append(n.watchers, s)
		n.mu.Unlock()
		defer n.unsubscribe(s)
		for {
			n.mu.Lock()
			events, closing := s.take(), n.closing
			n.mu.Unlock()
			for _, e := range events {
				if !yield(e) {
					return
				}
			}
			if closing {
				return
			}
			select {
			case <-s.wake:
			case <-ctx.Done():
				return
			}
		}
	}
}

func (n *Node) unsubscribe(s *subscription) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.watchers = slices.DeleteFunc(n.watchers, func(w *subscription) bool { return w == s })
}

// tell hands an event to everyone who listens. Called with mu held.
func (n *Node) tell(e Event) {
	for _, s := range n.watchers {
		s.add(e)
	}
}

// notice passes an effect on to the application. Called with mu held.
func (n *Node) notice(e clientcore.Effect) {
	switch e := e.(type) {
	case clientcore.Changed:
		n.keepLater(e.Stream)
		n.streamChanged(e.Stream)
	case clientcore.Acked:
		n.progressed()
	case clientcore.Rejected:
		n.log.Warn("an op was rejected", "stream", e.Dead.Stream, "code", e.Dead.Code, "reason", e.Dead.Msg)
		n.rejected(e)
		n.tell(Event{Kind: RejectedEvent, Stream: e.Dead.Stream, Dead: e.Dead})
	case clientcore.Recovered:
		n.tell(Event{Kind: RecoveredEvent, Stream: e.Dead.Stream, Dead: e.Dead})
	case clientcore.Discontinuity:
		n.log.Warn("the hub lost history of a stream; its state was replaced", "stream", e.Stream)
		n.tell(Event{Kind: DiscontinuityEvent, Stream: e.Stream})
	case clientcore.PresenceChanged:
		n.streamChanged(e.Stream)
		n.tell(Event{Kind: PresenceEvent, Stream: e.Stream})
	case clientcore.Heard:
		n.tell(Event{Kind: MessageEvent, Stream: e.Stream, Client: e.Client, Name: e.Event, Data: bytes.Clone(e.Data)})
	case clientcore.HistoryPage:
		n.answer(e.Tag, page{entries: cloneEntries(e.Entries), more: e.More})
	case clientcore.HistoryFailed:
		n.answer(e.Tag, page{err: &Error{Code: e.Code, Msg: e.Msg}})
	case clientcore.Fault:
		n.fault(e)
	case clientcore.StatusChanged:
		n.statusChanged(e.Status)
	}
}

// streamChanged wakes those who look at a stream. Called with mu held.
func (n *Node) streamChanged(stream string) {
	if in, _ := n.core.Stream(stream); !in.Halted {
		delete(n.refused, stream)
	}
	if ch := n.changed[stream]; ch != nil {
		close(ch)
		delete(n.changed, stream)
	}
}

func (n *Node) fault(e clientcore.Fault) {
	err := &Error{Code: e.Code, Stream: e.Stream, Msg: e.Msg}
	n.log.Warn("the hub refused something", "stream", e.Stream, "code", e.Code, "reason", e.Msg)
	if in, ok := n.core.Stream(e.Stream); ok && in.Halted {
		n.refused[e.Stream] = err
	}
	n.tell(Event{Kind: RefusedEvent, Stream: e.Stream, Err: err})
}

func (n *Node) statusChanged(s clientcore.Status) {
	st := n.statusOf(s)
	n.log.Info("connection", "status", st.Name, "code", int(st.Code), "reason", st.Reason)
	kind := StatusEvent
	if s.Name == clientcore.Closed && s.Code == wire.CloseReplaced {
		kind = ReplacedEvent
	}
	n.tell(Event{Kind: kind, Status: st})
	// Whether a first Get must wait depends on the status.
	for stream := range n.changed {
		n.streamChanged(stream)
	}
}
