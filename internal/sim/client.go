package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/wavesiddhartha/flowsync/internal/clientcore"
	"github.com/wavesiddhartha/flowsync/wire"
)

// client is one client process after another on one device: the shell of their
// machine, and the queue that outlives them.
type client struct {
	w    *world
	name string // the client id; clones share it
	id   string // this device, for the trace
	cfg  clientcore.Config

	core    *clientcore.Client
	saved   clientcore.Saved
	l       *link // of the last Dial
	decoder wire.Decoder
	out     clientcore.Effects

	life     int // counts processes: what is on the agenda of a former one is void
	down     bool
	closed   bool // will not run again
	wakes    int  // counts Wake effects: an older one is void
	flushing bool
	fuse     int // effects until the process ends; -1: it lives on
	tags     uint64
	asked    map[uint64]question // history requests by tag

	line   *lineage
	shown  map[string]string    // the last cursor of each stream
	docs   map[string]*document // the application's documents
	names  map[sentKey]string   // what was sent under each seq
	trail  bool                 // the message of this step has a trail
	synced bool                 // it is a synced

	presenceLife map[string]int // by stream: the process that set presence
}

// question is a request for history, and where its client was.
type question struct {
	stream          string
	before, reached uint64
}

func newClient(w *world, name string) *client {
	c := &client{w: w, name: name, id: name, fuse: -1, shown: map[string]string{}, docs: map[string]*document{}, asked: map[uint64]question{}, presenceLife: map[string]int{}}
	c.cfg = clientcore.Config{
		Client: name, Random: w.rng.Uint32, Keep: w.chance(2), TokenInHello: w.chance(2),
		BackoffCap: clientcore.Instant(1000 + w.rng.IntN(9000)),
	}
	if w.chance(4) {
		c.cfg.QueueOps = 5 + w.rng.IntN(50)
	}
	if w.rights[name] == nil {
		w.rights[name] = &rights{noRead: map[string]bool{}, noWrite: map[string]bool{}}
	}
	c.core = clientcore.New(c.cfg)
	c.line = w.judge.newLineage(c)
	return c
}

// start runs the process: it opens its streams and connects.
func (c *client) start() {
	c.w.note("%s starts", c.id)
	for _, p := range c.w.plan.streams {
		c.open(p, !c.w.calm && c.life == 0)
	}
	_ = c.step(clientcore.Connect{})
}

// open opens a stream as this client uses it. A vague one does not say the rule.
func (c *client) open(p streamPlan, vague bool) {
	ev := clientcore.Open{Stream: p.name, Rule: string(p.rule)}
	if vague && c.w.chance(3) {
		ev.Rule = ""
	}
	if c.w.plan.values {
		ev.Mode, ev.As = c.manner(p.name)
	}
	_ = c.step(ev)
}

// manner is how a device opens a stream, always the same way.
func (c *client) manner(stream string) (wire.Mode, wire.As) {
	switch sum := len(stream) + int(c.name[1]-'0')*3; sum % 7 {
	case 1:
		return wire.ReadWrite, wire.AsValue
	case 2:
		return wire.Write, wire.AsState
	case 3:
		return wire.Read, wire.AsState
	}
	return wire.ReadWrite, wire.AsState
}

// hasReplica reports whether the device keeps a state of a stream.
func (c *client) hasReplica(stream string) bool {
	if !c.w.plan.values {
		return true
	}
	mode, as := c.manner(stream)
	return mode.Reads() && as == wire.AsState
}

func (c *client) now() clientcore.Instant { return clientcore.Instant(c.w.now / time.Millisecond) }

// step feeds one event and carries out what follows from it.
func (c *client) step(ev clientcore.Event) error {
	if c.down {
		return nil
	}
	c.w.events++
	c.out = c.out[:0]
	err := c.core.Step(c.now(), ev, &c.out)
	out := slices.Clone(c.out)
	c.judge(ev, out)
	for _, e := range out {
		if c.fuse == 0 {
			c.w.hit("client: ended between two effects")
			c.crash()
			return err
		}
		if c.fuse > 0 {
			c.fuse--
		}
		c.do(e)
	}
	if c.fuse == 0 {
		c.crash()
		return err
	}
	c.w.judge.stepped(c, out)
	c.flushSoon()
	return err
}

// flushSoon sends what the steps of the next moment make ready, together.
func (c *client) flushSoon() {
	if c.flushing {
		return
	}
	c.flushing = true
	life := c.life
	c.w.after(c.w.between(0, 3*time.Millisecond), func() {
		if c.life != life || c.down {
			return
		}
		if err := c.step(clientcore.Flush{}); err != nil {
			c.w.fail("%s: flush was refused: %v", c.id, err)
		}
		c.flushing = false
	})
}

// do carries out one effect.
func (c *client) do(e clientcore.Effect) {
	c.w.judge.durable(c, e)
	c.saved.Do(e)
	switch e := e.(type) {
	case clientcore.NeedToken:
		c.needToken()
	case clientcore.Dial:
		c.dial(e)
	case clientcore.Send:
		c.send(e)
	case clientcore.Rejected:
		delete(c.docs, e.Dead.Stream) // what it builds on is not in the stream
	case clientcore.Hangup:
		if c.l != nil && c.l.id == e.Link {
			if e.Code == wire.CloseTimeout {
				c.w.hit("client: gave a silent link up")
			}
			c.l.clientLeft()
		}
	case clientcore.Wake:
		c.wake(e.At)
	}
}

