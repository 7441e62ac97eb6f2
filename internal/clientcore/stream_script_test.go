package clientcore

import (
	"encoding/json"
)

func setKey(key, value string) []byte {
	k, _ := json.Marshal(key)
	return []byte(`{"key":` + string(k) + `,"op":"set","value":` + value + `}`)
}

func ephemeral(r *rig, state string) *rig {
	r.do(Open{Stream: "g", Rule: "ephemeral"})
	if r.c.link.phase != live {
		r.online()
	}
	return r.hub(`{"t":"synced","stream":"g","rule":"ephemeral","mode":"rw","outcome":"snapshot","state":%s,"base":0}`, state)
}

var streamScripts = []script{
	{name: "ephemeral keys: own ones show at once, coalesce, and go again after a reconnect", play: func(r *rig) {
		r.do(Open{Stream: "g", Rule: "ephemeral"}, Push{Stream: "g", Op: setKey("me", "1")}).did("changed g").shows("g", `{"me":1}`)
		ephemeral(r, `{"keys":{"you":[3,"h1","other",5]},"v":1}`).shows("g", `{"me":1,"you":5}`)
		r.do(Push{Stream: "g", Op: setKey("me", "2")}).flush(`{"t":"push","stream":"g","ops":[{"key":"me","op":"set","value":2}]}`)
		r.flush()
		r.hub(`{"t":"ops","stream":"g","entries":[{"client":"dev-1","n":4,"hub":"h1","op":{"key":"me","op":"set","value":2}}]}`).shows("g", `{"me":2,"you":5}`)
		r.do(Disconnected{Link: 1})
		r.now = r.c.Status().RetryAt
		r.do(Tick{}, TokenReady{}).dialed()
		ephemeral(r, `{"keys":{},"v":1}`).shows("g", `{"me":2}`)
		r.flush(`{"t":"push","stream":"g","ops":[{"key":"me","op":"set","value":2}]}`)
	}},
	{name: "ephemeral keys: another client's write takes the key over", play: func(r *rig) {
		ephemeral(r, `{"keys":{},"v":1}`).do(Push{Stream: "g", Op: setKey("k", "1")}, Flush{})
		r.hub(`{"t":"ops","stream":"g","entries":[{"client":"dev-1","n":2,"hub":"h1","op":{"key":"k","op":"set","value":1}}]}`)
		r.hub(`{"t":"ops","stream":"g","entries":[{"client":"other","n":1,"hub":"h1","op":{"key":"k","op":"set","value":9}}]}`).shows("g", `{"k":1}`)
		r.hub(`{"t":"ops","stream":"g","entries":[{"client":"other","n":3,"hub":"h1","op":{"key":"k","op":"set","value":9}}]}`).shows("g", `{"k":9}`)
		r.do(Push{Stream: "g", Op: setKey("k", "4")})
		r.hub(`{"t":"ops","stream":"g","entries":[{"client":"other","n":5,"hub":"h1","op":{"key":"k","op":"set","value":8}}]}`).shows("g", `{"k":4}`)
	}},
	{name: "ephemeral keys: the end of our former session is not the end of the key", play: func(r *rig) {
		ephemeral(r, `{"keys":{},"v":1}`).do(Push{Stream: "g", Op: setKey("k", "1")}, Flush{})
		r.hub(`{"t":"ops","stream":"g","entries":[{"client":"dev-1","n":2,"hub":"h1","op":{"key":"k","op":"delete"}}]}`).shows("g", `{"k":1}`)
		r.hub(`{"t":"ops","stream":"g","entries":[{"client":"dev-1","n":3,"hub":"h1","op":{"key":"k","op":"set","value":1}}]}`)
		r.hub(`{"t":"ops","stream":"g","entries":[{"client":"dev-1","n":4,"hub":"h1","op":{"key":"k","op":"delete"}}]}`).shows("g", `{}`)
	}},
	{name: "ephemeral keys: errors", play: func(r *rig) {
		ephemeral(r, `{"keys":{},"v":1}`).do(Push{Stream: "g", Op: setKey("k", "1")}, Flush{})
		r.hub(`{"t":"error","stream":"g","code":"rate_limited","retry":true,"after_ms":50,"msg":"slow"}`).flush()
		r.after(50).flush(`{"t":"push","stream":"g","ops":[{"key":"k","op":"set","value":1}]}`)
		r.hub(`{"t":"error","stream":"g","code":"stream_full","retry":false,"msg":"full"}`)
		r.did("fault g stream_full", "changed g").shows("g", `{}`).flush()
		r.hub(`{"t":"ops","stream":"g","entries":[{"client":"dev-1","n":2,"hub":"h1","op":{"key":"k","op":"set","value":1}}]}`).shows("g", `{"k":1}`)
	}},
	{name: "ops queued before the rule turned out ephemeral become keys", play: func(r *rig) {
		r.do(Open{Stream: "g"}, Push{Stream: "g", Op: setKey("k", "1")}).online()
		r.hub(`{"t":"synced","stream":"g","rule":"ephemeral","mode":"rw","outcome":"snapshot","state":{"keys":{},"v":1},"base":0}`)
		r.did("drop ops g 1", "changed g", "changed g", "status online").shows("g", `{"k":1}`)
		r.flush(`{"t":"push","stream":"g","ops":[{"key":"k","op":"set","value":1}]}`)
	}},
	{name: "presence: a lower session never replaces or removes a higher one", play: func(r *rig) {
		r.opened("n", 0, 1).do(SetPresence{Stream: "n", State: []byte(`{"x":1}`)}).flush(`{"t":"presence","stream":"n","state":{"x":1}}`)
		r.hub(`{"t":"presence","stream":"n","full":true,"peers":[{"client":"b","session":5,"state":1},{"client":"dev-1","session":7,"state":{"x":1}}]}`)
		r.did("presence n")
		r.hub(`{"t":"presence","stream":"n","peers":[{"client":"b","session":4,"state":0},{"client":"a","session":1,"state":2}],"left":[{"client":"b","session":3}]}`)
		if got := r.c.Peers("n"); len(got) != 2 || got[0].Client != "a" || string(got[1].State) != "1" {
			r.t.Fatalf("peers %v", got)
		}
		r.hub(`{"t":"presence","stream":"n","left":[{"client":"b","session":5}]}`)
		if got := r.c.Peers("n"); len(got) != 1 {
			r.t.Fatalf("peers %v", got)
		}
		r.do(Disconnected{Link: 1})
		r.now = r.c.Status().RetryAt
		r.do(Tick{}, TokenReady{}).dialed().snapshot("n", 1, 0, 1, r.yours("n"))
		r.flush(`{"t":"presence","stream":"n","state":{"x":1}}`)
		r.do(SetPresence{Stream: "n", State: nil}).flush(`{"t":"presence","stream":"n","state":null}`)
	}},
	{name: "emit needs the stream open; others' events are heard", play: func(r *rig) {
		r.do(Open{Stream: "n"})
		if err := r.step(Emit{Stream: "n", Event: "wave", Data: []byte(`1`)}); err == nil {
			r.t.Fatal("accepted")
		}
		r.opened("n", 0, 1).do(Emit{Stream: "n", Event: "wave", Data: []byte(`1`)}).sends(`{"t":"emit","ref":"e1","stream":"n","event":"wave","data":1}`)
		r.hub(`{"t":"error","ref":"e1","stream":"n","code":"denied","retry":false,"msg":"no"}`).did("fault n denied").status(Online)
		r.hub(`{"t":"event","stream":"n","client":"b","event":"wave","data":[2]}`).did("heard b wave [2]")
	}},
}

