package flowsync

import (
	"bytes"
	"net/http"
	"runtime"
	"time"

	"github.com/wavesiddhartha/flowsync/internal/hubcore"
	"github.com/wavesiddhartha/flowsync/ratelimit"
	"github.com/wavesiddhartha/flowsync/wire"
)

// What is refused has cost the hub something, too: it was received, decoded and
// answered. So what arrives is charged to its subject before anything is done with
// it, whatever it is, at twice the rate that its ops may have. Who is told
// rate_limited and waits, as the SDKs do, never gets there. Who sends on is read
// no faster than that, and the kernel lets it wait.

// Lowest rates of what arrives, for subjects that may do little: they still say
// hello, ping, and send what they were told to send again later.
const (
	intakeMessages      = 100
	intakeMessagesBurst = 1000
	intakeBytes         = 512 << 10 // a message of 10 MiB within the 30 s that it may take
)

// mostBehind is how far behind its rate a session may be before it is closed.
const mostBehind = 5 * time.Second

// pacing is for how long the hub has not read a session of late. It grows with
// each pause, and shrinks while the client has nothing to say.
type pacing struct {
	behind time.Duration
	since  hubcore.Instant // when the reader had nothing to do any more
	burst  bool            // the subject has sent more than comes in within a second
}

// intake is how much may arrive of a subject that has these rates.
func (l *Limits) intake(r ratelimit.Rates) (in ratelimit.Rates) {
	if r.Ops.Burst > 0 {
		in.Ops = ratelimit.Rate{PerSecond: max(2*r.Ops.PerSecond, intakeMessages), Burst: max(2*r.Ops.Burst, intakeMessagesBurst)}
	}
	if r.Bytes.Burst > 0 {
		in.Bytes = ratelimit.Rate{PerSecond: max(2*r.Bytes.PerSecond, intakeBytes), Burst: max(2*r.Bytes.Burst, float64(l.MessageBytes))}
	}
	return in
}

// admit charges the lines of a message, and waits until they are paid for. It
// reports whether they are to be handled.
func (s *session) admit(msg []byte) bool {
	s.charge(ratelimit.Cost{Ops: 1 + bytes.Count(msg, []byte("\n"))})
	return !s.sock.Closing()
}

// handled says that what was admitted has been handled.
func (s *session) handled() {
	if s.pacing.behind > 0 {
		s.pacing.since = s.hub.now()
	}
}

// charge spends what arrived and waits until it is paid for. Who goes on as if
// nothing were is closed. A stranger is bounded otherwise: by the size of its
// messages, the time until hello, and five strikes.
func (s *session) charge(c ratelimit.Cost) {
	g, _ := s.identity()
	if g == nil || c == (ratelimit.Cost{}) || g.Intake == (ratelimit.Rates{}) {
		return
	}
	now, p := s.hub.now(), &s.pacing
	var wait time.Duration
	wait, p.burst = s.hub.intake.Charge(ratelimit.Instant(now), g.Subject, g.Intake, c)
	p.behind = max(0, p.behind-time.Duration(now-p.since)) + wait
	if wait > 0 {
		s.hub.metrics.paused.Inc()
		s.hub.commits.commit() // nobody waits for what this one led to
	}
	if p.behind > mostBehind {
		s.sock.Close(wire.CloseRate, "too much was sent for too long")
	}
	s.sock.Pause(wait)
	s.handled()
}

// Of those whose subjects live on their bursts only some are handled at a time, in
// the order in which they came. So half of the processors are left for everybody
// else, whatever bursts add up to.
func newTurns() chan struct{} { return make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)) }

// turn is line for those, once it is their turn.
func (s *session) turn(line []byte, h *handling) {
	s.hub.turns <- struct{}{}
	defer func() { <-s.hub.turns }()
	s.line(line, h)
}

// overdrawn charges a request to its subject, and reports whether what came
// before it has to be paid for first, with why.
func (h *Hub) overdrawn(g *hubcore.Grant, why **wire.Error) bool {
	wait, _ := h.intake.Charge(ratelimit.Instant(h.now()), g.Subject, g.Intake, ratelimit.Cost{Ops: 1})
	if wait > 0 {
		*why = hubcore.RateLimited(ratelimit.Refusal{Scope: ratelimit.Subject, After: wait})
	}
	return wait > 0
}

// scopeAddress says that too many tokens of an address were refused.
const scopeAddress ratelimit.Scope = "address"

// mayTry counts refused tokens of the address that a request comes from, and
// returns why it may not bring another one now.
func (h *Hub) mayTry(r *http.Request, refused int) *wire.Error {
	rates := ratelimit.Rates{Ops: h.limits.RefusedPerAddress.bucket()}
	wait, _ := h.failures.Charge(ratelimit.Instant(h.now()), counted(h.clientAddr(r)).String(), rates, ratelimit.Cost{Ops: refused})
	if wait == 0 {
		return nil
	}
	return hubcore.RateLimited(ratelimit.Refusal{Scope: scopeAddress, After: wait})
}
