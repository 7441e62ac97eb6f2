package flowsync

import (
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wavesiddhartha/flowsync/store"
	"github.com/wavesiddhartha/flowsync/wire"
)

// TestTwoSessionsOfOneClient pushes through both; the newer goes on, the older
// is closed, and nothing is lost or counted twice.
func TestTwoSessionsOfOneClient(t *testing.T) {
	hs := serveHub(t, Options{Auth: Anonymous})
	hs.Stream("set:a", ORSet)
	add := func(n uint64) string { return fmt.Sprintf(`{"op":"add","value":"%03d"}`, n) }
	old, _ := hs.join("tab", rw("set:a"))
	for seq := uint64(1); seq <= 50; seq++ {
		old.push("set:a", seq, add(seq))
	}
	o := rw("set:a")
	o.Unacked = 50
	young, synced := hs.join("tab", o)
	if young.welcome.Session <= old.welcome.Session {
		t.Errorf("session %d follows %d", young.welcome.Session, old.welcome.Session)
	}
	var acked uint64
	for old.closed == 0 {
		switch msg := old.next().(type) {
		case *wire.Ack:
			acked = msg.Seq
		case *wire.Error:
			if msg.Code != wire.Replaced {
				t.Errorf("the older session is told %s", msg.Append(nil))
			}
		}
	}
	if old.closed != wire.CloseReplaced {
		t.Errorf("the older session is closed with %d", old.closed)
	}
	in := synced[0].Yours.Seq
	if acked > in {
		t.Errorf("op %d was acknowledged, and yours says %d", acked, in)
	}
	// The newer session sends again all that yours does not have, and rewinds
	// when the hub tells it to.
	for next := in + 1; in < 50; {
		for ; next <= 50; next++ {
			young.push("set:a", next, add(next))
		}
		switch msg := young.next().(type) {
		case *wire.Ack:
			in = msg.Seq
		case *wire.Error:
			if msg.Code != wire.SeqGap {
				t.Fatalf("the newer session is told %s", msg.Append(nil))
			}
			next = msg.Expected
		case nil:
			t.Fatalf("the newer session is closed with %d", young.closed)
		}
	}
	var all []string
	if err := json.Unmarshal([]byte(hs.value("set:a")), &all); err != nil || len(all) != 50 {
		t.Errorf("%d elements are in: %v", len(all), err)
	}
	if cursor, _ := hs.cursorOf("set:a"); cursor.Offset != 50 {
		t.Errorf("the log has %d entries, want 50", cursor.Offset)
	}
	young.quiet(func(m wire.HubMessage) bool { _, failed := m.(*wire.Error); return !failed })
}

// TestReplacedOnAnotherHub takes a client over on a second hub that shares the
// store. What the older session sends then is not committed, and ends it.
func TestReplacedOnAnotherHub(t *testing.T) {
	shared := store.NewMemory()
	one := serveHub(t, Options{Auth: Anonymous, Store: shared})
	two := serveHub(t, Options{Auth: Anonymous, Store: shared})
	one.Stream("set:a", ORSet)
	two.Stream("set:a", ORSet)
	old, _ := one.join("tab", rw("set:a"))
	bystander, _ := one.join("other", rw("set:a"))
	old.push("set:a", 1, `{"op":"add","value":"1"}`)
	old.acked(1)
	o := rw("set:a")
	o.Unacked = 1
	young, synced := two.join("tab", o)
	if in := synced[0].Yours.Seq; in != 1 {
		t.Fatalf("the newer session is told of op %d, want 1", in)
	}
	old.push("set:a", 2, `{"op":"add","value":"2"}`)
	old.awaitClose(wire.CloseReplaced)
	young.push("set:a", 2, `{"op":"add","value":"two"}`)
	young.acked(2)
	bystander.push("set:a", 1, `{"op":"add","value":"3"}`)
	bystander.acked(1)
	if got := one.value("set:a"); got != `["1","3","two"]` {
		t.Errorf("the set holds %s", got)
	}
}

// slowHub serves a log whose values are large, to sessions with little room.
func slowHub(t *testing.T, l Limits) *hubServer {
	hs := serveHub(t, Options{Auth: Anonymous, Limits: l})
	hs.sockets.SendBuffer = 64 << 10
	hs.Stream("log:a", Log, Keep(5))
	hs.Stream("counter:a", Counter)
	return hs
}

