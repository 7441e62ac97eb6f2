package socket

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wavesiddhartha/flowsync/internal/socket/sockettest"
	"github.com/wavesiddhartha/flowsync/wire"
)

func TestQueueIsBoundedInMessages(t *testing.T) {
	plainAndTLS(t, func(t *testing.T, sv *socketServer) {
		drained := make(chan struct{}, 10)
		sv.o.SendBuffer = 64 << 10
		sv.o.QueueMessages = 10
		sv.owner.drained = func() { drained <- struct{}{} }
		c := sockettest.Dial(t, sv.URL)
		s := sv.only()

		msg := bytes.Repeat([]byte("m"), 10_000)
		sent := stallClient(t, s, msg)
		for s.Send(msg) {
			sent++
		}
		n, b := s.Queued()
		if n != 10 || b < 9*len(msg) || b > 10*(len(msg)+maxFrameHeader) {
			t.Errorf("%d messages of %d bytes wait, want 10", n, b)
		}
		for i := range reserveMessages {
			if !s.SendUrgent([]byte("a")) {
				t.Fatalf("urgent message %d is refused", i)
			}
		}
		if s.SendUrgent([]byte("a")) {
			t.Error("the reserve has no end")
		}
		select {
		case <-drained:
			t.Fatal("the socket claims to have drained")
		default:
		}

		for range sent {
			c.ExpectText(string(msg))
		}
		for range reserveMessages {
			c.ExpectText("a")
		}
		select {
		case <-drained:
		case <-time.After(5 * time.Second):
			t.Fatal("nobody was told that the socket drained")
		}
		s.mu.Lock()
		if q := s.queue; q.frames != nil || q.bytes != 0 {
			t.Errorf("a drained queue keeps room for %d frames and counts %d bytes", cap(q.frames), q.bytes)
		}
		s.mu.Unlock()
		if !s.Send([]byte("again")) {
			t.Error("a drained socket takes no message")
		}
		c.ExpectText("again")
		if len(drained) != 0 {
			t.Error("the socket drained twice")
		}
	})
}

func TestQueueIsBoundedInBytes(t *testing.T) {
	sv := serveSockets(t)
	total := new(atomic.Int64)
	sv.o.SendBuffer = 64 << 10
	sv.o.QueueBytes = 100_000
	sv.o.Waiting, sv.o.MaxWaiting = total, 1<<30
	c := sockettest.Dial(t, sv.URL)
	s := sv.only()

	msg := bytes.Repeat([]byte("m"), 10_000)
	sent := stallClient(t, s, msg)
	for s.Send(msg) {
		sent++
	}
	if _, b := s.Queued(); b > 100_000 || int64(b) != total.Load() {
		t.Errorf("%d bytes wait, %d in all sockets; the bound is 100,000", b, total.Load())
	}
	snapshot := NewFrame(bytes.Repeat([]byte("s"), 1<<20))
	snapshot.uncharged = true
	if !s.SendFrame(snapshot) {
		t.Error("a shared snapshot is charged")
	}
	for range sent {
		c.ExpectText(string(msg))
	}
	c.ExpectText(strings.Repeat("s", 1<<20))

	large := strings.Repeat("l", 300_000) // over the bound, but nothing waits
	if !s.Send([]byte(large)) {
		t.Error("a message over the bound can never be sent")
	}
	c.ExpectText(large)
	stallClient(t, s, msg)
	s.Close(wire.CloseSlow, "")
	c.Conn.Close()
	s.Wait()
	if got := total.Load(); got != 0 {
		t.Errorf("%d bytes are counted after the end", got)
	}
}

