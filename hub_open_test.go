package flowsync

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wavesiddhartha/flowsync/acl"
	"github.com/wavesiddhartha/flowsync/auth"
	"github.com/wavesiddhartha/flowsync/store"
	"github.com/wavesiddhartha/flowsync/wire"
)

const increment = `{"op":"increment"}`

// at is a cursor, an open with it.
func at(cursor string, o wire.Open) wire.Open {
	o.Cursor = cursor
	return o
}

func as(form wire.As, o wire.Open) wire.Open {
	o.As = form
	return o
}

func TestHelloAndWelcome(t *testing.T) {
	hs := serveHub(t, Options{Auth: Anonymous})
	hs.Stream("counter:a", Counter, Initial(40))
	p, synced := hs.join("tab", rw("counter:a"))
	w := p.welcome
	if w.V != 1 || w.Session == 0 || w.Hub == "" || w.Durability != "memory" || !w.Writable ||
		w.Limits != (wire.Limits{MessageBytes: 10 << 20, BatchOps: 1000, InflightOps: 1024, Streams: 256}) {
		t.Errorf("welcome %+v", w)
	}
	if s := synced[0]; s.Rule != "crdt-counter" || s.Mode != wire.ReadWrite || s.Base != 1 || s.Yours == nil || s.Yours.Seq != 0 || s.Yours.Hash != strings.Repeat("0", 16) {
		t.Errorf("synced %+v", s)
	}
	again, _ := hs.join("tab2")
	if again.welcome.Hub != w.Hub {
		t.Errorf("one hub has the ids %q and %q", w.Hub, again.welcome.Hub)
	}
}

// TestReconnect opens a stream with cursors of every age.
func TestReconnect(t *testing.T) {
	hs := serveHub(t, Options{Auth: Anonymous})
	hs.Stream("counter:a", Counter)
	p, synced := hs.join("tab", rw("counter:a"))
	if s := synced[0]; s.Outcome != wire.Snapshot || s.Base != 0 || len(s.Entries) != 0 || string(s.State) != `{"base":["0","0"],"dec":{},"inc":{},"v":1}` {
		t.Errorf("a first open gets %s", s.Append(nil))
	}
	cursors := []string{synced[0].Cursor}
	for seq := uint64(1); seq <= 40; seq++ {
		p.push("counter:a", seq, increment)
		cursors = append(cursors, await[*wire.Ops](p).Cursor)
	}
	p.acked(40)
	p.Conn.Conn.Close()

	for _, c := range []struct {
		name   string
		cursor string
		want   wire.Outcome
		from   int // offset of the first entry - 1
	}{
		{"at the head", cursors[40], wire.Resumed, 40},
		{"one behind", cursors[39], wire.Delta, 39},
		{"some behind", cursors[38], wire.Delta, 38},
		{"none", "", wire.Snapshot, 40},
		{"far behind, where the state is smaller", cursors[1], wire.Snapshot, 40},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, synced := hs.join("back", at(c.cursor, rw("counter:a")))
			s := synced[0]
			if s.Outcome != c.want || s.Cursor != cursors[40] {
				t.Fatalf("%s at %s, want %s at %s", s.Outcome, s.Cursor, c.want, cursors[40])
			}
			if len(s.Entries) != 40-c.from && c.want != wire.Snapshot {
				t.Errorf("%d entries, want %d", len(s.Entries), 40-c.from)
			}
			for i, e := range s.Entries {
				if e.Off != s.Base+uint64(i)+1 && e.Off != uint64(c.from+i+1) {
					t.Errorf("entry %d has offset %d", i, e.Off)
				}
			}
			if c.want == wire.Snapshot && s.Base+uint64(len(s.Entries)) != 40 {
				t.Errorf("base %d and %d entries do not make 40", s.Base, len(s.Entries))
			}
			p.Conn.Conn.Close()
		})
	}

	// The author learns by yours what is in, and its next op follows.
	o := rw("counter:a")
	o.Acked, o.Unacked, o.Cursor = 38, 2, cursors[38]
	p, synced = hs.join("tab", o)
	if y := synced[0].Yours; y == nil || y.Seq != 40 || len(y.Trail) != 2 || y.Trail[0].Seq != 39 || y.Trail[1].Hash != y.Hash {
		t.Errorf("yours %+v", y)
	}
	p.push("counter:a", 41, increment)
	if p.acked(41); hs.value("counter:a") != "41" {
		t.Errorf("the value is %s", hs.value("counter:a"))
	}
}

