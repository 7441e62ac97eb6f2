package flowsync

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/wavesiddhartha/flowsync/acl"
	"github.com/wavesiddhartha/flowsync/auth"
	"github.com/wavesiddhartha/flowsync/wire"
)

// ruled gives a token the rules that are its text, and counts what it is asked.
func ruled(_ context.Context, token string, _ *http.Request) (*Grant, error) {
	g, err := acl.Parse(strings.Fields(token)...)
	if err != nil {
		return nil, auth.ErrInvalid
	}
	return &Grant{Subject: "walker", Rights: g}, nil
}

// doors are all ways in to a stream: every message that names one, and every
// route. Each needs one verb, and says whether it got through.
func doors(stream string) map[string]struct {
	verb acl.Verb
	try  func(t *testing.T, hs *hubServer, token, client string) bool
} {
	type door = struct {
		verb acl.Verb
		try  func(t *testing.T, hs *hubServer, token, client string) bool
	}
	open := func(p *peer, mode wire.Mode, as wire.As) *wire.Synced {
		p.say(&wire.Sub{Ref: "o", Open: wire.Open{Stream: stream, Mode: mode, As: as}})
		return await[*wire.Synced](p)
	}
	message := func(verb acl.Verb, send func(p *peer) bool) door {
		return door{verb, func(t *testing.T, hs *hubServer, token, client string) bool {
			p := hs.dial("Authorization", "Bearer "+token)
			defer p.Conn.Conn.Close()
			p.say(&wire.Hello{V: [2]int{1, 1}, Client: client, Inc: incOf(client)})
			await[*wire.Welcome](p)
			return send(p)
		}}
	}
	// answered reads up to the pong, and reports whether nothing was refused.
	answered := func(p *peer) bool {
		p.say(&wire.Ping{N: fence})
		ok := true
		for {
			switch msg := p.next().(type) {
			case nil:
				return false
			case *wire.Error:
				ok = false
			case *wire.Pong:
				return ok && msg.N == fence
			}
		}
	}
	// decided reads up to what becomes of a push, and reports whether it is in.
	decided := func(p *peer) bool {
		for {
			switch p.next().(type) {
			case nil, *wire.Error:
				return false
			case *wire.Ack:
				return true
			}
		}
	}
	route := func(verb acl.Verb, method, path, body string) door {
		return door{verb, func(t *testing.T, hs *hubServer, token, _ string) bool {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, method, hs.url+"/streams/"+stream+path, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+token)
			resp, err := oneShot().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusForbidden {
				t.Errorf("%s %s: status %d", method, path, resp.StatusCode)
			}
			return resp.StatusCode == http.StatusOK
		}}
	}
	return map[string]door{
		"hello": {acl.Read, func(t *testing.T, hs *hubServer, token, client string) bool {
			p := hs.dial("Authorization", "Bearer "+token)
			defer p.Conn.Conn.Close()
			p.say(&wire.Hello{V: [2]int{1, 1}, Client: client, Inc: incOf(client), Streams: []wire.Open{r(stream)}})
			return await[*wire.Synced](p).Outcome != wire.Denied
		}},
		"sub r":        message(acl.Read, func(p *peer) bool { return open(p, wire.Read, wire.AsState).State != nil }),
		"sub r value":  message(acl.Read, func(p *peer) bool { return open(p, wire.Read, wire.AsValue).Value != nil }),
		"sub rw reads": message(acl.Read, func(p *peer) bool { return open(p, wire.ReadWrite, wire.AsState).State != nil }),
		"sub w":        message(acl.Write, func(p *peer) bool { return open(p, wire.Write, wire.AsState).Mode == wire.Write }),
		"resume": message(acl.Read, func(p *peer) bool {
			p.say(&wire.Sub{Ref: "o", Open: wire.Open{Stream: stream, Mode: wire.Read, As: wire.AsState, Cursor: "0000000000000000.1.00000000.0000000000000000"}})
			return await[*wire.Synced](p).Outcome != wire.Denied
		}),
		"push": message(acl.Write, func(p *peer) bool {
			open(p, wire.ReadWrite, wire.AsState)
			p.push(stream, 1, `{"op":"increment"}`)
			return decided(p)
		}),
		"batch": message(acl.Write, func(p *peer) bool {
			open(p, wire.ReadWrite, wire.AsState)
			p.push(stream, 1, `{"op":"increment"}`, `{"op":"increment"}`)
			return decided(p)
		}),
		"emit": message(acl.Write, func(p *peer) bool {
			open(p, wire.ReadWrite, wire.AsState)
			p.say(&wire.Emit{Ref: "1", Stream: stream, Event: "e", Data: []byte(`1`)})
			return answered(p)
		}),
		"presence": message(acl.Presence, func(p *peer) bool {
			open(p, wire.ReadWrite, wire.AsState)
			p.say(&wire.SetPresence{Stream: stream, State: []byte(`1`)})
			return answered(p)
		}),
		"history": message(acl.History, func(p *peer) bool {
			open(p, wire.ReadWrite, wire.AsState)
			p.say(&wire.GetHistory{Ref: "1", Stream: stream, Limit: 1})
			return answered(p)
		}),
		"GET":    route(acl.Read, "GET", "", ""),
		"POST":   route(acl.Write, "POST", "/ops", `{"op":"increment"}`),
		"events": route(acl.Read, "GET", "/events", ""),
	}
}

