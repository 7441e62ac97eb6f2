package hubcore

import (
	"bytes"
	"slices"

	"github.com/wavesiddhartha/flowsync/acl"
	"github.com/wavesiddhartha/flowsync/ratelimit"
	"github.com/wavesiddhartha/flowsync/wire"
)

// Times of a session.
const (
	helloWithin  = 5 * Second  // from the connection to hello
	silentFor    = 60 * Second // without a message; clients ping every 20 s
	expiryLeeway = 30 * Second // a token is honoured this long after its expiry
	expiryNotice = 30 * Second // before the expiry the client is asked for another
	strikeWindow = 10 * Second
	strikeMax    = 5 // bad messages within the window
)

// Session is one connection of a client: its handshake, its rights and which
// streams it has open.
type Session struct {
	cfg   *Config
	m     *Member
	grant *Grant // nil until authenticated

	phase  sessionPhase
	hello  *wire.Hello // while it is authenticated and numbered
	renew  string      // ref of the auth message that is being checked
	inc    string      // the client's default incarnation
	opened []string    // streams, in the order they were opened

	readonly bool // what the client was told of the store

	since   Instant // of the connection
	heard   Instant // last message
	noticed bool    // expiring was sent
	strikes []Instant
}

type sessionPhase uint8

const (
	fresh sessionPhase = iota
	greeting
	open
	closed
)

// NewSession makes the session of a new connection. grant is what its upgrade
// request was granted, nil if it carried no token. sink becomes Member.Sink.
func NewSession(cfg *Config, now Instant, grant *Grant, sink any) *Session {
	return &Session{cfg: cfg, grant: grant, m: &Member{Sink: sink}, since: now, heard: now}
}

// Member is the session as streams know it; its fields are set by hello.
func (s *Session) Member() *Member { return s.m }

// Open reports whether hello was accepted and the session not closed.
func (s *Session) Open() bool { return s.phase == open }

// Streams are the names of the streams that the session has open.
func (s *Session) Streams() []string { return s.opened }

// SessionEvent is what a [Session] steps on.
type SessionEvent interface{ sessionEvent() }

// Events of a session.
type (
	// Received is a message of the client. Bytes is its size on the wire. Refused
	// comes with a push whose next op is malformed.
	Received struct {
		Msg     wire.ClientMessage
		Bytes   int
		Refused *wire.Error
	}
	// Malformed is a message that could not be decoded.
	Malformed struct{ Err *wire.Error }
	// Granted answers Authenticate.
	Granted struct {
		Grant *Grant
		Err   *wire.Error
	}
	// Numbered answers Number. Readonly says that the store takes no writes now.
	Numbered struct {
		Number   uint64
		Readonly bool
		Err      error
	}
	// Elapsed passes time; a session needs one each second, and one when the
	// store begins or ends to be Readonly.
	Elapsed struct{ Readonly bool }
	// Displaced says that a newer session of the same client has begun.
	Displaced struct{}
	// Revoked says that the session's token may be used no more.
	Revoked struct{}
	// Kicked says that the session must end, whatever its token.
	Kicked struct{}
	// Draining says that the hub closes soon.
	Draining struct{ AfterMS int }
)

func (*Received) sessionEvent()  {}
func (*Malformed) sessionEvent() {}
func (*Granted) sessionEvent()   {}
func (*Numbered) sessionEvent()  {}
func (*Elapsed) sessionEvent()   {}
func (*Displaced) sessionEvent() {}
func (*Revoked) sessionEvent()   {}
func (*Kicked) sessionEvent()    {}
func (*Draining) sessionEvent()  {}

// ToStream is an event for one of the hub's streams.
type ToStream struct {
	Stream string
	Event  StreamEvent
}

// SessionEffects is what one step of a session asks the shell to do, in the
// order of the fields.
type SessionEffects struct {
	Out          []wire.HubMessage
	Streams      []ToStream
	Authenticate bool // check Token and answer with Granted
	Token        string
	Number       bool           // take the client's next session number, answer with Numbered
	Opened       bool           // hello was accepted; older sessions of the client are displaced
	Close        wire.CloseCode // 0: stay open
	Reason       string
}

// Reset empties the effects and keeps their memory.
func (fx *SessionEffects) Reset() {
	clear(fx.Out)
	clear(fx.Streams)
	*fx = SessionEffects{Out: fx.Out[:0], Streams: fx.Streams[:0]}
}

