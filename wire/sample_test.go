package wire

// sample is a message in both forms. Every implementation of the protocol must
// read the line and write the same line again.
type sample struct {
	name string
	line string
	m    interface{ Append([]byte) []byte }
}

func u64(n uint64) *uint64 { return &n }

// clientSamples has every client message, with and without optional fields.
func clientSamples() []sample {
	return []sample{
		{"hello", `{"client":"tab-1","inc":"00000000000000a1","t":"hello","v":[1,1]}`,
			&Hello{V: [2]int{1, 1}, Client: "tab-1", Inc: "00000000000000a1"}},
		{"hello with token and streams", `{"client":"tab-1","inc":"00000000000000a1","streams":[{"acked":7,"as":"state","cursor":"0123456789abcdef.41.89abcdef.0011223344556677","hash":"1122334455667788","inc":"00000000000000b2","mode":"rw","stream":"chat:general","unacked":2},{"as":"value","mode":"r","stream":"scores"}],"t":"hello","token":"a.b.c","v":[1,2]}`,
			&Hello{V: [2]int{1, 2}, Client: "tab-1", Inc: "00000000000000a1", Token: "a.b.c", Streams: []Open{
				{Stream: "chat:general", Inc: "00000000000000b2", Mode: ReadWrite, As: AsState, Cursor: "0123456789abcdef.41.89abcdef.0011223344556677", Acked: 7, Hash: "1122334455667788", Unacked: 2},
				{Stream: "scores", Mode: Read, As: AsValue},
			}}},
		{"sub", `{"as":"state","mode":"rw","ref":"1","stream":"counter:value","t":"sub"}`,
			&Sub{Ref: "1", Open: Open{Stream: "counter:value", Mode: ReadWrite, As: AsState}}},
		{"sub again", `{"acked":3,"as":"state","cursor":"0123456789abcdef.41.89abcdef.0011223344556677","hash":"1122334455667788","inc":"00000000000000b2","mode":"w","ref":"r-2","stream":"counter:value","t":"sub","unacked":1}`,
			&Sub{Ref: "r-2", Open: Open{Stream: "counter:value", Inc: "00000000000000b2", Mode: Write, As: AsState, Cursor: "0123456789abcdef.41.89abcdef.0011223344556677", Acked: 3, Hash: "1122334455667788", Unacked: 1}}},
		{"unsub", `{"stream":"counter:value","t":"unsub"}`,
			&Unsub{Stream: "counter:value"}},
		{"unsub with ref", `{"ref":"3","stream":"counter:value","t":"unsub"}`,
			&Unsub{Ref: "3", Stream: "counter:value"}},
		{"push", `{"ops":[{"amount":5,"op":"increment"}],"seq":1,"stream":"counter:value","t":"push"}`,
			&Push{Stream: "counter:value", Seq: 1, Ops: [][]byte{[]byte(`{"amount":5,"op":"increment"}`)}}},
		{"push of a batch over a hole", `{"at":40,"ops":[{"op":"add","value":"a"},{"op":"remove","value":"\"é\\😀\n"}],"prev":7,"seq":9,"stream":"set:tags","t":"push"}`,
			&Push{Stream: "set:tags", Seq: 9, Prev: u64(7), At: u64(40), Ops: [][]byte{[]byte(`{"op":"add","value":"a"}`), []byte(`{"op":"remove","value":"\"é\\😀\n"}`)}}},
		{"push of a new writer", `{"at":0,"ops":[{"op":"set","value":{"x":1.5,"y":[null,true,1e-7]}}],"prev":0,"seq":1,"stream":"lww:pos","t":"push"}`,
			&Push{Stream: "lww:pos", Seq: 1, Prev: u64(0), At: u64(0), Ops: [][]byte{[]byte(`{"op":"set","value":{"x":1.5,"y":[null,true,1e-7]}}`)}}},
		{"push on an ephemeral stream", `{"ops":[{"key":"p1","op":"set","value":[3,4]}],"stream":"game:cursors","t":"push"}`,
			&Push{Stream: "game:cursors", Ops: [][]byte{[]byte(`{"key":"p1","op":"set","value":[3,4]}`)}}},
		{"presence", `{"state":{"name":"Ada"},"stream":"chat:general","t":"presence"}`,
			&SetPresence{Stream: "chat:general", State: []byte(`{"name":"Ada"}`)}},
		{"presence ends", `{"state":null,"stream":"chat:general","t":"presence"}`,
			&SetPresence{Stream: "chat:general", State: []byte(`null`)}},
		{"emit", `{"data":{"by":"tab-1"},"event":"typing","stream":"chat:general","t":"emit"}`,
			&Emit{Stream: "chat:general", Event: "typing", Data: []byte(`{"by":"tab-1"}`)}},
		{"emit with ref", `{"data":"hi","event":"wave","ref":"4","stream":"chat:general","t":"emit"}`,
			&Emit{Ref: "4", Stream: "chat:general", Event: "wave", Data: []byte(`"hi"`)}},
		{"history", `{"before":0,"limit":50,"ref":"5","stream":"chat:general","t":"history"}`,
			&GetHistory{Ref: "5", Stream: "chat:general", Limit: 50}},
		{"auth", `{"ref":"6","t":"auth","token":"a.b.c"}`,
			&Auth{Ref: "6", Token: "a.b.c"}},
		{"ping", `{"n":1,"t":"ping"}`, &Ping{N: 1}},
	}
}

