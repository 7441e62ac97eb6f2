package flowsync

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/wavesiddhartha/flowsync/acl"
	"github.com/wavesiddhartha/flowsync/internal/hubcore"
	"github.com/wavesiddhartha/flowsync/internal/socket"
	"github.com/wavesiddhartha/flowsync/ratelimit"
	"github.com/wavesiddhartha/flowsync/wire"
)

// visitor is the author of an HTTP request: its grant and the stream it is about.
type visitor struct {
	grant  *hubcore.Grant
	stream string
}

// admit authenticates and authorises an HTTP request. It answers what it
// refuses.
func (h *Hub) admit(w http.ResponseWriter, r *http.Request, v acl.Verb) (visitor, bool) {
	name := streamName(r)
	grant, e := h.grantOf(r)
	switch {
	case e != nil:
	case !socket.AllowedOrigin(r, &h.sockets):
		e = wire.Errorf(wire.OriginDenied, "pages of this origin may not use this hub")
	case !wire.ValidStream(name):
		e = wire.Errorf(wire.BadStream, "a stream name is 1 to 8 segments of letters, digits, _ . - joined by colons")
	case !grant.Authorize(v, name):
		e = wire.Errorf(wire.AccessDenied, "the token does not allow this on the stream")
	case h.overdrawn(grant, &e):
	case v != acl.Write && h.spend(grant, &e):
	case h.stream(name, grant.Subject) == nil:
		e = wire.Errorf(wire.StreamUnknown, "no such stream is registered with this hub")
	}
	if e != nil {
		h.metrics.deny(e.Code, e.Scope, actionOfVerb(v))
		h.refuse(w, e)
		return visitor{}, false
	}
	return visitor{grant, name}, true
}

// spend takes the cost of a request that pushes nothing from its subject's bucket,
// and reports whether it was refused, with why.
func (h *Hub) spend(g *hubcore.Grant, why **wire.Error) bool {
	*why = h.core.Spend(h.now(), g.Subject, g.Rates, "", ratelimit.Cost{Ops: 1})
	return *why != nil
}

// grantOf is what the token of a request is granted.
func (h *Hub) grantOf(r *http.Request) (*hubcore.Grant, *wire.Error) {
	token, refused := h.tokenOf(r)
	if refused {
		return nil, wire.Errorf(wire.AuthInvalid, "a token in the URL is not accepted here; send it in the Authorization header")
	}
	return h.authenticate(token, r)
}

// metricsName is what a token must grant admin on to read the metrics. It is
// written like a stream's name, so that the rule for all streams covers it and a
// scraper can have a token for nothing else.
const metricsName = "flowsync:metrics"

// getMetrics serves the metrics to those who may.
func (h *Hub) getMetrics(w http.ResponseWriter, r *http.Request) {
	grant, e := h.grantOf(r)
	if e == nil && !grant.Authorize(acl.Admin, metricsName) {
		e = wire.Errorf(wire.AccessDenied, "metrics are for tokens with the right admin on %s", metricsName)
	}
	if e != nil {
		h.metrics.deny(e.Code, e.Scope, actionOfVerb(acl.Read))
		h.refuse(w, e)
		return
	}
	h.Metrics().ServeHTTP(w, r)
}

func (h *Hub) getValue(w http.ResponseWriter, r *http.Request) {
	v, ok := h.admit(w, r, acl.Read)
	if !ok {
		return
	}
	done, err := h.query(r.Context(), v.stream)
	if err != nil {
		h.refuse(w, asWireError(err))
		return
	}
	head := w.Header()
	head.Set("Content-Type", "application/json")
	head.Set("Cache-Control", "no-store")
	head.Set("Flowsync-Cursor", done.Cursor)
	head.Set("Flowsync-Digest", hex.EncodeToString(done.Digest[:]))
	head.Set("Flowsync-Rule", done.Rule)
	_, _ = w.Write(append(done.Value, '\n'))
}

