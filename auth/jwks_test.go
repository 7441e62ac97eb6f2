package auth

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

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
	if _, err := v.try(tok(key1, "them", "k1")); err != nil {
		t.Fatalf("stale while it is read: %v", err)
	}
	v.sets[0].reads.Wait()
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

// Keys that are old are read beside their use: nobody waits for an issuer that
// takes its time, and Close ends the reading.
func TestJWKSIsReadBeside(t *testing.T) {
	pub, key, _ := ed25519.GenerateKey(rand.Reader)
	i := newIssuer(t)
	i.publish(edJWK("k", pub))
	slow := make(chan struct{})
	held := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if i.asked.Add(1) > 1 {
			select {
			case <-slow:
			case <-r.Context().Done():
			}
		}
		_, _ = w.Write([]byte(*i.body.Load()))
	}))
	t.Cleanup(held.Close)
	t.Cleanup(func() { close(slow) })
	v := at(t, JWKS("them", held.URL))
	now := noon
	v.now = func() time.Time { return now }
	token := sign(t, "EdDSA", key, claims("iss", "them", "exp", noon.Add(1000*time.Hour).Unix()), "kid", "k")
	for n, later := range []time.Duration{0, setRefresh + time.Second, time.Minute} {
		now = now.Add(later)
		begun := time.Now()
		if _, err := v.try(token); err != nil || time.Since(begun) > time.Second {
			t.Errorf("token %d: %v after %v", n, err, time.Since(begun))
		}
	}
	for until := time.Now().Add(10 * time.Second); i.asked.Load() < 2 && time.Now().Before(until); {
		time.Sleep(time.Millisecond)
	}
	begun := time.Now()
	if err := v.Close(); err != nil || time.Since(begun) > time.Second {
		t.Errorf("close: %v after %v", err, time.Since(begun))
	}
	if n := i.asked.Load(); n != 2 {
		t.Errorf("the keys were asked for %d times", n)
	}
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
