package node_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/wavesiddhartha/flowsync/node"
)

// scripted serves connections by hand. play gets each one after its hello; the
// connection ends with it.
func scripted(t *testing.T, play func(ctx context.Context, c *websocket.Conn)) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer c.CloseNow()
		if _, hello, err := c.Read(r.Context()); err != nil || !strings.Contains(string(hello), `"t":"hello"`) {
			return
		}
		play(r.Context(), c)
	}))
	t.Cleanup(server.Close)
	return "ws" + strings.TrimPrefix(server.URL, "http")
}

const welcomed = `{"durability":"memory","hub":"h","limits":{"batch_ops":10,"inflight_ops":10,"message_bytes":4096,"streams":9},"session":1,"t":"welcome","v":1,"writable":true}`

func dialScripted(t *testing.T, url string) *node.Node {
	t.Helper()
	n, err := node.Dial(t.Context(), url, node.Options{Client: "a", Logger: quiet(), BackoffMin: time.Hour, BackoffMax: time.Hour})
	must(t, err)
	t.Cleanup(func() { n.Close() })
	return n
}

// A hub that does not keep to the protocol is left, with a reason for people.
func TestBadHub(t *testing.T) {
	for name, c := range map[string]struct {
		kind websocket.MessageType
		msg  string
		want string
	}{
		"binary":        {websocket.MessageBinary, welcomed, "binary"},
		"no JSON":       {websocket.MessageText, `{`, "no message of the protocol"},
		"unknown type":  {websocket.MessageText, `{"t":"nonsense"}`, "no message of the protocol"},
		"empty line":    {websocket.MessageText, welcomed + "\n\n" + welcomed, "no message of the protocol"},
		"unknown field": {websocket.MessageText, strings.Replace(welcomed, `"t":`, `"extra":1,"t":`, 1), "no message of the protocol"},
	} {
		t.Run(name, func(t *testing.T) {
			url := scripted(t, func(ctx context.Context, conn *websocket.Conn) {
				conn.Write(ctx, c.kind, []byte(c.msg))
				conn.Read(ctx) // until the node is gone
			})
			n := dialScripted(t, url)
			until(t, "the node has left", func() bool { return n.Status().Name == node.Offline })
			if s := n.Status(); !strings.Contains(s.Reason, c.want) || s.RetryIn == 0 {
				t.Fatalf("%+v", s)
			}
		})
	}
}

// What waits together leaves in few WebSocket messages, none longer than the hub
// takes.
func TestMessagesAreJoined(t *testing.T) {
	type frame struct{ bytes, lines int }
	frames := make(chan frame, 1000)
	url := scripted(t, func(ctx context.Context, conn *websocket.Conn) {
		conn.Write(ctx, websocket.MessageText, []byte(welcomed))
		for {
			_, msg, err := conn.Read(ctx)
			if err != nil {
				return
			}
			frames <- frame{len(msg), strings.Count(string(msg), "\n") + 1}
		}
	})
	n := dialScripted(t, url)
	until(t, "it is online", func() bool { return n.Status().Name == node.Online })
	n.SetOffline(true)
	names := make([]string, 60)
	for i := range names {
		names[i] = "s:" + strings.Repeat("x", 60) + ":" + strings.Repeat("y", i%60+1)
		must(t, n.Open(names[i], node.OpenOptions{}))
	}
	n.SetOffline(false)
	seen, lines := 0, 0
	for end := time.After(10 * time.Second); lines < 10; {
		select {
		case f := <-frames:
			if f.bytes > 4096 {
				t.Fatalf("a message of %d bytes", f.bytes)
			}
			seen++
			lines += f.lines
		case <-end:
			t.Fatalf("%d messages in %d frames", lines, seen)
		}
	}
	if seen > lines/4 {
		t.Fatalf("%d messages came in %d frames", lines, seen)
	}
}

// Close says goodbye, and does not wait for a hub that never answers.
func TestGoodbye(t *testing.T) {
	ended := make(chan error, 1)
	url := scripted(t, func(ctx context.Context, conn *websocket.Conn) {
		conn.Write(ctx, websocket.MessageText, []byte(welcomed))
		_, _, err := conn.Read(ctx)
		ended <- err
	})
	n := dialScripted(t, url)
	until(t, "it is online", func() bool { return n.Status().Name == node.Online })
	must(t, n.Close())
	if err := <-ended; websocket.CloseStatus(err) != websocket.StatusNormalClosure {
		t.Fatalf("the hub saw %v", err)
	}

	silent := make(chan struct{})
	defer close(silent)
	url = scripted(t, func(ctx context.Context, conn *websocket.Conn) {
		conn.Write(ctx, websocket.MessageText, []byte(welcomed))
		<-silent
	})
	n = dialScripted(t, url)
	until(t, "it is online", func() bool { return n.Status().Name == node.Online })
	start := time.Now()
	must(t, n.Close())
	if d := time.Since(start); d > 3*time.Second {
		t.Fatalf("close took %v", d)
	}
}

// A port that accepts and says nothing does not hold Close up.
func TestCloseWhileDialing(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	n := dialScripted(t, "ws://"+l.Addr().String())
	time.Sleep(5 * time.Millisecond)
	start := time.Now()
	must(t, n.Close())
	if d := time.Since(start); d > 3*time.Second {
		t.Fatalf("close took %v", d)
	}
}
