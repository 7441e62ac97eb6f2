package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"strings"
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
