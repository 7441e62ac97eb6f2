package flowsync

import (
	"fmt"
	"strings"

	"github.com/wavesiddhartha/flowsync/acl"
	"github.com/wavesiddhartha/flowsync/wire"
)

// aclInputs are requests for what a token does not allow, on every path.
func aclInputs() []badInput {
	var rows []badInput
	add := func(token, name string, stands uint64, send func(*trial), want ...string) {
		rows = append(rows, badInput{group: "acl", name: token + ", " + name, stands: stands, send: send, want: want})
	}
	open := func(token, mode string) func(*trial) {
		return func(a *trial) {
			a.joinAs(token)
			a.p.say(&wire.Sub{Ref: "1", Open: wire.Open{Stream: a.on, Mode: wire.Mode(mode), As: wire.AsState}})
		}
	}
	after := func(token string, msg wire.ClientMessage) func(*trial) {
		return func(a *trial) {
			a.joinAs(token, rw(a.on))
			a.p.say(msg)
		}
	}
	get := func(token, method, path, body string) func(*trial) {
		return func(a *trial) {
			resp := a.request(method, "/streams/"+path, body, "Authorization", "Bearer "+token)
			for key := range resp.Header {
				if strings.HasPrefix(key, "Flowsync-") {
					a.t.Errorf("the answer has %s", key)
				}
			}
		}
	}
	push := &wire.Push{Stream: "counter:bad", Seq: 1, Ops: [][]byte{[]byte(`{"op":"increment"}`)}}
	history := &wire.GetHistory{Ref: "1", Stream: "counter:bad", Limit: 10}
	presence := &wire.SetPresence{Stream: "counter:bad", State: []byte(`1`)}
	emit := &wire.Emit{Ref: "1", Stream: "counter:bad", Event: "e", Data: []byte(`1`)}

	for _, mode := range []string{"r", "w", "rw"} {
		add("nobody", "opens as "+mode, 0, open("nobody", mode), "synced denied")
	}
	add("nobody", "pushes", 0, after("nobody", push), "error not_ready 1")
	for _, token := range []string{"nobody", "reader", "writer"} {
		add(token, "reads history", 0, after(token, history), "error denied")
		add(token, "sets presence", 0, after(token, presence), "error denied")
	}
	add("nobody", "emits", 0, after("nobody", emit), "error denied")
	add("reader", "emits", 0, after("reader", emit), "error denied")
	add("reader", "pushes", 0, after("reader", push), "error not_ready 1")
	add("nobody", "gets over HTTP", 0, get("nobody", "GET", "counter:bad", ""), "403 denied")
	add("nobody", "posts over HTTP", 0, get("nobody", "POST", "counter:bad/ops", `{"op":"increment"}`), "403 denied")
	add("nobody", "listens to events", 0, get("nobody", "GET", "counter:bad/events", ""), "403 denied")
	add("nobody", "gets an unknown stream", 0, get("nobody", "GET", "nothing:here", ""), "403 denied")
	add("reader", "posts over HTTP", 0, get("reader", "POST", "counter:bad/ops", `{"op":"increment"}`), "403 denied")
	add("writer", "gets over HTTP", 0, get("writer", "GET", "counter:bad", ""), "403 denied")
	add("writer", "listens to events", 0, get("writer", "GET", "counter:bad/events", ""), "403 denied")
	add("writer", "opens as r", 0, open("writer", "r"), "synced denied")
	add("reader", "opens as w", 0, open("reader", "w"), "synced denied")
	add("reader", "opens as rw", 0, open("reader", "rw"), "synced snapshot")
	add("writer", "opens as rw", 0, open("writer", "rw"), "synced write")
	add("writer", "learns no state", 1, learnsNothing, "ack 1")
	add("nobody", "cannot tell an unknown stream from a forbidden one", 0, func(a *trial) {
		a.joinAs("nobody")
		a.p.say(&wire.Sub{Ref: "1", Open: r("counter:bad")}, &wire.Sub{Ref: "1", Open: r("nothing:here")})
		known, _ := a.p.line()
		unknown, _ := a.p.line()
		if strings.Contains(known, "nothing:here") {
			known, unknown = unknown, known // they come in any order
		}
		if strings.Replace(known, "counter:bad", "nothing:here", 1) != unknown {
			a.t.Errorf("the answers differ: %s and %s", known, unknown)
		}
	})
	add("all", "right taken away while offline", 1, func(a *trial) {
		p := a.joinAs("all", rw(a.on))
		p.push(a.on, 1, `{"op":"increment"}`)
		p.acked(1)
		p.Conn.Conn.Close()
		grants["less"] = &Grant{Subject: "all", Rights: verbs{acl.Read: {"counter:bad"}}}
		p = a.joinAs("less")
		o := rw(a.on)
		o.Acked, o.Unacked = 0, 3
		p.say(&wire.Sub{Ref: "1", Open: o})
		synced := await[*wire.Synced](p)
		if synced.Mode != wire.Read || synced.Yours == nil || synced.Yours.Seq != 1 {
			a.t.Errorf("mode %q, yours %+v: want r, and op 1 in", synced.Mode, synced.Yours)
		}
		p.push(a.on, 2, `{"op":"increment"}`)
	}, "error not_ready 2")
	return rows
}