func (c *client) needToken() {
	life := c.life
	c.w.after(c.w.delay(), func() {
		if c.life != life || c.down {
			return
		}
		if c.w.plan.tokens && !c.w.calm && c.w.chance(5) {
			_ = c.step(clientcore.TokenFailed{Final: c.w.chance(4)})
			return
		}
		_ = c.step(clientcore.TokenReady{Token: c.w.issue(c.name)})
	})
}

// dial connects to some hub, or to none.
func (c *client) dial(e clientcore.Dial) {
	w := c.w
	l := &link{w: w, id: e.Link, c: c}
	c.l = l
	h := w.hubs[w.rng.IntN(len(w.hubs))]
	w.after(w.delay(), func() {
		if l.clientEnd {
			return
		}
		if h.dead || w.plan.cuts && !w.calm && w.chance(10) {
			l.clientEnd = true
			c.disconnected(l, 0, "the connection was refused")
			return
		}
		tok := e.Token
		if c.cfg.TokenInHello {
			tok = ""
		}
		l.s = h.accept(l, tok)
		w.after(w.delay(), func() {
			if !l.clientEnd {
				_ = c.step(clientcore.Connected{Link: l.id})
			}
		})
	})
}

func (c *client) send(e clientcore.Send) {
	if c.l == nil || c.l.id != e.Link {
		c.w.fail("%s sends on link %d, which it gave up", c.id, e.Link)
	}
	line := e.Msg.Append(nil)
	if most := c.core.MessageBytes(); len(line) > most {
		c.w.fail("%s sends %d bytes where %d are allowed", c.id, len(line), most)
	}
	c.w.judge.sent(c, e.Msg)
	c.l.sendUp(line)
}

func (c *client) wake(at clientcore.Instant) {
	c.wakes++
	if at == 0 {
		return
	}
	wakes, life := c.wakes, c.life
	c.w.after(max(0, time.Duration(at)*time.Millisecond-c.w.now), func() {
		if c.wakes == wakes && c.life == life && !c.down {
			_ = c.step(clientcore.Tick{})
		}
	})
}

// receive takes one line of the hub, and destroys it.
func (c *client) receive(l *link, line []byte) {
	if c.down {
		return
	}
	m, err := c.decoder.Hub(line)
	if err != nil {
		c.w.fail("%s cannot decode %s: %v", c.id, line, err)
	}
	c.heard(m)
	_ = c.step(clientcore.Received{Link: l.id, Msg: m})
	c.trail, c.synced = false, false
	scribble(line)
}

// heard counts what the hub tells.
func (c *client) heard(m wire.HubMessage) {
	switch m := m.(type) {
	case *wire.Error:
		c.w.hit("error: " + string(m.Code))
	case *wire.Reject:
		c.w.hit("reject: " + string(m.Code))
	case *wire.Synced:
		c.synced = true
		if m.Yours == nil && m.Mode.Writes() {
			c.w.hit("synced: without yours")
		}
		if m.Yours != nil && len(m.Yours.Trail) > 0 {
			c.w.hit("synced: with a trail")
			c.trail = true
		}
	}
}

func (c *client) disconnected(l *link, code wire.CloseCode, reason string) {
	if c.down {
		return
	}
	_ = c.step(clientcore.Disconnected{Link: l.id, Code: code, Reason: reason})
}

// crash ends the process. Its socket closes, or is left to rot.
func (c *client) crash() {
	c.w.note("%s crashes", c.id)
	c.life++
	c.down, c.flushing, c.fuse = true, false, -1
	clear(c.asked)
	clear(c.shown)
	clear(c.docs)
	if c.l == nil {
		return
	}
	if c.w.plan.halfOpen && !c.w.calm && c.w.chance(2) {
		c.l.clientEnd, c.l.up.hole, c.l.down.hole = true, true, true
		return
	}
	c.l.clientLeft()
}

// restart begins the next process from what was saved.
func (c *client) restart() {
	if !c.down || c.closed {
		return
	}
	c.down = false
	c.core = clientcore.Restore(c.cfg, cloneSaved(c.saved))
	c.start()
}

// clone is another device with a copy of this one's queue.
func (c *client) clone() *client {
	d := newClient(c.w, c.name)
	d.id = fmt.Sprintf("%s-clone", c.name)
	d.cfg.Keep = c.cfg.Keep
	d.saved = cloneSaved(c.saved)
	d.core = clientcore.Restore(d.cfg, cloneSaved(d.saved))
	d.life = 1
	d.line.inherit(&d.saved)
	return d
}

// cloneSaved copies a queue with everything that one process would change under
// the other.
func cloneSaved(s clientcore.Saved) clientcore.Saved {
	out := clientcore.Saved{Streams: slices.Clone(s.Streams), Dead: slices.Clone(s.Dead)}
	for i := range out.Streams {
		out.Streams[i].Ops = slices.Clone(out.Streams[i].Ops)
	}
	return out
}

// judge shows a step to the oracle before its effects are carried out.
func (c *client) judge(ev clientcore.Event, out clientcore.Effects) {
	if !c.w.opts.Trace {
		return
	}
	c.w.note("%s: %T", c.id, ev)
	for _, e := range out {
		switch e := e.(type) {
		case clientcore.Send, clientcore.Wake, clientcore.Changed:
		case clientcore.SaveState:
			c.w.note("%s: does SaveState %s at %s", c.id, e.Head.Stream, e.Kept.Cursor)
		case clientcore.SaveOp:
			c.w.note("%s: does SaveOp %s seq %d at %d %s", c.id, e.Stream, e.Op.Seq, e.Op.At, e.Op.Body)
		default:
			c.w.note("%s: does %T %+v", c.id, e, e)
		}
	}
}
