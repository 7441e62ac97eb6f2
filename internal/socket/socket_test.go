package socket

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wavesiddhartha/flowsync/internal/socket/sockettest"
	"github.com/wavesiddhartha/flowsync/wire"
)

// socketServer serves sockets with a reader each, sweeps them, and when the
// test ends closes them and requires that no goroutine is left.
type socketServer struct {
	*httptest.Server
	t       testing.TB
	o       Options
	owner   testOwner
	read    func(s *Socket, msg []byte) // default: echo
	readers sync.WaitGroup
	stop    chan struct{}

	mu      sync.Mutex
	sockets []*Socket
	errs    []error // why reading ended
}

func testOptions() Options {
	return Options{
		MaxMessage:    10 << 20,
		QueueMessages: 1024,
		QueueBytes:    4 << 20,
		WriteTimeout:  10 * time.Second,
		ReadTimeout:   30 * time.Second,
		ControlRate:   100,
		Buffers:       new(Buffers),
	}
}

// testOwner waits for nothing.
type testOwner struct{ drained func() }

func (o testOwner) Waits(int) {}

func (o testOwner) Drained() {
	if o.drained != nil {
		o.drained()
	}
}

func echo(s *Socket, msg []byte) { s.Send(msg) }

// noLeaks requires that the goroutines that there are when the test ends were
// there when it began.
func noLeaks(t testing.TB) {
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		if err := goleak.Find(before); err != nil {
			t.Error(err)
		}
	})
}

// serveSockets starts a server over TCP. Options and reader may be changed
// until the first connection.
func serveSockets(t testing.TB) *socketServer {
	t.Helper()
	noLeaks(t)
	return startSockets(t, false)
}

func startSockets(t testing.TB, secure bool) *socketServer {
	sv := &socketServer{t: t, o: testOptions(), read: echo, stop: make(chan struct{})}
	sv.Server = httptest.NewUnstartedServer(http.HandlerFunc(sv.serve))
	if secure {
		sv.StartTLS()
	} else {
		sv.Start()
	}
	sv.readers.Add(1)
	go sv.sweep()
	t.Cleanup(sv.shutdown)
	return sv
}

func (sv *socketServer) serve(w http.ResponseWriter, r *http.Request) {
	s, err := Accept(w, r, &sv.o, sv.owner)
	if err != nil {
		return
	}
	sv.mu.Lock()
	sv.sockets = append(sv.sockets, s)
	sv.mu.Unlock()
	sv.readers.Add(1)
	go func() {
		defer sv.readers.Done()
		for {
			msg, err := s.Read()
			if err != nil {
				sv.mu.Lock()
				sv.errs = append(sv.errs, err)
				sv.mu.Unlock()
				return
			}
			sv.read(s, msg)
		}
	}()
}

func (sv *socketServer) sweep() {
	defer sv.readers.Done()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-sv.stop:
			return
		case now := <-tick.C:
			for _, s := range sv.all() {
				s.Sweep(now)
			}
		}
	}
}

func (sv *socketServer) all() []*Socket {
	sv.mu.Lock()
	defer sv.mu.Unlock()
	return append([]*Socket(nil), sv.sockets...)
}

// only waits for the one socket there is.
func (sv *socketServer) only() *Socket {
	sv.t.Helper()
	for range 500 {
		if all := sv.all(); len(all) == 1 {
			return all[0]
		}
		time.Sleep(10 * time.Millisecond)
	}
	sv.t.Fatal("there is not exactly one socket")
	return nil
}

func (sv *socketServer) shutdown() {
	for _, s := range sv.all() {
		s.Close(wire.CloseShutdown, "")
	}
	for _, s := range sv.all() {
		s.Wait()
	}
	close(sv.stop)
	sv.readers.Wait()
	sv.Close()
}

// readError waits for the first reader to end and returns why.
func (sv *socketServer) readError() *Error {
	sv.t.Helper()
	for range 500 {
		sv.mu.Lock()
		errs := sv.errs
		sv.mu.Unlock()
		if len(errs) > 0 {
			var se *Error
			if !errors.As(errs[0], &se) {
				sv.t.Fatalf("read failed with %T: %v", errs[0], errs[0])
			}
			return se
		}
		time.Sleep(10 * time.Millisecond)
	}
	sv.t.Fatal("reading does not end")
	return nil
}