// learnsNothing has a client that may only write work beside the witness, and
// looks at every line that it is sent.
func learnsNothing(a *trial) {
	p := a.connectAs("writer")
	p.say(&wire.Hello{V: [2]int{1, 1}, Client: a.client, Inc: incOf(a.client), Streams: []wire.Open{rw(a.on)}})
	p.welcome = await[*wire.Welcome](p)
	for pong := false; !pong || len(a.heard) == 0; {
		line, ok := p.line()
		if !ok {
			a.t.Fatalf("closed with %d", p.closed)
		}
		f := fields(a.t, line)
		for _, key := range []string{"cursor", "state", "value", "entries", "base", "options", "peers"} {
			if _, ok := f[key]; ok {
				a.t.Errorf("it is told its %s: %s", key, line)
			}
		}
		switch f["t"] {
		case "synced":
			p.push(a.on, 1, `{"op":"increment"}`)
			p.say(&wire.Ping{N: 5})
		case "ack":
			a.heard = append(a.heard, fmt.Sprint("ack ", f["seq"]))
		case "ops", "value", "presence", "event":
			a.t.Errorf("it is sent %s", line)
		case "pong":
			pong = true
		}
	}
}

// nameInputs are names of streams that are none, or others than are allowed.
func nameInputs() []badInput {
	var rows []badInput
	add := func(name string, send func(*trial), want ...string) {
		rows = append(rows, badInput{group: "names", name: name, send: send, want: want})
	}
	sub := func(token, stream string) func(*trial) {
		return func(a *trial) {
			a.joinAs(token)
			a.p.Text(fmt.Sprintf(`{"t":"sub","ref":"1","stream":"%s","mode":"rw","as":"state"}`, stream))
		}
	}
	for _, stream := range []string{
		"", ":", "counter:", ":bad", "counter::bad", "counter:*", "*", "count*:bad", "counter:bad:*",
		"counter:bad ", " counter:bad", "counter/bad", "counter:ba\\u0000d", "counter:b\u0430d", "counter\uff1abad", "c\\u00f6unter:bad",
		"counter:../bad", "counter:bad?x", "counter:bad#x", "a:b:c:d:e:f:g:h:i", strings.Repeat("n", 65), strings.Repeat("nnnnnnn:", 32) + "n",
	} {
		add("open of "+fmt.Sprintf("%.30q", stream), sub("all", stream), "error bad_stream")
	}
	add("a stream that is a number", func(a *trial) {
		a.join().Text(`{"t":"sub","ref":"1","stream":7,"mode":"rw","as":"state"}`)
	}, "error bad_message")
	for _, stream := range []string{"counter:publi", "counter:public2", "counter:public:x", "counter:Public", "Counter:public", "counter", "public", "counter:public.", "counter:-public"} {
		add("near miss "+stream, sub("public", stream), "synced denied")
		add("near miss "+stream+" over HTTP", func(a *trial) {
			a.request("GET", "/streams/"+stream, "", "Authorization", "Bearer public")
		}, "403 denied")
	}
	add("the stream itself", sub("public", "counter:public"), "synced snapshot")
	for _, path := range []string{"counter:*", "*", "counter::bad", "counter:", "counter:ba%00d", "counter:b%D0%B0d", "counter%20bad", strings.Repeat("n", 65)} {
		add("GET of "+fmt.Sprintf("%.20s", path), request("GET", "/streams/"+path, ""), "404 bad_stream")
	}
	add("GET of a stream with a slash", request("GET", "/streams/counter%2Fbad", ""), "404")
	add("GET of a stream, its colon escaped", request("GET", "/streams/counter%3Abad", ""), "200")
	return rows
}

// tokenInputs are tokens that an Authenticator refuses, whichever it is.
func tokenInputs() []badInput {
	var rows []badInput
	add := func(name string, send func(*trial), want ...string) {
		rows = append(rows, badInput{group: "tokens", name: name, send: send, want: want})
	}
	hello := func(token string) func(*trial) {
		return func(a *trial) {
			a.p = a.world.dial()
			a.p.say(&wire.Hello{V: [2]int{1, 1}, Client: a.client, Inc: incOf(a.client), Token: token})
		}
	}
	for token, code := range map[string]string{
		secret: "auth_invalid", "expired": "auth_expired", "revoked": "auth_revoked", "no rights": "auth_invalid", strings.Repeat("x", 10_000): "auth_invalid",
	} {
		name := fmt.Sprintf("%.12s", token)
		add(name+" before the upgrade", func(a *trial) { requireNoEcho(a, a.upgrade("/", "Authorization", "Bearer "+token)) }, "401 "+code)
		add(name+" on the API", func(a *trial) {
			a.request("GET", "/streams/counter:bad", "", "Authorization", "Bearer "+token)
		}, "401 "+code)
		add(name+" in hello", hello(token), "error "+code, "close 4401")
		add(name+" as a fresh one", func(a *trial) {
			a.join().say(&wire.Auth{Ref: "1", Token: token}, &wire.Ping{N: 1})
		}, "error "+code, "pong 1")
	}
	add("none in hello", hello(""), "error auth_required", "close 4401")
	add("none on the API", func(a *trial) { a.request("GET", "/streams/counter:bad", "") }, "401 auth_required")
	add("of another scheme", func(a *trial) {
		a.request("GET", "/streams/counter:bad", "", "Authorization", "Basic YWxsOmFsbA==")
	}, "401 auth_required")
	add("of another subject as a fresh one", func(a *trial) { a.join().say(&wire.Auth{Ref: "1", Token: "ann"}) }, "error client_mismatch")
	add("of another client as a fresh one", func(a *trial) { a.join().say(&wire.Auth{Ref: "1", Token: "pinned"}) }, "error client_mismatch")
	return rows
}
