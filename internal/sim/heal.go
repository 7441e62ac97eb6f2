package sim

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/internal/clientcore"
	"github.com/wavesiddhartha/flowsync/wire"
)

// healWithin is how much virtual time a healed world may take to settle: longer
// than any time-out and back-off.
const healWithin = 400 * time.Second

// heal ends all faults and lets everything settle. Devices that share a client
// id take turns, since only one of them can be connected.
func (w *world) heal() {
	w.note("the world heals")
	w.calm = true
	w.run(w.now + 10*time.Second) // what was to begin or end by itself did
	w.store.weather, w.store.ambush = fair, fair
	for _, h := range w.hubs {
		if h.down {
			h.restart()
		}
		w.hubs[h.slot].setWritable(true)
	}
	for _, r := range w.rights {
		clear(r.noRead)
		clear(r.noWrite)
	}
	for _, c := range w.clients {
		c.fuse = -1
		c.restart()
	}
	w.stayAfloat()
	for i, c := range slices.Backward(w.clients) {
		if i >= w.plan.clients {
			w.retire(c)
		}
	}
	for _, c := range w.clients {
		c.comeBack()
	}
	w.settle(func(*client) bool { return true })
}

// stayAfloat waits for what comes by itself: a client that is connected gets
// everything and loses its pending ops without having to connect anew.
func (w *world) stayAfloat() {
	end := w.now + healWithin
	for {
		w.run(w.now + 10*time.Second)
		var left []string
		for _, c := range w.clients {
			left = append(left, w.adrift(c)...)
		}
		if len(left) == 0 {
			return
		}
		if w.now > end {
			w.fail("not up to date %v after all faults ended, without connecting anew: %s", healWithin, strings.Join(left, "; "))
		}
		w.poke()
	}
}

// adrift says what a client that is connected still waits for.
func (w *world) adrift(c *client) (left []string) {
	switch name := c.core.Status().Name; {
	case name == clientcore.Connecting, name == clientcore.CatchingUp:
		return []string{fmt.Sprintf("%s is %s", c.id, c.core.Status().Name)}
	case name != clientcore.Online:
		return nil // offline or closed on purpose, or replaced by its clone
	}
	for _, p := range w.plan.streams {
		in, ok := c.core.Stream(p.name)
		if !ok || !in.Synced || in.Halted || p.rule == crdt.Ephemeral {
			continue
		}
		if in.Pending > 0 && in.Granted.Writes() {
			left = append(left, fmt.Sprintf("%s on %s: %d ops are pending", c.id, p.name, in.Pending))
		}
		head := w.judge.streams[p.name].head
		if head == nil { // until a hub notices that the store lost the stream, and makes it anew
			left = append(left, fmt.Sprintf("%s on %s: the store has no such stream", c.id, p.name))
			continue
		}
		if at, ok := wire.ParseCursor(in.Cursor); in.Granted.Reads() && (!ok || at.Offset != head.at.Offset || !at.Fits(head.at.Chain)) {
			left = append(left, fmt.Sprintf("%s on %s: at %s, the log is at %d", c.id, p.name, in.Cursor, head.at.Offset))
		}
	}
	return left
}

// comeBack connects a device anew and makes it want all streams.
func (c *client) comeBack() {
	if c.closed {
		return
	}
	if c.l != nil {
		c.l.cut()
	}
	_ = c.step(clientcore.SetOnline{Online: true})
	for _, p := range c.w.plan.streams {
		c.open(p, false)
	}
	c.w.after(2*time.Second, func() { _ = c.step(clientcore.Connect{}) })
}

// retire lets a clone empty its queue while the other devices of its client are
// closed, and closes it.
func (w *world) retire(c *client) {
	for _, o := range w.clients {
		if o != c && o.name == c.name {
			_ = o.step(clientcore.Close{})
		}
	}
	c.comeBack()
	w.settle(func(o *client) bool { return o == c })
	_ = c.step(clientcore.Close{})
	c.closed = true
}

// settle lets time pass until the devices in question are done.
func (w *world) settle(which func(*client) bool) {
	end := w.now + healWithin
	for {
		w.run(w.now + 5*time.Second)
		left := w.unsettled(which)
		if left == "" {
			return
		}
		if w.now > end {
			w.fail("not settled %v after all faults ended: %s", healWithin, left)
		}
		w.poke()
	}
}

