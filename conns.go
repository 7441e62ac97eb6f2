package flowsync

import (
	"net/http"
	"net/netip"
	"strings"
	"sync"

	"github.com/wavesiddhartha/flowsync/internal/hubcore"
	"github.com/wavesiddhartha/flowsync/wire"
)

// conns counts connections by where they come from and by whose they are. The
// zero value is ready.
type conns struct {
	mu        sync.Mutex // guards what follows; no other lock is taken under it
	byAddr    map[netip.Addr]int
	bySubject map[string]int
}

// errConns is the answer to a connection that is one too many.
func errConns() *wire.Error {
	e := wire.Errorf(wire.ConnLimit, "too many connections are open; close some, or come back later")
	e.AfterMS = 1000
	return e
}

// enterAddr counts a connection of an address, unless it has max of them. An
// address that is not known is not counted.
func (c *conns) enterAddr(a netip.Addr, max int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !a.IsValid() || enter(&c.byAddr, a, max)
}

func (c *conns) leaveAddr(a netip.Addr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	leave(c.byAddr, a)
}

// enterSubject counts a connection of a subject, unless it has max of them.
func (c *conns) enterSubject(subject string, max int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return enter(&c.bySubject, subject, max)
}

func (c *conns) leaveSubject(subject string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	leave(c.bySubject, subject)
}

func enter[K comparable](counts *map[K]int, k K, max int) bool {
	if *counts == nil {
		*counts = map[K]int{}
	}
	if (*counts)[k] >= max {
		return false
	}
	(*counts)[k]++
	return true
}

func leave[K comparable](counts map[K]int, k K) {
	if counts[k]--; counts[k] <= 0 {
		delete(counts, k)
	}
}

// seat is what one connection counts against.
type seat struct {
	hub     *Hub
	addr    netip.Addr
	subject string
	known   bool // subject is set
	seated  bool // and counted
}

// takeSeat counts a connection against its address.
func (h *Hub) takeSeat(r *http.Request) (*seat, *wire.Error) {
	s := &seat{hub: h, addr: counted(h.clientAddr(r))}
	if !h.conns.enterAddr(s.addr, h.limits.ConnsPerAddress) {
		return nil, errConns()
	}
	return s, nil
}

// take counts the connection against its subject too, once: a fresh token is for
// the same one.
func (s *seat) take(g *hubcore.Grant) (e *wire.Error) {
	if s.known {
		return nil
	}
	if s.hub.overdrawn(g, &e) {
		return e
	}
	max := s.hub.class(g.Class).conns
	if max > 0 && !s.hub.conns.enterSubject(g.Subject, max) {
		return errConns()
	}
	s.subject, s.known, s.seated = g.Subject, true, max > 0
	return nil
}

func (s *seat) leave() {
	if s.addr.IsValid() {
		s.hub.conns.leaveAddr(s.addr)
	}
	if s.seated {
		s.hub.conns.leaveSubject(s.subject)
	}
}

// counted is the address that connections are counted by: who has one IPv6
// address has the 2^64 beside it.
func counted(a netip.Addr) netip.Addr {
	if a.Is6() {
		if p, err := a.WithZone("").Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return a
}

// clientAddr is where a request comes from: the peer, or behind trusted proxies
// the last address that one of them says it has seen. What stands before that in
// the header anyone can have written.
func (h *Hub) clientAddr(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	addr := peer.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && h.trusts(addr); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		addr = hop.Unmap()
	}
	return addr
}

func (h *Hub) trusts(a netip.Addr) bool {
	for _, p := range h.opts.TrustedProxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
