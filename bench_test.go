package flowsync

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/wavesiddhartha/flowsync/wire"
)

const pushOfOne = `{"ops":[{"amount":1,"op":"increment"}],"seq":%d,"stream":"counter:a","t":"push"}`

// BenchmarkPush is one client with a window of ops in flight, from end to end
// over a loopback socket: one iteration pushes a window and waits for the ack of
// its last op. x-echo says how many times as long that takes as sending the same
// messages to a server that does nothing but send each one back.
func BenchmarkPush(b *testing.B) {
	for _, window := range []uint64{1, 64} {
		b.Run(fmt.Sprintf("inflight=%d", window), func(b *testing.B) {
			hub := benchHub(b)
			c := dialBench(b, hub.srv.URL)
			c.hello("writer", wire.Open{Stream: "counter:a", Mode: wire.Write, As: wire.AsState})
			var seq uint64
			for b.Loop() {
				for range window {
					seq++
					c.send(fmt.Appendf(nil, pushOfOne, seq))
				}
				c.until(func(m wire.HubMessage) bool {
					ack, ok := m.(*wire.Ack)
					return ok && ack.Seq == seq
				})
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(seq), "ns/push")
			b.ReportMetric(float64(b.Elapsed())/float64(b.N)/echoes(b, window, min(b.N, 2000)), "x-echo")
		})
	}
}

// BenchmarkFanout is one op to a hundred subscribers, from the push until the
// last of them has read it. x-bare is the same for a server that writes what it
// is sent to each of a hundred connections.
func BenchmarkFanout(b *testing.B) {
	const subscribers = 100
	hub := benchHub(b)
	writer := dialBench(b, hub.srv.URL)
	writer.hello("writer", wire.Open{Stream: "counter:a", Mode: wire.Write, As: wire.AsState})
	var readers []*benchClient
	for i := range subscribers {
		c := dialBench(b, hub.srv.URL)
		c.hello(fmt.Sprintf("reader-%d", i), r("counter:a"))
		readers = append(readers, c)
	}
	var seq uint64
	for b.Loop() {
		seq++
		writer.send(fmt.Appendf(nil, pushOfOne, seq))
		for _, c := range readers {
			c.until(func(m wire.HubMessage) bool {
				ops, ok := m.(*wire.Ops)
				return ok && ops.Entries[len(ops.Entries)-1].Seq == seq
			})
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*subscribers), "ns/delivery")
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/broadcasts(b, subscribers, min(b.N, 500)), "x-bare")
}

func benchHub(b *testing.B) *hubServer {
	hs := serveHub(b, Options{Auth: Anonymous})
	hs.srv.Config.Handler = hs.Hub // without a mux
	hs.Stream("counter:*", Counter)
	return hs
}

// benchClient is the library's client, the same for the hub and for what it is
// compared with.
type benchClient struct {
	b    *testing.B
	conn *websocket.Conn
	d    wire.Decoder
}

func dialBench(b *testing.B, url string) *benchClient {
	b.Helper()
	conn, _, err := websocket.Dial(context.Background(), "ws"+strings.TrimPrefix(url, "http"), nil)
	if err != nil {
		b.Fatal(err)
	}
	conn.SetReadLimit(-1)
	b.Cleanup(func() { conn.CloseNow() })
	return &benchClient{b: b, conn: conn}
}

func (c *benchClient) send(msg []byte) {
	if err := c.conn.Write(context.Background(), websocket.MessageText, msg); err != nil {
		c.b.Fatal(err)
	}
}

func (c *benchClient) read() []byte {
	_, msg, err := c.conn.Read(context.Background())
	if err != nil {
		c.b.Fatal(err)
	}
	return msg
}

// until reads messages until one is wanted.
func (c *benchClient) until(wanted func(wire.HubMessage) bool) {
	for {
		found := false
		for line := range wire.Lines(c.read()) {
			m, err := c.d.Hub(line)
			if err != nil {
				c.b.Fatal(err)
			}
			if e, ok := m.(*wire.Error); ok {
				c.b.Fatal(e)
			}
			found = found || wanted(m)
		}
		if found {
			return
		}
	}
}

func (c *benchClient) hello(client string, o wire.Open) {
	c.send((&wire.Hello{V: [2]int{1, 1}, Client: client, Inc: incOf(client), Streams: []wire.Open{o}}).Append(nil))
	c.until(func(m wire.HubMessage) bool { _, ok := m.(*wire.Synced); return ok })
}

// bareServer upgrades with the library and hands every message to got.
func bareServer(b *testing.B, joined func(*websocket.Conn), got func(*websocket.Conn, []byte)) string {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer conn.CloseNow()
		joined(conn)
		for {
			_, msg, err := conn.Read(context.Background())
			if err != nil {
				return
			}
			got(conn, msg)
		}
	}))
	b.Cleanup(srv.Close)
	return srv.URL
}

// echoes is how many nanoseconds a window of messages takes there and back.
func echoes(b *testing.B, window uint64, n int) float64 {
	write := func(conn *websocket.Conn, msg []byte) {
		_ = conn.Write(context.Background(), websocket.MessageText, msg)
	}
	c := dialBench(b, bareServer(b, func(*websocket.Conn) {}, write))
	began := time.Now()
	for i := range n {
		for range window {
			c.send(fmt.Appendf(nil, pushOfOne, i))
		}
		for range window {
			c.read()
		}
	}
	return float64(time.Since(began)) / float64(n)
}

// broadcasts is how many nanoseconds a message takes from one connection to many
// others.
func broadcasts(b *testing.B, subscribers, n int) float64 {
	var mu sync.Mutex
	var conns []*websocket.Conn
	url := bareServer(b, func(conn *websocket.Conn) {
		mu.Lock()
		conns = append(conns, conn)
		mu.Unlock()
	}, func(from *websocket.Conn, msg []byte) {
		mu.Lock()
		defer mu.Unlock()
		for _, conn := range conns {
			if conn != from {
				_ = conn.Write(context.Background(), websocket.MessageText, msg)
			}
		}
	})
	writer := dialBench(b, url)
	var readers []*benchClient
	for range subscribers {
		readers = append(readers, dialBench(b, url))
	}
	eventually(b, "not all are connected", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(conns) == subscribers+1
	})
	msg := []byte(strings.Repeat("x", 240)) // about an ops message of one entry
	began := time.Now()
	for range n {
		writer.send(msg)
		for _, c := range readers {
			c.read()
		}
	}
	return float64(time.Since(began)) / float64(n)
}
