package auth

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/wavesiddhartha/flowsync/acl"
)

var (
	secretA = strings.Repeat("a", MinSecret)
	secretB = strings.Repeat("b", MinSecret)
	noon    = time.Unix(1_800_000_000, 0)
)

// at makes a verifier whose clock stands at noon.
func at(t testing.TB, options ...Option) *Verifier {
	t.Helper()
	v := JWT(options...)
	if err := v.Check(); err != nil {
		t.Fatal(err)
	}
	v.now = func() time.Time { return noon }
	return v
}

// claims are those of a good token, changed by more; nil takes one away.
func claims(more ...any) jwt.MapClaims {
	c := jwt.MapClaims{
		"sub": "ann", "exp": noon.Add(time.Hour).Unix(), "acl": []string{"read:chat:*"},
		"jti": "t1", "iat": noon.Unix(), "client": "phone.*", "limits": "small",
	}
	for i := 0; i < len(more); i += 2 {
		if c[more[i].(string)] = more[i+1]; more[i+1] == nil {
			delete(c, more[i].(string))
		}
	}
	return c
}

func sign(t testing.TB, alg string, key any, c jwt.MapClaims, header ...any) string {
	t.Helper()
	tok := jwt.NewWithClaims(jwt.GetSigningMethod(alg), c)
	for i := 0; i < len(header); i += 2 {
		tok.Header[header[i].(string)] = header[i+1]
	}
	s, err := tok.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// forge puts a token together by hand.
func forge(header, claims, signature string) string {
	e := base64.RawURLEncoding.EncodeToString
	return e([]byte(header)) + "." + e([]byte(claims)) + "." + e([]byte(signature))
}

func (v *Verifier) try(token string) (*Grant, error) {
	return v.Authenticate(context.Background(), token, nil)
}

func TestGoodToken(t *testing.T) {
	g, err := at(t, HMAC(secretA)).try(sign(t, "HS256", []byte(secretA), claims()))
	if err != nil {
		t.Fatal(err)
	}
	if g.Subject != "ann" || g.Client != "phone.*" || g.ID != "t1" || g.Class != "small" || !g.Issued.Equal(noon) || !g.Expires.Equal(noon.Add(time.Hour)) {
		t.Errorf("%+v", g)
	}
	if !g.Rights.Allow(acl.Read, "chat:x") || g.Rights.Allow(acl.Write, "chat:x") {
		t.Error("the rights are not those of the token")
	}
}

// Whatever is wrong with a token, it is refused, and the error is one of the
// package's and repeats nothing.
func TestBadTokens(t *testing.T) {
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	const public = "-----BEGIN PUBLIC KEY-----"
	good := sign(t, "HS256", []byte(secretA), claims())
	parts := strings.Split(good, ".")
	hs := func(more ...any) string { return sign(t, "HS256", []byte(secretA), claims(more...)) }
	body, _ := json.Marshal(claims())
	for name, token := range map[string]string{
		"none":                  sign(t, "none", jwt.UnsafeAllowNoneSignatureType, claims()),
		"None":                  forge(`{"alg":"None","typ":"JWT"}`, string(body), ""),
		"NONE":                  forge(`{"alg":"NONE"}`, string(body), ""),
		"no alg":                forge(`{}`, string(body), ""),
		"alg not a string":      forge(`{"alg":["HS256"]}`, string(body), "x"),
		"no signature":          parts[0] + "." + parts[1] + ".",
		"two parts":             parts[0] + "." + parts[1],
		"four parts":            good + ".x",
		"other secret":          sign(t, "HS256", []byte(secretB), claims()),
		"algorithm of kin":      sign(t, "HS512", []byte(secretA), claims()),
		"algorithm confusion":   sign(t, "HS256", []byte(public), claims()),
		"RSA against HMAC":      sign(t, "RS256", other, claims()),
		"another body":          parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"root","exp":9999999999}`)) + "." + parts[2],
		"crit":                  sign(t, "HS256", []byte(secretA), claims(), "crit", []string{"exp"}),
		"kid not a string":      sign(t, "HS256", []byte(secretA), claims(), "kid", 1),
		"kid long":              sign(t, "HS256", []byte(secretA), claims(), "kid", strings.Repeat("k", 300)),
		"exp missing":           hs("exp", nil),
		"exp text":              hs("exp", "tomorrow"),
		"exp null":              forge(`{"alg":"HS256"}`, `{"sub":"a","exp":null}`, ""),
		"exp negative":          hs("exp", -1),
		"exp huge":              hs("exp", 1e300),
		"exp beyond year 9999":  hs("exp", 1e12),
		"exp a list":            hs("exp", []int{1}),
		"exp true":              hs("exp", true),
		"nbf in the future":     hs("nbf", noon.Add(31*time.Second).Unix()),
		"nbf text":              hs("nbf", "x"),
		"iat text":              hs("iat", "x"),
		"sub missing":           hs("sub", nil),
		"sub empty":             hs("sub", ""),
		"sub a number":          hs("sub", 7),
		"sub long":              hs("sub", strings.Repeat("s", 257)),
		"acl text":              hs("acl", "read:chat:*"),
		"acl null":              hs("acl", json.RawMessage("null")),
		"acl an object":         hs("acl", map[string]any{"read": true}),
		"acl of numbers":        hs("acl", []any{"read:chat:*", 1}),
		"acl with a bad rule":   hs("acl", []string{"read:chat:*", "everything"}),
		"acl of too many rules": hs("acl", make([]string, 1001)),
		"client empty":          hs("client", ""),
		"client a star":         hs("client", "*"),
		"client .*":             hs("client", ".*"),
		"client with a colon":   hs("client", "http:x"),
		"client a list":         hs("client", []string{"a"}),
		"limits a number":       hs("limits", 5),
		"jti a number":          hs("jti", 5),
		"not base64":            "a.b.!",
		"newline":               good + "\n",
		"space":                 " " + good,
		"padding":               parts[0] + "=." + parts[1] + "." + parts[2],
		"huge":                  strings.Repeat("x", 1<<20),
		"deep":                  forge(`{"alg":"HS256"}`, strings.Repeat("[", 10000), "x"),
		"NUL":                   "\x00.\x00.\x00",
	} {
		g, err := at(t, HMAC(secretA), RSA(&other.PublicKey).named("other")).try(token)
		if g != nil || !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v, %v", name, g, err)
			continue
		}
		if text := err.Error(); len(text) > 100 || strings.Contains(text, "ann") {
			t.Errorf("%s: the error says %q", name, text)
		}
	}
	if _, err := at(t, HMAC(secretA)).try(""); !errors.Is(err, ErrRequired) {
		t.Errorf("no token: %v", err)
	}
}

func (k Key) named(id string) Key { k.ID = id; return k }

// Expiry is exact to the leeway, and only a token that is good otherwise is told
// to be renewed.
func TestTimes(t *testing.T) {
	v := at(t, HMAC(secretA), Audience("hub"), Issuer("us"))
	c := func(more ...any) string {
		return sign(t, "HS256", []byte(secretA), claims(append([]any{"aud", "hub", "iss", "us"}, more...)...))
	}
	ago := func(d time.Duration) int64 { return noon.Add(-d).Unix() }
	for _, x := range []struct {
		name, token string
		want        error
	}{
		{"good", c(), nil},
		{"expired within the leeway", c("exp", ago(29*time.Second)), nil},
		{"expired", c("exp", ago(31*time.Second)), ErrExpired},
		{"expired, signed by another", sign(t, "HS256", []byte(secretB), claims("exp", ago(time.Hour))), ErrInvalid},
		{"expired, for another audience", c("exp", ago(time.Hour), "aud", "other"), ErrInvalid},
		{"expired, of another issuer", c("exp", ago(time.Hour), "iss", "them"), ErrInvalid},
		{"not yet, within the leeway", c("nbf", noon.Add(29*time.Second).Unix()), nil},
		{"audience missing", c("aud", nil), ErrInvalid},
		{"audience of another", c("aud", "hub2"), ErrInvalid},
		{"audience among several", c("aud", []string{"x", "hub"}), nil},
		{"issuer missing", c("iss", nil), ErrInvalid},
		{"issuer of another", c("iss", "US"), ErrInvalid},
	} {
		if _, err := v.try(x.token); !errors.Is(err, x.want) || (err == nil) != (x.want == nil) {
			t.Errorf("%s: %v, want %v", x.name, err, x.want)
		}
	}
}

func TestEveryKindOfKey(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, _ := ed25519.GenerateKey(rand.Reader)
	signers := map[string]any{"HS256": []byte(secretA), "RS256": rsaKey, "EdDSA": edKey}
	keys := map[string]Key{"HS256": HMAC(secretA), "RS256": RSA(&rsaKey.PublicKey), "EdDSA": EdDSA(edKey.Public().(ed25519.PublicKey))}
	for alg, curve := range map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384(), "ES512": elliptic.P521()} {
		k, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		signers[alg], keys[alg] = k, ECDSA(&k.PublicKey)
	}
	for alg, key := range keys {
		v := at(t, key)
		for by, signer := range signers {
			if _, err := v.try(sign(t, by, signer, claims())); (err == nil) != (by == alg) {
				t.Errorf("a %s key and a token signed by %s: %v", alg, by, err)
			}
		}
	}
	pss := keys["RS256"]
	pss.Algorithm = "PS256"
	if _, err := at(t, pss).try(sign(t, "PS256", rsaKey, claims())); err != nil {
		t.Errorf("pinned to PS256: %v", err)
	}
}

// During a rotation both keys verify; by kid each only its own tokens.
func TestRotation(t *testing.T) {
	both := at(t, HMAC(secretA), HMAC(secretB))
	named := at(t, HMAC(secretA).named("new"), HMAC(secretB).named("old"))
	for _, c := range []struct {
		v           *Verifier
		secret, kid string
		good        bool
	}{
		{both, secretA, "", true}, {both, secretB, "", true}, {both, secretB, "whatever", true},
		{named, secretA, "new", true}, {named, secretB, "old", true},
		{named, secretA, "old", false}, {named, secretA, "", false}, {named, secretA, "../../new", false},
		{named, secretA, "new' OR '1'='1", false}, {named, secretA, "new\x00", false},
	} {
		if _, err := c.v.try(sign(t, "HS256", []byte(c.secret), claims(), "kid", c.kid)); (err == nil) != c.good {
			t.Errorf("kid %q: %v", c.kid, err)
		}
	}
}

func TestRights(t *testing.T) {
	policy, err := acl.ParsePolicy([]byte(`{"default":["read:*"],"subjects":{"ann":["read:chat:*","write:chat:*"]}}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		options []Option
		claim   any
		want    string // of r and w on chat:x, then on game:x
	}{
		{"claim", nil, []string{"write:game:*"}, "---w"},
		{"empty claim", []Option{DefaultRules("read:*")}, []string{}, "----"},
		{"neither", nil, nil, "----"},
		{"default", []Option{DefaultRules("read:game:*")}, nil, "--r-"},
		{"policy", []Option{Policy(policy)}, nil, "rw--"},
		{"a claim narrows the policy", []Option{Policy(policy)}, []string{"write:*"}, "-w--"},
	} {
		g, err := at(t, append(c.options, HMAC(secretA))...).try(sign(t, "HS256", []byte(secretA), claims("acl", c.claim)))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		got := ""
		for _, stream := range []string{"chat:x", "game:x"} {
			for _, v := range []acl.Verb{acl.Read, acl.Write} {
				if g.Rights.Allow(v, stream) {
					got += string(v[0])
				} else {
					got += "-"
				}
			}
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestUnusableOptions(t *testing.T) {
	small, _ := rsa.GenerateKey(rand.Reader, 1024)
	odd := Key{Algorithm: "HS256"}
	wrong := HMAC(secretA)
	wrong.Algorithm = "none"
	cases := map[string][]Option{
		"nothing":          nil,
		"no key":           {Audience("hub")},
		"short secret":     {HMAC("your-secret-key")},
		"31 bytes":         {HMAC(secretA[1:])},
		"second one short": {HMAC(secretA), HMAC("")},
		"nil keys":         {RSA(nil)},
		"nil ECDSA":        {ECDSA(nil)},
		"nil EdDSA":        {EdDSA(nil)},
		"empty key":        {odd},
		"alg none":         {wrong},
		"bad rules":        {HMAC(secretA), DefaultRules("everything")},
		"http JWKS":        {JWKS("us", "http://keys.example/jwks")},
		"file JWKS":        {JWKS("us", "file:///etc/passwd")},
		"JWKS, no issuer":  {JWKS("", "https://keys.example/jwks")},
		"JWKS, user":       {JWKS("us", "https://u:p@keys.example/jwks")},
	}
	if small != nil {
		cases["small RSA"] = []Option{RSA(&small.PublicKey)}
	}
	for name, options := range cases {
		v := JWT(options...)
		if v.Check() == nil {
			t.Errorf("%s: taken", name)
		}
		if _, err := v.try(sign(t, "HS256", []byte(secretA), claims())); err == nil {
			t.Errorf("%s: and admits", name)
		}
	}
}

// issuer publishes keys.
type issuer struct {
	*httptest.Server
	asked  atomic.Int64
	body   atomic.Pointer[string]
	status atomic.Int64
}

func newIssuer(t testing.TB) *issuer {
	i := &issuer{}
	i.status.Store(200)
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.asked.Add(1)
		if r.URL.Path == "/moved" {
			http.Redirect(w, r, "/", http.StatusFound)
			return
		}
		w.WriteHeader(int(i.status.Load()))
		_, _ = w.Write([]byte(*i.body.Load()))
	}))
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) publish(keys ...map[string]any) {
	b, _ := json.Marshal(map[string]any{"keys": keys})
	s := string(b)
	i.body.Store(&s)
}

