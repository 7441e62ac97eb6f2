package hubcore

import (
	"math"
	"strings"
	"time"

	"github.com/wavesiddhartha/flowsync/acl"
	"github.com/wavesiddhartha/flowsync/ratelimit"
	"github.com/wavesiddhartha/flowsync/wire"
)

// Grant is what a token allows.
type Grant struct {
	Subject string
	Client  string // the only client id the subject may use, or "prefix.*"; empty: any
	Rights  acl.Rights
	Expires Instant // 0: never
	Rates   ratelimit.Rates
	Intake  ratelimit.Rates // of what arrives, the shell's

	// What it can be revoked by, beside its subject. Issued is in seconds of the
	// issuer's clock, 0 if not known.
	Class  string // of limits, the shell's
	ID     string
	Issued int64
}

// Authorize is the one place where a right is looked up. It is asked for every
// message and every request, at the time it is processed.
func (g *Grant) Authorize(v acl.Verb, stream string) bool { return g.Rights.Allow(v, stream) }

// Expired reports whether the grant has ended, with the time for which a token
// is honoured after it.
func (g *Grant) Expired(now Instant) bool { return g.Expires > 0 && now > g.Expires+expiryLeeway }

// Left is how long the grant still is honoured. It must have an end.
func (g *Grant) Left(now Instant) time.Duration {
	return time.Duration(g.Expires + expiryLeeway - now)
}

// fits reports whether the grant may be used as a client.
func (g *Grant) fits(client string) bool {
	if prefix, ok := strings.CutSuffix(g.Client, "*"); ok {
		return strings.HasPrefix(client, prefix) && len(client) > len(prefix)
	}
	return g.Client == "" || g.Client == client
}

// Spend takes what a request costs from the buckets of its subject and of its
// stream, or says which of them is empty. An empty stream has no bucket.
func (c *Config) Spend(now Instant, subject string, rates ratelimit.Rates, stream string, cost ratelimit.Cost) *wire.Error {
	ref, ok := c.Limiter.Take(ratelimit.Instant(now), subject, rates, stream, cost)
	if ok {
		return nil
	}
	return RateLimited(ref)
}

// RateLimited is the answer to what a limit refused.
func RateLimited(ref ratelimit.Refusal) *wire.Error {
	e := wire.Errorf(wire.RateLimited, "too much was sent; nothing is lost, send again after after_ms")
	e.Scope = string(ref.Scope)
	e.AfterMS = int(min((ref.After+time.Millisecond-1)/time.Millisecond, math.MaxInt32))
	return e
}
