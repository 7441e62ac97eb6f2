package flowsync

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"time"

	"github.com/wavesiddhartha/flowsync/internal/hubcore"
	"github.com/wavesiddhartha/flowsync/wire"
)

// ErrShutdown is returned by the hub's methods once Shutdown has begun.
var ErrShutdown = errors.New("flowsync: the hub is shutting down")

// enter admits a caller from outside the hub's own goroutines; leave ends the
// visit. Shutdown waits for all visitors.
func (h *Hub) enter() error {
	h.gate.RLock()
	defer h.gate.RUnlock()
	if h.draining.Load() {
		return ErrShutdown
	}
	h.work.Add(1)
	return nil
}

func (h *Hub) leave() { h.work.Done() }

// Shutdown ends the hub: it takes no new connections, commits what it has
// accepted, closes every session with 4503 and a hint when to come back, and
// closes the store. Call it before http.Server.Shutdown, which knows nothing of
// upgraded connections. When ctx ends first the rest is cut off and ctx's error
// returned; nothing that was acknowledged is lost either way. Later calls wait
// for the first.
func (h *Hub) Shutdown(ctx context.Context) error {
	h.shutdown.Do(func() { go h.drain() })
	select {
	case <-h.drained:
		return h.closeErr
	case <-ctx.Done():
		h.stop()
		return ctx.Err()
	}
}

// Times of a shutdown. Sessions are closed in batches, each with its own hint,
// so that their clients do not all come back to the next hub in one instant.
const (
	drainBatch  = 256
	drainPause  = 5 * time.Millisecond
	comeBackMS  = 250 // at least
	comeSpread  = 1000
	commitGrace = 500 * time.Millisecond // for what is in flight
)

func (h *Hub) drain() {
	defer close(h.drained)
	h.gate.Lock()
	h.draining.Store(true)
	h.gate.Unlock()
	close(h.quit)
	h.log.Info("shutting down", "clients", h.sessions.open())

	var fx hubcore.SessionEffects
	all := h.sessions.all()
	for _, s := range all {
		s.step(&hubcore.Draining{AfterMS: comeBackMS + rand.IntN(comeSpread)}, &fx)
	}
	h.settle(all, time.Now().Add(commitGrace))
	for i, s := range all {
		s.sock.Close(wire.CloseShutdown, "the hub shuts down")
		if i%drainBatch == drainBatch-1 {
			time.Sleep(drainPause)
		}
	}
	h.sessions.wait()
	h.stop()
	h.work.Wait()
	h.closeErr = h.store.Close()
	if c, ok := h.auth.(io.Closer); ok {
		h.closeErr = errors.Join(h.closeErr, c.Close())
	}
	h.metrics.leave(h)
	h.log.Info("shut down")
}

// settle waits until what the sessions have in flight is decided and its answers
// are with their sockets, which send them before they close.
func (h *Hub) settle(all []*session, until time.Time) {
	for _, s := range all {
		for s.flow.busy() && time.Now().Before(until) {
			time.Sleep(time.Millisecond)
		}
	}
	for h.streams.speak() && time.Now().Before(until) {
		time.Sleep(time.Millisecond)
	}
}