// plainAndTLS runs the test over connections with and without non-blocking
// writes.
func plainAndTLS(t *testing.T, test func(t *testing.T, sv *socketServer)) {
	t.Helper()
	noLeaks(t)
	t.Run("tcp", func(t *testing.T) {
		t.Parallel()
		test(t, startSockets(t, false))
	})
	t.Run("tls", func(t *testing.T) {
		t.Parallel()
		test(t, startSockets(t, true))
	})
}

func TestEchoes(t *testing.T) {
	plainAndTLS(t, func(t *testing.T, sv *socketServer) {
		c := sockettest.Dial(t, sv.URL)
		for _, msg := range []string{"", "a", strings.Repeat("é", 60), strings.Repeat("x", 126), strings.Repeat("y", 65536), "{}\n{}"} {
			c.Text(msg)
			c.ExpectText(msg)
		}
		c.Write(sockettest.CloseFrame(wire.CloseNormal, "bye"))
		c.ExpectClose(wire.CloseNormal)
		if err := sv.readError(); !err.Remote || err.Code != wire.CloseNormal {
			t.Errorf("read failed with %v, want the client's close", err)
		}
	})
}

// What a client sends right behind its request has been read by the server
// before the connection changes hands.
func TestCarriesOverEarlyFrames(t *testing.T) {
	plainAndTLS(t, func(t *testing.T, sv *socketServer) {
		c := sockettest.DialTCP(t, sv.URL)
		var b strings.Builder
		b.WriteString("GET / HTTP/1.1\r\nHost: hub\r\n")
		_ = sockettest.ValidUpgrade().Write(&b)
		b.WriteString("\r\n")
		b.Write(sockettest.Frame(bitFin|opText, []byte("first")))
		second := sockettest.Frame(bitFin|opText, []byte("second"))
		b.Write(second[:7])
		c.Write([]byte(b.String()))
		c.Deadline()
		resp, err := http.ReadResponse(c.Reader, nil)
		if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
			t.Fatalf("no upgrade: %v %v", resp, err)
		}
		c.ExpectText("first")
		c.Write(second[7:])
		c.ExpectText("second")
	})
}

func TestReadsNothingAfterClose(t *testing.T) {
	sv := serveSockets(t)
	c := sockettest.Dial(t, sv.URL)
	sv.only().Close(wire.CloseAuth, "no")
	c.Text("too late")
	if reason := c.ExpectClose(wire.CloseAuth); reason != "no" {
		t.Errorf("the reason is %q", reason)
	}
	if err := sv.readError(); err.Remote || err.Code != wire.CloseAuth {
		t.Errorf("read failed with %v", err)
	}
	if sv.only().Send([]byte("{}")) {
		t.Error("a closed socket takes messages")
	}
}

// Messages that arrived together with the one that ended the session do not
// count any more.
func TestReadsNothingBehindTheLastMessage(t *testing.T) {
	sv := serveSockets(t)
	var read atomic.Int32
	sv.read = func(s *Socket, msg []byte) {
		read.Add(1)
		s.Close(wire.CloseProtocol, "")
	}
	c := sockettest.Dial(t, sv.URL)
	c.Write(join(textFrame("a"), textFrame("b"), textFrame("c")))
	c.ExpectClose(wire.CloseProtocol)
	sv.readError()
	if n := read.Load(); n != 1 {
		t.Errorf("%d messages were read, want 1", n)
	}
}

func TestTellsALostConnection(t *testing.T) {
	plainAndTLS(t, func(t *testing.T, sv *socketServer) {
		c := sockettest.Dial(t, sv.URL)
		c.Conn.Close()
		err := sv.readError()
		if err.Remote || err.Code != 0 {
			t.Errorf("read failed with %v, want a lost connection", err)
		}
		if strings.Contains(err.Error(), "127.0.0.1") {
			t.Errorf("the error tells an address: %v", err)
		}
	})
}

func TestAnswersPings(t *testing.T) {
	plainAndTLS(t, func(t *testing.T, sv *socketServer) {
		c := sockettest.Dial(t, sv.URL)
		body := strings.Repeat("p", maxControlBody)
		c.Write(sockettest.Frame(bitFin|opPing, []byte(body)))
		head, payload, err := c.Frame()
		if err != nil || head != bitFin|opPong || string(payload) != body {
			t.Fatalf("a ping was answered %#x %q %v", head, payload, err)
		}
		c.Write(sockettest.Frame(bitFin|opPong, nil)) // unasked pongs are harmless
		c.Text("still here")
		c.ExpectText("still here")
	})
}