// Every way in needs its verb and that alone: with all others it stays shut, a
// rule that denies wins over one that allows everything, and nothing is stored
// through a door that was shut.
func TestEveryDoorAsksForItsRight(t *testing.T) {
	hs := serveHub(t, Options{Auth: auth.Func(ruled)})
	hs.Stream("counter:*", Counter)
	stream := "counter:door"
	n := 0
	for _, name := range keysOf(doors(stream)) {
		d := doors(stream)[name]
		others := "read:counter:door"
		if d.verb == acl.Read {
			others = "write:counter:door"
		}
		for _, v := range acl.Verbs() {
			if v != d.verb {
				others += fmt.Sprintf(" %s:*", v)
			}
		}
		// With the other verbs it is open: what it needs beside its own is to have
		// the stream open, for which one of read and write is enough.
		for rules, want := range map[string]bool{
			"*:*": true,
			others + " " + string(d.verb) + ":counter:*": true,
			others: false,
			fmt.Sprintf("*:* !%s:counter:door", d.verb):      false,
			fmt.Sprintf("!%s:*:door *:counter:door", d.verb): false,
			"*:* !*:counter:*":                    false,
			fmt.Sprintf("%s:counter:doo", d.verb): false,
			"":                                    false,
		} {
			n++
			before, _ := hs.cursorOf(stream)
			if rules == "" {
				rules = "!read:nothing"
			}
			if got := d.try(t, hs, rules, fmt.Sprintf("walker-%d", n)); got != want {
				t.Errorf("%s with %q: got through is %v, want %v", name, rules, got, want)
			}
			if after, _ := hs.cursorOf(stream); !want && after.Offset != before.Offset {
				t.Errorf("%s with %q: %d ops are stored", name, rules, after.Offset-before.Offset)
			}
		}
	}
}

// The walk above knows all messages that name a stream: a new one must be added.
func TestEveryMessageHasADoor(t *testing.T) {
	walked := map[string]bool{"hello": true, "sub": true, "push": true, "emit": true, "presence": true, "history": true}
	needNone := map[string]bool{"unsub": true, "auth": true, "ping": true}
	for _, msg := range []wire.ClientMessage{
		&wire.Hello{}, &wire.Sub{}, &wire.Unsub{}, &wire.Push{}, &wire.SetPresence{}, &wire.Emit{}, &wire.GetHistory{}, &wire.Auth{}, &wire.Ping{},
	} {
		kind, _ := fields(t, string(msg.Append(nil)))["t"].(string)
		if !walked[kind] && !needNone[kind] {
			t.Errorf("message %q has no door in the walk", kind)
		}
	}
}
