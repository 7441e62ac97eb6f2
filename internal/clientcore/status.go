package clientcore

import "github.com/wavesiddhartha/flowsync/wire"

// StatusName is what an application shows of its connection.
type StatusName string

// Statuses of a client.
const (
	Idle       StatusName = "idle"        // not connected yet
	Connecting StatusName = "connecting"  // the first attempt, or one after a drop
	CatchingUp StatusName = "catching-up" // connected; some streams are not up to date
	Online     StatusName = "online"
	Offline    StatusName = "offline"    // waiting for the next attempt, or offline on purpose
	NeedsAuth  StatusName = "needs-auth" // there is no token
	Denied     StatusName = "denied"     // the hub refuses the token, the origin or the client
	Closed     StatusName = "closed"     // closed, or replaced by a newer session of this client
)

// Status is the state of the connection.
type Status struct {
	Name StatusName

	// Code and Reason say why the last connection ended: a close code, 0 without
	// one, and words for people. Empty while connected.
	Code   wire.CloseCode
	Reason string

	// RetryAt is when the next attempt is made. Only for Offline; 0 when none is
	// planned.
	RetryAt Instant
}

// report says what a step did to the status and to the next tick.
func (c *Client) report() {
	if s := c.statusNow(); s != c.status {
		c.status = s
		c.emit(StatusChanged{Status: s})
	}
	if at := c.nextTick(); at != c.wake {
		c.wake = at
		c.emit(Wake{At: at})
	}
}

func (c *Client) statusNow() Status {
	l := &c.link
	switch l.phase {
	case stopped:
		return l.end
	case idle:
		if l.started {
			return Status{Name: Offline}
		}
		return Status{Name: Idle}
	case waiting:
		return Status{Name: Offline, Code: l.last.Code, Reason: l.last.Reason, RetryAt: l.retryAt}
	case live:
		for _, st := range c.order {
			if st.needed() && (st.phase == closed || st.phase == opening) {
				return Status{Name: CatchingUp}
			}
		}
		return Status{Name: Online}
	}
	return Status{Name: Connecting, Code: l.last.Code, Reason: l.last.Reason}
}

// nextTick is the earliest time at which something falls due, 0 for never. What
// is due already waits for the next Flush, which needs no timer.
func (c *Client) nextTick() Instant {
	l := &c.link
	var next Instant
	at := func(t Instant) {
		if t != 0 && (next == 0 || t < next) {
			next = t
		}
	}
	switch l.phase {
	case waiting:
		at(l.retryAt)
	case dialing, greeting:
		at(l.deadline)
	case live:
		if l.pongBy != 0 {
			at(l.pongBy)
		} else {
			at(l.pingAt)
		}
		for _, st := range c.order {
			if t := c.dueAt(st); t > c.now {
				at(t)
			}
		}
	}
	return next
}

// dueAt is when a stream that waits for time alone goes on, 0 if it waits for
// none.
func (c *Client) dueAt(st *stream) Instant {
	switch {
	case st.phase == closed && st.needed():
		return st.openAt
	case st.phase == open && c.link.writable && st.unsent():
		return max(st.sendAt, c.link.writeAt)
	}
	return 0
}
