package flowsync

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wavesiddhartha/flowsync/acl"
	"github.com/wavesiddhartha/flowsync/auth"
	"github.com/wavesiddhartha/flowsync/store"
	"github.com/wavesiddhartha/flowsync/wire"
)

// badWorld is a hub with streams of every rule and two witnesses.
type badWorld struct {
	*hubServer
	held        *heldStore
	issuers     *issuers
	same, other *witness
}

// attacked are the streams that bad inputs are aimed at, one of each rule, and
// an op that is fine there.
var attacked = map[string]string{
	"counter:bad": `{"op":"increment"}`,
	"set:bad":     `{"op":"add","value":"w%d"}`,
	"orset:bad":   `{"op":"add","value":"w%d"}`,
	"lww:bad":     `{"op":"set","value":%d}`,
	"map:bad":     `{"key":"w","op":"set","value":%d}`,
	"log:bad":     `{"op":"append","value":%d}`,
	"eph:bad":     `{"key":"w","op":"set","value":%d}`,
	"high:bad":    `{"op":"decrement"}`,
	"text:bad":    `{"op":"insert","pos":0,"text":"w"}`,
}

func newBadWorld(t *testing.T) *badWorld {
	held := &heldStore{Store: store.NewMemory()}
	w := &badWorld{held: held, issuers: newIssuers(t)}
	limits := Limits{
		StateBytes: 64 << 10, InflightTotal: 4 << 20, RefusedPerAddress: unlimited(),
		Classes: map[string]Class{"slow": {Ops: Rate{PerSecond: 1, Burst: 20}}, "few": {Conns: 3}},
	}
	w.hubServer = serveHub(t, Options{Auth: auth.Func(w.authenticate), Store: held, Limits: limits})
	w.Stream("counter:*", Counter)
	w.Stream("other:*", Counter)
	w.Stream("set:*", Set)
	w.Stream("orset:*", ORSet)
	w.Stream("lww:*", LWW)
	w.Stream("map:*", Map)
	w.Stream("log:*", Log)
	w.Stream("eph:*", Ephemeral)
	w.Stream("text:*", Text)
	w.Stream("high:*", Counter, Initial("1"+strings.Repeat("0", 38)))
	w.same = w.witness("witness-same", keysOf(attacked)...)
	w.other = w.witness("witness-other", "other:counter")
	for on := range attacked {
		w.same.work(on)
	}
	w.other.work("other:counter")
	t.Cleanup(func() {
		for _, text := range []string{secret, payload, "127.0.0.1", "[::1]"} {
			if at := strings.Index(w.log.String(), text); at >= 0 {
				t.Errorf("the log holds %q: %.200s", text, w.log.String()[max(0, at-100):])
			}
		}
	})
	return w
}

// grants are the tokens of the bad world. "all" may do everything.
var grants = map[string]*Grant{
	"all":    {Subject: "all", Rights: acl.All{}},
	"ann":    {Subject: "ann", Rights: acl.All{}},
	"pinned": {Subject: "pinned", Client: "pinned-1", Rights: acl.All{}},
	"nobody": {Subject: "nobody", Rights: verbs{}},
	"reader": {Subject: "reader", Rights: verbs{acl.Read: {"counter:bad"}}},
	"writer": {Subject: "writer", Rights: verbs{acl.Write: {"counter:bad"}}},
	"public": {Subject: "public", Rights: verbs{
		acl.Read: {"counter:public"}, acl.Write: {"counter:public"}, acl.History: {"counter:public"}, acl.Presence: {"counter:public"},
	}},
	"no rights": {Subject: "none"},
	"slow":      {Subject: "slow", Rights: acl.All{}, Class: "slow"},
	"few":       {Subject: "few", Rights: acl.All{}, Class: "few"},
}

// verbs are rights on streams by name or pattern.
type verbs map[acl.Verb][]string

func (v verbs) Allow(verb acl.Verb, stream string) bool {
	return slices.ContainsFunc(v[verb], func(p string) bool { return p == stream || wire.MatchPattern(p, stream) })
}

// authenticate takes JSON Web Tokens of the world's issuers, and others by their
// names.
func (w *badWorld) authenticate(ctx context.Context, token string, r *http.Request) (*Grant, error) {
	if strings.Count(token, ".") == 2 {
		return w.issuers.tokens.Authenticate(ctx, token, r)
	}
	return badWorldAuth(ctx, token, r)
}

// badWorldAuth takes the tokens of the table above by their names.
func badWorldAuth(_ context.Context, token string, _ *http.Request) (*Grant, error) {
	switch token {
	case "":
		return nil, auth.ErrRequired
	case "expired":
		return nil, fmt.Errorf("%w: at noon", auth.ErrExpired)
	case "revoked":
		return nil, fmt.Errorf("%w: by hand", auth.ErrRevoked)
	}
	if g := grants[token]; g != nil {
		return g, nil
	}
	return nil, fmt.Errorf("%w: no such token %s", auth.ErrInvalid, token)
}

// witness is a client that goes on working whatever others do.
type witness struct {
	*peer
	seq map[string]uint64
}

func (w *badWorld) witness(client string, streams ...string) *witness {
	p := w.dial("Authorization", "Bearer all")
	hello := &wire.Hello{V: [2]int{1, 1}, Client: client, Inc: incOf(client)}
	for _, s := range streams {
		hello.Streams = append(hello.Streams, rw(s))
	}
	p.say(hello)
	for range streams {
		await[*wire.Synced](p)
	}
	return &witness{peer: p, seq: map[string]uint64{}}
}

// work pushes an op and requires its ack and its entry.
func (w *witness) work(on string) {
	w.t.Helper()
	op := attacked[on]
	if op == "" {
		op = attacked["counter:bad"]
	}
	w.seq[on]++
	n := w.seq[on]
	if strings.Contains(op, "%d") {
		op = fmt.Sprintf(op, n)
	}
	if strings.HasPrefix(on, "eph:") {
		w.push(on, 0, op)
		await(w.peer, func(m *wire.Ops) bool { return m.Stream == on && string(m.Entries[0].Op) == op })
		return
	}
	w.push(on, n, op)
	for acked, entered := false, false; !acked || !entered; {
		switch msg := w.next().(type) {
		case nil:
			w.t.Fatalf("a witness was closed with %d", w.closed)
		case *wire.Error, *wire.Reject:
			w.t.Fatalf("a witness got %s", msg.Append(nil))
		case *wire.Ack:
			acked = acked || msg.Stream == on && msg.Seq == n
		case *wire.Ops:
			entered = entered || msg.Stream == on && slices.ContainsFunc(msg.Entries, func(e wire.Entry) bool {
				return e.Seq == n && e.Inc == incOf("witness-same") || e.Inc == incOf("witness-other")
			})
		}
	}
}

// population is how many goroutines and descriptors the process has.
type population struct{ goroutines, descriptors int }

func census() population {
	open, _ := os.ReadDir("/proc/self/fd") // elsewhere they go uncounted
	return population{runtime.NumGoroutine(), len(open)}
}

func (p population) requireBack(t testing.TB) {
	t.Helper()
	p.requireBackWithin(t, 10*time.Second)
}

func (p population) requireBackWithin(t testing.TB, d time.Duration) {
	t.Helper()
	var now population
	for until := time.Now().Add(d); time.Now().Before(until); time.Sleep(time.Millisecond) {
		if now = census(); now.goroutines <= p.goroutines && now.descriptors <= p.descriptors {
			return
		}
	}
	t.Errorf("after %v there are %+v, and there were %+v", d, now, p)
}
