package clientcore

import (
	"fmt"

	"github.com/wavesiddhartha/flowsync/wire"
)

// opened opens a counter as rw and has it synced at an offset of epoch 1.
func (r *rig) opened(stream string, value int, offset uint64) *rig {
	r.t.Helper()
	if r.c.streams[stream] == nil {
		r.do(Open{Stream: stream, Rule: "crdt-counter"})
	}
	if r.c.link.phase != live {
		r.online()
	}
	r.do(Flush{})
	return r.snapshot(stream, 1, value, offset, r.yours(stream))
}

// yours is the answer of a hub that has exactly what was acked.
func (r *rig) yours(stream string) string {
	st := r.c.streams[stream]
	return fmt.Sprintf(`{"seq":%d,"hash":"%s"}`, st.acked, wire.FormatHash(st.hash))
}

func (r *rig) snapshot(stream string, epoch, value int, offset uint64, yours string) *rig {
	r.t.Helper()
	if yours != "" {
		yours = `,"yours":` + yours
	}
	ref := ""
	if st := r.c.streams[stream]; st.ref != "" {
		ref = fmt.Sprintf(`"ref":"%s",`, st.ref)
	}
	return r.hub(`{"t":"synced",%s"stream":"%s","rule":"crdt-counter","mode":"rw","outcome":"snapshot","cursor":"%s","state":%s,"base":%d%s}`,
		ref, stream, cursor(epoch, offset), counted(value), offset, yours)
}

// entry is an entry as the hub sends it.
func entry(off uint64, client, inc string, seq, at uint64, op []byte) string {
	return fmt.Sprintf(`{"off":%d,"client":"%s","inc":"%s","seq":%d,"at":%d,"op":%s}`, off, client, inc, seq, at, op)
}

const otherInc = "00000000000000aa"

