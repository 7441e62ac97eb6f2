// Package flowsync makes application state collaborative. A [Hub] is an
// http.Handler that upgrades WebSocket connections and routes them into streams:
// named states that merge by CRDT rules, kept as a log of committed ops. Mount
// it beside the routes a server already has:
//
//	hub, err := flowsync.New(flowsync.Options{Auth: flowsync.Anonymous})
//	hub.Stream("counter:value", flowsync.Counter)
//	mux.Handle("/flowsync/", hub)
//
// # What always holds
//
//   - An op is acknowledged, shown to others and read back only after its commit.
//   - An op takes effect exactly once, however often it is sent.
//   - Replicas at the same cursor without pending ops are equal.
//   - A slow or hostile client costs a bounded amount of memory and delays
//     nobody else.
//
// The hub itself is the shell around the step machines of internal/hubcore: it
// owns the sockets, goroutines and locks. Locks are taken in the order hub,
// stream, session, and none is held across network, disk or the caller's code.
package flowsync

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/internal/hubcore"
	"github.com/wavesiddhartha/flowsync/internal/socket"
	"github.com/wavesiddhartha/flowsync/ratelimit"
	"github.com/wavesiddhartha/flowsync/store"
)

// The built-in rules; see package crdt.
const (
	Counter   = crdt.Counter
	Set       = crdt.Set
	ORSet     = crdt.ORSet
	Map       = crdt.Map
	LWW       = crdt.LWW
	Log       = crdt.Log
	Text      = crdt.Text
	Doc       = crdt.Doc
	Ephemeral = crdt.Ephemeral
)

// Hub serves streams. It is safe for concurrent use; all its methods may be
// called from handlers and goroutines of the program around it.
type Hub struct {
	// Set by New, read-only after.
	id      string
	opts    Options
	limits  Limits
	auth    Authenticator
	store   store.Store
	log     *slog.Logger
	core    hubcore.Config
	routes  http.Handler
	sockets socket.Options
	start   time.Time // of the clock: before the hub's own, so that a token may have expired when the hub began
	commits *committer
	metrics *metrics
	writes  *writable

	effects   sync.Pool // of *hubcore.Effects
	rounds    sync.Pool // of *fanout
	handlings sync.Pool // of *handling

	unloadAfter time.Duration   // without a request, until a stream is unloaded
	ctx         context.Context // ends when the hub has shut down
	stop        context.CancelFunc

	streams  registry
	sessions sessions
	waiting  atomic.Int64  // bytes in the queues of all sockets
	mine     atomic.Uint64 // numbers of members that are not sessions
	bodies   atomic.Int64  // bytes of requests that are received or handled
	inflight atomic.Int64  // bytes of pushes that wait for their commit, of all sessions
	conns    conns
	revoked  revoked
	visitors visitors
	intake   *ratelimit.Intake // of subjects
	turns    chan struct{}     // of sessions in a burst
	failures *ratelimit.Intake // to authenticate, of addresses

	gate     sync.RWMutex // held for reading while a visitor enters, for writing by drain
	draining atomic.Bool
	shutdown sync.Once
	quit     chan struct{}  // closed when Shutdown begins
	drained  chan struct{}  // closed when it is done
	closeErr error          // of the store; read after drained
	work     sync.WaitGroup // every goroutine and visitor of the hub
}

