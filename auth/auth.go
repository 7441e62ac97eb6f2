// Package auth turns tokens into grants: who someone is, what they may do, and
// until when.
//
//	hub, err := flowsync.New(flowsync.Options{Auth: auth.JWT(auth.HMAC(secret))})
//
// # What always holds
//
//   - A token is taken only if a key of ours signed it with the algorithm that
//     the key is pinned to, and if it says when it expires.
//   - What a token says and cannot be understood makes it invalid, never wider.
//   - Nothing that a token names is fetched: keys come from the configuration, or
//     from the one URL that it gives for an issuer.
//   - Errors tell neither the token nor which check it failed.
package auth

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/wavesiddhartha/flowsync/acl"
)

// Errors of an Authenticator, wrapped or plain. Anything else counts as
// ErrInvalid; clients never learn which check failed.
var (
	// ErrRequired: no token came.
	ErrRequired = errors.New("a token is required")
	// ErrInvalid: the token is not one of ours.
	ErrInvalid = errors.New("the token is not valid")
	// ErrExpired: the token was valid once; a fresh one will do.
	ErrExpired = errors.New("the token has expired")
	// ErrRevoked: the token or its subject was revoked.
	ErrRevoked = errors.New("the token was revoked")
)

// Grant is what a token allows.
type Grant struct {
	// Subject is who it is, at most 256 bytes. Writers are bound to it.
	Subject string

	// Client is the only client id the subject may use; "phone.*" stands for all
	// that begin with "phone."; empty: any.
	Client string

	// Rights decide about each message when it is processed. Nil allows nothing.
	Rights acl.Rights

	// Expires is when the grant ends; zero: never.
	Expires time.Time

	// ID and Issued are the token's own id and when it was made, for revocation.
	// A grant without them can be revoked by its subject alone.
	ID     string
	Issued time.Time

	// Class names the limits of the subject, one of those that the hub was
	// configured with; empty: the default ones.
	Class string
}

// Authenticator decides who may connect. It is asked once for a connection or
// HTTP request, and again for each fresh token; it must be safe for concurrent
// use, may block on the network, and should honour ctx.
type Authenticator interface {
	// Authenticate returns what token allows. It is empty when none came. r is the
	// upgrade or HTTP request; it must not be changed.
	Authenticate(ctx context.Context, token string, r *http.Request) (*Grant, error)
}

// Func is a function as an [Authenticator].
type Func func(ctx context.Context, token string, r *http.Request) (*Grant, error)

// Authenticate calls f.
func (f Func) Authenticate(ctx context.Context, token string, r *http.Request) (*Grant, error) {
	return f(ctx, token, r)
}
