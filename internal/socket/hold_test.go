package socket

import (
	"strings"
	"testing"
	"time"

	"github.com/wavesiddhartha/flowsync/internal/socket/sockettest"
	"github.com/wavesiddhartha/flowsync/wire"
)

// What is sent while a socket is held waits, keeps its order, and leaves with the
// release.
func TestHold(t *testing.T) {
	sv := serveSockets(t)
	c := sockettest.Dial(t, sv.URL)
	s := sv.only()
	s.Hold()
	s.SendUrgent([]byte("one"))
	s.SendFrame(NewFrame([]byte("two")))
	if n, _ := s.Queued(); n != 2 {
		t.Errorf("%d messages wait, want 2", n)
	}
	s.Release()
	if n, _ := s.Queued(); n != 0 {
		t.Errorf("%d messages wait after the release, want none", n)
	}
	c.ExpectText("one")
	c.ExpectText("two")
	s.Send([]byte("three"))
	c.ExpectText("three")
}

// A large message is not copied together with others: it ends the hold.
func TestHoldEndsWithALargeMessage(t *testing.T) {
	sv := serveSockets(t)
	c := sockettest.Dial(t, sv.URL)
	s := sv.only()
	large := strings.Repeat("x", joinSize)
	s.Hold()
	s.Send([]byte("small"))
	s.Send([]byte(large))
	c.ExpectText("small")
	c.ExpectText(large)
	s.Release()
	s.Send([]byte("after"))
	c.ExpectText("after")
}

// A close goes behind what waits, and does not wait itself.
func TestCloseOfAHeldSocket(t *testing.T) {
	plainAndTLS(t, func(t *testing.T, sv *socketServer) {
		c := sockettest.Dial(t, sv.URL)
		s := sv.only()
		s.Hold()
		s.Send([]byte("last"))
		s.Close(wire.CloseShutdown, "bye")
		c.ExpectText("last")
		c.ExpectClose(wire.CloseShutdown)
		s.Release()
	})
}

// A message that is refused while a socket is held is told of like any other: the
// owner hears when there is room.
func TestHeldSocketDrains(t *testing.T) {
	sv := serveSockets(t)
	drained := make(chan struct{}, 1)
	sv.o.QueueMessages = 1
	sv.owner.drained = func() { drained <- struct{}{} }
	c := sockettest.Dial(t, sv.URL)
	s := sv.only()
	s.Hold()
	s.Send([]byte("one"))
	if s.Send([]byte("two")) {
		t.Error("a message beyond the queue's bound is taken")
	}
	s.Release()
	c.ExpectText("one")
	select {
	case <-drained:
	case <-time.After(10 * time.Second):
		t.Error("the owner was not told that there is room again")
	}
}
