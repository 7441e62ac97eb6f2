package clientcore

import (
	"fmt"

	"github.com/wavesiddhartha/flowsync/wire"
)

var pushScripts = []script{
	{name: "push, its entry, its ack", play: func(r *rig) {
		r.opened("n", 9, 4).do(Push{Stream: "n", Op: inc(1)})
		r.did("save stream n acked=0 next=1 ops=0", "save op n 1", "changed n").shows("n", "10")
		r.flush(`{"t":"push","stream":"n","seq":1,"at":4,"ops":[{"amount":1,"op":"increment"}]}`)
		r.flush()
		h := r.hash("n", 1)
		r.hub(`{"t":"ops","stream":"n","from":4,"cursor":"%s","entries":[%s]}`, cursor(1, 5), entry(5, self, r.inc("n"), 1, 4, inc(1)))
		r.did("save head n acked=1", "acked n 1", "drop ops n 1", "changed n").shows("n", "10")
		r.hub(`{"t":"ack","stream":"n","seq":1,"hash":"%s"}`, h).did()
		r.do(Push{Stream: "n", Op: inc(2)}).flush(`{"t":"push","stream":"n","seq":2,"at":5,"ops":[{"amount":2,"op":"increment"}]}`)
	}},
	{name: "an acked op stays in the view until its entry arrives", play: func(r *rig) {
		r.opened("n", 9, 4).do(Push{Stream: "n", Op: inc(1)}, Flush{})
		r.hub(`{"t":"ack","stream":"n","seq":1,"hash":"%s"}`, r.hash("n", 1)).did("save head n acked=1", "acked n 1").shows("n", "10")
		r.hub(`{"t":"ops","stream":"n","from":4,"cursor":"%s","entries":[%s]}`, cursor(1, 5), entry(5, self, r.inc("n"), 1, 4, inc(1)))
		r.did("drop ops n 1", "changed n").shows("n", "10")
	}},
	{name: "ops made before the first sync are placed where it finds the stream", play: func(r *rig) {
		r.do(Open{Stream: "n", Rule: "crdt-counter"}, Push{Stream: "n", Op: inc(1)}, Push{Stream: "n", Op: inc(2)})
		r.shows("n", "3").opened("n", 10, 7)
		r.did("save stream n acked=0 next=3 ops=2", "changed n", "status online").shows("n", "13")
		r.flush(`{"t":"push","stream":"n","seq":1,"at":7,"ops":[{"amount":1,"op":"increment"},{"amount":2,"op":"increment"}]}`)
	}},
	{name: "a batch shares one at, and leaves out what is in flight", play: func(r *rig) {
		r.opened("n", 0, 1).do(Push{Stream: "n", Op: inc(1)}, Push{Stream: "n", Op: inc(2)})
		r.hub(`{"t":"ops","stream":"n","from":1,"cursor":"%s","entries":[%s]}`, cursor(1, 2), entry(2, "other", otherInc, 1, 1, inc(5)))
		r.do(Push{Stream: "n", Op: inc(3)})
		r.flush(`{"t":"push","stream":"n","seq":1,"at":1,"ops":[{"amount":1,"op":"increment"},{"amount":2,"op":"increment"}]}`,
			`{"t":"push","stream":"n","seq":3,"at":2,"ops":[{"amount":3,"op":"increment"}]}`)
		r.do(Push{Stream: "n", Op: inc(4)}).flush(`{"t":"push","stream":"n","seq":4,"at":2,"ops":[{"amount":4,"op":"increment"}]}`)
	}},
	{name: "the hub's limits bound batches and what is in flight", play: func(r *rig) {
		r.do(Open{Stream: "n", Rule: "crdt-counter"}, Connect{}, TokenReady{}, Connected{Link: 1})
		r.hub(`{"t":"welcome","v":1,"session":7,"hub":"h1","durability":"disk","writable":true,"limits":{"message_bytes":4096,"batch_ops":2,"inflight_ops":3,"streams":9}}`)
		r.opened("n", 0, 1)
		for range 5 {
			r.do(Push{Stream: "n", Op: inc(1)})
		}
		one := `{"amount":1,"op":"increment"}`
		r.flush(`{"t":"push","stream":"n","seq":1,"at":1,"ops":[`+one+`,`+one+`]}`, `{"t":"push","stream":"n","seq":3,"at":1,"ops":[`+one+`]}`)
		r.hub(`{"t":"ack","stream":"n","seq":2,"hash":"%s"}`, r.hash("n", 2))
		r.flush(`{"t":"push","stream":"n","seq":4,"at":1,"ops":[` + one + `,` + one + `]}`)
	}},
	{name: "an op that no message can carry is a dead letter", play: func(r *rig) {
		r.do(Open{Stream: "l", Rule: "append-log"}, Connect{}, TokenReady{}, Connected{Link: 1})
		r.hub(`{"t":"welcome","v":1,"session":7,"hub":"h1","durability":"disk","writable":true,"limits":{"message_bytes":4096,"batch_ops":2,"inflight_ops":3,"streams":9}}`)
		r.hub(`{"t":"synced","stream":"l","rule":"append-log","mode":"rw","outcome":"snapshot","cursor":"%s","state":%s,"base":0,"yours":{"seq":0,"hash":"%016x"}}`, cursor(1, 0), mustState("append-log"), 0)
		r.do(Push{Stream: "l", Op: fmt.Appendf(nil, `{"op":"append","value":"%04000d"}`, 1)}, Push{Stream: "l", Op: []byte(`{"op":"append","value":2}`)})
		r.flush(`{"t":"push","stream":"l","seq":2,"prev":0,"at":0,"ops":[{"op":"append","value":2}]}`)
		r.did("save dead l 1 too_large", "rejected l 1 too_large", "changed l").shows("l", "[2]")
	}},
	{name: "a rejected op leaves the view and a hole", play: func(r *rig) {
		r.opened("n", 0, 1).do(Push{Stream: "n", Op: inc(1)}, Push{Stream: "n", Op: inc(2)}, Push{Stream: "n", Op: inc(3)}, Flush{})
		r.hub(`{"t":"reject","stream":"n","seq":2,"code":"overflow","msg":"no"}`)
		r.did("save dead n 2 overflow", "rejected n 2 overflow", "changed n").shows("n", "4")
		r.flush(`{"t":"push","stream":"n","seq":1,"at":1,"ops":[{"amount":1,"op":"increment"}]}`,
			`{"t":"push","stream":"n","seq":3,"prev":1,"at":1,"ops":[{"amount":3,"op":"increment"}]}`)
		h1 := wire.WriterHash([8]byte{}, 1, inc(1))
		if want := wire.FormatHash(wire.WriterHash(h1, 3, inc(3))); r.hash("n", 3) != want {
			r.t.Fatal("the chain does not leave the refused op out")
		}
		r.hub(`{"t":"ack","stream":"n","seq":3,"hash":"%s"}`, r.hash("n", 3)).did("save head n acked=3", "acked n 3")
		r.do(Push{Stream: "n", Op: inc(4)}).flush(`{"t":"push","stream":"n","seq":4,"at":1,"ops":[{"amount":4,"op":"increment"}]}`)
		r.do(Discard{Stream: "n", Inc: r.inc("n"), Seq: 2}).did("drop dead n 2")
		r.do(Discard{Stream: "n", Inc: r.inc("n"), Seq: 2}).did()
	}},
	{name: "the last op rejected: its seq is not used again", play: func(r *rig) {
		r.opened("n", 0, 1).do(Push{Stream: "n", Op: inc(1)}, Flush{})
		r.hub(`{"t":"reject","stream":"n","seq":1,"code":"overflow","msg":"no"}`)
		r.restart()
		r.do(Open{Stream: "n"}, Push{Stream: "n", Op: inc(2)}).did("save op n 2", "changed n")
	}},
	{name: "what the rule refuses at once is no op", play: func(r *rig) {
		r.opened("n", 0, 1)
		for _, op := range []string{`{"amount":0,"op":"increment"}`, `{"op":"add","value":"x"}`, `{}`} {
			if err := r.step(Push{Stream: "n", Op: []byte(op)}); err == nil {
				r.t.Fatalf("accepted %s", op)
			}
			r.did()
		}
	}},
	{name: "a push to a stream that is not open", play: func(r *rig) {
		if err := r.step(Push{Stream: "n", Op: inc(1)}); err == nil || err.(*wire.Error).Code != wire.NotReady {
			r.t.Fatalf("error %v", err)
		}
	}},
	{name: "a full queue refuses", cfg: Config{QueueOps: 2}, play: func(r *rig) {
		r.opened("n", 0, 1).do(Push{Stream: "n", Op: inc(1)}, Push{Stream: "n", Op: inc(2)}, Flush{})
		if err := r.step(Push{Stream: "n", Op: inc(3)}); err == nil || err.(*wire.Error).Code != wire.Busy {
			r.t.Fatalf("error %v", err)
		}
		r.hub(`{"t":"ops","stream":"n","from":1,"cursor":"%s","entries":[%s]}`, cursor(1, 2), entry(2, self, r.inc("n"), 1, 1, inc(1)))
		r.do(Push{Stream: "n", Op: inc(3)})
	}},
	{name: "a gap rewinds once, a second one without progress opens again", play: func(r *rig) {
		r.opened("n", 0, 1).do(Push{Stream: "n", Op: inc(1)}, Push{Stream: "n", Op: inc(2)}, Flush{})
		r.hub(`{"t":"error","stream":"n","seq":2,"code":"seq_gap","expected":1,"retry":true,"msg":"gap"}`).did()
		r.flush(`{"t":"push","stream":"n","seq":1,"at":1,"ops":[{"amount":1,"op":"increment"},{"amount":2,"op":"increment"}]}`)
		r.hub(`{"t":"error","stream":"n","seq":2,"code":"seq_gap","expected":1,"retry":true,"msg":"gap"}`).did("status catching-up")
	}},
	{name: "a gap beyond what we sent, or below what was acked, opens again", play: func(r *rig) {
		r.opened("n", 0, 1).do(Push{Stream: "n", Op: inc(1)}, Flush{})
		r.hub(`{"t":"error","stream":"n","seq":1,"code":"seq_gap","expected":9,"retry":true,"msg":"gap"}`).did("status catching-up")
		r.do(Flush{}).snapshot("n", 1, 0, 1, r.yours("n")).do(Flush{})
		r.hub(`{"t":"ack","stream":"n","seq":1,"hash":"%s"}`, r.hash("n", 1))
		r.hub(`{"t":"error","stream":"n","seq":1,"code":"seq_gap","expected":1,"retry":true,"msg":"gap"}`).did("status catching-up")
	}},
	{name: "a rate limit waits and sends again from the first unacked", play: func(r *rig) {
		r.opened("n", 0, 1).do(Push{Stream: "n", Op: inc(1)}, Push{Stream: "n", Op: inc(2)}, Flush{})
		r.hub(`{"t":"ack","stream":"n","seq":1,"hash":"%s"}`, r.hash("n", 1))
		r.hub(`{"t":"error","stream":"n","seq":2,"code":"rate_limited","scope":"subject","retry":true,"after_ms":400,"msg":"slow down"}`)
		r.do(Push{Stream: "n", Op: inc(3)}).flush()
		if r.c.wake != r.now+400 {
			r.t.Fatalf("wakes at %d", r.c.wake)
		}
		r.after(400).flush(`{"t":"push","stream":"n","seq":2,"at":1,"ops":[{"amount":2,"op":"increment"},{"amount":3,"op":"increment"}]}`)
	}},
	{name: "a read-only hub holds pushes until it says so, then they come spread over a second", play: func(r *rig) {
		r.opened("n", 0, 1).do(Push{Stream: "n", Op: inc(1)}, Flush{})
		r.hub(`{"t":"hub","writable":false}`)
		r.hub(`{"t":"error","stream":"n","seq":1,"code":"store_readonly","retry":true,"after_ms":60000,"msg":"full"}`)
		r.after(5000).flush()
		r.hub(`{"t":"hub","writable":true}`)
		wait := r.c.wake - r.now
		if wait < 0 || wait >= 1000 {
			r.t.Fatalf("comes back after %d ms", wait)
		}
		r.after(wait).flush(`{"t":"push","stream":"n","seq":1,"at":1,"ops":[{"amount":1,"op":"increment"}]}`)
	}},
	{name: "denied: what the hub took before stands, the rest become dead letters", play: func(r *rig) {
		r.opened("n", 0, 1).do(Push{Stream: "n", Op: inc(1)}, Push{Stream: "n", Op: inc(2)}, Flush{})
		r.hub(`{"t":"error","stream":"n","seq":2,"code":"denied","retry":false,"msg":"no"}`)
		r.did("fault n denied", "save dead n 2 denied", "rejected n 2 denied", "changed n").shows("n", "1")
		r.hub(`{"t":"ack","stream":"n","seq":1,"hash":"%s"}`, r.hash("n", 1)).did("save head n acked=1", "acked n 1")
		if err := r.step(Push{Stream: "n", Op: inc(1)}); err == nil {
			r.t.Fatal("accepted")
		}
	}},
	{name: "denied without a seq asks for the rights again", play: func(r *rig) {
		r.opened("n", 0, 1).do(SetPresence{Stream: "n", State: []byte(`1`)}).flush(`{"t":"presence","stream":"n","state":1}`)
		r.hub(`{"t":"error","stream":"n","code":"denied","retry":false,"msg":"no"}`).did("fault n denied", "status catching-up")
		r.do(Flush{}).snapshot("n", 1, 0, 1, r.yours("n")).flush()
	}},
	{name: "an error for good that no rule explains halts the stream, the queue stays", play: func(r *rig) {
		r.opened("n", 0, 1).do(Push{Stream: "n", Op: inc(1)}, Flush{})
		r.hub(`{"t":"error","stream":"n","seq":1,"code":"store_corrupt","retry":false,"msg":"no"}`)
		r.did("fault n store_corrupt", "changed n").flush()
		if r.c.Pending() != 1 {
			r.t.Fatal("the queue is gone")
		}
	}},
}