func (fx *SessionEffects) hangUp(code wire.CloseCode, reason string) {
	fx.Close, fx.Reason = code, reason
}

// Step feeds one event to the session and appends what follows from it to fx.
func (s *Session) Step(now Instant, ev SessionEvent, fx *SessionEffects) {
	if s.phase == closed {
		return
	}
	switch ev := ev.(type) {
	case *Received:
		s.heard = now
		s.received(now, ev, fx)
	case *Malformed:
		s.heard = now
		fx.Out = append(fx.Out, ev.Err)
		if !aboutOne(ev.Err.Code) {
			s.strike(now, fx)
		}
	case *Granted:
		s.granted(ev, fx)
	case *Numbered:
		s.numbered(now, ev, fx)
	case *Elapsed:
		s.elapsed(now, ev, fx)
	case *Displaced:
		s.fail(wire.Errorf(wire.Replaced, "a newer session of this client took over"), wire.CloseReplaced, fx)
	case *Revoked:
		s.fail(wire.Errorf(wire.AuthRevoked, "the token was revoked"), wire.CloseAuth, fx)
	case *Kicked:
		fx.hangUp(wire.CloseForbidden, "an operator ended this session")
	case *Draining:
		if s.phase == open {
			fx.Out = append(fx.Out, &wire.Drain{AfterMS: ev.AfterMS})
		}
	}
	if fx.Close != 0 {
		s.phase = closed
	}
}

// Grant is what the session's token allows, nil before it was authenticated.
func (s *Session) Grant() *Grant { return s.grant }

func (s *Session) received(now Instant, ev *Received, fx *SessionEffects) {
	if hello, ok := ev.Msg.(*wire.Hello); ok {
		s.greet(now, hello, fx)
		return
	}
	if s.phase != open {
		fx.Out = append(fx.Out, wire.Errorf(wire.NotReady, "send hello first"))
		s.strike(now, fx)
		return
	}
	switch msg := ev.Msg.(type) {
	case *wire.Sub:
		s.sub(now, msg.Ref, msg.Open, fx)
	case *wire.Unsub:
		if i := slices.Index(s.opened, msg.Stream); i >= 0 {
			s.opened = slices.Delete(s.opened, i, i+1)
			s.route(msg.Stream, &Leave{Member: s.m}, fx)
		}
	case *wire.Push:
		if !s.has(msg.Stream) {
			s.refuse(wire.NotReady, "open the stream for writing first", "", msg.Stream, msg.Seq, fx)
			return
		}
		s.route(msg.Stream, &Push{
			Member: s.m, Push: msg, Bytes: ev.Bytes, Refused: ev.Refused,
			MayWrite: s.grant.Authorize(acl.Write, msg.Stream), Rates: s.grant.Rates,
		}, fx)
	case *wire.SetPresence:
		if s.spend(now, "", msg.Stream, ev.Bytes, fx) {
			s.allowed(acl.Presence, "", msg.Stream, &SetPresence{Member: s.m, State: bytes.Clone(msg.State)}, fx)
		}
	case *wire.Emit:
		if s.spend(now, msg.Ref, msg.Stream, ev.Bytes, fx) {
			s.allowed(acl.Write, msg.Ref, msg.Stream, &Emit{From: s.m, Event: msg.Event, Data: bytes.Clone(msg.Data)}, fx)
		}
	case *wire.GetHistory:
		if s.spend(now, msg.Ref, msg.Stream, ev.Bytes, fx) {
			s.allowed(acl.History, msg.Ref, msg.Stream, &GetHistory{Member: s.m, Get: *msg}, fx)
		}
	case *wire.Auth:
		if s.spend(now, msg.Ref, "", ev.Bytes, fx) {
			s.renew, fx.Authenticate, fx.Token = msg.Ref, true, msg.Token
		}
	case *wire.Ping:
		fx.Out = append(fx.Out, &wire.Pong{N: msg.N})
	}
}

// allowed routes an event to a stream that is open, if the right is there.
func (s *Session) allowed(v acl.Verb, ref, stream string, ev StreamEvent, fx *SessionEffects) {
	switch {
	case !s.grant.Authorize(v, stream):
		s.refuse(wire.AccessDenied, "the token does not allow this on the stream", ref, stream, 0, fx)
	case !s.has(stream):
		s.refuse(wire.NotReady, "open the stream first", ref, stream, 0, fx)
	default:
		s.route(stream, ev, fx)
	}
}