func TestAsValue(t *testing.T) {
	hs := serveHub(t, Options{Auth: Anonymous})
	hs.Stream("map:a", Map, Initial(map[string]any{"b": 1}))
	p, synced := hs.join("tab", as(wire.AsValue, rw("map:a")))
	if s := synced[0]; s.Outcome != wire.Snapshot || string(s.Value) != `{"b":1}` || s.State != nil || s.Cursor == "" {
		t.Errorf("synced %s", s.Append(nil))
	}
	p.push("map:a", 1, `{"key":"a","op":"set","value":[1]}`)
	p.acked(1)
	v := await[*wire.Value](p)
	if cursor, _ := hs.cursorOf("map:a"); string(v.Value) != `{"a":[1],"b":1}` || v.Cursor != cursor.String() {
		t.Errorf("value %s at %s", v.Value, v.Cursor)
	}
	p.quiet()
	_, synced = hs.join("tab2", at(v.Cursor, as(wire.AsValue, r("map:a"))))
	if synced[0].Outcome != wire.Resumed {
		t.Errorf("with the cursor: %s", synced[0].Outcome)
	}
}

// keyed is an Authenticator whose tokens are looked up in a table.
func keyed(grants map[string]*Grant) Authenticator {
	return auth.Func(func(_ context.Context, token string, _ *http.Request) (*Grant, error) {
		if g := grants[token]; g != nil {
			return g, nil
		}
		return nil, auth.ErrInvalid
	})
}

func (hs *hubServer) joinAs(token, client string, opens ...wire.Open) (*peer, []*wire.Synced) {
	hs.t.Helper()
	return hs.joinWith(&wire.Hello{V: [2]int{1, 1}, Client: client, Inc: incOf(client), Token: token, Streams: opens})
}

// TestRightsShapeTheAnswer opens a stream in every mode with every combination
// of rights.
func TestRightsShapeTheAnswer(t *testing.T) {
	on := []string{"counter:a"}
	hs := serveHub(t, Options{Auth: keyed(map[string]*Grant{
		"r":  {Subject: "r", Rights: verbs{acl.Read: on}},
		"w":  {Subject: "w", Rights: verbs{acl.Write: on}},
		"rw": {Subject: "rw", Rights: verbs{acl.Read: on, acl.Write: on}},
		"-":  {Subject: "-", Rights: verbs{}},
	})})
	hs.Stream("counter:a", Counter, Initial(5))
	for _, c := range []struct {
		rights, mode string
		granted      wire.Mode
		outcome      wire.Outcome
	}{
		{"rw", "rw", "rw", wire.Snapshot}, {"rw", "r", "r", wire.Snapshot}, {"rw", "w", "w", wire.WriteOnly},
		{"r", "rw", "r", wire.Snapshot}, {"r", "r", "r", wire.Snapshot}, {"r", "w", "", wire.Denied},
		{"w", "rw", "w", wire.WriteOnly}, {"w", "r", "", wire.Denied}, {"w", "w", "w", wire.WriteOnly},
		{"-", "rw", "", wire.Denied}, {"-", "r", "", wire.Denied}, {"-", "w", "", wire.Denied},
	} {
		t.Run(fmt.Sprintf("%s with %s", c.mode, c.rights), func(t *testing.T) {
			client := "c" + c.rights + c.mode
			p, synced := hs.joinAs(c.rights, client, wire.Open{Stream: "counter:a", Mode: wire.Mode(c.mode), As: wire.AsState})
			s := synced[0]
			if s.Mode != c.granted || s.Outcome != c.outcome {
				t.Fatalf("granted %q, %s; want %q, %s", s.Mode, s.Outcome, c.granted, c.outcome)
			}
			if reads := c.granted.Reads(); reads != (s.State != nil) || reads != (s.Cursor != "") {
				t.Errorf("state and cursor in %s", s.Append(nil))
			}
			if writes := wire.Mode(c.mode).Writes(); writes != (s.Yours != nil) {
				t.Errorf("yours in %s", s.Append(nil))
			}
			p.push("counter:a", 1, increment)
			if c.granted.Writes() {
				p.acked(1)
			} else if e := await[*wire.Error](p); e.Code != wire.NotReady || e.Seq != 1 {
				t.Errorf("a push is answered %s", e.Append(nil))
			}
			p.Conn.Conn.Close()
		})
	}
}

