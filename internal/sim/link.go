package sim

import (
	"time"

	"github.com/wavesiddhartha/flowsync/wire"
)

// link is one connection: two pipes, of which either may stall, swallow what is
// put in, or break, and each end learns of that in its own time.
type link struct {
	w  *world
	id uint64 // the client's number for it
	c  *client
	s  *session

	up, down  pipe
	clientEnd bool // the client no longer listens
	hubEnd    bool // the hub no longer listens
}

// pipe carries lines in one direction, in order.
type pipe struct {
	lines   [][]byte
	flying  int  // lines of a delivery under way
	stalled bool // nothing is delivered now
	hole    bool // what is put in is lost
}

func (p *pipe) len() int { return len(p.lines) + p.flying }

// take removes up to n lines.
func (p *pipe) take(n int) [][]byte {
	n = min(n, len(p.lines))
	lines := p.lines[:n:n]
	p.lines = p.lines[n:]
	return lines
}

func (l *link) sendUp(line []byte) {
	l.w.record(l.c.id, line)
	l.w.note("%s -> %s", l.c.id, line)
	if l.up.hole || l.hubEnd || l.clientEnd {
		return
	}
	l.up.lines = append(l.up.lines, line)
	l.pumpUp()
}

// pumpUp delivers what waits for the hub, while the hub reads.
func (l *link) pumpUp() {
	if l.up.flying > 0 || len(l.up.lines) == 0 || l.up.stalled || l.hubEnd || l.s == nil || l.s.blocked() {
		return
	}
	lines := l.up.take(1 + l.w.rng.IntN(4))
	l.up.flying = len(lines)
	l.w.after(l.w.delay(), func() { l.arriveUp(lines) })
}

func (l *link) arriveUp(lines [][]byte) {
	for i, line := range lines {
		if l.hubEnd || l.s.ended || l.s.closing {
			return
		}
		if l.s.blocked() {
			l.up.lines = append(lines[i:len(lines):len(lines)], l.up.lines...)
			break
		}
		repeat := l.repeated(line)
		l.s.line(line)
		if repeat != nil && !l.hubEnd && !l.s.closing {
			l.s.line(repeat)
		}
	}
	l.up.flying = 0
	l.pumpUp()
}

// repeated returns a copy of a push that is to arrive twice, as after a resend.
func (l *link) repeated(line []byte) []byte {
	w := l.w
	if !w.plan.repeats || w.calm || w.rng.IntN(15) > 0 || !isPush(line) {
		return nil
	}
	w.hit("link: repeated a push")
	return append([]byte(nil), line...)
}

func isPush(line []byte) bool {
	const end = `"t":"push"}`
	return len(line) > len(end) && string(line[len(line)-len(end):]) == end
}

func (l *link) sendDown(line []byte) {
	l.w.record(l.s.h.name, line)
	l.w.note("%s <- %s: %s", l.c.id, l.s.h.name, line)
	if l.down.hole || l.clientEnd {
		return
	}
	l.down.lines = append(l.down.lines, append([]byte(nil), line...))
	l.pumpDown()
}

func (l *link) pumpDown() {
	if l.down.flying > 0 || len(l.down.lines) == 0 || l.down.stalled || l.clientEnd {
		return
	}
	lines := l.down.take(1 + l.w.rng.IntN(6))
	l.down.flying = len(lines)
	l.w.after(l.w.delay(), func() { l.arriveDown(lines) })
}

func (l *link) arriveDown(lines [][]byte) {
	for _, line := range lines {
		if l.clientEnd {
			return
		}
		l.c.receive(l, line)
	}
	l.down.flying = 0
	if l.clientEnd {
		return
	}
	if len(l.down.lines) == 0 && l.s != nil && !l.s.ended && !l.s.h.dead {
		l.s.drained()
	}
	l.pumpDown()
}

// closeDown ends the hub's half in good order: the client gets the close code
// after what was sent, unless that is dropped.
func (l *link) closeDown(code wire.CloseCode, reason string) {
	l.hubEnd = true
	if l.down.hole {
		return
	}
	if l.w.chance(2) {
		l.down.lines = nil
	}
	l.hangUpClient(code, reason)
}

// hangUpClient tells the client once everything before has arrived.
func (l *link) hangUpClient(code wire.CloseCode, reason string) {
	l.w.after(l.w.delay(), func() {
		if l.clientEnd {
			return
		}
		if l.down.len() > 0 {
			l.down.stalled = false
			l.pumpDown()
			l.hangUpClient(code, reason)
			return
		}
		l.clientEnd = true
		l.c.disconnected(l, code, reason)
	})
}

// hubLeft and clientLeft: one side is gone and the other may find out.
func (l *link) hubLeft() { l.hubEnd = true }

// clientLeft: the client hung up or its process ended. What it sent before may
// still arrive, or not.
func (l *link) clientLeft() {
	if l.clientEnd {
		return
	}
	l.clientEnd = true
	l.down.lines = nil
	if l.w.chance(2) {
		l.up.lines = nil
	}
	l.endHub()
}

// endHub ends the session once everything before has arrived.
func (l *link) endHub() {
	l.w.after(l.w.delay(), func() {
		if l.hubEnd || l.s == nil {
			return
		}
		if l.up.len() > 0 && !l.s.h.dead && l.w.rng.IntN(20) > 0 {
			l.up.stalled = false
			l.pumpUp()
			l.endHub()
			return
		}
		l.hubEnd = true
		l.s.end()
	})
}

// hubDied: the hub's process is gone. The client finds its socket broken, or
// hears nothing more.
func (l *link) hubDied() {
	l.hubEnd = true
	l.down.lines = nil
	if l.w.calm || l.w.rng.IntN(4) > 0 {
		l.hangUpClient(0, "the connection was reset")
		return
	}
	l.up.hole, l.down.hole = true, true
}

// cut breaks the connection. What was under way is lost.
func (l *link) cut() {
	l.w.note("the link of %s is cut", l.c.id)
	l.up.lines, l.down.lines = nil, nil
	l.up.hole, l.down.hole = true, true
	l.w.after(l.w.between(0, time.Second), func() {
		if !l.clientEnd {
			l.clientEnd = true
			l.c.disconnected(l, 0, "the connection was reset")
		}
	})
	l.endHub()
}

// halve makes the connection half open: what either or both sides say is lost,
// and at most one of them is told.
func (l *link) halve() {
	n := l.w.rng.IntN(4)
	l.w.note("the link of %s is half open, kind %d", l.c.id, n)
	switch n {
	case 0:
		l.up.hole = true
	case 1:
		l.down.hole = true
	case 2:
		l.up.hole, l.down.hole = true, true
		l.endHub()
	case 3:
		l.up.hole, l.down.hole = true, true
		l.w.after(l.w.delay(), func() {
			if !l.clientEnd {
				l.clientEnd = true
				l.c.disconnected(l, 0, "the connection was reset")
			}
		})
	}
}

// stall stops one direction or both, and lets it go on later.
func (l *link) stall() {
	n := 1 + l.w.rng.IntN(3)
	l.up.stalled, l.down.stalled = n&1 > 0, n&2 > 0
	l.w.note("the link of %s stalls, %d", l.c.id, n)
	l.w.after(l.w.between(0, 5*time.Second), func() {
		l.up.stalled, l.down.stalled = false, false
		l.pumpUp()
		l.pumpDown()
	})
}