// spend takes the cost of a request that is not a push, or refuses it.
func (s *Session) spend(now Instant, ref, stream string, bytes int, fx *SessionEffects) bool {
	e := s.cfg.Spend(now, s.grant.Subject, s.grant.Rates, stream, ratelimit.Cost{Ops: 1, Bytes: bytes})
	if e == nil {
		return true
	}
	e.Ref, e.Stream = ref, stream
	fx.Out = append(fx.Out, e)
	return false
}

func (s *Session) refuse(code wire.Code, msg, ref, stream string, seq uint64, fx *SessionEffects) {
	e := wire.Errorf(code, "%s", msg)
	e.Ref, e.Stream, e.Seq = ref, stream, seq
	fx.Out = append(fx.Out, e)
}

func (s *Session) route(stream string, ev StreamEvent, fx *SessionEffects) {
	fx.Streams = append(fx.Streams, ToStream{Stream: stream, Event: ev})
}

func (s *Session) has(stream string) bool { return slices.Contains(s.opened, stream) }

func (s *Session) sub(now Instant, ref string, o wire.Open, fx *SessionEffects) {
	if !s.spend(now, ref, o.Stream, 0, fx) {
		return
	}
	if o.Inc == "" {
		o.Inc = s.inc
	}
	if !s.has(o.Stream) {
		if len(s.opened) >= s.cfg.Streams {
			s.refuse(wire.SubLimit, "too many streams are open in this session; close one first", ref, o.Stream, 0, fx)
			return
		}
		s.opened = append(s.opened, o.Stream)
	}
	s.route(o.Stream, &Open{
		Member: s.m, Ref: ref, Open: o,
		MayRead:     s.grant.Authorize(acl.Read, o.Stream),
		MayWrite:    s.grant.Authorize(acl.Write, o.Stream),
		MayPresence: s.grant.Authorize(acl.Presence, o.Stream),
	}, fx)
}

// Unknown answers an event for a stream that the hub does not have. Without the
// right to read it looks like one that may not be read.
func Unknown(to ToStream) wire.HubMessage {
	e := wire.Errorf(wire.StreamUnknown, "no such stream is registered with this hub")
	e.Stream = to.Stream
	switch ev := to.Event.(type) {
	case *Open:
		if !ev.MayRead {
			return &wire.Synced{Ref: ev.Ref, Stream: to.Stream, Outcome: wire.Denied}
		}
		e.Ref = ev.Ref
	case *GetHistory:
		e.Ref = ev.Get.Ref
	case *Push:
		e.Seq = ev.Push.Seq
	}
	return e
}

func (s *Session) greet(now Instant, hello *wire.Hello, fx *SessionEffects) {
	if s.phase != fresh {
		fx.Out = append(fx.Out, wire.Errorf(wire.BadMessage, "hello was sent already"))
		s.strike(now, fx)
		return
	}
	if hello.V[0] > wire.Version || hello.V[1] < wire.Version {
		s.fail(wire.Errorf(wire.BadVersion, "this hub speaks protocol version %d; update the older side", wire.Version), wire.CloseVersion, fx)
		return
	}
	s.phase, s.hello = greeting, hello
	if s.grant == nil {
		fx.Authenticate, fx.Token = true, hello.Token
		return
	}
	s.admit(fx)
}

// admit goes on with hello once the grant is there.
func (s *Session) admit(fx *SessionEffects) {
	if !s.grant.fits(s.hello.Client) {
		s.fail(wire.Errorf(wire.ClientMismatch, "the token is for another client id"), wire.CloseForbidden, fx)
		return
	}
	s.m.Client, s.m.Subject, s.inc = s.hello.Client, s.grant.Subject, s.hello.Inc
	fx.Number = true
}