// A fresh token that allows less takes effect at once.
func TestFreshTokenNarrows(t *testing.T) {
	on := []string{"counter:a", "counter:b"}
	hs := serveHub(t, Options{Auth: keyed(map[string]*Grant{
		"much": {Subject: "ann", Rights: verbs{acl.Read: on, acl.Write: on}},
		"less": {Subject: "ann", Rights: verbs{acl.Read: on, acl.Write: on[1:]}},
	})})
	hs.Stream("counter:*", Counter)
	p, _ := hs.joinAs("much", "tab", rw("counter:a"), rw("counter:b"))
	p.say(&wire.Auth{Ref: "7", Token: "less"})
	if a := await[*wire.Authed](p); a.Ref != "7" {
		t.Errorf("authed %+v", a)
	}
	if e := await[*wire.Error](p); e.Code != wire.Resync || e.Stream != "counter:a" {
		t.Errorf("got %s", e.Append(nil))
	}
	p.push("counter:a", 1, increment)
	if e := await[*wire.Error](p); e.Code != wire.NotReady {
		t.Errorf("a push without the right is answered %s", e.Append(nil))
	}
	p.push("counter:b", 1, increment)
	p.acked(1)
	p.say(&wire.Sub{Ref: "8", Open: rw("counter:a")})
	if s := await[*wire.Synced](p); s.Ref != "8" || s.Mode != wire.Read {
		t.Errorf("opened again: %s", s.Append(nil))
	}
}

func TestUnsubEndsASubscription(t *testing.T) {
	hs := serveHub(t, Options{Auth: Anonymous})
	hs.Stream("counter:*", Counter)
	p, _ := hs.join("tab", rw("counter:a"), r("counter:b"))
	p.say(&wire.Unsub{Stream: "counter:a"})
	p.quiet(isPresence)
	for _, s := range []string{"counter:a", "counter:b"} {
		if err := hs.Push(t.Context(), s, map[string]string{"op": "increment"}); err != nil {
			t.Fatal(err)
		}
	}
	if ops := await[*wire.Ops](p); ops.Stream != "counter:b" {
		t.Errorf("ops of %s come after unsub", ops.Stream)
	}
	p.push("counter:a", 1, increment)
	if e := await[*wire.Error](p); e.Code != wire.NotReady {
		t.Errorf("a push after unsub is answered %s", e.Append(nil))
	}
}

func isPresence(m wire.HubMessage) bool {
	_, ok := m.(*wire.Presence)
	return ok
}

// An op that is older than the log cannot be compared: it has no effect, and the
// ack carries the hash by which its author sees whether it is the same.
func TestDuplicateFromBeforeTheLog(t *testing.T) {
	memory := store.NewMemory()
	hs := serveHub(t, Options{Auth: Anonymous, Store: memory, Limits: Limits{CompactOps: 20}})
	hs.Stream("counter:a", Counter)
	p, _ := hs.join("tab", rw("counter:a"))
	var hash string
	for seq := uint64(1); seq <= 100; seq++ {
		p.push("counter:a", seq, increment)
		hash = p.acked(seq).Hash
	}
	eventually(t, "the log is not trimmed", func() bool {
		s, err := memory.Load(t.Context(), "counter:a")
		return err == nil && s.First > 10
	})
	p.Conn.Conn.Close()
	eventually(t, "the stream is still loaded", func() bool {
		hs.streams.sweep(time.Now().Add(time.Hour))
		return !hs.streams.loaded("counter:a")
	})
	cursor, digest := hs.cursorOf("counter:a")
	p, _ = hs.join("tab", rw("counter:a"))
	p.push("counter:a", 1, `{"amount":1000,"op":"increment"}`)
	if a := p.acked(1); a.Seq != 100 || a.Hash != hash {
		t.Errorf("ack %+v, want seq 100 and hash %s", a, hash)
	}
	if after, now := hs.cursorOf("counter:a"); after != cursor || now != digest {
		t.Error("it had an effect")
	}
}

// loaded reports whether a stream is in memory.
func (g *registry) loaded(name string) bool {
	for i := range g.shards {
		g.shards[i].RLock()
		_, ok := g.shards[i].byName[name]
		g.shards[i].RUnlock()
		if ok {
			return true
		}
	}
	return false
}
