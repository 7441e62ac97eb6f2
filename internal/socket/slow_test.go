package socket

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wavesiddhartha/flowsync/internal/socket/sockettest"
	"github.com/wavesiddhartha/flowsync/wire"
)

// stallClient fills a client's connection until messages wait and go on
// waiting, and returns how many it sent.
func stallClient(t *testing.T, s *Socket, msg []byte) (sent int) {
	t.Helper()
	for range 1 << 20 {
		for n, _ := s.Queued(); n > 1; {
			time.Sleep(50 * time.Millisecond)
			now, _ := s.Queued()
			if now == n {
				return sent
			}
			n = now
		}
		if !s.Send(msg) {
			t.Fatal("a message is refused before any waits")
		}
		sent++
	}
	t.Fatal("the kernel takes everything")
	return 0
}

// A client that takes nothing is closed, and costs the hub no more than its
// queue while it lasts.
func TestClosesAStuckClient(t *testing.T) {
	plainAndTLS(t, func(t *testing.T, sv *socketServer) {
		sv.o.SendBuffer = 64 << 10
		sv.o.WriteTimeout = 200 * time.Millisecond
		sockettest.Dial(t, sv.URL)
		s := sv.only()
		stallClient(t, s, bytes.Repeat([]byte("m"), 10_000))
		if err := sv.readError(); err.Code != wire.CloseSlow {
			t.Errorf("read failed with %v, want %d", err, wire.CloseSlow)
		}
		began := time.Now()
		s.Wait()
		if took := time.Since(began); took > 2*closeGrace {
			t.Errorf("the close took %v", took)
		}
	})
}

// A client that is slow but takes something all the time is served.
func TestBearsASlowClient(t *testing.T) {
	plainAndTLS(t, func(t *testing.T, sv *socketServer) {
		sv.o.SendBuffer = 64 << 10
		sv.o.WriteTimeout = 250 * time.Millisecond
		c := sockettest.Dial(t, sv.URL)
		s := sv.only()
		msg := bytes.Repeat([]byte("m"), 1_000_000) // takes longer than the time-out
		sent := stallClient(t, s, msg)
		began := time.Now()
		for range sent {
			head, _, err := slowFrame(c, 25*time.Millisecond)
			if err != nil || head != bitFin|opText {
				t.Fatalf("after %v: %#x %v", time.Since(began), head, err)
			}
		}
	})
}

// slowFrame reads a frame in steps with pauses between them.
func slowFrame(c *sockettest.Conn, pause time.Duration) (byte, []byte, error) {
	head, err := c.Reader.Peek(10)
	if err != nil {
		return 0, nil, err
	}
	left := 10 + int(binary.BigEndian.Uint64(head[2:]))
	kind := head[0]
	for left > 0 {
		c.Deadline()
		n, err := c.Reader.Discard(min(left, 64<<10))
		if err != nil {
			return 0, nil, err
		}
		left -= n
		time.Sleep(pause)
	}
	return kind, nil, nil
}

// Nobody waits for a client that does not read, not even its close.
func TestNeverWaits(t *testing.T) {
	plainAndTLS(t, func(t *testing.T, sv *socketServer) {
		sv.o.SendBuffer = 64 << 10
		sockettest.Dial(t, sv.URL)
		s := sv.only()
		stallClient(t, s, bytes.Repeat([]byte("m"), 10_000))
		began := time.Now()
		for range 2000 {
			s.Send([]byte("x"))
			s.SendUrgent([]byte("y"))
		}
		s.Close(wire.CloseGoingAway, "")
		s.Close(wire.CloseGoingAway, "")
		if took := time.Since(began); took > closeGrace/2 {
			t.Errorf("the calls took %v", took)
		}
		s.Wait()
		if took := time.Since(began); took > 2*closeGrace {
			t.Errorf("the close took %v", took)
		}
	})
}

// What was sent before a close arrives before it.
func TestSendsWhatWaitsBeforeItCloses(t *testing.T) {
	plainAndTLS(t, func(t *testing.T, sv *socketServer) {
		sv.o.SendBuffer = 64 << 10
		c := sockettest.Dial(t, sv.URL)
		s := sv.only()
		msg := bytes.Repeat([]byte("m"), 10_000)
		sent := stallClient(t, s, msg)
		s.Send([]byte("why"))
		s.Close(wire.CloseForbidden, strings.Repeat("é", 100))
		for range sent {
			c.ExpectText(string(msg))
		}
		c.ExpectText("why")
		if reason := c.ExpectClose(wire.CloseForbidden); reason != strings.Repeat("é", 61) {
			t.Errorf("the reason is %q", reason)
		}
	})
}

// A client that was too slow hears so, and gets nothing else that waited.
func TestDropsTheQueueOfASlowClient(t *testing.T) {
	plainAndTLS(t, func(t *testing.T, sv *socketServer) {
		sv.o.SendBuffer = 64 << 10
		c := sockettest.Dial(t, sv.URL)
		s := sv.only()
		stallClient(t, s, bytes.Repeat([]byte("m"), 10_000))
		for range 100 {
			s.Send([]byte("late"))
		}
		s.Close(wire.CloseSlow, "")
		for {
			head, payload, err := c.Frame()
			if err != nil {
				t.Fatal(err)
			}
			if string(payload) == "late" {
				t.Fatal("a message that waited was sent")
			}
			if head == bitFin|opClose {
				if code := wire.CloseCode(binary.BigEndian.Uint16(payload)); code != wire.CloseSlow {
					t.Errorf("closed with %d", code)
				}
				return
			}
		}
	})
}

// Pongs go before what waits, and only the latest waits.
func TestAnswersPingsOfASlowClient(t *testing.T) {
	plainAndTLS(t, func(t *testing.T, sv *socketServer) {
		sv.o.SendBuffer = 64 << 10
		c := sockettest.Dial(t, sv.URL)
		s := sv.only()
		msg := bytes.Repeat([]byte("m"), 10_000)
		sent := stallClient(t, s, msg)
		for range 50 {
			s.Send(msg)
			sent++
		}
		before, _ := s.Queued()
		for i := range 20 {
			c.Write(sockettest.Frame(bitFin|opPing, fmt.Append(nil, "ping ", i)))
		}
		for range 100 {
			if n, _ := s.Queued(); n > before {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(50 * time.Millisecond)
		if n, _ := s.Queued(); n != before+1 {
			t.Errorf("%d pongs wait, want 1", n-before)
		}
		for texts := 0; ; {
			head, payload, err := c.Frame()
			if err != nil {
				t.Fatal(err)
			}
			if head == bitFin|opPong {
				if string(payload) != "ping 19" {
					t.Errorf("the pong is %q, want the latest ping's", payload)
				}
				if texts > sent-45 {
					t.Errorf("the pong came behind %d of %d messages", texts, sent)
				}
				return
			}
			if texts++; texts == sent {
				t.Fatal("no pong came")
			}
		}
	})
}