// Many senders, control frames between their messages, a reader that lags at
// times: every frame arrives whole, each sender's in order.
func TestKeepsFramesWhole(t *testing.T) {
	const senders, each = 8, 400
	plainAndTLS(t, func(t *testing.T, sv *socketServer) {
		sv.o.SendBuffer = 64 << 10
		sv.o.QueueMessages = senders * each
		sv.o.QueueBytes = 64 << 20
		sv.o.ControlRate = 1 << 20
		c := sockettest.Dial(t, sv.URL)
		s := sv.only()

		var wg sync.WaitGroup
		for id := range senders {
			wg.Go(func() {
				for i := range each {
					msg := fmt.Appendf(nil, "%d %d ", id, i)
					msg = append(msg, bytes.Repeat([]byte{byte('a' + id)}, (i*37)%3000)...)
					ok := false
					switch i % 3 {
					case 0:
						ok = s.Send(msg)
					case 1:
						ok = s.SendFrame(NewFrame(msg))
					case 2:
						ok = s.SendUrgent(msg)
					}
					if !ok {
						t.Errorf("message %d of sender %d is refused", i, id)
						return
					}
				}
			})
		}
		const pings = 200
		wg.Go(func() {
			for i := range pings {
				c.Write(sockettest.Frame(bitFin|opPing, bytes.Repeat([]byte("p"), i%126)))
			}
		})
		next := make([]int, senders)
		for got := 0; got < senders*each; {
			head, payload, err := c.Frame()
			if err != nil {
				t.Fatalf("after %d messages: %v", got, err)
			}
			if head == bitFin|opPong {
				if strings.Trim(string(payload), "p") != "" {
					t.Fatalf("a pong holds %q", payload)
				}
				continue
			}
			var id, i int
			if _, err := fmt.Sscanf(string(payload[:min(len(payload), 20)]), "%d %d", &id, &i); err != nil || head != bitFin|opText {
				t.Fatalf("not a message of ours: %#x %.40q %v", head, payload, err)
			}
			rest := payload[len(fmt.Sprintf("%d %d ", id, i)):]
			if want := (i * 37) % 3000; len(rest) != want || len(bytes.Trim(rest, string(rune('a'+id)))) > 0 {
				t.Fatalf("message %d of sender %d is damaged", i, id)
			}
			if next[id] != i {
				t.Fatalf("sender %d: message %d came where %d was due", id, i, next[id])
			}
			next[id]++
			if got++; got%500 == 0 {
				time.Sleep(20 * time.Millisecond)
			}
		}
		wg.Wait()
	})
}

// Closes from all sides at once are one close.
func TestClosesOnce(t *testing.T) {
	plainAndTLS(t, func(t *testing.T, sv *socketServer) {
		for range 20 {
			c := sockettest.Dial(t, sv.URL)
			c.Text("up")
			c.ExpectText("up")
			all := sv.all()
			s := all[len(all)-1]
			var wg sync.WaitGroup
			wg.Go(func() { s.Close(wire.CloseReplaced, "") })
			wg.Go(func() { s.Close(wire.CloseReplaced, "") })
			wg.Go(func() { s.Sweep(time.Now()) })
			wg.Go(func() { s.Send([]byte("x")) })
			wg.Go(func() { c.Write(textFrame("y")) })
			c.ExpectClose(wire.CloseReplaced)
			c.Conn.Close()
			wg.Wait()
			s.Wait()
		}
	})
}

// A send to an idle connection allocates nothing: neither does a shared frame,
// nor a message of its own.
func TestSendAllocatesNothing(t *testing.T) {
	sv := serveSockets(t)
	c := sockettest.Dial(t, sv.URL)
	s := sv.only()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			if _, _, err := c.Frame(); err != nil {
				return
			}
		}
	}()
	f := NewFrame([]byte("shared"))
	msg := []byte("own")
	allocs := func(send func()) float64 {
		send() // the pools' first buffers
		return testing.AllocsPerRun(100, func() { send(); time.Sleep(time.Millisecond) })
	}
	// The reading side allocates the frames that it reads: three each.
	const reader = 3
	if n := allocs(func() { s.SendFrame(f) }); n > reader {
		t.Errorf("a shared frame costs %v allocations", n-reader)
	}
	if n := allocs(func() { s.Send(msg) }); n > reader {
		t.Errorf("a message costs %v allocations", n-reader)
	}
	s.Close(wire.CloseNormal, "")
	<-done
}

// TestQueueTotal: while all sockets together hold too much, one that is behind
// is refused early, and one that keeps up is not.
func TestQueueTotal(t *testing.T) {
	var waiting atomic.Int64
	s := &Socket{o: &Options{QueueMessages: 100, QueueBytes: 1600, Waiting: &waiting, MaxWaiting: 1000}}
	msg := make([]byte, 90)
	s.queue.push(&Frame{bytes: msg})
	if !s.hasRoom(msg, nil, false) {
		t.Fatal("refused below the total")
	}
	waiting.Store(1001)
	if s.hasRoom(msg, nil, false) {
		t.Fatal("a socket that is behind may still grow beyond the total")
	}
	s.queue.advance(len(msg))
	if !s.hasRoom(msg, nil, false) {
		t.Fatal("a socket that keeps up is refused")
	}
}
