package clientcore

import (
	"testing"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/wire"
)

// A client that only writes a text never sees what it wrote: an update that it
// makes itself would build on nothing, and the next one give the same ids again.
// It sends positions, and the hub makes the update.
func TestWriterOfATextSendsPositions(t *testing.T) {
	c := New(Config{Client: "c1", Random: func() uint32 { return 7 }})
	var out Effects
	step := func(ev Event) {
		t.Helper()
		if err := c.Step(1000, ev, &out); err != nil {
			t.Fatal(err)
		}
	}
	const insert = `{"op":"insert","pos":0,"text":"a"}`
	step(Open{Stream: "t", Rule: "crdt-text", Mode: wire.Write})
	step(Push{Stream: "t", Op: []byte(insert)})
	step(Connect{})
	step(TokenReady{})
	step(Connected{Link: 1})
	step(Received{Link: 1, Msg: &wire.Welcome{V: wire.Version, Session: 1, Writable: true}})
	step(Received{Link: 1, Msg: &wire.Synced{
		Stream: "t", Rule: "crdt-text", Mode: wire.Write, Outcome: wire.WriteOnly,
		Yours: &wire.Yours{Hash: wire.FormatHash([8]byte{})},
	}})
	step(Push{Stream: "t", Op: []byte(insert)})
	step(Flush{})
	n := 0
	for _, e := range out {
		send, ok := e.(Send)
		if !ok {
			continue
		}
		if p, ok := send.Msg.(*wire.Push); ok {
			for _, op := range p.Ops {
				if n++; string(op) != insert {
					t.Errorf("op %d is sent as %s", n, op)
				}
			}
		}
	}
	if n != 2 {
		t.Errorf("%d ops were sent, want 2", n)
	}
}

// What later updates need of a refused one goes with the first of them, also over
// an op of another rule, and on a stream that is read as value. It is saved before
// the dead letter: a process that ends in between sends the refused one again.
func TestCarryOverWhatIsNoUpdate(t *testing.T) {
	const (
		first = `{"op":"update","update":"AQHn6rO9BAAEAQR0ZXh0AmhpAA=="}` // "hi"
		other = `{"op":"add","value":"e"}`
		last  = `{"op":"update","update":"AQHn6rO9BAKE5+qzvQQBASEA"}` // "!" behind it
	)
	c := New(Config{Client: "c1", Random: func() uint32 { return 7 }})
	var out Effects
	step := func(ev Event) {
		t.Helper()
		out = out[:0]
		if err := c.Step(1000, ev, &out); err != nil {
			t.Fatal(err)
		}
	}
	step(Open{Stream: "d", Rule: "crdt-doc", As: wire.AsValue})
	step(Connect{})
	step(TokenReady{})
	step(Connected{Link: 1})
	step(Received{Link: 1, Msg: &wire.Welcome{V: wire.Version, Session: 1, Writable: true}})
	step(Received{Link: 1, Msg: &wire.Synced{
		Stream: "d", Rule: "crdt-doc", Mode: wire.ReadWrite, Outcome: wire.Snapshot, Value: []byte(`{}`),
		Cursor: "0000000000000001.0.00000000.0000000000000000", Yours: &wire.Yours{Hash: wire.FormatHash([8]byte{})},
	}})
	for _, op := range []string{first, other, last} {
		step(Push{Stream: "d", Op: []byte(op)})
	}
	step(Flush{})
	step(Received{Link: 1, Msg: &wire.Reject{Stream: "d", Seq: 1, Code: wire.StreamFull, Msg: "full"}})
	save, ok := out[0].(SaveOp)
	if !ok || save.Op.Seq != 3 {
		t.Fatalf("first comes %+v, want op 3 saved anew", out[0])
	}
	hub := crdt.Doc.New()
	if _, err := hub.Check(crdt.Op{Offset: 1, Writer: crdt.Writer{Client: "c1", Inc: "1"}, Seq: 3, Body: []byte(last)}); err == nil {
		t.Fatal("the update alone needs nothing: the test shows nothing")
	}
	if _, err := hub.Check(crdt.Op{Offset: 1, Writer: crdt.Writer{Client: "c1", Inc: "1"}, Seq: 3, Body: save.Op.Body}); err != nil {
		t.Errorf("the update with what it carries: %v", err)
	}
}
