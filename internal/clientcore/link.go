package clientcore

import "github.com/wavesiddhartha/flowsync/wire"

// helloOpens bounds the streams that hello opens, in bytes: until a hub knows
// who is there it takes 16 KiB. The others are opened after the welcome.
const helloOpens = 8 << 10

// linkPhase is where the connection is.
type linkPhase uint8

const (
	idle     linkPhase = iota // not started, or offline on purpose
	stopped                   // given up until Connect; link.end says how
	waiting                   // for retryAt
	tokening                  // for a token
	dialing                   // for the socket
	greeting                  // hello sent, for the welcome
	live
)

// link is the connection. At most one socket is in use; its number tells it
// from sockets that were given up and may still speak.
type link struct {
	id      uint64 // of the last Dial
	phase   linkPhase
	started bool // Connect was asked for
	online  bool // false: the application simulates being offline
	end     Status

	attempt   int         // since the last session that lasted
	reason    TokenReason // for the next token
	forced    bool        // a refused token was replaced once already
	renewing  bool        // a token for the live session was asked for
	token     string      // between Dial and hello, where hello carries it
	retryAt   Instant
	notBefore Instant // a draining hub asked not to come back before
	deadline  Instant // for dialing or greeting
	last      Status  // code and reason of the last drop

	// Of the live session.
	since    Instant
	pingAt   Instant
	pongBy   Instant // 0: no ping is out
	pings    uint64
	limits   wire.Limits
	writable bool
	writeAt  Instant // not before: clients come back spread over a second
}

// connect begins to connect, from wherever the client stands still.
func (c *Client) connect() {
	l := &c.link
	l.started = true
	if l.phase > waiting || !l.online {
		return
	}
	l.attempt, l.notBefore, l.forced = 0, 0, false
	c.needToken(ToConnect)
}

func (c *Client) setOnline(online bool) {
	l := &c.link
	if l.online == online {
		return
	}
	l.online = online
	switch {
	case l.phase == stopped:
	case !online:
		c.hangup(wire.CloseGoingAway)
		l.phase = idle
	case l.started:
		c.connect()
	}
}

// stop ends the connection until the next Connect.
func (c *Client) stop(name StatusName, code wire.CloseCode, reason string) {
	c.hangup(wire.CloseNormal)
	c.link.phase = stopped
	c.link.end = Status{Name: name, Code: code, Reason: reason}
}

// hangup gives the present socket up, if there is one.
func (c *Client) hangup(code wire.CloseCode) {
	if c.link.phase >= dialing {
		c.emit(Hangup{Link: c.link.id, Code: code})
	}
	c.lose()
}

// abandon gives a silent socket up and tries again. It does not wait for the
// socket's end: a black-holed one reports none for minutes.
func (c *Client) abandon(reason string) {
	c.emit(Hangup{Link: c.link.id, Code: wire.CloseTimeout})
	c.dropped(0, reason)
}

func (c *Client) needToken(reason TokenReason) {
	c.link.phase = tokening
	c.link.reason = reason
	c.emit(NeedToken{Reason: reason})
}

func (c *Client) tokenReady(token string) {
	l := &c.link
	switch {
	case l.phase == tokening:
		l.id++
		l.phase = dialing
		l.deadline = c.now + c.cfg.AnswerWithin
		if c.cfg.TokenInHello {
			l.token = token
		}
		c.emit(Dial{Link: l.id, Token: token})
	case l.phase == live && l.renewing:
		l.renewing = false
		c.send(&wire.Auth{Ref: c.ref(refAuth), Token: token})
	}
}

func (c *Client) tokenFailed(final bool) {
	l := &c.link
	switch {
	case l.phase != tokening:
		l.renewing = false // the hub will close with 4501, and then it is asked for again
	case !final:
		c.retry(0, "no token could be had")
	case l.reason == Refused:
		c.stop(Denied, wire.CloseAuth, l.last.Reason)
	default:
		c.stop(NeedsAuth, 0, "there is no token")
	}
}

