package flowsync

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/wavesiddhartha/flowsync/acl"
	"github.com/wavesiddhartha/flowsync/auth"
	"github.com/wavesiddhartha/flowsync/store"
	"github.com/wavesiddhartha/flowsync/wire"
)

// everyone is a subject for each token, which is its name.
func everyone(_ context.Context, token string, _ *http.Request) (*Grant, error) {
	if token == "" {
		return nil, auth.ErrRequired
	}
	return &Grant{Subject: token, Rights: acl.All{}, ID: "id-" + token, Issued: time.Unix(1000, 0)}, nil
}

// A writer that is told to slow down sends again what was refused, and in the end
// all of it counts once.
func TestRateLimitLosesNothing(t *testing.T) {
	hs := serveHub(t, Options{Auth: auth.Func(everyone), Limits: Limits{OpsPerSubject: Rate{PerSecond: 100, Burst: 10}}})
	hs.Stream("counter:a", Counter)
	p, _ := hs.joinAs("ann", "tab", rw("counter:a"))
	const total = 30
	refusals := 0
	for next := uint64(1); next <= total; {
		p.push("counter:a", next, strings.Split(strings.Repeat(`{"op":"increment"} `, int(total-next)+1), " ")[:total-next+1]...)
		for told := false; !told; {
			switch msg := p.next().(type) {
			case *wire.Error:
				if msg.Code != wire.RateLimited || msg.Scope != "subject" || msg.Seq < next || msg.AfterMS < 1 {
					t.Fatalf("the answer is %s", msg.Append(nil))
				}
				refusals++
				told, next = true, msg.Seq
				time.Sleep(time.Duration(msg.AfterMS) * time.Millisecond)
			case *wire.Ack:
				if msg.Seq == total {
					told, next = true, total+1
				}
			case nil:
				t.Fatalf("closed with %d", p.closed)
			}
		}
	}
	if v := hs.value("counter:a"); v != fmt.Sprint(total) || refusals == 0 {
		t.Errorf("the value is %s after %d refusals, want %d after some", v, refusals, total)
	}
}

// The same over HTTP: 429 says when to come back, and the same request goes on.
func TestRateLimitOverHTTP(t *testing.T) {
	hs := serveHub(t, Options{Auth: auth.Func(everyone), Limits: Limits{OpsPerSubject: Rate{PerSecond: 50, Burst: 5}}})
	hs.Stream("counter:a", Counter)
	body := "[" + strings.Repeat(`{"op":"increment"},`, 7) + `{"op":"increment"}]`
	refusals := 0
	eventually(t, "the request is not done", func() bool {
		resp := hs.call("POST", "/streams/counter:a/ops", body, "Authorization", "Bearer ann", "Idempotency-Key", "k")
		if resp.StatusCode == http.StatusTooManyRequests {
			refusals++
			if resp.Header.Get("Retry-After") == "" {
				t.Fatal("no Retry-After")
			}
		}
		return resp.StatusCode == http.StatusOK
	})
	if v := hs.value("counter:a"); v != "8" || refusals == 0 {
		t.Errorf("the value is %s after %d refusals, want 8 after some", v, refusals)
	}
}