// postOps commits the ops of one request. The writer is made from the
// idempotency key and its hashes from the body, so that a repeated request is a
// duplicate; see docs/protocol.md section 10.
func (h *Hub) postOps(w http.ResponseWriter, r *http.Request) {
	v, ok := h.admit(w, r, acl.Write)
	if !ok {
		return
	}
	body, e := h.readBody(w, r)
	defer h.bodies.Add(-int64(len(body)))
	h.intake.Charge(ratelimit.Instant(h.now()), v.grant.Subject, v.grant.Intake, ratelimit.Cost{Bytes: len(body)}) // the next request waits for it
	if e != nil {
		h.metrics.deny(e.Code, e.Scope, actionOfVerb(acl.Write))
		h.refuse(w, e)
		return
	}
	ops, err := wire.SplitOps(body)
	refused := asRefusedOp(err)
	if err != nil && refused == nil {
		h.refuse(w, asWireError(err))
		return
	}
	key := r.Header.Get("Idempotency-Key")
	if key == "" {
		key = randomID()
	}
	who := sha256.Sum256([]byte(v.grant.Subject + "\x00" + key))
	what := sha256.Sum256(body)
	done, err := h.ask(r.Context(), v.stream, func(token chan hubcore.Settled) hubcore.StreamEvent {
		return &hubcore.Post{
			Token: token, Client: "http:" + hex.EncodeToString(who[:16]), Base: [8]byte(what[:8]),
			Subject: v.grant.Subject, Rates: v.grant.Rates, Ops: ops, Refused: refused,
		}
	})
	if err != nil {
		h.refuse(w, asWireError(err))
		return
	}
	answer := map[string]any{"acked": done.Acked, "cursor": done.Cursor}
	status := http.StatusOK
	if rej := done.Rejected; rej != nil {
		answer["rejected"] = map[string]any{"seq": rej.Seq, "code": rej.Code, "msg": rej.Msg}
		status = http.StatusUnprocessableEntity
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	writeJSON(w, answer)
}

// readBody reads the body of an admitted request, in about the time and to the
// size that a message may have. What it returns, with an error too, counts in
// h.bodies.
func (h *Hub) readBody(w http.ResponseWriter, r *http.Request) ([]byte, *wire.Error) {
	conn := http.NewResponseController(w)
	_ = conn.SetReadDeadline(time.Now().Add(h.sockets.ReadTimeout))
	body, err := io.ReadAll(&countedBody{http.MaxBytesReader(w, r.Body, int64(h.limits.MessageBytes)), &h.bodies, int64(h.limits.MessageTotal)})
	var large *http.MaxBytesError
	switch {
	case errors.Is(err, errCrowded):
		e := wire.Errorf(wire.Busy, "too many requests are being received; send it again later")
		e.AfterMS = 1000
		return body, e
	case errors.As(err, &large):
		return body, wire.Errorf(wire.TooLarge, "the body is larger than %d bytes: send the ops in several requests", large.Limit)
	case err != nil:
		return body, wire.Errorf(wire.Unavailable, "the body did not arrive in time; send the request again")
	}
	_ = conn.SetReadDeadline(time.Time{}) // it would end the wait for the commit
	return body, nil
}

// errCrowded is why a body is not read on.
var errCrowded = errors.New("too much is being received")

// countedBody is a body whose bytes count in all, which may reach most.
type countedBody struct {
	io.Reader
	all  *atomic.Int64
	most int64
}

func (c *countedBody) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if c.all.Add(int64(n)) > c.most && err == nil {
		err = errCrowded
	}
	return n, err
}

// events streams a stream's value as Server-Sent Events: the present one, then
// each new one. The connection ends with the grant.
func (h *Hub) events(w http.ResponseWriter, r *http.Request) {
	v, ok := h.admit(w, r, acl.Read)
	if !ok {
		return
	}
	seat, e := h.takeSeat(r)
	if e == nil {
		defer seat.leave()
		e = seat.take(v.grant)
	}
	if e != nil {
		h.refuse(w, e)
		return
	}
	ctx, end := h.visitors.stay(r.Context(), v.grant, h.now())
	defer end()
	out := http.NewResponseController(w)
	var b []byte
	for msg, err := range h.visit(ctx, v.stream, wire.Open{Mode: wire.Read, As: wire.AsValue}) {
		if err != nil && b == nil {
			h.refuse(w, asWireError(err))
			return
		}
		if err != nil || !h.mayStill(v) {
			return
		}
		var cursor string
		var value []byte
		switch msg := msg.(type) {
		case *wire.Synced:
			cursor, value = msg.Cursor, msg.Value
		case *wire.Value:
			cursor, value = msg.Cursor, msg.Value
		default:
			continue
		}
		if b == nil {
			head := w.Header()
			head.Set("Content-Type", "text/event-stream")
			head.Set("Cache-Control", "no-store")
			head.Set("X-Accel-Buffering", "no")
		}
		b = append(b[:0], "event: value\n"...)
		if cursor != "" {
			b = append(append(append(b, "id: "...), cursor...), '\n')
		}
		b = append(append(append(b, "data: "...), value...), "\n\n"...)
		// The server's own write time-out counts from the request's start.
		_ = out.SetWriteDeadline(time.Now().Add(h.limits.WriteTimeout))
		if _, err := w.Write(b); err != nil || out.Flush() != nil {
			return
		}
	}
}

// mayStill reports whether a visitor may still read.
func (h *Hub) mayStill(v visitor) bool {
	return !v.grant.Expired(h.now()) && !h.revoked.has(v.grant) && v.grant.Authorize(acl.Read, v.stream)
}

// asRefusedOp is err if it is about one op of a request, nil otherwise: then the
// ops before it stand.
func asRefusedOp(err error) *wire.Error {
	var e *wire.Error
	if errors.As(err, &e) && e.Seq > 0 {
		return e
	}
	return nil
}

// asWireError gives every error a code.
func asWireError(err error) *wire.Error {
	var e *wire.Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, ErrShutdown):
		return wire.Errorf(wire.ShuttingDown, "the hub is shutting down")
	}
	return wire.Errorf(wire.Unavailable, "the request could not be finished in time; try again")
}