var openScripts = []script{
	{name: "snapshot with entries after its base, then ops", play: func(r *rig) {
		r.do(Open{Stream: "n"}).online()
		r.hub(`{"t":"synced","stream":"n","rule":"crdt-counter","mode":"rw","outcome":"snapshot","cursor":"%s","state":%s,"base":4,"entries":[%s],"yours":{"seq":0,"hash":"%016x"}}`,
			cursor(1, 5), counted(9), entry(5, "other", otherInc, 1, 4, inc(1)), 0)
		r.did("changed n", "status online").shows("n", "10")
		r.hub(`{"t":"ops","stream":"n","from":5,"cursor":"%s","entries":[%s]}`, cursor(1, 6), entry(6, "other", otherInc, 2, 5, inc(5)))
		r.did("changed n").shows("n", "15")
	}},
	{name: "ops that do not continue open the stream again with the cursor", play: func(r *rig) {
		r.opened("n", 9, 4)
		r.hub(`{"t":"ops","stream":"n","from":5,"cursor":"%s","entries":[%s]}`, cursor(1, 6), entry(6, "other", otherInc, 2, 5, inc(5)))
		r.did("status catching-up").shows("n", "9")
		r.flush(fmt.Sprintf(`{"t":"sub","ref":"o1","stream":"n","mode":"rw","as":"state","cursor":"%s","inc":"%s"}`, cursor(1, 4), r.inc("n")))
		r.hub(`{"t":"synced","ref":"o1","stream":"n","rule":"crdt-counter","mode":"rw","outcome":"delta","cursor":"%s","entries":[%s,%s],"yours":%s}`,
			cursor(1, 6), entry(5, "other", otherInc, 1, 4, inc(1)), entry(6, "other", otherInc, 2, 5, inc(5)), r.yours("n"))
		r.shows("n", "15").status(Online)
	}},
	{name: "between an open and its answer all else about the stream is ignored", play: func(r *rig) {
		r.opened("n", 9, 4).do(Push{Stream: "n", Op: inc(1)}, Flush{})
		r.hub(`{"t":"error","stream":"n","code":"resync","retry":true,"msg":"again"}`).do(Flush{})
		h := r.hash("n", 1)
		r.hub(`{"t":"ack","stream":"n","seq":1,"hash":"%s"}`, h).did()
		r.hub(`{"t":"reject","stream":"n","seq":1,"code":"bad_op","msg":"no"}`).did()
		r.hub(`{"t":"error","stream":"n","seq":1,"code":"denied","retry":false,"msg":"no"}`).did()
		r.hub(`{"t":"ops","stream":"n","from":4,"cursor":"%s","entries":[%s]}`, cursor(1, 5), entry(5, "other", otherInc, 1, 4, inc(1))).did()
		r.hub(`{"t":"synced","stream":"n","rule":"crdt-counter","mode":"rw","outcome":"snapshot","cursor":"%s","state":%s,"base":9}`, cursor(1, 9), counted(50)).did()
		r.shows("n", "10")
		r.snapshot("n", 1, 20, 6, r.yours("n")).shows("n", "21")
		r.flush(`{"t":"push","stream":"n","seq":1,"at":4,"ops":[{"amount":1,"op":"increment"}]}`)
	}},
	{name: "resumed keeps the state, an answer that does not fit starts over", play: func(r *rig) {
		r.opened("n", 9, 4).do(Disconnected{Link: 1, Code: 1006})
		r.now = r.c.Status().RetryAt
		r.do(Tick{}, TokenReady{}).dialed()
		r.hub(`{"t":"synced","stream":"n","rule":"crdt-counter","mode":"rw","outcome":"resumed","cursor":"%s","yours":%s}`, cursor(1, 4), r.yours("n"))
		r.shows("n", "9").status(Online)
		r.hub(`{"t":"error","stream":"n","code":"resync","retry":true,"msg":"again"}`).do(Flush{})
		r.hub(`{"t":"synced","ref":"o1","stream":"n","rule":"crdt-counter","mode":"rw","outcome":"delta","cursor":"%s","entries":[%s],"yours":%s}`,
			cursor(1, 7), entry(7, "other", otherInc, 1, 4, inc(1)), r.yours("n"))
		r.now += 1000
		r.flush(fmt.Sprintf(`{"t":"sub","ref":"o2","stream":"n","mode":"rw","as":"state","inc":"%s"}`, r.inc("n")))
	}},
	{name: "another epoch is a discontinuity and lowers at to what is left", play: func(r *rig) {
		r.opened("n", 9, 40).do(Push{Stream: "n", Op: inc(1)})
		r.hub(`{"t":"error","stream":"n","code":"resync","retry":true,"msg":"again"}`).do(Flush{})
		r.snapshot("n", 2, 5, 30, r.yours("n"))
		r.did("discontinuity n", "save stream n acked=0 next=2 ops=1", "changed n", "status online").shows("n", "6")
		r.flush(`{"t":"push","stream":"n","seq":1,"at":30,"ops":[{"amount":1,"op":"increment"}]}`)
	}},
	{name: "an unknown rule is read as value; ops queue without being applied", play: func(r *rig) {
		r.do(Open{Stream: "x"}).online()
		r.hub(`{"t":"synced","stream":"x","rule":"max","mode":"rw","outcome":"snapshot","cursor":"%s","state":{},"base":1,"yours":{"seq":0,"hash":"%016x"}}`, cursor(1, 1), 0)
		r.flush(fmt.Sprintf(`{"t":"sub","ref":"o1","stream":"x","mode":"rw","as":"value","inc":"%s"}`, r.inc("x")))
		r.hub(`{"t":"synced","ref":"o1","stream":"x","rule":"max","mode":"rw","outcome":"snapshot","cursor":"%s","value":7,"yours":{"seq":0,"hash":"%016x"}}`, cursor(1, 1), 0)
		r.shows("x", "7").do(Push{Stream: "x", Op: []byte(`{"op":"max","value":9}`)}).shows("x", "7")
		r.flush(`{"t":"push","stream":"x","seq":1,"at":1,"ops":[{"op":"max","value":9}]}`)
		r.hub(`{"t":"value","stream":"x","cursor":"%s","value":9}`, cursor(1, 2)).did("changed x").shows("x", "9")
		r.hub(`{"t":"ack","stream":"x","seq":1,"hash":"%s"}`, r.hash("x", 1))
		r.did("save head x acked=1", "acked x 1", "drop ops x 1")
		r.do(Push{Stream: "x", Op: []byte(`{"op":"max","value":3}`)}).flush(`{"t":"push","stream":"x","seq":2,"at":2,"ops":[{"op":"max","value":3}]}`)
	}},
	{name: "writing without reading", play: func(r *rig) {
		r.do(Open{Stream: "n", Rule: "crdt-counter", Mode: wire.Write}).online()
		r.hub(`{"t":"synced","stream":"n","rule":"crdt-counter","mode":"w","outcome":"write","yours":{"seq":0,"hash":"%016x"}}`, 0)
		r.do(Push{Stream: "n", Op: inc(2)}).flush(`{"t":"push","stream":"n","seq":1,"ops":[{"amount":2,"op":"increment"}]}`)
		r.hub(`{"t":"ack","stream":"n","seq":1,"hash":"%s"}`, r.hash("n", 1)).did("save head n acked=1", "acked n 1", "drop ops n 1")
	}},
	{name: "reading alone refuses pushes", play: func(r *rig) {
		r.do(Open{Stream: "n", Mode: wire.Read})
		if err := r.step(Push{Stream: "n", Op: inc(1)}); err == nil {
			r.t.Fatal("accepted")
		}
		r.did()
	}},
	{name: "no right at all: unacked ops become dead letters, the stream rests for the session", play: func(r *rig) {
		r.do(Open{Stream: "n", Rule: "crdt-counter"}, Push{Stream: "n", Op: inc(1)}, Push{Stream: "n", Op: inc(2)}).online()
		r.hub(`{"t":"synced","stream":"n","outcome":"denied","yours":{"seq":0,"hash":"%016x"}}`, 0)
		r.did("save dead n 1 denied", "rejected n 1 denied", "save dead n 2 denied", "rejected n 2 denied",
			"changed n", "fault n denied", "changed n", "status online")
		r.flush()
		r.do(Disconnected{Link: 1})
		r.now = r.c.Status().RetryAt
		r.do(Tick{}, TokenReady{}, Connected{Link: 2})
		if n := len(r.last[0].(Send).Msg.(*wire.Hello).Streams); n != 1 {
			r.t.Fatal("the next session did not ask again")
		}
	}},
	{name: "refused, an op that turns out committed stays in the view", play: func(r *rig) {
		r.opened("n", 5, 3).do(Push{Stream: "n", Op: inc(1)}, Flush{})
		r.hub(`{"t":"error","stream":"n","code":"resync","retry":true,"msg":"again"}`).do(Flush{})
		r.hub(`{"t":"synced","ref":"o1","stream":"n","outcome":"denied","yours":{"seq":1,"hash":"%s"}}`, r.hash("n", 1))
		r.did("save head n acked=1", "acked n 1", "fault n denied", "changed n", "status online").shows("n", "6")
	}},
	{name: "a fresh token asks again for what the former one did not allow", play: func(r *rig) {
		r.do(Open{Stream: "n", Mode: wire.Read}).online().hub(`{"t":"synced","stream":"n","outcome":"denied"}`).flush()
		r.hub(`{"t":"authed","ref":"a1"}`).flush(`{"t":"sub","ref":"o1","stream":"n","mode":"r","as":"state"}`)
	}},
	{name: "granted to read only: the state comes, the ops beyond yours do not go", play: func(r *rig) {
		r.do(Open{Stream: "n", Rule: "crdt-counter"}, Push{Stream: "n", Op: inc(1)}, Push{Stream: "n", Op: inc(2)}).online()
		h := r.hash("n", 1)
		r.hub(`{"t":"synced","stream":"n","rule":"crdt-counter","mode":"r","outcome":"snapshot","cursor":"%s","state":%s,"base":3,"yours":{"seq":1,"hash":"%s"}}`, cursor(1, 3), counted(5), h)
		r.did("save stream n acked=0 next=3 ops=2", "save head n acked=1", "acked n 1", "drop ops n 1",
			"save dead n 2 denied", "rejected n 2 denied", "changed n", "changed n", "status online")
		r.shows("n", "5").flush()
		if err := r.step(Push{Stream: "n", Op: inc(1)}); err == nil {
			r.t.Fatal("accepted")
		}
	}},
	{name: "an open that fails for now is tried again, one that fails for good is not", play: func(r *rig) {
		r.do(Open{Stream: "n", Rule: "crdt-counter"}, Push{Stream: "n", Op: inc(1)}).online()
		r.hub(`{"t":"error","stream":"n","code":"unavailable","retry":true,"after_ms":700,"msg":"wait"}`).flush()
		r.after(699).flush()
		r.after(1).do(Flush{})
		r.hub(`{"t":"error","ref":"o1","stream":"n","code":"client_mismatch","retry":false,"msg":"not yours"}`)
		r.did("fault n client_mismatch", "changed n", "status online").after(60_000).flush()
		if r.c.Pending() != 1 {
			r.t.Fatal("the queue is gone")
		}
	}},
	{name: "without yours nothing is pushed until writing is possible again", play: func(r *rig) {
		r.do(Open{Stream: "n", Rule: "crdt-counter"}, Push{Stream: "n", Op: inc(1)}).online()
		r.hub(`{"t":"hub","writable":false}`)
		r.snapshot("n", 1, 5, 3, "").shows("n", "6").flush()
		r.hub(`{"t":"hub","writable":true}`)
		r.flush()
		r.after(1000).do(Flush{})
		if _, ok := r.last[0].(Send).Msg.(*wire.Sub); !ok || len(r.last) != 1 {
			r.t.Fatalf("did not open again: %v", r.last)
		}
		r.snapshot("n", 1, 5, 3, r.yours("n")).flush(`{"t":"push","stream":"n","seq":1,"at":3,"ops":[{"amount":1,"op":"increment"}]}`)
	}},
	{name: "without yours a state that may hold our ops is not taken", play: func(r *rig) {
		r.opened("n", 5, 3).do(Push{Stream: "n", Op: inc(1)}, Flush{})
		r.hub(`{"t":"error","stream":"n","code":"resync","retry":true,"msg":"again"}`).do(Flush{})
		r.hub(`{"t":"hub","writable":false}`)
		r.snapshot("n", 1, 6, 4, "").did().shows("n", "6").status(CatchingUp)
		r.hub(`{"t":"hub","writable":true}`)
		r.after(1000).do(Flush{})
		r.snapshot("n", 1, 6, 4, fmt.Sprintf(`{"seq":1,"hash":"%s"}`, r.hash("n", 1)))
		r.did("save head n acked=1", "acked n 1", "drop ops n 1", "changed n", "status online").shows("n", "6")
	}},
	{name: "without yours a state is taken under ops that were never sent", play: func(r *rig) {
		r.opened("n", 5, 3)
		r.hub(`{"t":"error","stream":"n","code":"resync","retry":true,"msg":"again"}`).do(Flush{}, Push{Stream: "n", Op: inc(1)})
		r.hub(`{"t":"hub","writable":false}`)
		r.snapshot("n", 1, 9, 4, "").shows("n", "10").status(Online)
	}},
	{name: "without yours entries retire our ops", play: func(r *rig) {
		r.opened("n", 5, 3).do(Push{Stream: "n", Op: inc(1)}, Push{Stream: "n", Op: inc(2)}, Flush{})
		r.hub(`{"t":"error","stream":"n","code":"resync","retry":true,"msg":"again"}`).do(Flush{})
		r.hub(`{"t":"hub","writable":false}`)
		r.hub(`{"t":"synced","ref":"o1","stream":"n","rule":"crdt-counter","mode":"rw","outcome":"delta","cursor":"%s","entries":[%s]}`,
			cursor(1, 4), entry(4, self, r.inc("n"), 1, 3, inc(1)))
		r.did("save head n acked=1", "acked n 1", "drop ops n 1", "changed n", "status online").shows("n", "8").flush()
	}},
	{name: "after lagging a state without yours is not taken under ops that were sent", play: func(r *rig) {
		r.opened("n", 5, 3).do(Push{Stream: "n", Op: inc(1)}, Flush{})
		r.hub(`{"t":"synced","stream":"n","rule":"crdt-counter","mode":"rw","outcome":"snapshot","cursor":"%s","state":%s,"base":4}`, cursor(1, 4), counted(6))
		r.did("status catching-up").shows("n", "6")
	}},
	{name: "a stream that was removed", play: func(r *rig) {
		r.do(Open{Stream: "n", Rule: "crdt-counter"}, Push{Stream: "n", Op: inc(1)}).online()
		r.hub(`{"t":"synced","stream":"n","outcome":"gone"}`)
		r.did("save dead n 1 stream_unknown", "rejected n 1 stream_unknown", "changed n", "fault n stream_unknown", "changed n", "status online")
	}},
	{name: "a bad name is refused", play: func(r *rig) {
		if err := r.step(Open{Stream: "a b"}); err == nil || err.(*wire.Error).Code != wire.BadStream {
			r.t.Fatalf("error %v", err)
		}
	}},
	{name: "a closed stream is left once its ops are acked", play: func(r *rig) {
		r.opened("n", 1, 1).do(Push{Stream: "n", Op: inc(1)}, Flush{}, CloseStream{Stream: "n"}).flush()
		r.hub(`{"t":"ack","stream":"n","seq":1,"hash":"%s"}`, r.hash("n", 1))
		r.flush(`{"t":"unsub","stream":"n"}`)
		r.flush()
	}},
}
