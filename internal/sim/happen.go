package sim

import (
	"fmt"
	"slices"

	"github.com/wavesiddhartha/flowsync/internal/clientcore"
	"github.com/wavesiddhartha/flowsync/wire"
)

// happen lets one thing happen.
func (w *world) happen() {
	c := w.clients[w.rng.IntN(len(w.clients))]
	switch n := w.rng.IntN(100); {
	case n < 60:
		w.edit(c)
	case n < 70:
		w.aside(c)
	case n < 80:
		w.request()
	case n < 83:
		w.poke()
	default:
		w.fault(c)
	}
}

// aside does something with a client that is not an edit.
func (w *world) aside(c *client) {
	p := w.plan.streams[w.rng.IntN(len(w.plan.streams))]
	switch w.rng.IntN(9) {
	case 0:
		state := fmt.Appendf(nil, `{"n":%d}`, w.rng.IntN(100))
		if w.chance(3) {
			state = nil
		}
		if c.step(clientcore.SetPresence{Stream: p.name, State: state}) == nil && !c.down {
			w.judge.present(c, p.name, state)
		}
	case 1:
		_ = c.step(clientcore.Emit{Stream: p.name, Event: "wave", Data: []byte(`{"n":1}`)})
	case 2:
		c.tags++
		at, _ := wire.ParseCursor(c.shown[p.name])
		q := question{stream: p.name, before: uint64(w.rng.IntN(40)), reached: at.Offset}
		if c.step(clientcore.GetHistory{Tag: c.tags, Stream: p.name, Before: q.before, Limit: 1 + w.rng.IntN(20)}) == nil && !c.down {
			c.asked[c.tags] = q
		}
	case 3, 4:
		_ = c.step(clientcore.Keep{Stream: p.name})
	case 5:
		if dead := c.core.DeadLetters(); len(dead) > 0 && !c.down {
			d := dead[w.rng.IntN(len(dead))]
			_ = c.step(clientcore.Discard{Stream: d.Stream, Inc: d.Inc, Seq: d.Seq})
		}
	case 6:
		if !c.closed {
			_ = c.step(clientcore.CloseStream{Stream: p.name})
			w.after(w.between(0, 2e9), func() { c.open(p, false) })
		}
	case 7:
		_ = c.step(clientcore.SetOnline{Online: false})
		w.after(w.between(0, 3e9), func() { _ = c.step(clientcore.SetOnline{Online: true}) })
	case 8:
		if w.chance(3) {
			_ = c.step(clientcore.Close{})
		}
		_ = c.step(clientcore.Connect{})
	}
}

// fault lets one of the plan's faults happen.
func (w *world) fault(c *client) {
	var kinds []func()
	add := func(on bool, weight int, do func()) {
		for range weight {
			if on {
				kinds = append(kinds, do)
			}
		}
	}
	p := &w.plan
	onLink := func(do func(*link)) func() {
		return func() {
			if c.l != nil && !c.l.clientEnd {
				do(c.l)
			}
		}
	}
	add(p.cuts, 4, onLink((*link).cut))
	add(p.halfOpen, 2, onLink((*link).halve))
	add(p.stalls, 4, onLink((*link).stall))
	add(p.restarts, 4, func() { w.endClient(c) })
	add(p.clones, 1, func() { w.cloneClient(c) })
	add(p.restores, 1, func() { w.restoreClient(c) })
	add(p.hubCrashes, 2, w.endHub)
	add(p.unloads, 2, func() { w.anyHub().unload() })
	add(p.weather, 2, func() { w.storm(weather(1 + w.rng.IntN(2))) })
	add(p.weather, 1, func() { w.ambush(c) })
	add(p.losses, 1, w.loseTail)
	add(p.wipes, 1, w.wipeStore)
	add(p.compaction, 3, w.compact)
	add(p.rights, 2, func() { w.changeRights(c) })
	add(p.writable, 2, func() {
		h := w.anyHub()
		h.setWritable(false)
		w.after(w.between(0, 4e9), func() { h.setWritable(true) })
	})
	if len(kinds) > 0 {
		kinds[w.rng.IntN(len(kinds))]()
	}
}

func (w *world) anyHub() *hub { return w.hubs[w.rng.IntN(len(w.hubs))] }

// endClient ends a process now, or between two of its next effects.
func (w *world) endClient(c *client) {
	if c.down || c.closed {
		return
	}
	w.after(w.between(1e9, 6e9), c.restart)
	if w.chance(2) {
		c.fuse = w.rng.IntN(8)
		w.after(1e9, func() {
			if c.fuse >= 0 && !c.down {
				c.crash()
			}
		})
		return
	}
	c.crash()
}

