package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/MicahParks/keyfunc/v3"
)

// How the keys of an issuer are kept.
const (
	setRefresh = 15 * time.Minute // after that they are read again
	setBetween = 10 * time.Second // and never more often, whatever kids are asked for
	setStale   = 24 * time.Hour   // while the URL fails they are used so long
	setTimeout = 5 * time.Second
	setBytes   = 1 << 20
	setKeys    = 100
)

// JWKS takes tokens of an issuer that publishes its keys at a URL, as OpenID
// providers do. They are read when a token needs them, every 15 minutes beside the
// use of those at hand, and when a token names a kid that is not there, at most
// every 10 s; while the URL fails, those at hand are used for a day. The URL must be https, or of this machine; it
// is not followed elsewhere. Keys that are not RSA, ECDSA or Ed25519 are ignored.
func JWKS(issuer, address string) Option {
	return option(func(v *Verifier) error {
		u, err := url.Parse(address)
		if err != nil || u.Host == "" || u.User != nil {
			return errors.New("the address of a JWKS is not a URL")
		}
		if u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
			return errors.New("the address of a JWKS must begin with https://")
		}
		if issuer == "" {
			return errors.New("a JWKS needs the issuer whose tokens its keys verify")
		}
		v.sets = append(v.sets, newKeySet(issuer, address))
		return nil
	})
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// keySet holds the keys of one issuer.
type keySet struct {
	issuer, url string
	client      *http.Client
	reads       sync.WaitGroup  // fetches that nobody waits for
	ctx         context.Context // of these
	stop        context.CancelFunc

	mu       sync.Mutex // guards what follows; not held while keys are read
	keys     []Key
	read     time.Time     // when keys came
	tried    time.Time     // when they were asked for
	fetching chan struct{} // closed when the fetch under way ends; nil: none is
}

func newKeySet(issuer, address string) *keySet {
	ctx, stop := context.WithCancel(context.Background())
	return &keySet{
		issuer: issuer, url: address, ctx: ctx, stop: stop,
		client: &http.Client{
			Timeout:   setTimeout,
			Transport: &http.Transport{DisableKeepAlives: true, Proxy: http.ProxyFromEnvironment},
			CheckRedirect: func(*http.Request, []*http.Request) error {
				return errors.New("a JWKS address does not redirect")
			},
		},
	}
}

// get returns the keys, read anew if they lack kid. Who finds its key among those
// at hand waits for nobody: if they are old, they are read beside.
func (s *keySet) get(ctx context.Context, now time.Time, kid string) []Key {
	s.mu.Lock()
	defer s.mu.Unlock()
	missing := len(s.keys) == 0 || kid != "" && !slices.ContainsFunc(s.keys, func(k Key) bool { return k.ID == kid })
	old := now.Sub(s.read) > setRefresh
	switch {
	case s.fetching != nil && missing:
		s.await(ctx, s.fetching)
	case s.fetching != nil, !s.tried.IsZero() && now.Sub(s.tried) < setBetween:
	case missing || now.Sub(s.read) > setStale || old && s.ctx.Err() != nil:
		s.begin(now)
		s.mu.Unlock()
		s.refresh(context.WithoutCancel(ctx), now) // who gives up must not make others wait for ten seconds
		s.mu.Lock()
	case old:
		s.begin(now)
		s.reads.Go(func() { s.refresh(s.ctx, now) })
	}
	if now.Sub(s.read) > setStale {
		return nil
	}
	return s.keys
}

// await waits for the fetch of another. Called with mu.
func (s *keySet) await(ctx context.Context, fetching chan struct{}) {
	s.mu.Unlock()
	defer s.mu.Lock()
	select {
	case <-fetching:
	case <-ctx.Done():
	}
}

// begin notes that the keys are being read; refresh must follow. Called with mu.
func (s *keySet) begin(now time.Time) { s.tried, s.fetching = now, make(chan struct{}) }

// refresh reads the keys, and keeps those at hand if that fails.
func (s *keySet) refresh(ctx context.Context, now time.Time) {
	keys, err := s.fetch(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.keys, s.read = keys, now
	}
	close(s.fetching)
	s.fetching = nil
}

// close ends the fetches that nobody waits for, and returns when they have ended.
func (s *keySet) close() {
	s.mu.Lock()
	s.stop()
	s.mu.Unlock()
	s.reads.Wait()
}

// fetch reads the keys from the URL.
func (s *keySet) fetch(ctx context.Context) ([]Key, error) {
	ctx, cancel := context.WithTimeout(ctx, setTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the JWKS address answers %d", resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, setBytes+1))
	if err != nil {
		return nil, err
	}
	if len(body) > setBytes {
		return nil, errors.New("the JWKS is too large")
	}
	return s.parse(ctx, body)
}

// parse takes from a set the keys that can be used here.
func (s *keySet) parse(ctx context.Context, body []byte) ([]Key, error) {
	set, err := keyfunc.NewJWKSetJSON(body)
	if err != nil {
		return nil, err
	}
	all, err := set.Storage().KeyReadAll(ctx)
	if err != nil {
		return nil, err
	}
	var keys []Key
	for _, j := range all {
		m := j.Marshal()
		var k Key
		switch public := j.Key().(type) {
		case *rsa.PublicKey:
			k = RSA(public)
		case *ecdsa.PublicKey:
			k = ECDSA(public)
		case ed25519.PublicKey:
			k = EdDSA(public)
		default:
			continue // a shared secret does not belong at a URL
		}
		k.ID, k.issuer = m.KID, s.issuer
		if alg := m.ALG.String(); alg != "" {
			k.Algorithm = alg
		}
		usable := k.err == nil && slices.Contains(k.family(), k.Algorithm) && (m.USE.String() == "" || m.USE.String() == "sig")
		if usable && len(keys) < setKeys {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("the JWKS holds no key that can be used")
	}
	return keys, nil
}
