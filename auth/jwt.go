package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/wavesiddhartha/flowsync/acl"
)

const (
	// leeway is by how much the issuer's clock and ours may differ.
	leeway = 30 * time.Second

	maxToken = 16 << 10
	maxKeyID = 256
)

// Verifier is the [Authenticator] for JSON Web Tokens. It is safe for concurrent
// use.
type Verifier struct {
	// Set by JWT, read-only after.
	keys      []Key
	sets      []*keySet
	audience  string
	issuers   []string
	policy    *acl.Policy
	byDefault *acl.Grants
	now       func() time.Time
	err       error
}

// Option is a key, or something else about which tokens are taken.
type Option interface{ apply(v *Verifier) error }

type option func(v *Verifier) error

func (o option) apply(v *Verifier) error { return o(v) }

func (k Key) apply(v *Verifier) error {
	if k.err != nil {
		return k.err
	}
	if !slices.Contains(k.family(), k.Algorithm) {
		return fmt.Errorf("a key of this kind verifies %v, and not %q", k.family(), k.Algorithm)
	}
	v.keys = append(v.keys, k)
	return nil
}

// Audience requires that a token is for this audience.
func Audience(name string) Option {
	return option(func(v *Verifier) error { v.audience = name; return nil })
}

// Issuer requires that a token is from one of these issuers.
func Issuer(names ...string) Option {
	return option(func(v *Verifier) error { v.issuers = append(v.issuers, names...); return nil })
}

// Policy gives subjects their rights. A token's own acl can only narrow them.
func Policy(p *acl.Policy) Option {
	return option(func(v *Verifier) error { v.policy = p; return nil })
}

// DefaultRules are the rights of a token without an acl, where no [Policy] is
// set. Without this option such a token may connect and do nothing.
func DefaultRules(rules ...string) Option {
	return option(func(v *Verifier) (err error) { v.byDefault, err = acl.Parse(rules...); return err })
}

// JWT takes tokens that one of the keys signed. It needs at least one [Key] or
// [JWKS]. What is wrong with the options is told by [Verifier.Check], which
// flowsync.New calls: a hub does not start with keys that protect nothing.
//
// The claims it reads, beside exp, which is required, and nbf, both with a leeway
// of 30 s:
//
//	sub     who it is, required
//	acl     a list of rules as package acl reads them
//	client  the client id the subject may use, or "prefix.*"
//	limits  the class of limits
//	jti     the token's id, and
//	iat     when it was made: both are for revocation
//	iss     required when Issuer is given or the key comes from a JWKS
//	aud     required when Audience is given
func JWT(options ...Option) *Verifier {
	v := &Verifier{now: time.Now}
	for _, o := range options {
		if err := o.apply(v); err != nil && v.err == nil {
			v.err = fmt.Errorf("auth: %w", err)
		}
	}
	if v.err == nil && len(v.keys)+len(v.sets) == 0 {
		v.err = errors.New("auth: JWT needs a key: auth.HMAC(secret), a public key, or auth.JWKS")
	}
	return v
}

// Check returns what makes the options unusable, nil if nothing does.
func (v *Verifier) Check() error { return v.err }

// Close ends what reads keys of a [JWKS] again in the background, and returns when
// it has ended. Tokens are verified as before, with keys that are read while they
// wait. A hub closes its Authenticator when it has shut down.
func (v *Verifier) Close() error {
	for _, s := range v.sets {
		s.close()
	}
	return nil
}

// Authenticate verifies a token. Only a token that is ours in every way but its
// age is ErrExpired.
func (v *Verifier) Authenticate(ctx context.Context, token string, _ *http.Request) (*Grant, error) {
	switch {
	case token == "":
		return nil, ErrRequired
	case v.err != nil || len(token) > maxToken || strings.ContainsAny(token, "\r\n"):
		return nil, ErrInvalid // base64 skips line breaks: one token would have many forms
	}
	claims := jwt.MapClaims{}
	_, err := v.parser().ParseWithClaims(token, claims, func(t *jwt.Token) (any, error) { return v.candidates(ctx, t, claims) })
	switch {
	case onlyExpired(err):
		return nil, ErrExpired
	case err != nil:
		return nil, ErrInvalid // its text repeats the token's header
	}
	return v.grant(claims)
}

func (v *Verifier) parser() *jwt.Parser {
	options := []jwt.ParserOption{
		jwt.WithExpirationRequired(), jwt.WithLeeway(leeway), jwt.WithTimeFunc(v.now), jwt.WithStrictDecoding(),
	}
	if v.audience != "" {
		options = append(options, jwt.WithAudience(v.audience))
	}
	return jwt.NewParser(options...)
}

// errKey is why no key fits; nobody is told.
var errKey = errors.New("no key is for this token")

// candidates are the keys that may have signed a token: those of its algorithm,
// for its kid and its issuer. Nothing else of its header is looked at.
func (v *Verifier) candidates(ctx context.Context, t *jwt.Token, claims jwt.MapClaims) (any, error) {
	kid := ""
	if in, ok := t.Header["kid"]; ok {
		if kid, ok = in.(string); !ok || len(kid) > maxKeyID {
			return nil, errKey
		}
	}
	if _, ok := t.Header["crit"]; ok {
		return nil, errKey // extensions that must be understood, and none is
	}
	if _, ok := instant(claims, "exp"); !ok {
		return nil, errKey // before the library makes of it what it can
	}
	issuer, _ := claims["iss"].(string)
	if len(v.issuers) > 0 && !slices.Contains(v.issuers, issuer) {
		return nil, errKey
	}
	keys := v.keys
	for _, set := range v.sets {
		if set.issuer == issuer {
			keys = slices.Concat(keys, set.get(ctx, v.now(), kid))
		}
	}
	var found jwt.VerificationKeySet
	for i := range keys {
		k := &keys[i]
		if k.Algorithm == t.Method.Alg() && (k.ID == "" || k.ID == kid) && (k.issuer == "" || k.issuer == issuer) {
			found.Keys = append(found.Keys, k.material)
		}
	}
	if len(found.Keys) == 0 {
		return nil, errKey
	}
	return found, nil
}

// onlyExpired reports whether its age is all that is wrong with a token. The
// signature is checked before the claims.
func onlyExpired(err error) bool {
	if !errors.Is(err, jwt.ErrTokenExpired) {
		return false
	}
	for _, other := range []error{
		jwt.ErrTokenMalformed, jwt.ErrTokenUnverifiable, jwt.ErrTokenSignatureInvalid, jwt.ErrTokenRequiredClaimMissing,
		jwt.ErrTokenInvalidAudience, jwt.ErrTokenInvalidIssuer, jwt.ErrTokenInvalidSubject, jwt.ErrTokenNotValidYet,
		jwt.ErrTokenUsedBeforeIssued, jwt.ErrTokenInvalidId,
	} {
		if errors.Is(err, other) {
			return false
		}
	}
	return true
}