func edJWK(kid string, public crypto.PublicKey) map[string]any {
	return map[string]any{"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": base64.RawURLEncoding.EncodeToString(public.(ed25519.PublicKey))}
}

func TestJWKS(t *testing.T) {
	pub1, key1, _ := ed25519.GenerateKey(rand.Reader)
	pub2, key2, _ := ed25519.GenerateKey(rand.Reader)
	i := newIssuer(t)
	oct := map[string]any{"kty": "oct", "kid": "sym", "k": base64.RawURLEncoding.EncodeToString([]byte(secretA))}
	enc := edJWK("enc", pub2)
	enc["use"] = "enc"
	i.publish(edJWK("k1", pub1), oct, enc)
	v := at(t, JWKS("them", i.URL), JWKS("others", i.URL+"/others"))
	now := noon
	v.now = func() time.Time { return now }
	long := noon.Add(1000 * time.Hour).Unix()
	tok := func(key any, iss, kid string) string {
		return sign(t, "EdDSA", key, claims("iss", iss, "exp", long), "kid", kid)
	}
	require := func(what, token string, good bool, asked int64) {
		t.Helper()
		_, err := v.try(token)
		if (err == nil) != good || i.asked.Load() != asked {
			t.Fatalf("%s: %v after %d reads, want good %v after %d", what, err, i.asked.Load(), good, asked)
		}
	}
	require("no issuer named so", tok(key1, "nobody", "k1"), false, 0)
	require("first", tok(key1, "them", "k1"), true, 1)
	require("again", tok(key1, "them", "k1"), true, 1)
	require("shared secret from a URL", sign(t, "HS256", []byte(secretA), claims("iss", "them"), "kid", "sym"), false, 1)
	require("key for encryption", tok(key2, "them", "enc"), false, 1)
	require("an unknown kid, too soon", tok(key2, "them", "k2"), false, 1)
	now = now.Add(setBetween)
	i.publish(edJWK("k1", pub1), edJWK("k2", pub2))
	require("rotated", tok(key2, "them", "k2"), true, 2)
	for n := range 100 {
		require("made up", tok(key2, "them", strings.Repeat("x", n+1)), false, 2)
	}
	require("no kid", sign(t, "EdDSA", key1, claims("iss", "them", "exp", long)), false, 2)

	i.status.Store(500)
	now = now.Add(setRefresh + time.Second)
	require("stale if error", tok(key1, "them", "k1"), true, 3)
	require("and not asked at once again", tok(key1, "them", "k1"), true, 3)
	now = now.Add(setStale)
	require("too stale", tok(key1, "them", "k1"), false, 4)
	i.status.Store(200)
	now = now.Add(setBetween)
	require("back", tok(key1, "them", "k1"), true, 5)

	// The same kid under another issuer is another key.
	i.publish(edJWK("k1", pub2))
	require("the other issuer's", tok(key1, "others", "k1"), false, 6)
	require("its own", tok(key2, "others", "k1"), true, 6)
	require("the first one's still", tok(key1, "them", "k1"), true, 6)
}