func (s *Session) numbered(now Instant, ev *Numbered, fx *SessionEffects) {
	if ev.Err != nil {
		s.fail(failure(ev.Err), wire.CloseStore, fx)
		return
	}
	s.m.Number, s.phase, s.readonly, fx.Opened = ev.Number, open, ev.Readonly, true
	fx.Out = append(fx.Out, &wire.Welcome{
		V: wire.Version, Session: ev.Number, Hub: s.cfg.Hub, Durability: string(s.cfg.Durability), Writable: !ev.Readonly,
		Limits: wire.Limits{
			MessageBytes: s.cfg.MessageBytes, BatchOps: s.cfg.BatchOps,
			InflightOps: s.cfg.InflightOps, Streams: s.cfg.Streams,
		},
	})
	for _, o := range s.hello.Streams {
		s.sub(now, "", o, fx)
	}
	s.hello = nil
}

// granted takes the answer to the token of hello, or to a fresh one.
func (s *Session) granted(ev *Granted, fx *SessionEffects) {
	if s.phase == greeting {
		if ev.Err != nil {
			code := wire.CloseAuth
			switch ev.Err.Code {
			case wire.ConnLimit, wire.RateLimited:
				code = wire.CloseRate
			case wire.Unavailable:
				code = wire.CloseStore
			}
			s.fail(ev.Err, code, fx)
			return
		}
		s.grant = ev.Grant
		s.admit(fx)
		return
	}
	if ev.Err == nil && (ev.Grant.Subject != s.m.Subject || !ev.Grant.fits(s.m.Client)) {
		ev.Err = wire.Errorf(wire.ClientMismatch, "the token is for another subject or client; open a new connection with it")
	}
	if ev.Err != nil {
		// The old token stays in force until it expires.
		e := *ev.Err
		e.Ref = s.renew
		fx.Out = append(fx.Out, &e)
		return
	}
	old := s.grant.Rights
	s.grant, s.noticed = ev.Grant, false
	fx.Out = append(fx.Out, &wire.Authed{Ref: s.renew})
	s.narrow(old, fx)
}

// narrow makes the client open again what the new grant allows less of than the
// old one; the answer says what is left.
func (s *Session) narrow(old acl.Rights, fx *SessionEffects) {
	s.opened = slices.DeleteFunc(s.opened, func(stream string) bool {
		lost := func(v acl.Verb) bool { return old.Allow(v, stream) && !s.grant.Authorize(v, stream) }
		if !lost(acl.Read) && !lost(acl.Write) && !lost(acl.Presence) {
			return false
		}
		s.route(stream, &Leave{Member: s.m}, fx)
		s.refuse(wire.Resync, "the new token allows less on this stream; open it again", "", stream, 0, fx)
		return true
	})
}

// aboutOne reports whether a message was refused for the op or the stream it is
// about, and not for being no message. Such errors never close the connection.
func aboutOne(c wire.Code) bool {
	return c == wire.BadOp || c == wire.BadText || c == wire.BadStream
}

// strike counts a bad message; too many in a short time end the session.
func (s *Session) strike(now Instant, fx *SessionEffects) {
	s.strikes = slices.DeleteFunc(s.strikes, func(t Instant) bool { return now-t > strikeWindow })
	s.strikes = append(s.strikes, now)
	if len(s.strikes) >= strikeMax {
		fx.hangUp(wire.CloseProtocol, "too many bad messages")
	}
}

func (s *Session) elapsed(now Instant, ev *Elapsed, fx *SessionEffects) {
	if s.phase == open && s.readonly != ev.Readonly {
		s.readonly = ev.Readonly
		fx.Out = append(fx.Out, &wire.HubStatus{Writable: !ev.Readonly})
	}
	switch {
	case s.phase != open && now-s.since > helloWithin:
		s.fail(wire.Errorf(wire.NotReady, "no hello came in time"), wire.CloseProtocol, fx)
	case now-s.heard > silentFor:
		fx.hangUp(wire.CloseTimeout, "nothing was heard of the client; send ping")
	case s.phase != open || s.grant.Expires == 0:
	case s.grant.Expired(now):
		s.fail(wire.Errorf(wire.AuthExpired, "the token has expired; connect with a fresh one"), wire.CloseExpired, fx)
	case now > s.grant.Expires-expiryNotice && !s.noticed:
		s.noticed = true
		fx.Out = append(fx.Out, &wire.Expiring{InMS: int(max(0, s.grant.Expires-now) / 1e6)})
	}
}

// fail says why and closes.
func (s *Session) fail(e *wire.Error, code wire.CloseCode, fx *SessionEffects) {
	fx.Out = append(fx.Out, e)
	fx.hangUp(code, string(e.Code))
}