// greet says hello and opens what the first message has room for.
func (c *Client) greet() {
	c.link.phase = greeting
	c.link.deadline = c.now + c.cfg.AnswerWithin
	hello := &wire.Hello{
		V: [2]int{wire.Version, wire.Version}, Client: c.cfg.Client, Inc: c.newInc(), Token: c.link.token,
	}
	c.link.token = ""
	room := helloOpens
	var scratch []byte
	for _, st := range c.order {
		if !st.needed() {
			continue
		}
		sub := wire.Sub{Open: c.openOf(st)}
		scratch = sub.Append(scratch[:0])
		if room -= len(scratch); room < 0 {
			break
		}
		hello.Streams = append(hello.Streams, sub.Open)
		st.phase, st.ref = opening, ""
	}
	c.send(hello)
}

func (c *Client) welcome(m *wire.Welcome) {
	l := &c.link
	if m.V != wire.Version {
		c.stop(Closed, wire.CloseVersion, "the hub speaks another version of the protocol")
		return
	}
	l.phase = live
	l.forced, l.renewing, l.notBefore = false, false, 0
	l.last = Status{}
	l.since = c.now
	l.pingAt, l.pongBy = c.now+c.cfg.PingEvery, 0
	l.writable, l.writeAt = m.Writable, 0
	l.limits.MessageBytes = limit(m.Limits.MessageBytes, maxMessageBytes)
	l.limits.BatchOps = limit(m.Limits.BatchOps, maxBatchOps)
	l.limits.InflightOps = limit(m.Limits.InflightOps, maxInflightOps)
}

// limit is the hub's limit where it is the narrower one.
func limit(hub, own int) int {
	if hub <= 0 {
		return own
	}
	return min(hub, own)
}

// hubStatus takes the news that writing became possible or impossible.
func (c *Client) hubStatus(m *wire.HubStatus) {
	l := &c.link
	was := l.writable
	l.writable = m.Writable
	if !m.Writable || was {
		return
	}
	l.writeAt = c.now + Instant(m.AfterMS) + c.jitter(1000)
	for _, st := range c.order {
		st.sendAt = 0
		switch {
		case st.phase == open && st.unsure:
			st.phase, st.openAt = closed, l.writeAt
		case st.phase == closed && st.openAt > l.writeAt:
			st.openAt = l.writeAt
		}
	}
}

// dropped deals with the end of the socket, wherever it was.
func (c *Client) dropped(code wire.CloseCode, reason string) {
	l := &c.link
	if l.phase == live && c.now-l.since >= c.cfg.BackoffCap {
		l.attempt = 0
	}
	c.lose()
	l.last = Status{Code: code, Reason: reason}
	switch {
	case code == wire.CloseAuth && !l.forced:
		l.forced = true
		c.needToken(Refused)
	case code == wire.CloseAuth, code == wire.CloseForbidden:
		l.phase, l.end = stopped, Status{Name: Denied, Code: code, Reason: reason}
	case code >= 4400 && code < 4500:
		l.phase, l.end = stopped, Status{Name: Closed, Code: code, Reason: reason}
	default:
		c.retry(code, reason)
	}
}

// retry waits before the next attempt to connect.
func (c *Client) retry(code wire.CloseCode, reason string) {
	l := &c.link
	l.phase = waiting
	l.last = Status{Code: code, Reason: reason}
	l.reason = ToConnect
	if code == wire.CloseExpired {
		l.reason = Expiring
	}
	l.retryAt = max(c.now+c.backoff(l.attempt), l.notBefore)
	l.attempt++
}

// lose forgets what only the session knew.
func (c *Client) lose() {
	for _, st := range c.order {
		st.lose()
	}
	for _, tag := range c.asked {
		c.emit(HistoryFailed{Tag: tag, Code: wire.Unavailable, Msg: "the connection was lost before the answer"})
	}
	c.asked = c.asked[:0]
}

// alive notes a sign of life: a ping that is out has done its work.
func (c *Client) alive() { c.link.pongBy = 0 }

func (c *Client) tick() {
	l := &c.link
	switch l.phase {
	case waiting:
		if c.now >= l.retryAt {
			c.needToken(l.reason)
		}
	case dialing, greeting:
		if c.now >= l.deadline {
			c.abandon("the hub did not answer")
		}
	case live:
		switch {
		case l.pongBy != 0 && c.now >= l.pongBy:
			c.abandon("the hub fell silent")
		case l.pongBy == 0 && c.now >= l.pingAt:
			l.pings++
			l.pingAt, l.pongBy = c.now+c.cfg.PingEvery, c.now+c.cfg.PongWithin
			c.send(&wire.Ping{N: l.pings})
		}
	}
}
