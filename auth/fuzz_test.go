package auth

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"maps"
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

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