func TestRevoke(t *testing.T) {
	kept := store.NewMemory()
	hs := serveHub(t, Options{Auth: auth.Func(everyone), Store: kept})
	hs.Stream("counter:a", Counter)
	ctx := context.Background()
	mallory, _ := hs.joinAs("mallory", "m", rw("counter:a"))
	eve, _ := hs.joinAs("eve", "e", rw("counter:a"))
	ann, _ := hs.joinAs("ann", "a", rw("counter:a"))
	begun := time.Now()
	if err := hs.Revoke(ctx, Revocation{Subject: "mallory"}); err != nil {
		t.Fatal(err)
	}
	if err := hs.Revoke(ctx, Revocation{Token: "id-eve", Until: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	for _, p := range []*peer{mallory, eve} {
		for e := (*wire.Error)(nil); e == nil; e, _ = p.next().(*wire.Error) {
		}
		p.awaitClose(wire.CloseAuth)
	}
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("it took %v", took)
	}
	for token, want := range map[string]int{"mallory": 401, "eve": 401, "ann": 200} {
		if got := hs.call("GET", "/streams/counter:a", "", "Authorization", "Bearer "+token).StatusCode; got != want {
			t.Errorf("%s: status %d, want %d", token, got, want)
		}
	}
	ann.push("counter:a", 1, `{"op":"increment"}`)
	ann.acked(1)
	for _, r := range []Revocation{{}, {Subject: "a", Token: "b"}} {
		if hs.Revoke(ctx, r) == nil {
			t.Errorf("%+v is taken", r)
		}
	}
	if list, err := kept.Revocations(ctx, 0); err != nil || len(list) != 2 {
		t.Errorf("the store has %v, %v", list, err)
	}
}

// A token that was issued after its subject was revoked is good.
func TestRevokeIsUpToNow(t *testing.T) {
	issued := time.Now().Add(-time.Minute)
	hub, _ := newHub(t, Options{Auth: auth.Func(func(context.Context, string, *http.Request) (*Grant, error) {
		return &Grant{Subject: "ann", Rights: acl.All{}, Issued: issued}, nil
	})})
	defer hub.Shutdown(context.Background())
	if err := hub.Revoke(context.Background(), Revocation{Subject: "ann"}); err != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequest("GET", "/", nil)
	if _, err := hub.authenticate("x", req); err == nil || err.Code != wire.AuthRevoked {
		t.Errorf("an older token: %v", err)
	}
	issued = time.Now().Add(2 * time.Second)
	if _, err := hub.authenticate("x", req); err != nil {
		t.Errorf("a newer token: %v", err)
	}
	issued = time.Time{}
	if _, err := hub.authenticate("x", req); err == nil {
		t.Error("a token that does not say when it was issued is taken")
	}
}

// What one hub revokes ends on another that shares its store within 5 s.
func TestRevokeReachesOtherHubs(t *testing.T) {
	shared := store.NewMemory()
	one, _ := newHub(t, Options{Auth: auth.Func(everyone), Store: shared})
	defer one.Shutdown(context.Background())
	other := serveHub(t, Options{Auth: auth.Func(everyone), Store: shared})
	other.Stream("counter:a", Counter)
	p, _ := other.joinAs("mallory", "m", r("counter:a"))
	events := make(chan int, 1)
	go func() {
		req, _ := http.NewRequest("GET", other.url+"/streams/counter:a/events", nil)
		req.Header.Set("Authorization", "Bearer mallory")
		resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
		if err != nil {
			events <- 0
			return
		}
		defer resp.Body.Close()
		_, _ = new(bytes.Buffer).ReadFrom(resp.Body) // until the hub ends it
		events <- resp.StatusCode
	}()
	eventually(t, "the events are not open", func() bool {
		other.visitors.mu.Lock()
		defer other.visitors.mu.Unlock()
		return len(other.visitors.all) == 1
	})
	if err := one.Revoke(context.Background(), Revocation{Subject: "mallory"}); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	p.Patience = 6 * time.Second
	p.awaitClose(wire.CloseAuth)
	if status := <-events; status != http.StatusOK {
		t.Errorf("the events: status %d", status)
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestKick(t *testing.T) {
	hs := serveHub(t, Options{Auth: auth.Func(everyone)})
	hs.Stream("counter:a", Counter)
	phone, _ := hs.joinAs("ann", "phone", r("counter:a"))
	tab, _ := hs.joinAs("ann", "tab", r("counter:a"))
	bob, _ := hs.joinAs("bob", "phone", r("counter:a"))
	if n := hs.Kick("ann", "phone"); n != 1 {
		t.Errorf("%d sessions were kicked", n)
	}
	phone.awaitClose(wire.CloseForbidden)
	tab.quiet(func(wire.HubMessage) bool { return true })
	bob.quiet(func(wire.HubMessage) bool { return true })
	if n := hs.Kick("ann", ""); n != 1 {
		t.Errorf("%d sessions were kicked", n)
	}
	tab.awaitClose(wire.CloseForbidden)
}

// While nobody knows what was revoked, nobody is admitted; once it is known, an
// outage is borne for as long as was configured.
func TestRevocationsUnknown(t *testing.T) {
	st := &deafStore{Store: store.NewMemory()}
	st.deaf = true
	hub, _ := newHub(t, Options{Auth: auth.Func(everyone), Store: st, FailClosedAfter: time.Hour})
	defer hub.Shutdown(context.Background())
	req := httptest.NewRequest("GET", "/", nil)
	if _, err := hub.authenticate("ann", req); err == nil || err.Code != wire.Unavailable {
		t.Errorf("while the store never answered: %v", err)
	}
	hub.revoked.took(nil, time.Now())
	if _, err := hub.authenticate("ann", req); err != nil {
		t.Errorf("after it answered: %v", err)
	}
	hub.revoked.took(nil, time.Now().Add(-2*time.Hour))
	if _, err := hub.authenticate("ann", req); err == nil || err.Code != wire.Unavailable {
		t.Errorf("after too long an outage: %v", err)
	}
}

// deafStore does not say what was revoked.
type deafStore struct {
	store.Store
	deaf bool
}

func (s *deafStore) Revocations(ctx context.Context, after uint64) ([]store.Revocation, error) {
	if s.deaf {
		return nil, store.ErrUnavailable
	}
	return s.Store.Revocations(ctx, after)
}

func TestClientAddr(t *testing.T) {
	hub, _ := newHub(t, Options{Auth: Anonymous, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}})
	defer hub.Shutdown(context.Background())
	for _, c := range []struct{ peer, header, want string }{
		{"198.51.100.7:1", "", "198.51.100.7"},
		{"198.51.100.7:1", "203.0.113.9", "198.51.100.7"}, // whoever says so is not trusted
		{"10.0.0.1:1", "203.0.113.9", "203.0.113.9"},
		{"10.0.0.1:1", "1.1.1.1, 203.0.113.9", "203.0.113.9"}, // the first can be made up
		{"10.0.0.1:1", "1.1.1.1, 203.0.113.9, 10.0.0.2", "203.0.113.9"},
		{"10.0.0.1:1", "10.0.0.3,10.0.0.2", "10.0.0.3"},
		{"10.0.0.1:1", "nonsense", "10.0.0.1"},
		{"10.0.0.1:1", "203.0.113.9, nonsense", "10.0.0.1"},
		{"[fd00::1]:1", "2001:db8::9", "2001:db8::9"},
		{"[::ffff:10.0.0.1]:1", "::ffff:203.0.113.9", "203.0.113.9"},
		{"@", "203.0.113.9", "invalid IP"},
	} {
		req := &http.Request{RemoteAddr: c.peer, Header: http.Header{}}
		if c.header != "" {
			req.Header.Set("X-Forwarded-For", c.header)
		}
		if got := hub.clientAddr(req).String(); got != c.want {
			t.Errorf("%s with %q is %s, want %s", c.peer, c.header, got, c.want)
		}
	}
	a, b := counted(netip.MustParseAddr("2001:db8:1:2::1")), counted(netip.MustParseAddr("2001:db8:1:2:ffff::9"))
	if a != b || a == counted(netip.MustParseAddr("2001:db8:1:3::1")) {
		t.Error("IPv6 addresses are not counted by their /64")
	}
}

func TestMaskText(t *testing.T) {
	for text, want := range map[string]string{
		"read tcp 127.0.0.1:8765->203.0.113.77:51812: i/o timeout":   "read tcp 127.0.***.***:8765->203.0.***.***:51812: i/o timeout",
		"read tcp [::1]:8765->[2001:db8:1:2:3:4:5:6]:51812: refused": "read tcp [::/48]:8765->[2001:db8:1::/48]:51812: refused",
		"peer fe80::1%eth0 left":                                     "peer fe80::/48%eth0 left",
		"from ::ffff:203.0.113.77":                                   "from 203.0.***.***",
		"at 12:30:45 version 1.26.8, a:b:c, x::y.":                   "at 12:30:45 version 1.26.8, a:b:c, x::y.",
		"counter:value": "counter:value",
		"":              "",
	} {
		if got := maskText(text); got != want {
			t.Errorf("%q is masked to %q, want %q", text, got, want)
		}
	}
	var out bytes.Buffer
	log := slog.New(discreet{slog.NewTextHandler(&out, nil)}).With("who", "203.0.113.77").WithGroup("g")
	log.Info("from 203.0.113.77", "err", &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(203, 0, 113, 77), Port: 1}, Err: errors.New("x")},
		slog.Group("in", "addr", "203.0.113.77"), "n", 5, "any", netip.MustParseAddr("203.0.113.77"))
	if strings.Contains(out.String(), "113.77") || !strings.Contains(out.String(), "g.n=5") {
		t.Errorf("the log says %s", out.String())
	}
}

func FuzzMaskText(f *testing.F) {
	f.Add("read tcp 127.0.0.1:8765->[::1]:1")
	f.Fuzz(func(t *testing.T, text string) {
		const ip = "203.0.113.77"
		got := maskText(text + " " + ip + " " + text)
		if strings.Count(got, ip) > strings.Count(text+" "+text, ip) {
			t.Errorf("%q is masked to %q", text, got)
		}
	})
}
