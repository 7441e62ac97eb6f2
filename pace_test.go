package flowsync

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wavesiddhartha/flowsync/acl"
	"github.com/wavesiddhartha/flowsync/auth"
	"github.com/wavesiddhartha/flowsync/wire"
)

// Who floods is read no faster than it may send, is told so in the end, and holds
// up nobody else; that is counted.
func TestFloodIsPacedAndClosed(t *testing.T) {
	reg := prometheus.NewRegistry()
	hs := serveHub(t, Options{Auth: auth.Func(everyone), Registerer: reg, Limits: Limits{OpsPerSubject: Rate{PerSecond: 50, Burst: 50}}})
	hs.Stream("counter:a", Counter)
	mallory, _ := hs.joinAs("mallory", "m", r("counter:a"))
	begun := time.Now()
	mallory.Patience = 20 * time.Second
	go func() {
		pings := strings.TrimSuffix(strings.Repeat(`{"t":"ping","n":1}`+"\n", 100), "\n")
		for i := 0; i < 30; i++ { // the burst is 1,000 lines, and 100 come in a second
			mallory.Text(pings)
		}
	}()
	pongs := 0
	for msg := mallory.next(); msg != nil; msg = mallory.next() {
		if _, ok := msg.(*wire.Pong); ok {
			pongs++
		}
	}
	took := time.Since(begun)
	if mallory.closed != wire.CloseRate || pongs < 900 || pongs > 1900 || took < 3*time.Second {
		t.Errorf("closed with %d after %v and %d pongs", mallory.closed, took, pongs)
	}
	ann, _ := hs.joinAs("ann", "a", rw("counter:a"))
	ann.push("counter:a", 1, `{"op":"increment"}`)
	ann.acked(1)
	if got := gathered(t, reg); got["flowsync_paused_reads_total"] < 3 || got[`flowsync_disconnects_total{reason="rate"}`] != 1 {
		t.Errorf("%v pauses, %v closed for their rate", got["flowsync_paused_reads_total"], got[`flowsync_disconnects_total{reason="rate"}`])
	}
	if resp := hs.call("GET", "/streams/counter:a", "", "Authorization", "Bearer mallory"); resp.StatusCode != http.StatusTooManyRequests {
		t.Errorf("a request of the subject right after: status %d", resp.StatusCode)
	}
}

// New writers of a subject, which the store remembers for ever, have a rate of
// their own; those who wrote before go on.
func TestNewWritersAreLimited(t *testing.T) {
	reg := prometheus.NewRegistry()
	hs := serveHub(t, Options{Auth: auth.Func(everyone), Registerer: reg, Limits: Limits{WritersPerSubject: Rate{PerSecond: 1, Burst: 3}}})
	hs.Stream("counter:a", Counter)
	first, _ := hs.joinAs("ann", "phone.0", rw("counter:a"))
	first.push("counter:a", 1, `{"op":"increment"}`)
	first.acked(1)
	refused := 0
	for i := range 4 {
		key := fmt.Sprint("key-", i)
		resp := hs.call("POST", "/streams/counter:a/ops", `{"op":"increment"}`, "Authorization", "Bearer ann", "Idempotency-Key", key)
		if resp.StatusCode == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused < 1 || refused > 2 {
		t.Errorf("%d of 4 new keys are refused", refused)
	}
	p, _ := hs.joinAs("ann", "phone.1", rw("counter:a"))
	p.push("counter:a", 1, `{"op":"increment"}`)
	if e := await[*wire.Error](p); e.Code != wire.RateLimited || e.Scope != "writers" || e.AfterMS > 1000 {
		t.Errorf("a new client is told %s", e.Append(nil))
	}
	first.push("counter:a", 2, `{"op":"increment"}`)
	first.acked(2)
	if n := gathered(t, reg)[`flowsync_rate_limited_total{scope="writers"}`]; n != 1 {
		t.Errorf("%v are counted", n)
	}
}

// Who brings one bad token after the other has to wait, with a good one too.
func TestRefusedTokensAreLimited(t *testing.T) {
	reg := prometheus.NewRegistry()
	hs := serveHub(t, Options{Auth: auth.Func(badWorldAuth), Registerer: reg, Limits: Limits{RefusedPerAddress: Rate{PerSecond: 1, Burst: 5}}})
	hs.Stream("counter:a", Counter)
	for i := range 8 {
		status := hs.call("GET", "/streams/counter:a", "", "Authorization", "Bearer wrong").StatusCode
		if want := map[bool]int{true: 401, false: 429}[i <= 5]; status != want {
			t.Errorf("token %d: status %d, want %d", i, status, want)
		}
	}
	p := hs.dial()
	p.say(&wire.Hello{V: [2]int{1, 1}, Client: "a", Inc: incOf("a"), Token: "all"})
	if e := await[*wire.Error](p); e.Code != wire.RateLimited || e.Scope != "address" || e.AfterMS < 1 {
		t.Errorf("hello is answered %s", e.Append(nil))
	}
	p.awaitClose(wire.CloseRate)
	wantMetrics(t, reg, map[string]float64{`flowsync_rate_limited_total{scope="address"}`: 3, `flowsync_handshakes_total{result="rate"}`: 1, `flowsync_denials_total{action="read",kind="auth"}`: 6})
	time.Sleep(1100 * time.Millisecond)
	if status := hs.call("GET", "/streams/counter:a", "", "Authorization", "Bearer all").StatusCode; status != http.StatusOK {
		t.Errorf("a second later a good token: status %d", status)
	}
}

// A session, and a request for events, end within a second of the end of their
// token and its leeway, also when the token had expired before the hub began.
func TestGrantEndsOnTime(t *testing.T) {
	const left = 1500 * time.Millisecond
	end := time.Now().Add(left)
	hs := serveHub(t, Options{Auth: auth.Func(func(context.Context, string, *http.Request) (*Grant, error) {
		return &Grant{Subject: "ann", Rights: acl.All{}, Expires: end.Add(-30 * time.Second)}, nil
	})})
	hs.Stream("counter:a", Counter)
	onTime := func(what string) {
		t.Helper()
		if late := time.Since(end); late < 0 || late > 1200*time.Millisecond {
			t.Errorf("%s ended %v after its token", what, late)
		}
	}
	p, _ := hs.joinAs("ann", "tab", r("counter:a"))
	events := make(chan error, 1)
	go func() {
		req, _ := http.NewRequest("GET", hs.url+"/streams/counter:a/events", nil)
		req.Header.Set("Authorization", "Bearer ann")
		resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
		if err == nil {
			_, err = resp.Body.Read(make([]byte, 1))
			for err == nil {
				_, err = resp.Body.Read(make([]byte, 4096))
			}
			resp.Body.Close()
		}
		events <- err
	}()
	<-events
	onTime("a request for events")
	for e := (*wire.Error)(nil); e == nil; e, _ = p.next().(*wire.Error) {
		if p.closed != 0 {
			break
		}
	}
	p.awaitClose(wire.CloseExpired)
	onTime("a session")
}
