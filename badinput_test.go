package flowsync

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wavesiddhartha/flowsync/acl"
	"github.com/wavesiddhartha/flowsync/auth"
	"github.com/wavesiddhartha/flowsync/store"
	"github.com/wavesiddhartha/flowsync/wire"
)

// badInput is one thing that a hub must bear, and its answer.
type badInput struct {
	group, name string

	// pending says what the row waits for; it is counted, not run.
	pending string

	// on is the stream it is aimed at; empty: counter:bad. stands is how many of
	// its ops are committed nevertheless.
	on     string
	stands uint64

	// send sends it. What the hub answers is written down in the trial as
	// "426", "403 denied", "close 1002", "error bad_op", "reject bad_op 1",
	// "ack 1" and so on, and must be want, in any order.
	send func(a *trial)
	want []string

	// slow rows wait for time-outs; they run side by side.
	slow bool
}

// badInputs is the whole table.
func badInputs() []badInput {
	return slices.Concat(
		httpInputs(), frameInputs(), jsonInputs(), opInputs(), identityInputs(),
		aclInputs(), nameInputs(), tokenInputs(), limitInputs(), pendingInputs(),
	)
}

// TestBadInputs sends every bad input and requires its answer; that two
// witnesses, one on the same stream and one on another, go on working; that
// goroutines and descriptors are back to where they were; and that nothing of
// it is stored or logged.
func TestBadInputs(t *testing.T) {
	var groups []string
	rows, pending := map[string][]badInput{}, map[string]int{}
	for _, row := range badInputs() {
		group := row.group
		switch {
		case row.pending != "":
			pending[row.pending]++
			continue
		case row.slow:
			group = "slow"
		}
		if rows[group] == nil {
			groups = append(groups, group)
		}
		rows[group] = append(rows[group], row)
	}
	run := 0
	for _, group := range groups {
		run += len(rows[group])
		t.Run(group, func(t *testing.T) {
			w := newBadWorld(t)
			if group == "slow" {
				w.sockets.readTimeout = 3 * time.Second
			}
			w.run(t, rows[group])
		})
	}
	t.Logf("%d bad inputs were sent", run)
	for _, what := range keysOf(pending) {
		t.Logf("%d more wait for %s", pending[what], what)
	}
}

