package sim

import (
	"slices"

	"github.com/wavesiddhartha/flowsync/acl"
	"github.com/wavesiddhartha/flowsync/internal/hubcore"
	"github.com/wavesiddhartha/flowsync/wire"
)

// session is the shell of one session of a hub.
type session struct {
	h    *hub
	l    *link
	core *hubcore.Session

	decoder wire.Decoder
	waiting bool // for the store or the authenticator: nothing is read meanwhile
	pushes  int  // read and not released
	bytes   int
	lag     []lagged
	closing bool
	ended   bool
}

// lagged is a stream that is held back for this session.
type lagged struct {
	st *stream
	t  *hubcore.Target
}

// accept begins the session of a new socket. The token came with the upgrade.
func (h *hub) accept(l *link, tok string) *session {
	s := &session{h: h, l: l}
	grant, err := h.w.authenticate(tok, h.now())
	if err != nil {
		grant = nil // hello is refused then
	}
	s.core = hubcore.NewSession(&h.cfg, h.now(), grant, s)
	h.sessions = append(h.sessions, s)
	return s
}

// blocked reports whether the socket is not read now.
func (s *session) blocked() bool { return s.waiting || s.pushes >= s.h.w.plan.pushesInUse }

// line handles one message of the client, and destroys it.
func (s *session) line(line []byte) {
	msg, err := s.decoder.Client(line)
	var refused *wire.Error
	if err != nil {
		refused = err.(*wire.Error)
	}
	if msg == nil {
		s.h.w.fail("%s cannot decode %s: %v", s.h.name, line, err)
	}
	s.step(&hubcore.Received{Msg: msg, Bytes: len(line), Refused: refused})
	scribble(line)
}

// scribble makes sure that nobody keeps bytes of a message.
func scribble(line []byte) {
	for i := range line {
		line[i] = '#'
	}
}

func (s *session) step(ev hubcore.SessionEvent) {
	if s.h.dead || s.ended {
		return
	}
	s.h.w.events++
	var fx hubcore.SessionEffects
	s.core.Step(s.h.now(), ev, &fx)
	if fx.Opened {
		s.opened()
	}
	s.reply(fx.Out)
	for i := range fx.Streams {
		s.toStream(&fx.Streams[i])
	}
	if fx.Close != 0 {
		s.close(fx.Close, fx.Reason)
		return
	}
	w := s.h.w
	switch {
	case fx.Authenticate:
		s.waiting = true
		tok := fx.Token
		w.after(w.delay(), func() {
			s.waiting = false
			grant, err := w.authenticate(tok, s.h.now())
			s.step(&hubcore.Granted{Grant: grant, Err: err})
			s.l.pumpUp()
		})
	case fx.Number:
		s.waiting = true
		w.after(w.delay(), func() {
			n, err := w.store.session(s.core.Member().Client)
			w.after(w.delay(), func() {
				s.waiting = false
				s.step(&hubcore.Numbered{Number: n, Readonly: !s.h.writable, Err: err})
				s.l.pumpUp()
			})
		})
	}
}

// opened takes over from an older session of the same client.
func (s *session) opened() {
	if old := s.h.displace(s); old != nil {
		s.h.w.hit("session: replaced")
		old.step(&hubcore.Displaced{})
	}
}

func (s *session) reply(out []wire.HubMessage) {
	for _, m := range out {
		if !s.write(m.Append(nil), true) {
			s.close(wire.CloseSlow, "answers are not read")
			return
		}
	}
}

func (s *session) toStream(to *hubcore.ToStream) {
	st := s.h.stream(to.Stream)
	if st == nil {
		if _, ok := to.Event.(*hubcore.Leave); !ok {
			s.reply([]wire.HubMessage{hubcore.Unknown(*to)})
		}
		return
	}
	if push, ok := to.Event.(*hubcore.Push); ok {
		s.pushes++
		s.bytes += push.Bytes
	}
	st.step(to.Event)
}

// release takes back what a stream is done with.
func (s *session) release(r hubcore.Released) {
	s.pushes -= r.Pushes
	s.bytes -= r.Bytes
	if s.pushes < 0 || s.bytes < 0 {
		s.h.w.fail("%s released more pushes of %s than there were", s.h.name, r.Member.Client)
	}
	s.l.pumpUp()
}

// write queues one message, unless the queue is full. Answers may use the queue
// up to twice its length.
func (s *session) write(line []byte, urgent bool) bool {
	if s.ended || s.closing {
		return true // nobody will read it, and nobody is slow
	}
	room := s.h.w.plan.queueMessages
	if urgent {
		room *= 2
	}
	if s.l.down.len() >= room {
		return false
	}
	s.l.sendDown(line)
	return true
}

// close ends the session from the hub's side.
func (s *session) close(code wire.CloseCode, reason string) {
	if s.closing || s.ended {
		return
	}
	s.closing = true
	s.h.w.note("%s closes the session of %s: %d %s", s.h.name, s.core.Member().Client, code, reason)
	s.h.w.hit("close: " + reason)
	s.l.closeDown(code, reason)
	s.h.w.after(0, s.end)
}

// end leaves everything the session took part in.
func (s *session) end() {
	if s.ended || s.h.dead {
		return
	}
	s.ended = true
	for _, name := range s.core.Streams() {
		if st := s.h.stream(name); st != nil {
			st.step(&hubcore.Leave{Member: s.core.Member(), Ended: true})
		}
	}
	s.h.sessions = slices.DeleteFunc(s.h.sessions, func(o *session) bool { return o == s })
	if client := s.core.Member().Client; s.h.byClient[client] == s {
		delete(s.h.byClient, client)
	}
	s.l.hubLeft()
}

// lags notes that a stream is held back until the queue is empty. It may be so
// already.
func (s *session) lags(st *stream, t *hubcore.Target) {
	s.lag = append(s.lag, lagged{st, t})
	if s.l.down.len() == 0 {
		s.drained()
	}
}

// drained brings the streams that were held back up to date.
func (s *session) drained() {
	lag := s.lag
	s.lag = nil
	for _, l := range lag {
		l.st.catchUp(l.t)
	}
}

// rights are what a client may do now. Tokens fix them when they are made.
type rights struct {
	noRead, noWrite map[string]bool // by stream
}

// token is what a client was given.
type token struct {
	client  string
	grant   grant
	expires hubcore.Instant // 0: never
}

// grant is the rights of one token; it never changes.
type grant struct{ noRead, noWrite map[string]bool }

// Allow implements acl.Rights.
func (g grant) Allow(v acl.Verb, stream string) bool {
	if v == acl.Write {
		return !g.noWrite[stream]
	}
	return !g.noRead[stream]
}
