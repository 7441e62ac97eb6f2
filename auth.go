package flowsync

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/wavesiddhartha/flowsync/acl"
	"github.com/wavesiddhartha/flowsync/auth"
	"github.com/wavesiddhartha/flowsync/internal/hubcore"
	"github.com/wavesiddhartha/flowsync/wire"
)

// anonymous admits everyone as the subject that is its value.
type anonymous string

func (a anonymous) Authenticate(context.Context, string, *http.Request) (*Grant, error) {
	return &Grant{Subject: string(a), Rights: acl.All{}}, nil
}

// nobody is what a nil Options.Auth means.
var errNobody = errors.New("flowsync: Options.Auth is nil, which refuses everyone")

// authTimeout bounds one call of the Authenticator.
const authTimeout = 10 * time.Second

// authenticate asks the Authenticator and turns its answer into the hub's terms.
func (h *Hub) authenticate(token string, r *http.Request) (*hubcore.Grant, *wire.Error) {
	if h.auth == nil {
		h.log.Warn("connection refused", "reason", errNobody)
		return nil, wire.Errorf(wire.AuthRequired, "this hub admits nobody: it has no authentication configured")
	}
	if e := h.mayAdmit(); e != nil {
		return nil, e
	}
	if e := h.mayTry(r, 0); e != nil {
		return nil, e
	}
	ctx, cancel := context.WithTimeout(h.ctx, authTimeout)
	defer cancel()
	g, err := h.auth.Authenticate(ctx, token, r)
	switch {
	case err == nil && (g == nil || g.Rights == nil):
		return nil, wire.Errorf(wire.AuthInvalid, "the token allows nothing here")
	case err == nil && len(g.Subject) > 256:
		return nil, wire.Errorf(wire.AuthInvalid, "the token's subject is longer than 256 bytes")
	case err == nil:
		limits := h.class(g.Class)
		grant := &hubcore.Grant{Subject: g.Subject, Client: g.Client, Rights: g.Rights, ID: g.ID, Class: g.Class, Rates: limits.rates, Intake: limits.intake}
		if !g.Issued.IsZero() {
			grant.Issued = g.Issued.Unix()
		}
		if h.revoked.has(grant) {
			return nil, errRevoked()
		}
		if !g.Expires.IsZero() {
			// A grant that ended long ago must not look like one without an end.
			grant.Expires = max(1, h.now()+hubcore.Instant(time.Until(g.Expires)))
		}
		return grant, nil
	case token == "" || errors.Is(err, auth.ErrRequired):
		return nil, wire.Errorf(wire.AuthRequired, "a token is required")
	case errors.Is(err, auth.ErrExpired):
		return nil, wire.Errorf(wire.AuthExpired, "the token has expired; get a fresh one")
	case errors.Is(err, auth.ErrRevoked):
		return nil, errRevoked()
	}
	_ = h.mayTry(r, 1) // the next one is told
	return nil, wire.Errorf(wire.AuthInvalid, "the token is not valid")
}

func errRevoked() *wire.Error { return wire.Errorf(wire.AuthRevoked, "the token was revoked") }

// bearerProtocol begins the subprotocol that carries a token: the one header that
// a browser's WebSocket can set. It is never echoed.
const bearerProtocol = "bearer."

// tokenOf finds the token of a request: the Authorization header, a subprotocol
// "bearer.<token>", or ?token= where that is allowed. refused says that one came
// where it is not.
func (h *Hub) tokenOf(r *http.Request) (token string, refused bool) {
	if scheme, value, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "bearer") {
		return strings.TrimSpace(value), false
	}
	for _, protocols := range r.Header.Values("Sec-WebSocket-Protocol") {
		for _, p := range strings.Split(protocols, ",") {
			if value, ok := strings.CutPrefix(strings.TrimSpace(p), bearerProtocol); ok {
				return value, false
			}
		}
	}
	token = r.URL.Query().Get("token")
	if token != "" && !h.opts.TokenInQuery {
		return "", true
	}
	return token, false
}
