package flowsync

import (
	"fmt"
	"testing"

	"github.com/wavesiddhartha/flowsync/wire"
)

func TestPresence(t *testing.T) {
	hs := serveHub(t, Options{Auth: Anonymous})
	hs.Stream("chat:a", Log)
	ann, _ := hs.join("ann", r("chat:a"))
	if full := await[*wire.Presence](ann); !full.Full || len(full.Peers) != 0 {
		t.Fatalf("alone: %s", full.Append(nil))
	}
	ann.say(&wire.SetPresence{Stream: "chat:a", State: []byte(`{"name":"Ann"}`)})

	bob, _ := hs.join("bob", r("chat:a"))
	full := await[*wire.Presence](bob)
	if len(full.Peers) == 0 { // ann's state may have come a moment later
		full = await[*wire.Presence](bob)
	}
	if len(full.Peers) != 1 || full.Peers[0].Client != "ann" || full.Peers[0].Session != ann.welcome.Session || string(full.Peers[0].State) != `{"name":"Ann"}` {
		t.Errorf("bob sees %s", full.Append(nil))
	}
	bob.say(&wire.SetPresence{Stream: "chat:a", State: []byte(`1`)}, &wire.SetPresence{Stream: "chat:a", State: []byte(`2`)})
	for _, want := range []string{`1`, `2`} {
		if m := await[*wire.Presence](ann); m.Full || len(m.Peers) != 1 || m.Peers[0].Client != "bob" || string(m.Peers[0].State) != want {
			t.Errorf("ann sees %s, want bob at %s", m.Append(nil), want)
		}
	}
	peers, err := hs.Presence(t.Context(), "chat:a")
	if err != nil || len(peers) != 2 {
		t.Errorf("the hub sees %v, %v", peers, err)
	}
	left := func(session uint64) {
		t.Helper()
		m := await[*wire.Presence](ann)
		if len(m.Left) != 1 || m.Left[0] != (wire.Left{Client: "bob", Session: session}) {
			t.Errorf("ann sees %s, want that bob left", m.Append(nil))
		}
	}
	bob.say(&wire.SetPresence{Stream: "chat:a", State: []byte(`null`)})
	left(bob.welcome.Session)
	bob.say(&wire.SetPresence{Stream: "chat:a", State: []byte(`3`)})
	await[*wire.Presence](ann)
	bob.Conn.Conn.Close() // gone without a word
	left(bob.welcome.Session)
	if peers, err := hs.Presence(t.Context(), "chat:a"); err != nil || len(peers) != 1 || peers[0].Client != "ann" {
		t.Errorf("the hub sees %v, %v", peers, err)
	}
}

func TestEmit(t *testing.T) {
	hs := serveHub(t, Options{Auth: Anonymous})
	hs.Stream("chat:*", Log)
	ann, _ := hs.join("ann", rw("chat:a"))
	bob, _ := hs.join("bob", r("chat:a"))
	eve, _ := hs.join("eve", r("chat:b"))
	ann.say(&wire.Emit{Stream: "chat:a", Event: "typing", Data: []byte(`{"by":"ann"}`)})
	if e := await[*wire.Event](bob); e.Client != "ann" || e.Event != "typing" || string(e.Data) != `{"by":"ann"}` {
		t.Errorf("bob gets %s", e.Append(nil))
	}
	if err := hs.Emit(t.Context(), "chat:a", "bell", 5); err != nil {
		t.Fatal(err)
	}
	for _, p := range []*peer{ann, bob} { // and ann not her own before it
		if e := await[*wire.Event](p); e.Client != "hub:"+ann.welcome.Hub || e.Event != "bell" || string(e.Data) != `5` {
			t.Errorf("got %s", e.Append(nil))
		}
	}
	eve.quiet(isPresence)
	if got := hs.value("chat:a"); got != `[]` {
		t.Errorf("an event is stored: %s", got)
	}
}

func TestHistory(t *testing.T) {
	hs := serveHub(t, Options{Auth: Anonymous})
	hs.Stream("chat:a", Log, Keep(3))
	p, _ := hs.join("ann", rw("chat:a"))
	for seq := range uint64(25) {
		p.push("chat:a", seq+1, fmt.Sprintf(`{"op":"append","value":%d}`, seq+1))
	}
	p.acked(25)
	if got := hs.value("chat:a"); got != `[23,24,25]` {
		t.Errorf("kept is %s", got)
	}
	cursor, _ := hs.cursorOf("chat:a") // the options took an offset
	var offsets []uint64
	before, pages := uint64(0), 0
	for more := true; more; pages++ {
		p.say(&wire.GetHistory{Ref: "h", Stream: "chat:a", Before: before, Limit: 10})
		page := await[*wire.History](p)
		if len(page.Entries) == 0 || page.Ref != "h" {
			t.Fatalf("page %d: %s", pages, page.Append(nil))
		}
		for i := len(page.Entries) - 1; i >= 0; i-- {
			offsets = append(offsets, page.Entries[i].Off)
		}
		before, more = page.Entries[0].Off, page.More
	}
	if pages != 3 || uint64(len(offsets)) != cursor.Offset {
		t.Errorf("%d pages with %d entries, want 3 with %d", pages, len(offsets), cursor.Offset)
	}
	for i, off := range offsets {
		if off != cursor.Offset-uint64(i) {
			t.Fatalf("the offsets are %d", offsets)
		}
	}
	entries, more, err := hs.History(t.Context(), "chat:a", 5, 2)
	if err != nil || !more || len(entries) != 2 || entries[1].Off != 4 || entries[0].Off != 3 {
		t.Errorf("History: %v, %v, %v", entries, more, err)
	}
}

func TestEphemeralKeysLiveAsLongAsTheirSession(t *testing.T) {
	hs := serveHub(t, Options{Auth: Anonymous})
	hs.Stream("game:*", Ephemeral)
	ann, synced := hs.join("ann", rw("game:a"))
	if s := synced[0]; s.Cursor != "" || s.Yours != nil || s.Outcome != wire.Snapshot {
		t.Errorf("synced %s", s.Append(nil))
	}
	bob, _ := hs.join("bob", rw("game:a"))
	bob.push("game:a", 0, `{"key":"b","op":"set","value":[1,2]}`, `{"key":"quote\"\\","op":"set","value":1}`)
	ann.push("game:a", 0, `{"key":"a","op":"set","value":1}`)
	keys := map[string]bool{}
	for len(keys) < 3 {
		for _, e := range await[*wire.Ops](ann).Entries {
			if e.N == 0 || e.Hub == "" || e.Off != 0 {
				t.Errorf("entry %+v", e)
			}
			keys[string(e.Op)] = true
		}
	}
	bob.Conn.Conn.Close()
	deleted := map[string]bool{}
	for len(deleted) < 2 {
		for _, e := range await[*wire.Ops](ann).Entries {
			deleted[string(e.Op)] = true
		}
	}
	if !deleted[`{"key":"b","op":"delete"}`] || !deleted[`{"key":"quote\"\\","op":"delete"}`] {
		t.Errorf("deleted are %v", deleted)
	}
	if got := hs.value("game:a"); got != `{"a":1}` {
		t.Errorf("the value is %s", got)
	}
	if _, synced := hs.join("eve", as(wire.AsValue, r("game:a"))); string(synced[0].Value) != `{"a":1}` {
		t.Errorf("a new reader gets %s", synced[0].Value)
	}
}
