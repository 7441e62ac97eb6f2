package auth

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"

	"github.com/wavesiddhartha/flowsync/acl"
)

// Bounds of claims.
const (
	maxSubject = 256
	maxClient  = 128
	maxID      = 256
	maxClass   = 64
)

// grant is what the claims of a verified token allow. What they say in a form
// that is not understood makes the whole token invalid.
func (v *Verifier) grant(claims jwt.MapClaims) (*Grant, error) {
	text := func(name string, longest int) (string, bool) {
		in, present := claims[name]
		s, ok := in.(string)
		return s, !present || ok && s != "" && len(s) <= longest && utf8.ValidString(s)
	}
	subject, ok1 := text("sub", maxSubject)
	client, ok2 := text("client", maxClient)
	id, ok3 := text("jti", maxID)
	class, ok4 := text("limits", maxClass)
	expires, ok5 := instant(claims, "exp")
	issued, ok6 := instant(claims, "iat")
	rights, ok7 := v.rights(subject, claims)
	switch {
	case !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || !ok6 || !ok7:
		return nil, ErrInvalid
	case subject == "" || expires.IsZero():
		return nil, fmt.Errorf("%w: it has no subject", ErrInvalid)
	case client != "" && !validClient(client):
		return nil, ErrInvalid
	}
	return &Grant{
		Subject: subject, Client: client, Rights: rights, Expires: expires,
		ID: id, Issued: issued, Class: class,
	}, nil
}

// instant reads a time; false: it is there and is none.
func instant(claims jwt.MapClaims, name string) (time.Time, bool) {
	in, present := claims[name]
	if !present {
		return time.Time{}, true
	}
	seconds, ok := in.(float64)
	if !ok || odd(seconds) {
		return time.Time{}, false
	}
	return time.Unix(int64(seconds), 0), true
}

// rights are the policy's, narrowed by the token's acl; without a policy the
// token's acl, or the default.
func (v *Verifier) rights(subject string, claims jwt.MapClaims) (acl.Rights, bool) {
	in, present := claims["acl"]
	switch {
	case !present && v.policy != nil:
		return v.policy.Of(subject), true
	case !present:
		return v.byDefault, true // nil allows nothing
	}
	list, ok := in.([]any)
	if !ok {
		return nil, false
	}
	rules := make([]string, len(list))
	for i := range list {
		if rules[i], ok = list[i].(string); !ok {
			return nil, false
		}
	}
	own, err := acl.Parse(rules...)
	if err != nil {
		return nil, false
	}
	if v.policy == nil {
		return own, true
	}
	return acl.Both(v.policy.Of(subject), own), true
}

// validClient reports whether a claim is a client id, or a prefix that ends with
// ".*".
func validClient(client string) bool {
	id := strings.TrimSuffix(client, ".*")
	if id == "" {
		return false
	}
	for i := range len(id) {
		switch c := id[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '.', c == '-':
		default:
			return false
		}
	}
	return true
}