func keysOf[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// Text that must not be found in the log: bad inputs carry it as tokens and as
// values.
const (
	secret  = "s3cr3t-t0k3n"
	payload = "p4yl0ad"
)

// badWorld is a hub with streams of every rule and two witnesses.
type badWorld struct {
	*hubServer
	held        *heldStore
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
}

func newBadWorld(t *testing.T) *badWorld {
	held := &heldStore{Store: store.NewMemory()}
	w := &badWorld{held: held, hubServer: serveHub(t, Options{Auth: auth.Func(badWorldAuth), Store: held, Limits: Limits{StateBytes: 64 << 10}})}
	w.Stream("counter:*", Counter)
	w.Stream("other:*", Counter)
	w.Stream("set:*", Set)
	w.Stream("orset:*", ORSet)
	w.Stream("lww:*", LWW)
	w.Stream("map:*", Map)
	w.Stream("log:*", Log)
	w.Stream("eph:*", Ephemeral)
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
}

// verbs are rights on streams by name or pattern.
type verbs map[acl.Verb][]string

func (v verbs) Allow(verb acl.Verb, stream string) bool {
	return slices.ContainsFunc(v[verb], func(p string) bool { return p == stream || wire.MatchPattern(p, stream) })
}

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

func (w *badWorld) run(t *testing.T, rows []badInput) {
	base := census()
	base.goroutines++ // a subtest's own
	var slow sync.WaitGroup
	for i, row := range rows {
		client := fmt.Sprintf("bad-%d", i)
		if row.slow {
			slow.Go(func() { t.Run(row.name, func(t *testing.T) { w.trial(t, row, client).meet(row) }) })
			continue
		}
		t.Run(row.name, func(t *testing.T) {
			a := w.trial(t, row, client)
			before, digest := w.cursorOf(a.on)
			a.meet(row)
			after, now := w.cursorOf(a.on)
			if after.Offset != before.Offset+row.stands || row.stands == 0 && digest != now {
				t.Errorf("%d ops of it are stored, want %d (digest %.4x, then %.4x)", after.Offset-before.Offset, row.stands, digest, now)
			}
			w.same.work(a.on)
			w.other.work("other:counter")
			base.requireBack(t)
		})
	}
	slow.Wait()
	w.same.work("counter:bad")
	w.other.work("other:counter")
	base.requireBack(t)
}

func (w *badWorld) trial(t *testing.T, row badInput, client string) *trial {
	a := &trial{t: t, world: w, on: row.on, client: client}
	if a.on == "" {
		a.on = "counter:bad"
	}
	return a
}

// population is how many goroutines and descriptors the process has.
type population struct{ goroutines, descriptors int }

func census() population {
	open, _ := os.ReadDir("/proc/self/fd") // elsewhere they go uncounted
	return population{runtime.NumGoroutine(), len(open)}
}

func (p population) requireBack(t testing.TB) {
	t.Helper()
	var now population
	for until := time.Now().Add(10 * time.Second); time.Now().Before(until); time.Sleep(time.Millisecond) {
		if now = census(); now.goroutines <= p.goroutines && now.descriptors <= p.descriptors {
			return
		}
	}
	t.Errorf("after 10 s there are %+v, and there were %+v", now, p)
}

// trial is one bad input being sent.
type trial struct {
	t      testing.TB
	world  *badWorld
	on     string
	client string
	p      *peer
	opened bool // p has the stream open
	heard  []string
}

// meet sends a row and requires its answer.
func (a *trial) meet(row badInput) {
	a.t.Helper()
	row.send(a)
	if a.p != nil {
		a.listen(row.want...)
		a.p.conn.Close()
	}
	want := slices.Sorted(slices.Values(row.want))
	slices.Sort(a.heard)
	if !slices.Equal(a.heard, want) {
		a.t.Errorf("the answer is %q, want %q", a.heard, want)
	}
}

// connect upgrades with every right and says nothing.
func (a *trial) connect() *peer { return a.connectAs("all") }

func (a *trial) connectAs(token string) *peer {
	a.t.Helper()
	a.p = &peer{rawConn: dialRaw(a.t, a.world.url, "Authorization", "Bearer "+token)}
	return a.p
}

// join opens the stream in a session of its own.
func (a *trial) join() *peer { return a.joinAs("all", rw(a.on)) }

func (a *trial) joinAs(token string, opens ...wire.Open) *peer {
	a.t.Helper()
	p := a.connectAs(token)
	p.say(&wire.Hello{V: [2]int{1, 1}, Client: a.client, Inc: incOf(a.client), Streams: opens})
	p.welcome = await[*wire.Welcome](p)
	for range opens {
		await[*wire.Synced](p)
		a.opened = true
	}
	return p
}

// request makes one HTTP request below the mount point, with a body if it is
// not empty, and writes the answer down.
func (a *trial) request(method, path, body string, header ...string) *http.Response {
	a.t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "%s /flowsync%s HTTP/1.1\r\nHost: %s\r\n", method, path, strings.TrimPrefix(a.world.srv.URL, "http://"))
	for i := 0; i < len(header); i += 2 {
		fmt.Fprintf(&b, "%s: %s\r\n", header[i], header[i+1])
	}
	if body != "" {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	return a.raw(b.String() + "\r\n" + body)
}

// raw sends bytes on a connection of their own and writes the answer down.
func (a *trial) raw(text string) *http.Response {
	a.t.Helper()
	c := dialTCP(a.t, a.world.srv.URL)
	defer c.conn.Close()
	c.write([]byte(text))
	method, _, _ := strings.Cut(text, " ")
	return a.answered(c, method)
}

// answered reads the answer to a request and writes it down.
func (a *trial) answered(c *rawConn, method string) *http.Response {
	a.t.Helper()
	_ = c.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	resp, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		a.heard = append(a.heard, "no answer")
		return nil
	}
	what := fmt.Sprint(resp.StatusCode)
	if resp.StatusCode >= 400 && resp.Header.Get("Content-Type") == "application/json" {
		body := bodyOf(a.t, resp)
		resp.Body = io.NopCloser(strings.NewReader(body))
		f := fields(a.t, body)
		if code, ok := f["code"].(string); ok {
			what += " " + code
		}
		if r, ok := f["rejected"].(map[string]any); ok {
			what += fmt.Sprintf(" rejected %v %v", r["code"], r["seq"])
		}
	}
	a.heard = append(a.heard, what)
	return resp
}