// cloneClient starts another device with a copy of the queue and the id of one
// that goes on.
func (w *world) cloneClient(c *client) {
	if len(w.clients) > w.plan.clients || c.closed {
		return
	}
	w.hit("client: cloned")
	d := c.clone()
	w.note("%s is a copy", d.id)
	w.clients = append(w.clients, d)
	d.start()
}

// restoreClient throws a queue away and goes on from an older copy of it.
func (w *world) restoreClient(c *client) {
	if c.closed || c.line.forked {
		return
	}
	backup := cloneSaved(c.saved)
	c.line.forked = true
	w.note("%s is backed up", c.id)
	w.after(w.between(0, 20e9), func() {
		if w.calm {
			return
		}
		w.hit("client: restored from a backup")
		if !c.down {
			c.crash()
		}
		w.note("%s is restored from the backup", c.id)
		c.line.abandon(&c.saved)
		c.line = w.judge.newLineage(c)
		c.line.forked = true
		c.saved = backup
		c.line.inherit(&backup)
		c.restart()
	})
}

func (w *world) endHub() { w.end(w.anyHub()) }

// end ends a hub's process, and starts the next one later.
func (w *world) end(h *hub) {
	if h.dead {
		return
	}
	h.crash()
	w.after(w.between(0, 4e9), func() {
		if h.down {
			h.restart()
		}
	})
}

// storm makes the store fail for a while.
func (w *world) storm(kind weather) {
	w.store.weather = kind
	w.note("the store fails: %d", w.store.weather)
	w.after(w.between(0, 5e9), func() {
		w.store.weather = fair
		w.note("the store is well")
	})
}

// ambush cuts a client off that has just pushed, and makes the store fail once it
// is back and before it has opened its streams: nobody can say what is in the log.
func (w *world) ambush(c *client) {
	if c.l == nil || c.down {
		return
	}
	w.editOn(c, w.plan.streams[w.rng.IntN(len(w.plan.streams))])
	w.run(w.now + w.between(0, 4*w.plan.delay))
	if c.l != nil {
		c.l.cut()
		w.store.ambush = weather(1 + w.rng.IntN(2))
	}
}

// loseTail makes the store forget its newest changes, under running hubs or with
// them.
func (w *world) loseTail() {
	n := 1 + w.rng.IntN(12)
	w.hit("store: lost its tail")
	w.note("the store loses %d changes", n)
	w.crashAll()
	w.store.lose(n)
}

func (w *world) wipeStore() {
	w.hit("store: wiped")
	w.note("the store is wiped")
	w.crashAll()
	w.store.wipe()
}

// crashAll ends all hubs at times, as a loss of power does.
func (w *world) crashAll() {
	if w.chance(3) {
		return // another machine took over from the store's: the hubs live on
	}
	for _, h := range w.hubs {
		w.end(h)
	}
}

// compact saves a snapshot of a stream at its head and trims the log, as another
// hub of another version may.
func (w *world) compact() {
	if len(w.store.names) == 0 || w.store.weather != fair {
		return
	}
	name := w.store.names[w.rng.IntN(len(w.store.names))]
	if head := w.store.at(name); head.Offset > 0 {
		w.hit("store: compacted")
		w.note("%s is compacted at %d", name, head.Offset)
		_ = w.store.save(name, w.judge.snapshot(name, head))
		_, _ = w.store.trim(name, head.Offset, 1+w.rng.IntN(10))
	}
}

// changeRights takes a right away for a while. Tokens made meanwhile lack it.
func (w *world) changeRights(c *client) {
	p := w.plan.streams[w.rng.IntN(len(w.plan.streams))]
	stream := p.name
	r := w.rights[c.name]
	list := r.noWrite
	if w.chance(3) {
		list = r.noRead
	}
	w.note("%s loses a right on %s", c.name, stream)
	list[stream] = true
	w.after(w.between(0, 10e9), func() { delete(list, stream) })
	if w.chance(2) {
		// What is on its way into the log when the client comes back without the
		// right must stay out of it, or be told of.
		w.store.slow = true
		w.editOn(c, p)
		w.run(w.now + 2*w.plan.delay)
	}
	if c.l != nil && w.chance(2) {
		c.l.cut()
	}
}

// request asks a hub something that no session asks.
func (w *world) request() {
	h := w.anyHub()
	if h.dead {
		return
	}
	p := w.plan.streams[w.rng.IntN(len(w.plan.streams))]
	switch n := w.rng.IntN(3); {
	case n == 0 && w.plan.locals:
		w.local(h, p)
	case n == 1 && w.plan.posts:
		w.post(h, p)
	default:
		w.query(h, p.name)
	}
}

// poke makes every hub read its streams to the head. Hubs without a doorbell
// between them learn of each other's records only when they lose an append or
// a client knows more: an open from beyond makes them read.
func (w *world) poke() {
	for _, h := range w.hubs {
		for _, st := range slices.Clone(h.streams) {
			st.poke()
		}
	}
}