// hubSamples has every hub message, with and without optional fields.
func hubSamples() []sample {
	const cursor = "0123456789abcdef.42.89abcdef.0011223344556677"
	entry := Entry{Off: 42, Client: "tab-1", Inc: "00000000000000a1", Seq: 8, At: 41, Op: []byte(`{"amount":5,"op":"increment"}`)}
	initial := Entry{Off: 1, Client: "hub:initial", Inc: "0000000000000000", Seq: 1, Op: []byte(`{"op":"initial","value":0}`)}
	return []sample{
		{"welcome", `{"durability":"disk","hub":"hub-1","limits":{"batch_ops":1000,"inflight_ops":1024,"message_bytes":10485760,"streams":256},"session":17,"t":"welcome","v":1,"writable":true}`,
			&Welcome{V: 1, Session: 17, Hub: "hub-1", Durability: "disk", Writable: true, Limits: Limits{MessageBytes: 10 << 20, BatchOps: 1000, InflightOps: 1024, Streams: 256}}},
		{"synced resumed", `{"cursor":"` + cursor + `","mode":"rw","outcome":"resumed","ref":"1","rule":"crdt-counter","stream":"counter:value","t":"synced","yours":{"hash":"1122334455667788","seq":8}}`,
			&Synced{Ref: "1", Stream: "counter:value", Rule: "crdt-counter", Mode: ReadWrite, Outcome: Resumed, Cursor: cursor, Yours: &Yours{Seq: 8, Hash: "1122334455667788"}}},
		{"synced delta with trail", `{"cursor":"` + cursor + `","entries":[{"at":41,"client":"tab-1","inc":"00000000000000a1","off":42,"op":{"amount":5,"op":"increment"},"seq":8}],"mode":"rw","outcome":"delta","rule":"crdt-counter","stream":"counter:value","t":"synced","yours":{"hash":"1122334455667788","seq":8,"trail":[[7,"00000000000000c3"],[8,"1122334455667788"]]}}`,
			&Synced{Stream: "counter:value", Rule: "crdt-counter", Mode: ReadWrite, Outcome: Delta, Cursor: cursor, Entries: []Entry{entry}, Yours: &Yours{Seq: 8, Hash: "1122334455667788", Trail: []Mark{{7, "00000000000000c3"}, {8, "1122334455667788"}}}}},
		{"synced snapshot", `{"base":0,"cursor":"` + cursor + `","entries":[{"at":0,"client":"hub:initial","inc":"0000000000000000","off":1,"op":{"op":"initial","value":0},"seq":1}],"mode":"r","options":{"keep":10},"outcome":"snapshot","ref":"2","rule":"append-log","state":{"entries":[],"keep":10,"v":1},"stream":"log:a","t":"synced"}`,
			&Synced{Ref: "2", Stream: "log:a", Rule: "append-log", Options: []byte(`{"keep":10}`), Mode: Read, Outcome: Snapshot, Cursor: cursor, State: []byte(`{"entries":[],"keep":10,"v":1}`), Entries: []Entry{initial}}},
		{"synced value", `{"cursor":"` + cursor + `","mode":"r","outcome":"snapshot","ref":"2","rule":"crdt-counter","stream":"counter:value","t":"synced","value":12}`,
			&Synced{Ref: "2", Stream: "counter:value", Rule: "crdt-counter", Mode: Read, Outcome: Snapshot, Cursor: cursor, Value: []byte(`12`)}},
		{"synced for a new writer", `{"mode":"w","outcome":"write","ref":"3","rule":"crdt-counter","stream":"counter:value","t":"synced","yours":{"hash":"0000000000000000","seq":0}}`,
			&Synced{Ref: "3", Stream: "counter:value", Rule: "crdt-counter", Mode: Write, Outcome: WriteOnly, Yours: &Yours{Hash: "0000000000000000"}}},
		{"synced denied", `{"outcome":"denied","ref":"4","stream":"secret:a","t":"synced"}`,
			&Synced{Ref: "4", Stream: "secret:a", Outcome: Denied}},
		{"synced gone", `{"outcome":"gone","stream":"chat:old","t":"synced"}`,
			&Synced{Stream: "chat:old", Outcome: Gone}},
		{"ops", `{"cursor":"` + cursor + `","entries":[{"at":41,"client":"tab-1","inc":"00000000000000a1","off":42,"op":{"amount":5,"op":"increment"},"seq":8}],"from":41,"stream":"counter:value","t":"ops"}`,
			&Ops{Stream: "counter:value", From: 41, Cursor: cursor, Entries: []Entry{entry}}},
		{"ops from the beginning", `{"cursor":"0123456789abcdef.1.89abcdef.0011223344556677","entries":[{"at":0,"client":"hub:initial","inc":"0000000000000000","off":1,"op":{"op":"initial","value":0},"seq":1}],"from":0,"stream":"counter:value","t":"ops"}`,
			&Ops{Stream: "counter:value", Cursor: "0123456789abcdef.1.89abcdef.0011223344556677", Entries: []Entry{initial}}},
		{"ops on an ephemeral stream", `{"entries":[{"client":"tab-1","hub":"hub-1","n":9,"op":{"key":"p1","op":"set","value":[3,4]}}],"stream":"game:cursors","t":"ops"}`,
			&Ops{Stream: "game:cursors", Entries: []Entry{{Client: "tab-1", N: 9, Hub: "hub-1", Op: []byte(`{"key":"p1","op":"set","value":[3,4]}`)}}}},
		{"value", `{"cursor":"` + cursor + `","stream":"counter:value","t":"value","value":17}`,
			&Value{Stream: "counter:value", Cursor: cursor, Value: []byte(`17`)}},
		{"value of an ephemeral stream", `{"stream":"game:cursors","t":"value","value":{"p1":[3,4]}}`,
			&Value{Stream: "game:cursors", Value: []byte(`{"p1":[3,4]}`)}},
		{"ack", `{"hash":"1122334455667788","seq":8,"stream":"counter:value","t":"ack"}`,
			&Ack{Stream: "counter:value", Seq: 8, Hash: "1122334455667788"}},
		{"reject", `{"code":"bad_op","msg":"amount is an integer from 1","seq":9,"stream":"counter:value","t":"reject"}`,
			&Reject{Stream: "counter:value", Seq: 9, Code: BadOp, Msg: "amount is an integer from 1"}},
		{"error", `{"code":"bad_json","msg":"the line is not JSON","retry":false,"t":"error"}`,
			&Error{Code: BadJSON, Msg: "the line is not JSON"}},
		{"error about a stream", `{"code":"seq_gap","expected":9,"msg":"an op is missing before this one","retry":true,"seq":11,"stream":"counter:value","t":"error"}`,
			&Error{Code: SeqGap, Stream: "counter:value", Seq: 11, Expected: 9, Msg: "an op is missing before this one"}},
		{"error with a pause", `{"after_ms":250,"code":"rate_limited","msg":"too many ops","ref":"4","retry":true,"scope":"subject","t":"error"}`,
			&Error{Ref: "4", Code: RateLimited, Scope: "subject", AfterMS: 250, Msg: "too many ops"}},
		{"hub", `{"t":"hub","writable":true}`, &HubStatus{Writable: true}},
		{"hub not writable", `{"after_ms":1000,"t":"hub","writable":false}`, &HubStatus{AfterMS: 1000}},
		{"presence", `{"left":[{"client":"tab-2","session":16}],"peers":[{"client":"tab-1","session":17,"state":{"name":"Ada"}}],"stream":"chat:general","t":"presence"}`,
			&Presence{Stream: "chat:general", Peers: []Peer{{Client: "tab-1", Session: 17, State: []byte(`{"name":"Ada"}`)}}, Left: []Left{{Client: "tab-2", Session: 16}}}},
		{"presence, nobody", `{"full":true,"stream":"chat:general","t":"presence"}`,
			&Presence{Stream: "chat:general", Full: true}},
		{"event", `{"client":"tab-1","data":{"by":"tab-1"},"event":"typing","stream":"chat:general","t":"event"}`,
			&Event{Stream: "chat:general", Client: "tab-1", Event: "typing", Data: []byte(`{"by":"tab-1"}`)}},
		{"history", `{"entries":[{"at":41,"client":"tab-1","inc":"00000000000000a1","off":42,"op":{"amount":5,"op":"increment"},"seq":8}],"more":true,"ref":"5","stream":"counter:value","t":"history"}`,
			&History{Ref: "5", Stream: "counter:value", Entries: []Entry{entry}, More: true}},
		{"history, empty", `{"entries":[],"more":false,"ref":"5","stream":"counter:value","t":"history"}`,
			&History{Ref: "5", Stream: "counter:value"}},
		{"expiring", `{"in_ms":60000,"t":"expiring"}`, &Expiring{InMS: 60000}},
		{"authed", `{"ref":"6","t":"authed"}`, &Authed{Ref: "6"}},
		{"drain", `{"after_ms":1500,"t":"drain"}`, &Drain{AfterMS: 1500}},
		{"pong", `{"n":1,"t":"pong"}`, &Pong{N: 1}},
	}
}