// takeLittle keeps the kernel from reading ahead for the client.
func (p *peer) takeLittle() {
	if err := p.Conn.Conn.(*net.TCPConn).SetReadBuffer(32 << 10); err != nil {
		p.t.Fatal(err)
	}
}

// A client that does not read for a while lags: it gets the entries after its
// cursor when they are still at hand, and the state when they are not. Nobody
// waits for it.
func TestSlowClientIsCaughtUp(t *testing.T) {
	const ever = time.Hour // it is not given up, however long the pushes take
	for _, c := range []struct {
		name   string
		pushes int
		limits Limits
		state  bool
	}{
		{"by ops", 600, Limits{QueueMessages: 8, WriteTimeout: ever}, false},
		{"by its state", 600, Limits{QueueMessages: 8, WriteTimeout: ever}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			hs := slowHub(t, c.limits)
			slow, synced := hs.join("slow", r("log:a"))
			slow.takeLittle()
			quick, _ := hs.join("quick", rw("log:a"))
			padding := strings.Repeat("x", 1500)
			if c.state {
				padding = strings.Repeat("x", 15_000)
			}
			var longest time.Duration
			for seq := 1; seq <= c.pushes; seq++ {
				began := time.Now()
				quick.push("log:a", uint64(seq), fmt.Sprintf(`{"op":"append","value":"%d %s"}`, seq, padding))
				await(quick, func(m *wire.Ops) bool { return m.Entries[len(m.Entries)-1].Seq == uint64(seq) })
				longest = max(longest, time.Since(began))
			}
			if longest > 5*time.Second {
				t.Errorf("the other client waited %v", longest)
			}
			head, digest := hs.cursorOf("log:a")
			requireCaughtUp(t, slow, synced[0], head, c.state)
			if _, now := hs.cursorOf("log:a"); now != digest {
				t.Error("reading changed the state")
			}
		})
	}
}

// requireCaughtUp reads on until the client is at the head, and requires that no
// entry was skipped but by a new state.
func requireCaughtUp(t *testing.T, p *peer, start *wire.Synced, head wire.Cursor, byState bool) {
	t.Helper()
	from, _ := wire.ParseCursor(start.Cursor)
	reached, states := from.Offset, 0
	for reached < head.Offset {
		switch m := p.next().(type) {
		case nil:
			t.Fatalf("closed with %d at %d of %d", p.closed, reached, head.Offset)
		case *wire.Ops:
			if m.From != reached || m.Entries[0].Off != reached+1 {
				t.Fatalf("ops from %d come at %d", m.From, reached)
			}
			reached = m.Entries[len(m.Entries)-1].Off
		case *wire.Synced:
			cursor, _ := wire.ParseCursor(m.Cursor)
			if m.Outcome != wire.Snapshot || m.Base+uint64(len(m.Entries)) != cursor.Offset || cursor.Offset < reached {
				t.Fatalf("synced unasked: %.300s", m.Append(nil))
			}
			reached = cursor.Offset
			states++
		case *wire.Error:
			t.Fatalf("the slow client gets %s", m.Append(nil))
		}
	}
	if byState != (states > 0) {
		t.Errorf("it was caught up by %d states", states)
	}
}

// A client that takes nothing at all is closed, and others do not notice.
func TestStuckClientIsClosed(t *testing.T) {
	hs := slowHub(t, Limits{WriteTimeout: 300 * time.Millisecond, QueueMessages: 8})
	stuck, _ := hs.join("stuck", r("log:a"))
	stuck.takeLittle()
	other, _ := hs.join("other", rw("counter:a"))
	padding := strings.Repeat("x", 100_000)
	seq := uint64(0)
	eventually(t, "the client that takes nothing has not been closed", func() bool {
		if err := hs.Push(t.Context(), "log:a", map[string]string{"op": "append", "value": padding}); err != nil {
			t.Fatal(err)
		}
		seq++
		other.push("counter:a", seq, increment)
		other.acked(seq)
		return !slices.ContainsFunc(hs.sessions.all(), func(s *session) bool { return s.core.Member().Client == "stuck" })
	})
	for stuck.next() != nil {
	}
	if stuck.closed != wire.CloseSlow && stuck.closed != 1006 { // the close itself may find no room
		t.Errorf("closed with %d", stuck.closed)
	}
	if !strings.Contains(hs.log.String(), "4502") {
		t.Error("the log does not tell of 4502")
	}
}
