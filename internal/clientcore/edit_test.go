package clientcore

import (
	"testing"

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
