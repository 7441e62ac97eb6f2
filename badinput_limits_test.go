package flowsync

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/wavesiddhartha/flowsync/store"
	"github.com/wavesiddhartha/flowsync/wire"
)

func limitInputs() []badInput {
	var rows []badInput
	add := func(name string, stands uint64, send func(*trial), want ...string) {
		rows = append(rows, badInput{group: "limits", name: name, stands: stands, send: send, want: want})
	}
	streams := func(n int) (opens []wire.Open) {
		for i := range n {
			opens = append(opens, r(fmt.Sprintf("counter:s%d", i)))
		}
		return opens
	}
	add("257 streams", 0, func(a *trial) {
		a.joinAs("all", streams(256)...)
		a.p.say(&wire.Sub{Ref: "1", Open: r(a.on)})
	}, "error sub_limit")
	add("257 streams, one given back", 0, func(a *trial) {
		a.joinAs("all", streams(256)...)
		a.p.say(&wire.Unsub{Stream: "counter:s7"}, &wire.Sub{Ref: "1", Open: r(a.on)})
	}, "synced snapshot")
	add("257 streams in hello", 0, func(a *trial) {
		p := a.connect()
		p.say(&wire.Hello{V: [2]int{1, 1}, Client: a.client, Inc: incOf(a.client), Streams: streams(257)})
	}, append(slices.Repeat([]string{"synced snapshot"}, 256), "error sub_limit", "welcome")...)
	add("1,025 ops in flight", 1024, func(a *trial) {
		p := a.join()
		held := a.world.held.hold()
		defer held.release()
		for seq := uint64(1); seq <= 1025; seq += 205 {
			p.push(a.on, seq, slices.Repeat([]string{`{"op":"increment"}`}, 205)...)
		}
		a.listen("error busy 1025")
		held.release()
		p.acked(1024)
		a.heard = append(a.heard, "ack 1024")
	}, "error busy 1025", "ack 1024")
	add("a megabyte in flight", 40, func(a *trial) { inFlight(a, 40, 60<<10) }, "ack 40")
	add("64 pushes in flight", 200, func(a *trial) { inFlight(a, 200, 0) }, "ack 200")
	return rows
}

// inFlight sends more than a session may have in flight while nothing commits:
// the hub stops reading it, and reads on when it can.
func inFlight(a *trial, pushes, size int) {
	p := a.join()
	held := a.world.held.hold()
	defer held.release()
	go func() {
		for seq := range pushes {
			// White space makes a push large, and its op small.
			p.Text(fmt.Sprintf(`{"t":"push","stream":%q,"seq":%d,%s"ops":[{"op":"increment"}]}`, a.on, seq+1, strings.Repeat(" ", size)))
		}
	}()
	s := a.session()
	eventually(a.t, "the session has not much in flight", s.flow.full)
	a.world.other.say(&wire.Ping{N: 9}) // others are read
	await(a.world.other.peer, func(m *wire.Pong) bool { return m.N == 9 })
	if n, bytes := s.flow.now(); n > inflightPushes || bytes > inflightBytes+size+200 {
		a.t.Errorf("%d pushes, %d bytes are in flight", n, bytes)
	}
	held.release()
	for a.p.acked(1).Seq < uint64(pushes) {
	}
	a.heard = append(a.heard, fmt.Sprint("ack ", pushes))
}

// now looks into a session's flow.
func (f *flow) now() (pushes, bytes int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.pushes, f.bytes
}

// heldStore is a store whose appends can be held back.
type heldStore struct {
	store.Store

	mu      sync.Mutex // guards what follows
	holding bool
	waiting []func()
}

// hold holds appends back until release, which may be called more than once.
func (h *heldStore) hold() *heldStore {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.holding = true
	return h
}

func (h *heldStore) release() {
	h.mu.Lock()
	waiting := h.waiting
	h.holding, h.waiting = false, nil
	h.mu.Unlock()
	for _, f := range waiting {
		f()
	}
}

func (h *heldStore) Append(batches []store.Batch, done func([]store.Result)) {
	h.mu.Lock()
	if h.holding {
		h.waiting = append(h.waiting, func() { h.Store.Append(batches, done) })
		h.mu.Unlock()
		return
	}
	h.mu.Unlock()
	h.Store.Append(batches, done)
}
