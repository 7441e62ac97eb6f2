package flowsync

import (
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wavesiddhartha/flowsync/auth"
	"github.com/wavesiddhartha/flowsync/wire"
)

// issuers are those whose tokens the bad world takes: us, with a shared secret
// and a key, and them, who publish a key under the very kid that ours has.
type issuers struct {
	secret  []byte
	public  []byte // our key in PEM form, as everyone may have it
	theirs  ed25519.PrivateKey
	fetched atomic.Int64 // of URLs that a token named
	trap    *httptest.Server
	tokens  *auth.Verifier
}

func newIssuers(t *testing.T) *issuers {
	i := &issuers{secret: []byte(strings.Repeat("our secret ", 4))}
	ours, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, _ := x509.MarshalPKIXPublicKey(ours)
	i.public = pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	_, i.theirs, _ = ed25519.GenerateKey(rand.Reader)
	set, _ := json.Marshal(map[string]any{"keys": []any{i.jwk()}})
	published := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(set) }))
	i.trap = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		i.fetched.Add(1)
		_, _ = w.Write(set)
	}))
	t.Cleanup(published.Close)
	t.Cleanup(i.trap.Close)
	key, secret := auth.EdDSA(ours), auth.HMAC(i.secret)
	key.ID, secret.ID = "k1", "k1"
	i.tokens = auth.JWT(key, secret, auth.JWKS("them", published.URL), auth.Issuer("us", "them"), auth.Audience("hub"))
	if err := i.tokens.Check(); err != nil {
		t.Fatal(err)
	}
	return i
}

// jwk is their public key as a JWKS has it.
func (i *issuers) jwk() map[string]any {
	return map[string]any{"kty": "OKP", "crv": "Ed25519", "kid": "k1", "x": base64.RawURLEncoding.EncodeToString(i.theirs.Public().(ed25519.PublicKey))}
}

// fields with which a token is put together; nil takes one away.
type fieldsOf = map[string]any

// token is a good one of ours, but for what is changed in its header and claims.
func (i *issuers) token(header, claims fieldsOf) string {
	return i.signed(i.secret, header, claims)
}