// unsettled says what is still to be done.
func (w *world) unsettled(which func(*client) bool) string {
	var left []string
	for _, c := range w.clients {
		if c.closed || !which(c) {
			continue
		}
		if s := c.core.Status(); s.Name != clientcore.Online {
			left = append(left, fmt.Sprintf("%s is %s", c.id, s.Name))
			continue
		}
		for _, p := range w.plan.streams {
			if what := w.unsettledStream(c, p); what != "" {
				left = append(left, fmt.Sprintf("%s on %s: %s", c.id, p.name, what))
			}
		}
	}
	for _, h := range w.hubs {
		for _, s := range h.sessions {
			if s.l.clientEnd {
				left = append(left, h.name+" has a session that nobody is in")
			}
			if s.l.down.len() > 0 {
				left = append(left, "something is on its way to "+s.l.c.id)
			}
		}
		for _, st := range h.streams {
			if what := w.unsettledHub(st); what != "" {
				left = append(left, fmt.Sprintf("%s on %s: %s", h.name, st.name, what))
			}
		}
	}
	return strings.Join(left, "; ")
}

func (w *world) unsettledStream(c *client, p streamPlan) string {
	in, ok := c.core.Stream(p.name)
	switch {
	case !ok:
		return "not open"
	case in.Halted:
		return "halted"
	case !in.Synced:
		return "not synced"
	case in.Pending > 0:
		return fmt.Sprintf("%d ops are pending", in.Pending)
	case p.rule == crdt.Ephemeral || in.Granted == wire.Write:
		return ""
	case in.Shown > 0:
		return fmt.Sprintf("%d ops wait for their entries", in.Shown)
	}
	head := w.judge.streams[p.name].head
	if cursor, ok := wire.ParseCursor(in.Cursor); !ok || cursor.Offset != head.at.Offset || !cursor.Fits(head.at.Chain) {
		return fmt.Sprintf("at %s, the log is at %d", in.Cursor, head.at.Offset)
	}
	return ""
}

func (w *world) unsettledHub(st *stream) string {
	if len(st.outbox) > 0 || st.sending {
		return "is sending"
	}
	if st.rule() == crdt.Ephemeral {
		return ""
	}
	got := w.query(st.h, st.name).answer
	if got == nil || got.Err != nil {
		return "does not answer"
	}
	head := w.judge.streams[st.name].head
	if cursor, ok := wire.ParseCursor(got.Cursor); !ok || !cursor.Fits(head.at.Chain) {
		return fmt.Sprintf("at %s, the log is at %d", got.Cursor, head.at.Offset)
	}
	return ""
}

// finish checks what must hold once everything is settled.
func (w *world) finish() {
	w.judge.balance()
	for _, h := range w.hubs {
		for _, s := range h.sessions {
			if s.pushes != 0 || s.bytes != 0 {
				w.fail("%s never released %d pushes of %s", h.name, s.pushes, s.core.Member().Client)
			}
		}
		for _, st := range h.streams {
			w.finishStream(h, st)
		}
	}
	for _, c := range w.clients {
		for _, p := range w.plan.streams {
			if in, ok := c.core.Stream(p.name); ok && !c.closed && in.Cursor != "" {
				w.judge.checkView(c, p.name, &in)
			}
		}
	}
}

// finishStream compares a hub's stream with the log and with its subscribers.
func (w *world) finishStream(h *hub, st *stream) {
	got := w.query(h, st.name).answer
	if got == nil || got.Err != nil {
		w.fail("%s does not serve %s in the end", h.name, st.name)
	}
	if st.rule() == crdt.Ephemeral {
		w.finishKeys(h, st, got.Value)
	}
	w.finishPresence(h, st)
}

// finishKeys compares what is shown of an ephemeral stream.
func (w *world) finishKeys(h *hub, st *stream, value []byte) {
	for _, c := range w.clients {
		if in, _ := c.core.Stream(st.name); !c.on(h) || in.Granted == wire.Write {
			continue
		}
		if view, ok := c.core.AppendView(nil, st.name); !ok || !bytes.Equal(view, value) {
			w.fail("%s: %s shows %s, %s has %s", st.name, c.id, view, h.name, value)
		}
	}
}

// on reports whether the client is connected to that hub.
func (c *client) on(h *hub) bool {
	return !c.closed && c.l != nil && !c.l.clientEnd && c.l.s != nil && c.l.s.h == h
}

// presenceKey is a client on a stream.
type presenceKey struct{ client, stream string }

// present notes what a client shows of itself.
func (j *oracle) present(c *client, stream string, state []byte) {
	j.presence[presenceKey{c.id, stream}] = state
	c.presenceLife[stream] = c.life
}

// finishPresence checks that everyone sees everyone else on the same hub.
func (w *world) finishPresence(h *hub, st *stream) {
	for _, c := range w.clients {
		if !c.on(h) {
			continue
		}
		var want []string
		for _, o := range w.clients {
			if state := w.judge.presence[presenceKey{o.id, st.name}]; o != c && o.on(h) && state != nil && o.presenceLife[st.name] == o.life {
				want = append(want, o.name+string(state))
			}
		}
		var got []string
		for _, p := range c.core.Peers(st.name) {
			got = append(got, p.Client+string(p.State))
		}
		slices.Sort(want)
		if !slices.Equal(got, want) {
			w.fail("%s: %s sees %q, and there are %q", st.name, c.id, got, want)
		}
	}
}
