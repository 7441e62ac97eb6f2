package clientcore

import (
	"fmt"

	"github.com/wavesiddhartha/flowsync/wire"
)

var linkScripts = []script{
	{name: "connect, say hello with the open streams, come online", play: func(r *rig) {
		r.do(Open{Stream: "n", Rule: "crdt-counter", Mode: wire.Read})
		r.do(Connect{}).did("need token: connect", "status connecting")
		r.do(TokenReady{Token: "t"}).did("dial 1")
		r.do(Connected{Link: 1})
		hello := r.last[0].(Send).Msg.(*wire.Hello)
		if hello.Token != "" || len(hello.Streams) != 1 || hello.Streams[0].Mode != wire.Read {
			r.t.Fatalf("hello %+v", hello)
		}
		r.hub(welcome).did("status catching-up")
		r.hub(`{"t":"synced","stream":"n","rule":"crdt-counter","mode":"r","outcome":"snapshot","cursor":"%s","state":%s,"base":4}`, cursor(1, 4), counted(9))
		r.did("changed n", "status online").shows("n", "9")
	}},
	{name: "the token goes into hello where the socket has no headers", cfg: Config{TokenInHello: true}, play: func(r *rig) {
		r.do(Connect{}, TokenReady{Token: "t"}, Connected{Link: 1})
		if got := r.last[0].(Send).Msg.(*wire.Hello).Token; got != "t" {
			r.t.Fatalf("token %q", got)
		}
	}},
	{name: "a hello over its room leaves streams for after the welcome", play: func(r *rig) {
		for i := range 100 {
			r.do(Open{Stream: fmt.Sprintf("s:%060d:%060d", i, i)})
		}
		r.do(Connect{}, TokenReady{}, Connected{Link: 1})
		hello := r.last[0].(Send).Msg.(*wire.Hello)
		if n := len(hello.Append(nil)); n > 16<<10 || len(hello.Streams) == 100 || len(hello.Streams) == 0 {
			r.t.Fatalf("hello of %d bytes opens %d streams", n, len(hello.Streams))
		}
		r.hub(welcome).do(Flush{})
		if got := len(hello.Streams) + len(r.last); got != 100 {
			r.t.Fatalf("%d of 100 streams were opened", got)
		}
	}},
	{name: "drops are retried with full jitter below a doubling bound", play: func(r *rig) {
		r.do(Connect{}, TokenReady{})
		bound := Instant(250)
		for range 12 {
			r.do(Disconnected{Link: r.c.link.id, Code: 0, Reason: "refused"}).status(Offline)
			if wait := r.c.Status().RetryAt - r.now; wait < 0 || wait >= bound {
				r.t.Fatalf("waits %d ms, bound %d", wait, bound)
			}
			bound = min(2*bound, 10_000)
			r.now = r.c.Status().RetryAt
			r.do(Tick{}).did("need token: connect", "status connecting").do(TokenReady{})
		}
	}},
	{name: "only a session that lasted resets the back-off", play: func(r *rig) {
		r.online()
		r.do(Disconnected{Link: 1, Code: wire.CloseShutdown})
		if r.c.link.attempt != 1 {
			r.t.Fatal("a short session reset the back-off")
		}
		r.now = r.c.Status().RetryAt
		r.do(Tick{}, TokenReady{}).dialed()
		r.after(10_000).do(Disconnected{Link: 2, Code: wire.CloseShutdown})
		if r.c.link.attempt != 1 {
			r.t.Fatal("a session that lasted did not reset the back-off")
		}
	}},
	{name: "a ping without answer abandons the socket", play: func(r *rig) {
		r.online().after(19_999).sends()
		r.after(1).sends(`{"t":"ping","n":1}`)
		r.hub(`{"t":"pong","n":1}`)
		r.after(20_000).sends(`{"t":"ping","n":2}`)
		r.after(7_999).status(Online)
		r.after(1).did("hang up 1", "status offline")
		r.do(Received{Link: 1, Msg: &wire.Pong{N: 2}}, Disconnected{Link: 1, Code: 1000}).did().status(Offline)
	}},
	{name: "bytes on the way are a sign of life", play: func(r *rig) {
		r.online().after(20_000).after(7_000).do(Progress{Link: 1})
		r.after(5_000).status(Online)
	}},
	{name: "a hub that does not answer the dial or the hello is abandoned", play: func(r *rig) {
		r.do(Connect{}, TokenReady{}).after(10_000).did("hang up 1", "status offline")
		r.now = r.c.Status().RetryAt
		r.do(Tick{}, TokenReady{}, Connected{Link: 2}).after(10_000).did("hang up 2", "status offline")
	}},
	{name: "a refused token is replaced once, then it is denied", play: func(r *rig) {
		r.do(Connect{}, TokenReady{Token: "old"}, Disconnected{Link: 1, Code: wire.CloseAuth})
		r.did("need token: rejected", "status connecting")
		r.do(TokenReady{Token: "new"}, Disconnected{Link: 2, Code: wire.CloseAuth}).did("status denied")
		r.do(Tick{}).did()
		r.do(Connect{}).did("need token: connect", "status connecting")
	}},
	{name: "a refused token that has no replacement is denied", play: func(r *rig) {
		r.do(Connect{}, TokenReady{}, Disconnected{Link: 1, Code: wire.CloseAuth}, TokenFailed{Final: true})
		r.did("status denied")
	}},
	{name: "without a token it needs auth; a source that fails is asked again", play: func(r *rig) {
		r.do(Connect{}, TokenFailed{}).did("status offline")
		r.now = r.c.Status().RetryAt
		r.do(Tick{}).did("need token: connect", "status connecting")
		r.do(TokenFailed{Final: true}).did("status needs-auth")
		r.do(Connect{}, TokenReady{}).did("dial 1")
	}},
	{name: "an expired token is asked for as such", play: func(r *rig) {
		r.online().do(Disconnected{Link: 1, Code: wire.CloseExpired})
		r.now = r.c.Status().RetryAt
		r.do(Tick{}).did("need token: expiring", "status connecting")
	}},
	{name: "an expiring token is renewed in the session", play: func(r *rig) {
		r.online().hub(`{"t":"expiring","in_ms":30000}`).did("need token: expiring")
		r.hub(`{"t":"expiring","in_ms":20000}`).did()
		r.do(TokenReady{Token: "next"}).sends(`{"t":"auth","ref":"a1","token":"next"}`)
		r.hub(`{"t":"authed","ref":"a1"}`).did().status(Online)
	}},
	{name: "replaced by a newer session it stays closed and keeps its queue", play: func(r *rig) {
		r.online().do(Open{Stream: "n"}, Push{Stream: "n", Op: inc(1)})
		r.do(Disconnected{Link: 1, Code: wire.CloseReplaced}).did("status closed")
		r.after(60_000).did()
		if r.c.Pending() != 1 || len(r.saved.Streams[0].Ops) != 1 {
			r.t.Fatal("the queue is gone")
		}
		r.do(Connect{}).did("need token: connect", "status connecting")
	}},
	{name: "other 44xx codes stop it, all others do not", play: func(r *rig) {
		stops := map[wire.CloseCode]StatusName{
			4400: Closed, 4403: Denied, 4409: Closed, 4426: Closed, 4499: Closed,
			0: Offline, 1000: Offline, 1006: Offline, 1009: Offline, 4502: Offline, 4503: Offline, 4508: Offline,
		}
		for _, code := range []wire.CloseCode{0, 1000, 1006, 1009, 4400, 4403, 4409, 4426, 4499, 4502, 4503, 4508} {
			r.online().do(Disconnected{Link: r.c.link.id, Code: code}).status(stops[code])
		}
	}},
	{name: "what was in flight when the connection dropped goes again", play: func(r *rig) {
		r.opened("n", 0, 1).do(Push{Stream: "n", Op: inc(1)}, Flush{}, Disconnected{Link: 1})
		r.now = r.c.Status().RetryAt
		r.do(Tick{}, TokenReady{}).dialed().flush()
		r.hub(`{"t":"synced","stream":"n","rule":"crdt-counter","mode":"rw","outcome":"resumed","cursor":"%s","yours":%s}`, cursor(1, 1), r.yours("n"))
		r.flush(`{"t":"push","stream":"n","seq":1,"at":1,"ops":[{"amount":1,"op":"increment"}]}`)
	}},
	{name: "offline on purpose, and back", play: func(r *rig) {
		r.online().do(SetOnline{false}).did("hang up 1", "status offline")
		r.after(60_000).did()
		r.do(Connect{}).did()
		r.do(SetOnline{true}).did("need token: connect", "status connecting")
	}},
	{name: "closed on purpose", play: func(r *rig) {
		r.online().do(Close{}).did("hang up 1", "status closed")
		r.do(TokenReady{}, Connected{Link: 1}, SetOnline{false}, SetOnline{true}).did().status(Closed)
	}},
	{name: "a draining hub is left alone for as long as it asks", play: func(r *rig) {
		r.online().hub(`{"t":"drain","after_ms":3000}`).status(Online)
		r.do(Disconnected{Link: 1, Code: wire.CloseShutdown})
		if wait := r.c.Status().RetryAt - r.now; wait < 3000 {
			r.t.Fatalf("comes back after %d ms", wait)
		}
	}},
	{name: "a hub of another version", play: func(r *rig) {
		r.do(Connect{}, TokenReady{}, Connected{Link: 1})
		r.hub(`{"t":"welcome","v":2,"session":1,"hub":"h","durability":"disk","writable":true,"limits":{"message_bytes":1,"batch_ops":1,"inflight_ops":1,"streams":1}}`)
		r.did("hang up 1", "status closed")
	}},
	{name: "history is answered, or fails with the connection", play: func(r *rig) {
		if err := r.step(GetHistory{Tag: 1, Stream: "n"}); err == nil {
			r.t.Fatal("history without a connection")
		}
		r.online().do(GetHistory{Tag: 2, Stream: "n", Limit: 10}).sends(`{"t":"history","ref":"h2","stream":"n","before":0,"limit":10}`)
		r.hub(`{"t":"history","ref":"h2","stream":"n","entries":[{"off":1,"client":"a","inc":"%016x","seq":1,"at":0,"op":{}}],"more":false}`, 1)
		r.did("history 2: 1 entries")
		r.do(GetHistory{Tag: 3, Stream: "n"}, GetHistory{Tag: 4, Stream: "n"})
		r.hub(`{"t":"error","ref":"h3","stream":"n","code":"denied","retry":false,"msg":"no"}`).did("history 3 failed: denied")
		r.do(Disconnected{Link: 1}).did("history 4 failed: unavailable", "status offline")
	}},
	{name: "an error about nothing in particular is reported", play: func(r *rig) {
		r.do(Connect{}, TokenReady{}, Connected{Link: 1})
		r.hub(`{"t":"error","code":"auth_invalid","retry":false,"msg":"no"}`).did("fault  auth_invalid")
	}},
}

func inc(n int) []byte { return fmt.Appendf(nil, `{"amount":%d,"op":"increment"}`, n) }