// listen writes down what the hub says until all of want was said or it closed,
// and then what else it has to say before it answers a question about the stream
// and a ping.
func (a *trial) listen(want ...string) {
	a.t.Helper()
	for a.p.closed == 0 && !covers(a.heard, want) {
		a.hear(a.p.next())
	}
	if a.p.closed != 0 {
		return
	}
	if a.p.welcome == nil { // what is not a session answers not_ready
		a.p.say(&wire.Ping{N: fence})
		for msg := a.p.next(); ; msg = a.p.next() {
			if e, ok := msg.(*wire.Error); msg == nil || ok && e.Code == wire.NotReady {
				return
			}
			a.hear(msg)
		}
	}
	questions := []wire.ClientMessage{&wire.Ping{N: fence}}
	if a.opened {
		questions = append(questions, &wire.GetHistory{Ref: fmt.Sprint(fence), Stream: a.on, Limit: 1})
	}
	a.p.say(questions...)
	for left := len(questions); left > 0 && a.p.closed == 0; {
		msg := a.p.next()
		if answersFence(msg) {
			left--
			continue
		}
		a.hear(msg)
	}
}

// covers reports whether all of want is in heard, each as often.
func covers(heard, want []string) bool {
	rest := slices.Clone(heard)
	for _, w := range want {
		i := slices.Index(rest, w)
		if i < 0 {
			return false
		}
		rest = slices.Delete(rest, i, i+1)
	}
	return true
}

const fence = 31337

func answersFence(msg wire.HubMessage) bool {
	switch msg := msg.(type) {
	case *wire.Pong:
		return msg.N == fence
	case *wire.History:
		return msg.Ref == fmt.Sprint(fence)
	case *wire.Error:
		return msg.Ref == fmt.Sprint(fence)
	}
	return false
}

// hear writes one message down. Of acks the highest is kept.
func (a *trial) hear(msg wire.HubMessage) {
	var what string
	switch msg := msg.(type) {
	case nil:
		what = fmt.Sprintf("close %d", a.p.closed)
	case *wire.Error:
		what = "error " + string(msg.Code)
		if msg.Seq > 0 {
			what += fmt.Sprintf(" %d", msg.Seq)
		}
		if msg.Expected > 0 {
			what += fmt.Sprintf(" expected %d", msg.Expected)
		}
	case *wire.Reject:
		what = fmt.Sprintf("reject %s %d", msg.Code, msg.Seq)
	case *wire.Ack:
		a.heard = slices.DeleteFunc(a.heard, func(s string) bool { return strings.HasPrefix(s, "ack ") })
		what = fmt.Sprintf("ack %d", msg.Seq)
	case *wire.Synced:
		what = "synced " + string(msg.Outcome)
	case *wire.History:
		what = fmt.Sprintf("history of %d", len(msg.Entries))
	case *wire.Welcome:
		a.p.welcome = msg
		what = "welcome"
	case *wire.Pong:
		what = fmt.Sprintf("pong %d", msg.N)
	case *wire.Authed:
		what = "authed"
	default:
		return // what others do
	}
	a.heard = append(a.heard, what)
}

// lines sends lines on a session that has the stream open.
func lines(text ...string) func(*trial) {
	return func(a *trial) {
		p := a.join()
		for _, s := range text {
			p.text(s)
		}
	}
}

// bare sends lines on a connection that has said nothing.
func bare(text ...string) func(*trial) {
	return func(a *trial) {
		p := a.connect()
		for _, s := range text {
			p.text(s)
		}
	}
}

// ops pushes ops, as they are written, from seq 1.
func ops(list ...string) func(*trial) {
	return func(a *trial) {
		a.join().text(fmt.Sprintf(`{"t":"push","stream":%q,"seq":1,"ops":[%s]}`, a.on, strings.Join(list, ",")))
	}
}

// cheaply runs f and requires that the process allocates less than a megabyte
// meanwhile.
func (a *trial) cheaply(f func()) {
	a.t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 {
		a.t.Errorf("%d bytes were allocated", got)
	}
}
