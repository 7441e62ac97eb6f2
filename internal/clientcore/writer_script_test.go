package clientcore

import (
	"fmt"

	"github.com/wavesiddhartha/flowsync/wire"
)

// three has three ops pending, the first acked and in the state, and all sent;
// then the stream is being opened again.
func three(r *rig) *rig {
	r.opened("n", 0, 1).do(Push{Stream: "n", Op: inc(1)}, Flush{})
	r.hub(`{"t":"ops","stream":"n","from":1,"cursor":"%s","entries":[%s]}`, cursor(1, 2), entry(2, self, r.inc("n"), 1, 1, inc(1)))
	r.do(Push{Stream: "n", Op: inc(2)}, Push{Stream: "n", Op: inc(3)}, Flush{})
	r.hub(`{"t":"error","stream":"n","code":"resync","retry":true,"msg":"again"}`).do(Flush{})
	sub := r.last[0].(Send).Msg.(*wire.Sub)
	if sub.Acked != 1 || sub.Unacked != 2 || sub.Hash != r.hash("n", 1) {
		r.t.Fatalf("open %+v", sub.Open)
	}
	return r
}

var writerScripts = []script{
	{name: "the hub has all that was acked and no more: the rest goes again", play: func(r *rig) {
		three(r).snapshot("n", 1, 1, 2, r.yours("n"))
		r.flush(`{"t":"push","stream":"n","seq":2,"at":2,"ops":[{"amount":2,"op":"increment"},{"amount":3,"op":"increment"}]}`)
	}},
	{name: "the hub has one more: it is in, the rest goes again", play: func(r *rig) {
		three(r)
		r.snapshot("n", 1, 3, 3, fmt.Sprintf(`{"seq":2,"hash":"%s","trail":[[2,"%[1]s"]]}`, r.hash("n", 2)))
		r.did("save head n acked=2", "acked n 2", "drop ops n 2", "changed n", "status online").shows("n", "6")
		r.flush(`{"t":"push","stream":"n","seq":3,"at":2,"ops":[{"amount":3,"op":"increment"}]}`)
	}},
	{name: "the histories part on the trail: the rest is issued again by a new incarnation", play: func(r *rig) {
		three(r)
		old := r.inc("n")
		r.snapshot("n", 1, 3, 4, fmt.Sprintf(`{"seq":3,"hash":"%016x","trail":[[2,"%s"],[3,"%016x"]]}`, 99, r.hash("n", 2), 99))
		r.did("save head n acked=2", "acked n 2", "drop ops n 2", "save stream n acked=0 next=2 ops=1", "changed n", "changed n")
		if r.inc("n") == old {
			r.t.Fatal("the incarnation is the same")
		}
		r.now += 1000
		r.flush(fmt.Sprintf(`{"t":"sub","ref":"o2","stream":"n","mode":"rw","as":"state","cursor":"%s","inc":"%s"}`, cursor(1, 4), r.inc("n")))
		r.hub(`{"t":"synced","ref":"o2","stream":"n","rule":"crdt-counter","mode":"rw","outcome":"resumed","cursor":"%s","yours":%s}`, cursor(1, 4), r.yours("n"))
		r.flush(`{"t":"push","stream":"n","seq":1,"at":2,"ops":[{"amount":3,"op":"increment"}]}`).shows("n", "6")
	}},
	{name: "acked ops are gone: the unacked are issued again below the new head", play: func(r *rig) {
		three(r)
		r.snapshot("n", 2, 0, 1, fmt.Sprintf(`{"seq":0,"hash":"%016x"}`, 0))
		r.did("discontinuity n", "save stream n acked=1 next=4 ops=2", "save stream n acked=0 next=3 ops=2",
			"changed n", "discontinuity n", "changed n")
		r.now += 1000
		r.do(Flush{}).snapshot("n", 2, 0, 1, r.yours("n"))
		r.flush(`{"t":"push","stream":"n","seq":1,"at":1,"ops":[{"amount":2,"op":"increment"},{"amount":3,"op":"increment"}]}`)
	}},
	{name: "nothing decides: what was sent is in doubt, what was not is issued again", play: func(r *rig) {
		three(r).do(Push{Stream: "n", Op: inc(4)})
		r.snapshot("n", 1, 6, 9, fmt.Sprintf(`{"seq":3,"hash":"%016x"}`, 99))
		r.did("save dead n 2 in_doubt", "rejected n 2 in_doubt", "save dead n 3 in_doubt", "rejected n 3 in_doubt", "changed n",
			"save stream n acked=0 next=2 ops=1", "changed n", "changed n")
	}},
	{name: "another hash at what was acked parts at once", play: func(r *rig) {
		three(r)
		r.snapshot("n", 1, 6, 9, fmt.Sprintf(`{"seq":1,"hash":"%016x"}`, 99))
		r.did("save stream n acked=0 next=3 ops=2", "changed n", "changed n")
	}},
	{name: "a clone used our seqs: a new incarnation even with nothing to send", play: func(r *rig) {
		r.opened("n", 0, 1)
		r.hub(`{"t":"ops","stream":"n","from":1,"cursor":"%s","entries":[%s]}`, cursor(1, 2), entry(2, self, r.inc("n"), 1, 1, inc(7)))
		r.did("changed n", "status catching-up").shows("n", "7").do(Flush{})
		r.snapshot("n", 1, 7, 2, fmt.Sprintf(`{"seq":1,"hash":"%016x","trail":[[1,"%016x"]]}`, 9, 9))
		r.did("save stream n acked=0 next=1 ops=0", "changed n", "changed n")
	}},
	{name: "our seq with another's content does not retire our op", play: func(r *rig) {
		r.opened("n", 0, 1).do(Push{Stream: "n", Op: inc(1)})
		r.hub(`{"t":"ops","stream":"n","from":1,"cursor":"%s","entries":[%s]}`, cursor(1, 2), entry(2, self, r.inc("n"), 1, 1, inc(7)))
		r.did("changed n", "status catching-up").shows("n", "8")
	}},
	{name: "an ack with another hash opens again", play: func(r *rig) {
		r.opened("n", 0, 1).do(Push{Stream: "n", Op: inc(1)}, Flush{})
		r.hub(`{"t":"ack","stream":"n","seq":1,"hash":"%016x"}`, 9).did("status catching-up")
	}},
	{name: "a conflict opens again", play: func(r *rig) {
		r.opened("n", 0, 1).do(Push{Stream: "n", Op: inc(1)}, Flush{})
		r.hub(`{"t":"error","stream":"n","seq":1,"code":"op_conflict","retry":false,"msg":"no"}`).did("status catching-up")
	}},
	{name: "a retired writer: what was sent is in doubt, a new incarnation goes on", play: func(r *rig) {
		r.opened("n", 0, 1).do(Push{Stream: "n", Op: inc(1)}, Flush{}, Push{Stream: "n", Op: inc(2)})
		r.hub(`{"t":"error","stream":"n","seq":1,"code":"retired","retry":false,"msg":"idle"}`)
		r.did("save dead n 1 in_doubt", "rejected n 1 in_doubt", "changed n", "save stream n acked=0 next=2 ops=1", "changed n", "status catching-up")
	}},
	{name: "an ack that covers a dead letter takes it out", play: func(r *rig) {
		r.do(Open{Stream: "n", Rule: "crdt-counter"}).opened("n", 0, 1)
		r.do(Push{Stream: "n", Op: inc(1)}, Push{Stream: "n", Op: inc(2)}, Flush{}, Disconnected{Link: 1})
		h := r.hash("n", 2)
		r.now = r.c.Status().RetryAt
		r.do(Tick{}, TokenReady{}).dialed()
		r.hub(`{"t":"synced","stream":"n","outcome":"denied","yours":%s}`, r.yours("n"))
		if len(r.saved.Dead) != 2 {
			r.t.Fatal("no dead letters")
		}
		r.do(Disconnected{Link: 2})
		r.now = r.c.Status().RetryAt
		r.do(Push{Stream: "n", Op: inc(4)}, Tick{}, TokenReady{}).dialed()
		r.hub(`{"t":"synced","stream":"n","rule":"crdt-counter","mode":"rw","outcome":"snapshot","cursor":"%s","state":%s,"base":3,"yours":{"seq":2,"hash":"%s"}}`,
			cursor(1, 3), counted(3), h)
		r.did("drop dead n 1", "recovered n 1", "drop dead n 2", "recovered n 2", "save head n acked=2", "acked n 2", "changed n", "status online")
		r.flush(`{"t":"push","stream":"n","seq":3,"at":1,"ops":[{"amount":4,"op":"increment"}]}`).shows("n", "7")
	}},
	{name: "after lagging state and acks are replaced and nothing goes again", play: func(r *rig) {
		r.opened("n", 0, 1).do(Push{Stream: "n", Op: inc(1)}, Push{Stream: "n", Op: inc(2)}, Flush{})
		r.c.streams["n"].ref = ""
		r.snapshot("n", 1, 11, 20, fmt.Sprintf(`{"seq":1,"hash":"%s"}`, r.hash("n", 1)))
		r.did("changed n", "save head n acked=1", "acked n 1", "drop ops n 1").shows("n", "13")
		r.flush()
		r.do(Push{Stream: "n", Op: inc(3)}).flush(`{"t":"push","stream":"n","seq":3,"at":20,"ops":[{"amount":3,"op":"increment"}]}`)
	}},
	{name: "after lagging, acks that are not ours open again", play: func(r *rig) {
		r.opened("n", 0, 1).do(Push{Stream: "n", Op: inc(1)}, Flush{})
		r.c.streams["n"].ref = ""
		r.snapshot("n", 1, 11, 20, fmt.Sprintf(`{"seq":1,"hash":"%016x"}`, 9)).did("changed n", "status catching-up")
	}},
}
