package flowsync

import (
	"errors"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/wavesiddhartha/flowsync/internal/hubcore"
	"github.com/wavesiddhartha/flowsync/internal/socket"
	"github.com/wavesiddhartha/flowsync/ratelimit"
	"github.com/wavesiddhartha/flowsync/wire"
)

// session is the shell of one hubcore.Session: a socket, its reader goroutine
// and the machine.
type session struct {
	// Set before run, read-only after.
	hub  *Hub
	sock *socket.Socket
	req  *http.Request // the upgrade request, for the Authenticator
	addr maskedAddr
	seat *seat // left when the session ends; take is the reader's

	began time.Time // when the upgrade was asked for

	pacing pacing // the reader's
	flow   flow

	mu      sync.Mutex // guards what follows; may be taken under stream.mu, never the reverse
	core    *hubcore.Session
	refused wire.Code // the newest error that the client was told

	lagMu sync.Mutex // guards lag; no other lock is taken under it
	lag   []lagged
}

// lagged is a stream that is held back for this session.
type lagged struct {
	st *stream
	t  *hubcore.Target
}

// run serves the session until its socket fails. grant is what the upgrade
// request was granted, nil if hello has to say who it is.
func (s *session) run(grant *hubcore.Grant) {
	s.flow.init(&s.hub.inflight)
	s.core = hubcore.NewSession(&s.hub.core, s.hub.now(), grant, s)
	s.hub.sessions.add(s)
	s.hub.metrics.connections.Inc()
	if s.hub.draining.Load() {
		s.sock.Close(wire.CloseShutdown, "the hub shuts down")
	}
	s.end(s.read())
}

// read feeds the machine until the socket fails. A panic ends this session and
// no other.
func (s *session) read() (err error) {
	defer func() {
		if p := recover(); p != nil {
			s.hub.log.Error("a session panicked", "panic", p, "stack", string(debug.Stack()))
			s.sock.Close(wire.CloseUnexpected, "internal error")
			err = errors.New("panic")
		}
	}()
	for {
		msg, err := s.sock.Read()
		if err != nil {
			return err
		}
		if s.admit(msg) {
			s.message(msg)
			s.handled()
		}
	}
}

// handling is what a reader borrows while it handles a message.
type handling struct {
	decode   wire.Decoder
	received hubcore.Received
	fx       hubcore.SessionEffects
}

// message handles a WebSocket message of the client, line by line.
func (s *session) message(msg []byte) {
	h := s.hub.handlings.Get().(*handling)
	defer func() {
		h.fx.Reset()
		h.received = hubcore.Received{}
		s.hub.handlings.Put(h)
	}()
	s.hub.metrics.receivedBytes.Add(float64(len(msg)))
	for line := range wire.Lines(msg) {
		if s.pacing.burst {
			s.turn(line, h)
		} else {
			s.line(line, h)
		}
		if s.flow.full() {
			s.hub.commits.commit()
			s.flow.wait()
		}
	}
}

// Waits commits what the reader has led to, before it waits for more: what arrived
// together shares a commit. Then it waits itself until that is paid for. The socket
// calls it.
func (s *session) Waits(arrived int) {
	s.hub.commits.commit()
	s.charge(ratelimit.Cost{Bytes: arrived})
}

// line handles one message of the client.
func (s *session) line(line []byte, h *handling) {
	msg, err := h.decode.Client(line)
	refused := refusal(err)
	s.hub.metrics.received[clientType(msg)].Inc()
	if _, ok := msg.(*wire.Ping); ok {
		if rtt, ok := s.sock.RTT(); ok {
			s.hub.metrics.rtt.Observe(rtt.Seconds())
		}
	}
	if msg == nil {
		s.advance(&hubcore.Malformed{Err: refused}, &h.fx)
		return
	}
	h.received = hubcore.Received{Msg: msg, Bytes: len(line), Refused: refused}
	s.advance(&h.received, &h.fx)
}

// refusal is what the decoder says is wrong with a line, nil if nothing is.
func refusal(err error) *wire.Error {
	if err == nil {
		return nil
	}
	var refused *wire.Error
	if !errors.As(err, &refused) {
		refused = wire.Errorf(wire.BadMessage, "the message could not be understood")
	}
	return refused
}

// step feeds one event to the machine and carries out what it asks for. fx is
// the caller's scratch. Call it without locks.
func (s *session) step(ev hubcore.SessionEvent, fx *hubcore.SessionEffects) {
	s.advance(ev, fx)
	s.hub.commits.commit()
}

// advance is step for the reader, which commits when nothing more has arrived.
func (s *session) advance(ev hubcore.SessionEvent, fx *hubcore.SessionEffects) {
	fx.Reset()
	s.mu.Lock()
	s.core.Step(s.hub.now(), ev, fx)
	s.measure(ev, fx)
	s.mu.Unlock()
	if fx.Opened {
		s.opened()
	}
	s.answer(fx)
	if fx.Close != 0 {
		s.sock.Close(fx.Close, fx.Reason)
	}
	switch {
	case fx.Authenticate:
		grant, err := s.hub.authenticate(fx.Token, s.req)
		if err == nil {
			err = s.seat.take(grant)
		}
		s.advance(&hubcore.Granted{Grant: grant, Err: err}, fx)
	case fx.Number:
		m := s.core.Member()
		n, err := s.hub.store.Session(s.hub.ctx, m.Client)
		s.advance(&hubcore.Numbered{Number: n, Readonly: s.hub.writes.readonly.Load(), Err: err}, fx)
	}
}