func TestJWKSRefuses(t *testing.T) {
	pub, key, _ := ed25519.GenerateKey(rand.Reader)
	for name, set := range map[string]func(i *issuer) string{
		"redirect": func(i *issuer) string { return i.URL + "/moved" },
		"not JSON": func(i *issuer) string { s := "<html>"; i.body.Store(&s); return i.URL },
		"too large": func(i *issuer) string {
			s := *i.body.Load() + strings.Repeat(" ", setBytes)
			i.body.Store(&s)
			return i.URL
		},
		"status":  func(i *issuer) string { i.status.Store(404); return i.URL },
		"no keys": func(i *issuer) string { i.publish(); return i.URL },
	} {
		i := newIssuer(t)
		i.publish(edJWK("k", pub))
		if _, err := at(t, JWKS("them", set(i))).try(sign(t, "EdDSA", key, claims("iss", "them"), "kid", "k")); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// What a token's header names is never fetched.
func TestHeadersFetchNothing(t *testing.T) {
	pub, key, _ := ed25519.GenerateKey(rand.Reader)
	i := newIssuer(t)
	i.publish(edJWK("k", pub))
	v := at(t, HMAC(secretA))
	for _, name := range []string{"jku", "x5u", "jwk", "x5c"} {
		var value any = i.URL
		if name == "jwk" {
			value = edJWK("k", pub)
		}
		if _, err := v.try(sign(t, "EdDSA", key, claims(), name, value)); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if n := i.asked.Load(); n != 0 {
		t.Errorf("%d fetches", n)
	}
}

func TestSigner(t *testing.T) {
	s, err := HMACSigner([]byte(secretA))
	if err != nil {
		t.Fatal(err)
	}
	token, err := s.Sign(noon, Claims{Subject: "ann", Rules: []string{"read:*"}, Client: "c", Class: "small", Issuer: "us", Audience: "hub", Lifetime: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	g, err := at(t, HMAC(secretA), Issuer("us"), Audience("hub")).try(token)
	if err != nil || g.Subject != "ann" || g.ID == "" || !g.Expires.Equal(noon.Add(time.Hour)) || !g.Rights.Allow(acl.Read, "a") {
		t.Errorf("%+v, %v", g, err)
	}
	if _, claims, err := Peek(token); err != nil || claims["sub"] != "ann" {
		t.Errorf("peek: %v, %v", claims, err)
	}
	for name, c := range map[string]Claims{
		"no subject": {Lifetime: time.Hour}, "no lifetime": {Subject: "ann"}, "bad rule": {Subject: "ann", Rules: []string{"x"}, Lifetime: time.Hour},
		"bad client": {Subject: "ann", Client: "a:b", Lifetime: time.Hour}, "for ever": {Subject: "ann", Lifetime: math.MaxInt64},
	} {
		if _, err := s.Sign(time.Unix(latest-10, 0), c); err == nil {
			t.Errorf("%s: signed", name)
		}
	}
	if k := HMAC(NewSecret()); k.err != nil {
		t.Errorf("a new secret: %v", k.err)
	}
}

// No text is a token by chance, makes anything panic, or is told back.
func FuzzAuthenticate(f *testing.F) {
	good := sign(f, "HS256", []byte(secretA), claims())
	f.Add(good)
	f.Add(forge(`{"alg":"none"}`, `{"sub":"a"}`, ""))
	f.Add("..")
	v := at(f, HMAC(secretA))
	f.Fuzz(func(t *testing.T, token string) {
		g, err := v.try(token)
		if err == nil && token != good {
			t.Fatalf("%q is taken for %+v", token, g)
		}
		_, _, _ = Peek(token)
	})
}

// Whatever a signed token claims, it is refused or within its bounds.
func FuzzClaims(f *testing.F) {
	for _, s := range []string{`{"sub":"a","exp":1900000000}`, `{"sub":"a","exp":1e300,"acl":["*:*"]}`, `{"acl":[["read:a"]],"exp":"1"}`} {
		f.Add(s)
	}
	v := at(f, HMAC(secretA))
	f.Fuzz(func(t *testing.T, body string) {
		e := base64.RawURLEncoding.EncodeToString
		text := e([]byte(`{"alg":"HS256"}`)) + "." + e([]byte(body))
		sig, _ := jwt.SigningMethodHS256.Sign(text, []byte(secretA))
		g, err := v.try(text + "." + e(sig))
		if err != nil {
			return
		}
		if g.Subject == "" || len(g.Subject) > 256 || g.Rights == nil || g.Expires.Before(noon.Add(-leeway)) || g.Expires.Unix() > latest {
			t.Fatalf("%s is granted %+v", body, g)
		}
	})
}

func BenchmarkAuthenticate(b *testing.B) {
	rsaKey, _ := rsa.GenerateKey(rand.Reader, 2048)
	ecKey, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	_, edKey, _ := ed25519.GenerateKey(rand.Reader)
	kinds := map[string]struct {
		key    Key
		signer any
	}{
		"HS256": {HMAC(secretA), []byte(secretA)}, "RS256": {RSA(&rsaKey.PublicKey), rsaKey},
		"ES256": {ECDSA(&ecKey.PublicKey), ecKey}, "EdDSA": {EdDSA(edKey.Public().(ed25519.PublicKey)), edKey},
	}
	for alg, k := range maps.All(kinds) {
		b.Run(alg, func(b *testing.B) {
			v, token := at(b, k.key), sign(b, alg, k.signer, claims())
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.try(token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
