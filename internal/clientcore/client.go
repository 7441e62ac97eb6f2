// Package clientcore is the FlowSync client without its socket, its disk and
// its clock: one step machine that the Go node, the simulator and, mirrored, the
// TypeScript client run. docs/protocol.md, section "The client machine", is the
// same machine as a table.
//
// # Invariants
//
//   - What a stream shows is its confirmed state with the pending ops applied on
//     top. Confirmed state is changed by the hub's entries alone, so an op that is
//     refused needs no inverse.
//   - Effects are carried out in their order, and durable ones come first: an op
//     is saved before it is sent, a dead letter before anything is sent over the
//     hole it leaves, a new incarnation before the stream is opened with it. A
//     crash between any two effects loses nothing and doubles nothing.
//   - A seq names one op for ever: it is never given to another op of the same
//     incarnation, not even after the first was refused.
//   - The unacked pending ops form one hash chain from the last acked op on.
//
// The machine starts nothing, waits for nothing, reads no clock and draws no
// randomness but from [Config]. Streams are visited in the order in which they
// were first opened. It belongs to one goroutine at a time.
package clientcore

import (
	"strconv"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/wire"
)

// Instant is a time in milliseconds on the shell's monotonic clock. Spans of
// time have the same type.
type Instant int64

// Config is what a client is made of. It is read-only.
type Config struct {
	// Client is the client id, unique among the devices of all users.
	Client string

	// Random gives uniform random numbers, for incarnations and jitter.
	Random func() uint32

	// Rules are merge rules beside the built-in ones.
	Rules []crdt.Rule

	// TokenInHello puts the token into hello, for sockets that cannot set a
	// header.
	TokenInHello bool

	// Keep says that the shell keeps states (see [Keep]). Ops then stay queued
	// until a kept state contains them.
	Keep bool

	// QueueOps and QueueBytes bound what is pending on all streams together. A
	// push beyond is refused. 0: no bound.
	QueueOps   int
	QueueBytes int

	// BackoffBase and BackoffCap bound the full-jitter back-off between two
	// attempts to connect. Default 250 and 10,000 ms.
	BackoffBase Instant
	BackoffCap  Instant

	// PingEvery is the time between two pings, PongWithin how long the hub may
	// stay silent after one. Default 20,000 and 8,000 ms.
	PingEvery  Instant
	PongWithin Instant

	// AnswerWithin bounds how long dialing, and then the welcome, may take.
	// Default 10,000 ms.
	AnswerWithin Instant
}

// Client is one client: its connection and its streams.
type Client struct {
	cfg Config

	streams map[string]*stream // for lookup, never ranged over
	order   []*stream          // in the order of first use
	dead    []DeadLetter
	asked   []uint64 // tags of unanswered history requests

	refs uint64 // requests so far
	ids  uint64 // ops so far, also those that are settled

	pendingOps   int
	pendingBytes int

	link   link
	status Status
	wake   Instant // the last one asked for

	// Valid during a step.
	now Instant
	out *Effects
}

// New returns a client that has never run.
func New(cfg Config) *Client {
	cfg.BackoffBase = defaultTo(cfg.BackoffBase, 250)
	cfg.BackoffCap = defaultTo(cfg.BackoffCap, 10_000)
	cfg.PingEvery = defaultTo(cfg.PingEvery, 20_000)
	cfg.PongWithin = defaultTo(cfg.PongWithin, 8_000)
	cfg.AnswerWithin = defaultTo(cfg.AnswerWithin, 10_000)
	c := &Client{cfg: cfg, streams: map[string]*stream{}}
	c.link.online = true
	c.link.limits = wire.Limits{MessageBytes: maxMessageBytes, BatchOps: maxBatchOps, InflightOps: maxInflightOps}
	c.status = Status{Name: Idle}
	return c
}

func defaultTo(v, def Instant) Instant {
	if v > 0 {
		return v
	}
	return def
}

// Step feeds one event to the client and appends what follows from it to out.
// The error is for events that applications cause (Open, Push, SetPresence,
// Emit, GetHistory): the event was refused and changed nothing.
func (c *Client) Step(now Instant, ev Event, out *Effects) error {
	c.now, c.out = max(c.now, now), out
	err := c.handle(ev)
	c.report()
	c.out = nil
	return err
}

func (c *Client) handle(ev Event) error {
	switch ev := ev.(type) {
	case Connect:
		c.connect()
	case Close:
		c.stop(Closed, wire.CloseNormal, "")
	case SetOnline:
		c.setOnline(ev.Online)
	case TokenReady:
		c.tokenReady(ev.Token)
	case TokenFailed:
		c.tokenFailed(ev.Final)
	case Connected:
		if ev.Link == c.link.id && c.link.phase == dialing {
			c.greet()
		}
	case Received:
		if ev.Link == c.link.id && c.link.phase >= greeting {
			c.receive(ev.Msg)
		}
	case Progress:
		if ev.Link == c.link.id && c.link.phase == live {
			c.alive()
		}
	case Disconnected:
		if ev.Link == c.link.id && c.link.phase >= dialing {
			c.dropped(ev.Code, ev.Reason)
		}
	case Tick:
		c.tick()
	case Flush:
		c.flush()
	case Open:
		return c.open(ev)
	case CloseStream:
		c.closeStream(ev.Stream)
	case Push:
		return c.push(ev.Stream, ev.Op)
	case SetPresence:
		return c.setPresence(ev)
	case Emit:
		return c.emitEvent(ev)
	case GetHistory:
		return c.getHistory(ev)
	case Keep:
		c.keep(ev.Stream)
	case Unsaved:
		c.takeBack(ev.Effects)
	case Discard:
		c.discard(ev.Stream, ev.Inc, ev.Seq)
	}
	return nil
}

func (c *Client) emit(e Effect) { *c.out = append(*c.out, e) }

func (c *Client) send(m wire.ClientMessage) { c.emit(Send{Link: c.link.id, Msg: m}) }

// ref returns a new request id. The letter keeps kinds of requests apart.
func (c *Client) ref(kind string) string {
	c.refs++
	return kind + strconv.FormatUint(c.refs, 10)
}

// newInc draws an incarnation: 64 random bits.
func (c *Client) newInc() string {
	hi, lo := c.cfg.Random(), c.cfg.Random()
	return wire.FormatHash([8]byte{
		byte(hi >> 24), byte(hi >> 16), byte(hi >> 8), byte(hi),
		byte(lo >> 24), byte(lo >> 16), byte(lo >> 8), byte(lo),
	})
}

// jitter returns a random time below span.
func (c *Client) jitter(span Instant) Instant {
	return Instant(uint64(c.cfg.Random()) * uint64(span) >> 32)
}

// backoff returns the full-jitter delay before attempt n, counted from 0:
// random between 0 and the doubled base, which the cap bounds.
func (c *Client) backoff(n int) Instant {
	span := c.cfg.BackoffCap
	if n < 20 {
		span = min(span, c.cfg.BackoffBase<<n)
	}
	return c.jitter(span)
}

// lookup finds the rule of a name, or nil.
func (c *Client) lookup(name string) crdt.Rule {
	for _, r := range c.cfg.Rules {
		if r.Name() == name {
			return r
		}
	}
	r, _ := crdt.Lookup(name)
	return r
}