var restoreScripts = []script{
	{name: "restored ops count as sent and go again after yours", play: func(r *rig) {
		r.opened("n", 5, 3).do(Push{Stream: "n", Op: inc(1)}, Push{Stream: "n", Op: inc(2)})
		r.restart()
		r.do(Open{Stream: "n"}).shows("n", "3")
		r.do(Connect{}, TokenReady{}, Connected{Link: 1})
		o := firstOpen(r)
		if o.Unacked != 2 || o.Cursor != "" || o.Inc != r.inc("n") {
			r.t.Fatalf("open %+v", o)
		}
		r.hub(welcome)
		r.snapshot("n", 1, 6, 4, `{"seq":1,"hash":"`+r.hash("n", 1)+`"}`)
		r.did("save head n acked=1", "acked n 1", "drop ops n 1", "changed n", "status online").shows("n", "8")
		r.flush(`{"t":"push","stream":"n","seq":2,"at":3,"ops":[{"amount":2,"op":"increment"}]}`)
	}},
	{name: "a restored stream that nobody wants is drained and left", play: func(r *rig) {
		r.opened("n", 5, 3).do(Push{Stream: "n", Op: inc(1)})
		r.restart()
		r.do(Connect{}, TokenReady{}).dialed().snapshot("n", 1, 5, 3, r.yours("n"))
		r.do(Flush{})
		r.hub(`{"t":"ack","stream":"n","seq":1,"hash":"%s"}`, r.hash("n", 1)).flush(`{"t":"unsub","stream":"n"}`)
	}},
	{name: "an epoch is remembered: history lost while away is a discontinuity", play: func(r *rig) {
		r.opened("n", 5, 3).do(Push{Stream: "n", Op: inc(1)})
		r.restart()
		r.do(Open{Stream: "n"}, Connect{}, TokenReady{}).dialed()
		r.snapshot("n", 2, 0, 0, r.yours("n"))
		r.did("discontinuity n", "save stream n acked=0 next=2 ops=1", "changed n", "status online")
	}},
	{name: "kept states hold what was acked, the queue what they do not", cfg: Config{Keep: true}, play: func(r *rig) {
		r.opened("n", 5, 3).do(Keep{Stream: "n"})
		r.did("save stream n acked=0 next=1 ops=0", "save state n through 0")
		r.do(Keep{Stream: "n"}).did()
		r.do(Push{Stream: "n", Op: inc(1)}, Push{Stream: "n", Op: inc(2)}, Flush{})
		r.hub(`{"t":"ops","stream":"n","from":3,"cursor":"%s","entries":[%s]}`, cursor(1, 4), entry(4, self, r.inc("n"), 1, 3, inc(1)))
		r.did("save head n acked=1", "acked n 1", "changed n")
		r.restart()
		r.do(Open{Stream: "n"}).shows("n", "8")
		r.do(Connect{}, TokenReady{}, Connected{Link: 1})
		if o := firstOpen(r); o.Cursor != cursor(1, 3) || o.Acked != 1 || o.Unacked != 1 {
			r.t.Fatalf("open %+v", o)
		}
		r.hub(welcome)
		r.hub(`{"t":"synced","stream":"n","rule":"crdt-counter","mode":"rw","outcome":"delta","cursor":"%s","entries":[%s],"yours":{"seq":1,"hash":"%s"}}`,
			cursor(1, 4), entry(4, self, r.inc("n"), 1, 3, inc(1)), r.hash("n", 1))
		r.shows("n", "8").do(Keep{Stream: "n"}).did("save state n through 1")
		if ops := r.saved.Streams[0].Ops; len(ops) != 1 || ops[0].Seq != 2 {
			r.t.Fatalf("the queue holds %v", ops)
		}
	}},
}
