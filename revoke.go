package flowsync

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/wavesiddhartha/flowsync/internal/hubcore"
	"github.com/wavesiddhartha/flowsync/store"
	"github.com/wavesiddhartha/flowsync/wire"
)

// Revocation says which tokens may be used no more. One of Subject and Token is
// set.
type Revocation struct {
	// Subject revokes every token that it was given up to now, to the second. Those
	// that do not say when they were issued stay revoked until the end.
	Subject string

	// Token revokes the one with this id (jti).
	Token string

	// Until is when the last of these tokens has expired; then the revocation is
	// forgotten. Zero: in ten years.
	Until time.Time
}

// Revoke ends the use of tokens: it is stored, sessions that use them are closed
// with 4401 and requests end, before it returns on this hub and within 5 s on
// others that share the store. It returns the error of a store that could not keep
// it; this hub enforces it until it ends nevertheless.
func (h *Hub) Revoke(ctx context.Context, r Revocation) error {
	if (r.Subject == "") == (r.Token == "") {
		return errors.New("flowsync: a Revocation needs a Subject or a Token, and not both")
	}
	if err := h.enter(); err != nil {
		return err
	}
	defer h.leave()
	now := time.Now()
	if r.Until.IsZero() {
		r.Until = now.AddDate(10, 0, 0)
	}
	stored := store.Revocation{Subject: r.Subject, Token: r.Token, Made: now.Unix(), Until: r.Until.Unix()}
	h.revoked.add(stored)
	h.endRevoked()
	return h.store.Revoke(ctx, stored)
}

// Kick closes the sessions of a subject with 4403, all of them or those of one
// client, and returns how many they were. The SDKs do not come back by themselves
// after it; to keep others away, revoke.
func (h *Hub) Kick(subject, client string) int {
	n := 0
	var fx hubcore.SessionEffects
	for _, s := range h.sessions.all() {
		if g, c := s.identity(); g != nil && g.Subject == subject && (client == "" || c == client) {
			if s.step(&hubcore.Kicked{}, &fx); fx.Close != 0 { // it was not closing already
				n++
			}
		}
	}
	h.visitors.end(func(g *hubcore.Grant) bool { return client == "" && g.Subject == subject })
	return n
}

// endRevoked ends sessions and requests whose token was revoked.
func (h *Hub) endRevoked() {
	var fx hubcore.SessionEffects
	for _, s := range h.sessions.all() {
		if g, _ := s.identity(); g != nil && h.revoked.has(g) {
			s.step(&hubcore.Revoked{}, &fx)
		}
	}
	h.visitors.end(h.revoked.has)
}

// revoked is what this hub knows of revocations. The zero value is ready.
type revoked struct {
	mu       sync.RWMutex // guards what follows; no other lock is taken under it
	last     uint64       // number of the newest that was read
	read     time.Time    // when that was, zero: never
	subjects map[string]store.Revocation
	tokens   map[string]store.Revocation
}

func (l *revoked) add(r store.Revocation) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.addLocked(r)
}

func (l *revoked) addLocked(r store.Revocation) {
	if l.subjects == nil {
		l.subjects, l.tokens = map[string]store.Revocation{}, map[string]store.Revocation{}
	}
	if r.Token != "" {
		l.tokens[r.Token] = r
		return
	}
	if old, ok := l.subjects[r.Subject]; ok {
		r.Made, r.Until = max(r.Made, old.Made), max(r.Until, old.Until)
	}
	l.subjects[r.Subject] = r
}

// has reports whether a grant's token is revoked.
func (l *revoked) has(g *hubcore.Grant) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if _, ok := l.tokens[g.ID]; ok && g.ID != "" {
		return true
	}
	r, ok := l.subjects[g.Subject]
	return ok && g.Issued <= r.Made // 0 too: it does not say when it was issued
}

// took takes what was read, and forgets what has ended.
func (l *revoked) took(list []store.Revocation, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.read = now
	for _, r := range list {
		l.addLocked(r)
		l.last = max(l.last, r.Number)
	}
	for _, m := range []map[string]store.Revocation{l.subjects, l.tokens} {
		for k, r := range m {
			if r.Until < now.Unix() {
				delete(m, k)
			}
		}
	}
}

// age is how long ago the store was read, and whether it ever was.
func (l *revoked) age(now time.Time) (time.Duration, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return now.Sub(l.read), !l.read.IsZero()
}

// revokedEvery is how often the store is asked for new revocations, which other
// hubs may have stored.
const revokedEvery = 2 * time.Second

// readRevocations asks the store once.
func (h *Hub) readRevocations() {
	ctx, cancel := context.WithTimeout(h.ctx, revokedEvery)
	defer cancel()
	h.revoked.mu.RLock()
	last := h.revoked.last
	h.revoked.mu.RUnlock()
	list, err := h.store.Revocations(ctx, last)
	if err == nil {
		h.revoked.took(list, time.Now())
	}
}

// watchRevocations asks the store for as long as the hub runs.
func (h *Hub) watchRevocations() {
	tick := time.NewTicker(revokedEvery)
	defer tick.Stop()
	for {
		select {
		case <-h.ctx.Done():
			return
		case <-tick.C:
			h.readRevocations()
			h.endRevoked()
		}
	}
}

// mayAdmit reports whether enough is known of revocations to admit anyone.
func (h *Hub) mayAdmit() *wire.Error {
	age, known := h.revoked.age(time.Now())
	if known && (h.opts.FailClosedAfter == 0 || age < h.opts.FailClosedAfter) {
		return nil
	}
	e := wire.Errorf(wire.Unavailable, "the store cannot be asked which tokens were revoked; try again")
	e.AfterMS = 1000
	return e
}

// visitors are the long requests of the HTTP API. The zero value is ready.
type visitors struct {
	mu  sync.Mutex // guards all; no other lock is taken under it
	all map[*hubcore.Grant]context.CancelFunc
}

// stay keeps a request until the function it returns is called. Its context ends
// with the grant, or when end finds it.
func (v *visitors) stay(ctx context.Context, g *hubcore.Grant, now hubcore.Instant) (context.Context, func()) {
	var cancel context.CancelFunc
	if g.Expires > 0 {
		ctx, cancel = context.WithTimeout(ctx, max(0, g.Left(now)))
	} else {
		ctx, cancel = context.WithCancel(ctx)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.all == nil {
		v.all = map[*hubcore.Grant]context.CancelFunc{}
	}
	v.all[g] = cancel
	return ctx, func() {
		cancel()
		v.mu.Lock()
		defer v.mu.Unlock()
		delete(v.all, g)
	}
}

func (v *visitors) end(whose func(*hubcore.Grant) bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for g, cancel := range v.all {
		if whose(g) {
			cancel()
		}
	}
}
