package sim

import (
	"math/rand/v2"
	"time"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/internal/hubcore"
	"github.com/wavesiddhartha/flowsync/store"
)

// plan is what kind of world a seed makes. Each world has some kinds of fault
// and lacks others: where everything fails all the time, little is ever done.
type plan struct {
	hubs    int
	clients int
	streams []streamPlan
	limits  hubcore.Config

	queueMessages int // of a hub's socket, before a subscriber lags
	pushesInUse   int // of one session, before its socket is not read on
	delay         time.Duration
	length        int // times Options.Events

	cuts, halfOpen, repeats, stalls  bool
	restarts, clones, restores       bool
	hubCrashes, unloads, drains      bool
	weather, unknown, late           bool
	losses, wipes, compaction        bool
	shortReads                       bool // the store answers with less than was asked for
	rights, writable, expiry, tokens bool
	values                           bool // some clients read values, or write only
	locals, posts                    bool
}

// streamPlan registers one stream.
type streamPlan struct {
	name    string
	rule    crdt.Builtin
	initial []byte
	options []byte
}

// wideState is a bound of a stream's state that is never reached.
const wideState = 1 << 20

// menu is what streams a world may have. The huge counter begins so high that
// increments overflow it; the short log forgets.
var menu = [...]streamPlan{
	{name: "counter:a", rule: crdt.Counter, initial: []byte(`7`)},
	{name: "counter:huge", rule: crdt.Counter, initial: []byte(`"99999999999999999999999999999999990000"`)},
	{name: "set:a", rule: crdt.Set},
	{name: "orset:a", rule: crdt.ORSet, initial: []byte(`["x","y"]`)},
	{name: "map:a", rule: crdt.Map},
	{name: "lww:a", rule: crdt.LWW},
	{name: "log:a", rule: crdt.Log, options: []byte(`{"keep":60,"op":"options"}`)},
	{name: "log:short", rule: crdt.Log, options: []byte(`{"keep":3,"op":"options"}`)},
	{name: "keys:a", rule: crdt.Ephemeral},
	{name: "text:a", rule: crdt.Text, initial: []byte(`"start"`)},
	{name: "doc:a", rule: crdt.Doc},
}

func (w *world) drawPlan() plan {
	r := w.rng
	often := func() bool { return r.IntN(2) == 0 }
	seldom := func() bool { return r.IntN(4) == 0 }
	p := plan{
		hubs: 1 + r.IntN(2), clients: 3,
		queueMessages: 3 + r.IntN(20), pushesInUse: 1 + r.IntN(8),
		delay: time.Duration(1+r.IntN(60)) * time.Millisecond, length: 1,
		cuts: often(), halfOpen: often(), repeats: often(), stalls: often(),
		restarts: often(), clones: seldom(), restores: seldom(),
		hubCrashes: often(), unloads: seldom(), drains: seldom(),
		weather: often(), unknown: often(), late: often(),
		losses: seldom(), wipes: r.IntN(10) == 0, compaction: often(), shortReads: seldom(),
		rights: seldom(), writable: seldom(), expiry: seldom(), tokens: seldom(),
		values: often(), locals: often(), posts: often(),
	}
	if r.IntN(10) == 0 {
		p.length = 5 // some live long, with several compactions
	}
	p.streams = drawStreams(r)
	p.limits = hubcore.Config{
		Durability:  store.InMemory,
		InflightOps: 3 + r.IntN(30), BatchOps: 1 + r.IntN(8),
		EntryBytes: 300, StateBytes: []int{700, 4000, wideState}[r.IntN(3)], MessageBytes: 4096, Streams: 16,
		RingEntries: 2 + r.IntN(20), RingBytes: 300 + r.IntN(2000),
	}
	if p.compaction {
		p.limits.CompactOps, p.limits.CompactBytes, p.limits.TrimRecords = 3+r.IntN(30), 500+r.IntN(4000), 1+r.IntN(6)
	}
	return p
}

// drawStreams takes two to four of the menu, in its order.
func drawStreams(r *rand.Rand) []streamPlan {
	left := 2 + r.IntN(3)
	var list []streamPlan
	for i, s := range menu {
		if r.IntN(len(menu)-i) < left {
			list = append(list, s)
			left--
		}
	}
	return list
}
