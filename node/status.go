package node

import (
	"time"

	"github.com/wavesiddhartha/flowsync/internal/clientcore"
	"github.com/wavesiddhartha/flowsync/wire"
)

// StatusName is what an application shows of its connection.
type StatusName = clientcore.StatusName

// Statuses of a node.
const (
	Idle       = clientcore.Idle
	Connecting = clientcore.Connecting // dialing, or saying hello
	CatchingUp = clientcore.CatchingUp // connected; some streams are not up to date
	Online     = clientcore.Online
	Offline    = clientcore.Offline   // waiting for the next attempt, or after SetOffline(true)
	NeedsAuth  = clientcore.NeedsAuth // the token source has none; Connect tries again
	Denied     = clientcore.Denied    // the hub refuses the token or the client; Connect tries again
	Closed     = clientcore.Closed    // closed, or replaced by a newer session of this client
)

// Status is the state of the connection.
type Status struct {
	Name StatusName

	// Code and Reason say why the last connection ended: a WebSocket close code,
	// 0 without one, and words for people. Empty while connected.
	Code   wire.CloseCode
	Reason string

	// RetryIn is the time until the next attempt to connect, 0 when none is
	// planned.
	RetryIn time.Duration
}

// Status returns the present status.
func (n *Node) Status() Status {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.statusOf(n.core.Status())
}

func (n *Node) statusOf(s clientcore.Status) Status {
	out := Status{Name: s.Name, Code: s.Code, Reason: s.Reason}
	if s.RetryAt != 0 {
		out.RetryIn = max(0, time.Duration(s.RetryAt-n.now())*time.Millisecond)
	}
	return out
}

// Connect tries to connect now: it cuts a wait short, and it is how a node goes
// on that was denied, needs a token or was replaced.
func (n *Node) Connect() { n.do(clientcore.Connect{}) }

// SetOffline simulates that the network is gone, or back. While it is gone ops
// are queued and shown as usual.
func (n *Node) SetOffline(offline bool) { n.do(clientcore.SetOnline{Online: !offline}) }
