package flowsync

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wavesiddhartha/flowsync/internal/socket/sockettest"
	"github.com/wavesiddhartha/flowsync/wire"
)

// trial is one bad input being sent.
type trial struct {
	t      testing.TB
	world  *badWorld
	on     string
	client string
	p      *peer
	others []*peer // further sessions, closed with p
	opened bool    // p has the stream open
	heard  []string
}

// meet sends a row and requires its answer.
func (a *trial) meet(row badInput) {
	a.t.Helper()
	row.send(a)
	defer func() {
		for _, p := range a.others {
			p.Conn.Conn.Close()
		}
	}()
	if a.p != nil {
		a.listen(row.want...)
		a.p.Conn.Conn.Close()
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
	a.p = &peer{t: a.t, Conn: sockettest.Dial(a.t, a.world.url, "Authorization", "Bearer "+token)}
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

// session is the hub's side of p.
func (a *trial) session() *session {
	a.t.Helper()
	for _, s := range a.world.sessions.all() {
		if s.core.Member().Client == a.client {
			return s
		}
	}
	a.t.Fatal("the hub has no session of this client")
	return nil
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
	c := sockettest.DialTCP(a.t, a.world.srv.URL)
	defer c.Conn.Close()
	c.Write([]byte(text))
	method, _, _ := strings.Cut(text, " ")
	return a.answered(c, method)
}

// answered reads the answer to a request and writes it down.
func (a *trial) answered(c *sockettest.Conn, method string) *http.Response {
	a.t.Helper()
	_ = c.Conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	resp, err := http.ReadResponse(c.Reader, &http.Request{Method: method})
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
			p.Text(s)
		}
	}
}

// bare sends lines on a connection that has said nothing.
func bare(text ...string) func(*trial) {
	return func(a *trial) {
		p := a.connect()
		for _, s := range text {
			p.Text(s)
		}
	}
}

// ops pushes ops, as they are written, from seq 1.
func ops(list ...string) func(*trial) {
	return func(a *trial) {
		a.join().Text(fmt.Sprintf(`{"t":"push","stream":%q,"seq":1,"ops":[%s]}`, a.on, strings.Join(list, ",")))
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