// signed signs with a secret, with their key, or with nothing.
func (i *issuers) signed(key any, header, claims fieldsOf) string {
	h := fieldsOf{"alg": "HS256", "kid": "k1"}
	c := fieldsOf{"sub": "jwt", "iss": "us", "aud": "hub", "exp": time.Now().Add(time.Hour).Unix(), "acl": []string{"*:*"}, "note": payload}
	for into, from := range map[*fieldsOf]fieldsOf{&h: header, &c: claims} {
		maps.Copy(*into, from)
		maps.DeleteFunc(*into, func(_ string, v any) bool { return v == nil })
	}
	part := func(v any) string {
		b, _ := json.Marshal(v)
		return base64.RawURLEncoding.EncodeToString(b)
	}
	text := part(h) + "." + part(c)
	var signature []byte
	switch key := key.(type) {
	case []byte:
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(text))
		signature = mac.Sum(nil)
	case ed25519.PrivateKey:
		signature = ed25519.Sign(key, []byte(text))
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// jwtInputs are JSON Web Tokens that are wrong in one way each. A token is tried
// in the header, in the subprotocol, in hello and as a fresh one.
func jwtInputs() []badInput {
	type tokens = func(i *issuers) []string
	one := func(header, claims fieldsOf) tokens {
		return func(i *issuers) []string { return []string{i.token(header, claims)} }
	}
	each := func(claim string, values ...any) tokens {
		return func(i *issuers) (all []string) {
			for _, v := range values {
				all = append(all, i.token(nil, fieldsOf{claim: v}))
			}
			return all
		}
	}
	forged := func(i *issuers, header fieldsOf) string {
		header["alg"], header["kid"] = "EdDSA", "evil"
		return i.signed(i.theirs, header, nil)
	}
	var rows []badInput
	for name, make := range map[string]tokens{
		"alg none, in any case": func(i *issuers) (all []string) {
			for _, alg := range []string{"none", "None", "NONE", "nOnE", ""} {
				all = append(all, i.signed(nil, fieldsOf{"alg": alg}, nil))
			}
			return all
		},
		"algorithm confusion":           func(i *issuers) []string { return []string{i.signed(i.public, nil, nil)} },
		"exp missing":                   one(nil, fieldsOf{"exp": nil}),
		"exp odd":                       each("exp", "tomorrow", 1e300, -1, 1e12, true, []int{1}),
		"nbf in the future":             one(nil, fieldsOf{"nbf": time.Now().Add(time.Hour).Unix()}),
		"kid with a path":               one(fieldsOf{"kid": "../../../../dev/null"}, nil),
		"kid with SQL":                  one(fieldsOf{"kid": "k1' OR '1'='1"}, nil),
		"same kid under another issuer": func(i *issuers) []string { return []string{i.signed(i.theirs, fieldsOf{"alg": "EdDSA"}, nil)} },
		"jku, x5u and jwk headers fetch nothing": func(i *issuers) []string {
			return []string{forged(i, fieldsOf{"jku": i.trap.URL}), forged(i, fieldsOf{"x5u": i.trap.URL}), forged(i, fieldsOf{"jwk": i.jwk()})}
		},
		"wrong audience":      each("aud", "other", "hub2", []string{}, nil),
		"wrong issuer":        each("iss", "you", "US", "", nil),
		"malformed acl claim": each("acl", "*:*", []any{"*:*", 7}, []string{"*:*", "everything"}, fieldsOf{"read": true}, []any{[]string{"*:*"}}),
	} {
		rows = append(rows, badInput{group: "tokens", name: name, send: func(a *trial) {
			for _, token := range make(a.world.issuers) {
				a.tryToken(token)
			}
			if n := a.world.issuers.fetched.Load(); n != 0 {
				a.t.Errorf("%d URLs were fetched", n)
			}
		}})
	}
	rows = append(rows,
		badInput{group: "tokens", name: "a good one of ours", send: func(a *trial) {
			a.upgrade("/", "Authorization", "Bearer "+a.world.issuers.token(nil, nil))
		}, want: []string{"101"}},
		badInput{group: "tokens", name: "a good one of theirs", send: func(a *trial) {
			token := a.world.issuers.signed(a.world.issuers.theirs, fieldsOf{"alg": "EdDSA"}, fieldsOf{"iss": "them"})
			resp := a.upgrade("/", "Authorization", "-", "Sec-WebSocket-Protocol", "flowsync.v1, bearer."+token)
			if got := resp.Header.Get("Sec-WebSocket-Protocol"); got != "flowsync.v1" {
				a.t.Errorf("the subprotocol is %q", got)
			}
		}, want: []string{"101"}},
		badInput{group: "tokens", name: "HMAC secret under 32 bytes", send: func(a *trial) {
			hub, err := New(Options{Auth: auth.JWT(auth.HMAC("your-secret-key"))})
			if err == nil {
				_ = hub.Shutdown(context.Background())
				a.t.Error("the hub starts")
			} else if !strings.Contains(err.Error(), "32 bytes") {
				a.t.Errorf("the error is %v", err)
			}
		}},
		badInput{group: "tokens", name: "revoked while connected", send: func(a *trial) {
			token := a.world.issuers.token(nil, fieldsOf{"sub": "mallory", "iat": time.Now().Unix()})
			a.joinAs(token, rw(a.on))
			if err := a.world.Revoke(context.Background(), Revocation{Subject: "mallory"}); err != nil {
				a.t.Fatal(err)
			}
			a.upgrade("/", "Authorization", "Bearer "+token)
		}, want: []string{"401 auth_revoked", "error auth_revoked", "close 4401"}},
	)
	return rows
}

// tryToken requires that a token is refused however it comes, as one that is not
// valid, and is not repeated.
func (a *trial) tryToken(token string) {
	a.t.Helper()
	world, answers := a.world, len(a.heard)
	requireNoEcho(a, a.upgrade("/", "Authorization", "Bearer "+token))
	requireNoEcho(a, a.upgrade("/", "Authorization", "-", "Sec-WebSocket-Protocol", "flowsync.v1, bearer."+token))
	a.request("GET", "/streams/counter:bad", "", "Authorization", "Bearer "+token)
	for _, heard := range a.heard[answers:] {
		if heard != "401 auth_invalid" {
			a.t.Errorf("%.60s…: the answer is %s", token, heard)
		}
	}
	a.heard = a.heard[:answers]

	stranger := world.dial()
	defer stranger.Conn.Conn.Close()
	stranger.say(&wire.Hello{V: [2]int{1, 1}, Client: a.client, Inc: incOf(a.client), Token: token})
	if e := awaitError(stranger); e == nil || e.Code != wire.AuthInvalid {
		a.t.Errorf("%.60s…: in hello the answer is %v", token, e)
	}
	stranger.awaitClose(wire.CloseAuth)

	member := world.dial("Authorization", "Bearer all")
	defer member.Conn.Conn.Close()
	member.say(&wire.Hello{V: [2]int{1, 1}, Client: a.client, Inc: incOf(a.client)})
	await[*wire.Welcome](member)
	member.say(&wire.Auth{Ref: "1", Token: token})
	if e := awaitError(member); e == nil || e.Code != wire.AuthInvalid || e.Ref != "1" {
		a.t.Errorf("%.60s…: as a fresh one the answer is %v", token, e)
	}
	member.quiet()
}

// awaitError is the next message if it is an error.
func awaitError(p *peer) *wire.Error {
	e, _ := p.next().(*wire.Error)
	return e
}
