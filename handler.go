package flowsync

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/wavesiddhartha/flowsync/internal/hubcore"
	"github.com/wavesiddhartha/flowsync/internal/socket"
	"github.com/wavesiddhartha/flowsync/wire"
)

// newRoutes is what the hub serves, below wherever it is mounted.
func (h *Hub) newRoutes() http.Handler {
	r := chi.NewRouter()
	r.Get("/healthz", h.healthz)
	r.Get("/metrics", h.getMetrics)
	r.Get("/streams/{name}", h.getValue)
	r.Post("/streams/{name}/ops", h.postOps)
	r.Get("/streams/{name}/events", h.events)
	return r
}

// ServeHTTP serves WebSocket connections at the mount point, with or without a
// trailing slash or /ws, and below it the HTTP API (/streams/…) and /healthz.
//
// It works under net/http and chi, with or without http.StripPrefix: the hub
// finds its route from the end of the path. Under net/http mount it twice, at
// "/flowsync" and at "/flowsync/"; with the latter alone the mux answers the
// former with a redirect, which browsers do not follow for WebSockets.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		// The server reads what it can of a body before it goes on, also of one
		// that was refused, and waits for it without end.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(strangersBody))
	}
	w.Header().Set("X-Content-Type-Options", "nosniff")
	path := routePath(r.URL.Path)
	if path == "/" {
		h.upgrade(w, r) // past the router: its context would last as long as the session
		return
	}
	// A context of its own: the router outside may be chi too, and its context
	// knows the path from the other end.
	rctx := chi.NewRouteContext()
	rctx.RoutePath = path
	h.routes.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), chi.RouteCtxKey, rctx)))
}

// strangersBody is how long the body of a request may take that nobody has
// looked at yet.
const strangersBody = 5 * time.Second

// routePath is the end of a path that names a route of the hub.
func routePath(path string) string {
	path = strings.TrimSuffix(path, "/")
	if i := strings.LastIndex(path, "/streams/"); i >= 0 {
		return path[i:]
	}
	for _, route := range [...]string{"/healthz", "/metrics"} {
		if strings.HasSuffix(path, route) {
			return route
		}
	}
	return "/"
}

// streamName is the {name} of a route.
func streamName(r *http.Request) string { return chi.URLParam(r, "name") }

// upgrade makes a WebSocket connection of the request. The session runs on in a
// goroutine of its own, so that what the server keeps for the request is freed.
func (h *Hub) upgrade(w http.ResponseWriter, r *http.Request) {
	if err := h.enter(); err != nil {
		h.refuseUpgrade(w, wire.Errorf(wire.ShuttingDown, "the hub is shutting down; connect again"))
		return
	}
	defer h.leave()
	s := &session{began: time.Now()}
	seat, e := h.takeSeat(r)
	if e != nil {
		h.refuseUpgrade(w, e)
		return
	}
	served := false
	defer func() {
		if !served {
			seat.leave()
		}
	}()
	token, refused := h.tokenOf(r)
	if refused {
		h.refuseUpgrade(w, wire.Errorf(wire.AuthInvalid, "a token in the URL is not accepted here; send it in the Authorization header or in hello"))
		return
	}
	var grant *hubcore.Grant
	if token != "" || h.auth == nil {
		var err *wire.Error
		if grant, err = h.authenticate(token, r); err == nil {
			err = seat.take(grant)
		}
		if err != nil {
			h.refuseUpgrade(w, err)
			return
		}
	}
	if grant == nil && headerBytes(r.Header) > strangersHeader {
		h.metrics.refused(wire.TooLarge, "")
		http.Error(w, "the headers are too large for a connection whose token comes later", http.StatusRequestHeaderFieldsTooLarge)
		return
	}
	sock, err := socket.Accept(w, r, &h.sockets, s)
	if err != nil { // and it is answered
		code := wire.BadMessage
		if errors.Is(err, socket.ErrOrigin) {
			code = wire.OriginDenied
		}
		h.metrics.refused(code, "")
		return
	}
	served = true
	s.hub, s.sock, s.req, s.seat, s.addr = h, sock, r, seat, maskAddr(h.clientAddr(r))
	h.goWork(func() { s.run(grant) })
}

// strangersHeader is how large the headers of a connection may be whose token comes
// with hello: until then they are kept for the Authenticator, at anyone's request.
const strangersHeader = 24 << 10

func headerBytes(h http.Header) (n int) {
	for key, values := range h {
		for _, v := range values {
			n += len(key) + len(v)
		}
	}
	return n
}

// refuseUpgrade is refuse for what would have become a connection.
func (h *Hub) refuseUpgrade(w http.ResponseWriter, e *wire.Error) {
	h.metrics.refused(e.Code, e.Scope)
	h.refuse(w, e)
}

// healthz answers 200 while the hub takes connections and its store takes writes.
func (h *Hub) healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	status, text := http.StatusOK, "ok"
	switch {
	case h.draining.Load():
		status, text = http.StatusServiceUnavailable, "draining"
	case h.writes.readonly.Load():
		status, text = http.StatusServiceUnavailable, "readonly"
	}
	w.WriteHeader(status)
	writeJSON(w, map[string]any{
		"status": text, "hub": h.id, "durability": h.core.Durability, "clients": h.sessions.open(),
	})
}

// refuse answers a request with an error of the protocol.
func (h *Hub) refuse(w http.ResponseWriter, e *wire.Error) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if e.AfterMS > 0 {
		w.Header().Set("Retry-After", strconv.Itoa((e.AfterMS+999)/1000))
	}
	w.WriteHeader(httpStatus(e.Code))
	writeJSON(w, map[string]any{"code": e.Code, "msg": e.Msg, "retry": wire.Retryable(e.Code)})
}

// httpStatus is the status that fits a code.
func httpStatus(c wire.Code) int {
	switch c {
	case wire.BadJSON, wire.BadMessage:
		return http.StatusBadRequest
	case wire.AuthRequired, wire.AuthInvalid, wire.AuthExpired, wire.AuthRevoked:
		return http.StatusUnauthorized
	case wire.AccessDenied, wire.ClientMismatch, wire.OriginDenied:
		return http.StatusForbidden
	case wire.StreamUnknown, wire.BadStream:
		return http.StatusNotFound
	case wire.OpConflict:
		return http.StatusConflict
	case wire.TooLarge:
		return http.StatusRequestEntityTooLarge
	case wire.RateLimited, wire.ConnLimit:
		return http.StatusTooManyRequests
	case wire.Busy, wire.StoreReadonly, wire.StoreCorrupt, wire.Unavailable, wire.Resync, wire.ShuttingDown:
		return http.StatusServiceUnavailable
	case wire.Internal:
		return http.StatusInternalServerError
	}
	return http.StatusUnprocessableEntity
}

// writeJSON writes one line of JSON. What fails is the connection, and nobody is
// left to tell.
func writeJSON(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) }