// answer sends what a step says, and has streams do what it asks of them. What they
// answer at once, as most opens, goes out with it.
func (s *session) answer(fx *hubcore.SessionEffects) {
	if len(fx.Streams) == 0 {
		s.reply(fx.Out)
		return
	}
	if len(fx.Out) > 0 {
		s.sock.Hold()
		defer s.sock.Release()
		s.reply(fx.Out)
	}
	var room [4]*stream
	due := room[:0]
	for i := range fx.Streams {
		if st := s.toStream(&fx.Streams[i]); st != nil {
			due = append(due, st)
		}
	}
	if len(due) > 0 {
		s.hub.sendAll(due)
	}
}

// measure counts what a step answers. Called with mu.
func (s *session) measure(ev hubcore.SessionEvent, fx *hubcore.SessionEffects) {
	asked := "connect"
	if r, ok := ev.(*hubcore.Received); ok {
		asked = actionOf(r.Msg)
	}
	for _, msg := range fx.Out {
		s.hub.metrics.sent[hubType(msg)].Inc()
		if e, ok := msg.(*wire.Error); ok {
			s.refused = e.Code
			s.hub.metrics.deny(e.Code, e.Scope, asked)
		}
	}
}

// reply sends answers, several in one message.
func (s *session) reply(out []wire.HubMessage) {
	if len(out) == 0 {
		return
	}
	var body []byte
	for _, msg := range out {
		body = appendLine(body, nil)
		body = msg.Append(body)
	}
	s.hub.metrics.sentBytes.Add(float64(len(body)))
	if !s.sock.SendUrgent(body) {
		s.sock.Close(wire.CloseSlow, "answers are not read")
	}
}

// toStream returns the stream if the caller is its sender now.
func (s *session) toStream(to *hubcore.ToStream) (due *stream) {
	push, isPush := to.Event.(*hubcore.Push)
	if isPush {
		push.Crowded = s.flow.take(push.Bytes, int64(s.hub.limits.InflightTotal)) // the stream releases it
	}
	due, ok := s.hub.request(to.Stream, s.core.Member().Subject, to.Event)
	if ok {
		return due
	}
	if isPush {
		s.flow.release(1, push.Bytes)
	}
	if _, ok := to.Event.(*hubcore.Leave); !ok {
		s.reply([]wire.HubMessage{hubcore.Unknown(*to)})
	}
	return nil
}

// identity is what the session's token allows, nil before that is known, and its
// client.
func (s *session) identity() (*hubcore.Grant, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.core.Grant(), s.core.Member().Client
}

// opened takes over from an older session of the same client.
func (s *session) opened() {
	s.sock.SetReadLimit(int64(s.hub.limits.MessageBytes))
	s.hub.metrics.handshakes["ok"].Inc()
	s.hub.metrics.greeting.Observe(time.Since(s.began).Seconds())
	m := s.core.Member()
	if old := s.hub.sessions.displace(s); old != nil {
		old.displaced()
	}
	s.hub.log.Info("join", "client", m.Client, "addr", s.addr, "clients", s.hub.sessions.open())
}

// displaced ends the session: a newer one of its client has begun, here or on
// another hub.
func (s *session) displaced() {
	var fx hubcore.SessionEffects
	s.step(&hubcore.Displaced{}, &fx)
}

// end leaves everything the session took part in.
func (s *session) end(cause error) {
	s.sock.Close(wire.CloseGoingAway, "")
	s.mu.Lock()
	streams, wasOpen, refused := s.core.Streams(), s.core.Member().Number > 0, s.refused
	s.mu.Unlock()
	s.hub.metrics.left(disconnectReason(cause), time.Since(s.began))
	if !wasOpen {
		s.hub.metrics.handshakes[handshakeResult(refused)].Inc()
	}
	for _, name := range streams {
		due, _ := s.hub.request(name, s.core.Member().Subject, &hubcore.Leave{Member: s.core.Member(), Ended: true})
		if due != nil {
			s.hub.goWork(due.send)
		}
	}
	s.hub.commits.commit()
	s.hub.sessions.remove(s)
	s.seat.leave()
	s.sock.Wait()
	if wasOpen {
		s.hub.log.Info("leave", "client", s.core.Member().Client, "addr", s.addr, "clients", s.hub.sessions.open(), "reason", reason(cause))
	}
}

// reason is why a session ended, for the log.
func reason(err error) string {
	var e *socket.Error
	if errors.As(err, &e) {
		return strings.TrimPrefix(e.Error(), "socket: ")
	}
	return "closed"
}

// lags notes that a stream is held back until the socket's queue is empty. It
// may be so already.
func (s *session) lags(st *stream, t *hubcore.Target) {
	s.lagMu.Lock()
	s.lag = append(s.lag, lagged{st, t})
	s.lagMu.Unlock()
	if n, _ := s.sock.Queued(); n == 0 {
		s.Drained()
	}
}

// Drained brings the streams that were held back up to date. The socket calls it
// when its queue is empty.
func (s *session) Drained() {
	s.lagMu.Lock()
	lag := s.lag
	s.lag = nil
	s.lagMu.Unlock()
	for _, l := range lag {
		l.st.catchUp(l.t)
	}
}
