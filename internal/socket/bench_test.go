//go:build unix

package socket

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/wavesiddhartha/flowsync/internal/socket/sockettest"
)

// A benchServer is one way to serve WebSockets: the socket, or the library as
// it is commonly used, with a queue and a writer goroutine a connection.
type benchServer struct {
	http.Handler
	send func(msg []byte) // to every connection
	stop func()
}

func socketBenchServer() *benchServer {
	var mu sync.Mutex
	var sockets []*Socket
	var readers sync.WaitGroup
	o := testOptions()
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := Accept(w, r, &o, testOwner{})
		if err != nil {
			return
		}
		mu.Lock()
		sockets = append(sockets, s)
		mu.Unlock()
		readers.Go(func() {
			for {
				msg, err := s.Read()
				if err != nil {
					return
				}
				s.Send(msg)
			}
		})
	})
	return &benchServer{
		Handler: handler,
		send: func(msg []byte) {
			f := NewFrame(msg)
			for _, s := range sockets {
				if !s.SendFrame(f) {
					panic("a queue is full")
				}
			}
		},
		stop: func() {
			for _, s := range sockets {
				s.Close(1000, "")
				s.Wait()
			}
			readers.Wait()
		},
	}
}

func libraryBenchServer() *benchServer {
	var mu sync.Mutex
	var queues []chan []byte
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		queue := make(chan []byte, 64)
		mu.Lock()
		queues = append(queues, queue)
		mu.Unlock()
		go func() {
			for {
				select {
				case <-ctx.Done():
					return
				case msg := <-queue:
					if c.Write(ctx, websocket.MessageText, msg) != nil {
						return
					}
				}
			}
		}()
		for {
			_, msg, err := c.Read(ctx)
			if err != nil {
				return
			}
			queue <- msg
		}
	})
	return &benchServer{
		Handler: handler,
		send: func(msg []byte) {
			for _, queue := range queues {
				queue <- msg
			}
		},
		stop: func() {},
	}
}

var benchServers = []struct {
	name string
	make func() *benchServer
}{{"socket", socketBenchServer}, {"library", libraryBenchServer}}

// dialMany opens n connections whose client side costs next to nothing, and
// has a message echoed on each.
func dialMany(tb testing.TB, sv *httptest.Server, n int) []net.Conn {
	request := "GET / HTTP/1.1\r\nHost: hub\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
	conns := make([]net.Conn, n)
	answer := make([]byte, 4096)
	frame := sockettest.Frame(bitFin|opText, bytes.Repeat([]byte("h"), 100))
	for i := range conns {
		conn, err := net.Dial("tcp", strings.TrimPrefix(sv.URL, "http://"))
		if err != nil {
			tb.Fatal(err)
		}
		if _, err := io.WriteString(conn, request); err != nil {
			tb.Fatal(err)
		}
		for got := 0; !bytes.HasSuffix(answer[:got], []byte("\r\n\r\n")); {
			n, err := conn.Read(answer[got:])
			if err != nil {
				tb.Fatal(err)
			}
			got += n
		}
		if _, err := conn.Write(frame); err != nil {
			tb.Fatal(err)
		}
		if _, err := io.ReadFull(conn, answer[:2+100]); err != nil {
			tb.Fatal(err)
		}
		conns[i] = conn
	}
	return conns
}

// BenchmarkFanOut sends one message of 150 bytes to 500 connections and
// waits until all of them have it. The figure to compare is the processor time,
// kernel and clients included: it is steadier than the time on the clock.
func BenchmarkFanOut(b *testing.B) {
	const connections = 500
	msg := bytes.Repeat([]byte("m"), 150)
	for _, way := range benchServers {
		b.Run(way.name, func(b *testing.B) {
			hub := way.make()
			sv := httptest.NewServer(hub)
			defer sv.Close()
			conns := dialMany(b, sv, connections)
			var received counter
			var clients sync.WaitGroup
			for _, conn := range conns {
				clients.Go(func() { _, _ = io.Copy(&received, conn) })
			}
			sent := 0
			began := processorTime()
			for b.Loop() {
				hub.send(msg)
				sent += connections
				for received.Load() < int64(sent*(4+len(msg))) {
					time.Sleep(10 * time.Microsecond)
				}
			}
			b.ReportMetric(float64(processorTime()-began)/float64(sent), "cpu-ns/message")
			for _, conn := range conns {
				conn.Close()
			}
			hub.stop()
			clients.Wait()
		})
	}
}

// counter counts what is written to it.
type counter struct{ atomic.Int64 }

func (c *counter) Write(b []byte) (int, error) {
	c.Add(int64(len(b)))
	return len(b), nil
}

// processorTime is what the process has used so far.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// idleCost is the memory in bytes that each of n connections takes after it
// has exchanged one message, the client's side included.
func idleCost(tb testing.TB, hub *benchServer, n int) float64 {
	sv := httptest.NewServer(hub)
	before := memoryInUse()
	conns := dialMany(tb, sv, n)
	cost := float64(memoryInUse()-before) / float64(n)
	for _, conn := range conns {
		conn.Close()
	}
	hub.stop()
	sv.Close()
	return cost
}

func memoryInUse() int64 {
	runtime.GC()
	runtime.GC() // pools give up what they hold in two rounds
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// BenchmarkIdle tells what an idle connection costs.
func BenchmarkIdle(b *testing.B) {
	for _, way := range benchServers {
		b.Run(way.name, func(b *testing.B) {
			for b.Loop() {
				b.ReportMetric(idleCost(b, way.make(), 1000), "B/connection")
			}
		})
	}
}

// An idle socket is a fraction of what the library costs in common use.
func TestIdlesCheaply(t *testing.T) {
	ours := idleCost(t, socketBenchServer(), 300)
	theirs := idleCost(t, libraryBenchServer(), 300)
	if ours > 0.6*theirs {
		t.Errorf("an idle socket takes %.0f bytes, the library alone %.0f", ours, theirs)
	}
	t.Logf("an idle socket takes %.0f bytes, the library alone %.0f", ours, theirs)
}