// New makes a hub. It starts two goroutines, which end with [Hub.Shutdown]. An
// Authenticator with a method Check() error, as [auth.JWT] makes, is asked whether
// it can be used; so a hub does not start with a secret that protects nothing.
func New(o Options) (*Hub, error) {
	_, everyone := o.Auth.(anonymous)
	limits, err := o.Limits.withDefaults(everyone)
	if err != nil {
		return nil, err
	}
	if c, ok := o.Auth.(interface{ Check() error }); ok {
		if err := c.Check(); err != nil {
			return nil, fmt.Errorf("flowsync: Options.Auth cannot be used: %w", err)
		}
	}
	if o.Store == nil {
		o.Store = store.NewMemory()
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	h := &Hub{id: randomID(), opts: o, limits: limits, auth: o.Auth, store: o.Store, log: slog.New(discreet{o.Logger.Handler()}), start: time.Now().Add(-time.Minute), unloadAfter: time.Minute, intake: ratelimit.NewIntake(), failures: ratelimit.NewIntake(), turns: newTurns(), quit: make(chan struct{}), drained: make(chan struct{})}
	h.ctx, h.stop = context.WithCancel(context.Background())
	h.core = hubcore.Config{
		Hub: h.id, Inc: randomID(), Durability: o.Store.Durability(),
		InflightOps: limits.InflightOps, BatchOps: limits.BatchOps, EntryBytes: limits.EntryBytes,
		StateBytes: limits.StateBytes, MessageBytes: limits.MessageBytes, Streams: limits.Streams,
		RingEntries: 1024, RingBytes: 1 << 20, CompactOps: limits.CompactOps, CompactBytes: limits.CompactBytes,
		Limiter: ratelimit.NewLimiter(limits.global(), limits.perStream()),
	}
	h.sockets = socket.Options{
		Origins: o.Origins, AnyLocalOrigin: o.LocalOrigins, MaxMessage: unauthenticatedMessage,
		QueueMessages: limits.QueueMessages, QueueBytes: limits.QueueBytes,
		SendBuffer: 256 << 10, ReceiveBuffer: 128 << 10, WriteTimeout: limits.WriteTimeout, ReadTimeout: 30 * time.Second,
		ControlRate: 100, Waiting: &h.waiting, MaxWaiting: int64(limits.QueueTotal), MaxAssembling: int64(limits.MessageTotal), Buffers: &socket.Buffers{},
	}
	h.streams.init()
	h.sessions.init()
	h.routes = h.newRoutes()
	if h.metrics, err = newMetrics(h, o.Registerer); err != nil {
		return nil, err
	}
	h.writes = newWritable(h)
	h.commits = newCommitter(h)
	h.handlings.New = func() any { return new(handling) }
	h.effects.New = func() any { return new(hubcore.Effects) }
	h.rounds.New = func() any { return new(fanout) }
	h.goWork(h.sweep)
	h.readRevocations()
	h.goWork(h.watchRevocations)
	h.greet()
	return h, nil
}

// unauthenticatedMessage bounds a message before hello is accepted.
const unauthenticatedMessage = 16 << 10

// greet says in the log what an operator should know about this hub.
func (h *Hub) greet() {
	h.log.Info("hub started", "hub", h.id, "durability", h.core.Durability)
	if h.core.Durability == store.InMemory {
		h.log.Warn("state is kept in memory and lost with the process; give Options.Store a durable store to keep it")
	}
	if _, ok := h.auth.(anonymous); ok {
		h.log.Warn("authentication is off: everyone may read and write every stream")
	}
	if h.auth == nil {
		h.log.Warn("every connection is refused: Options.Auth is nil")
	}
}

// goWork runs f in a goroutine that Shutdown waits for.
func (h *Hub) goWork(f func()) {
	h.work.Add(1)
	go func() {
		defer h.work.Done()
		f()
	}()
}

// now is the hub's monotonic clock.
func (h *Hub) now() hubcore.Instant { return hubcore.Instant(time.Since(h.start)) }

// sweep passes time to sessions and streams once a second, and tells sessions
// when the store begins or ends to take writes.
func (h *Hub) sweep() {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var fx hubcore.SessionEffects
	for {
		select {
		case <-h.ctx.Done():
			return
		case <-h.writes.changed:
			h.elapse(&fx)
		case now := <-tick.C:
			h.writes.try()
			for _, s := range h.sessions.all() {
				s.sock.Sweep(now)
			}
			h.elapse(&fx)
			h.streams.sweep(now.Add(-h.unloadAfter))
			h.commits.commit()
		}
	}
}

// elapse passes time to the sessions. fx is the caller's scratch.
func (h *Hub) elapse(fx *hubcore.SessionEffects) {
	for _, s := range h.sessions.all() {
		if g, _ := s.identity(); g != nil && h.revoked.has(g) {
			s.step(&hubcore.Revoked{}, fx) // it was authenticated while the token was being revoked
		}
		s.step(&hubcore.Elapsed{Readonly: h.writes.readonly.Load()}, fx)
	}
}

func randomID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// Server returns an http.Server with the limits that a hub on the open network
// needs and that only the server can set: headers up to 40 KiB, sent within 5 s.
func Server(addr string, handler http.Handler) *http.Server {
	return &http.Server{
		Addr: addr, Handler: handler,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    36 << 10, // the server allows 4 KiB more
	}
}
