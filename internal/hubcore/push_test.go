package hubcore

import (
	"context"
	"testing"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/store"
	"github.com/wavesiddhartha/flowsync/wire"
)

// A push for which the log has to be read outlives its message: by the time it goes
// on, the decoder and the bytes that it came from hold others.
func TestPushOutlivesItsMessage(t *testing.T) {
	st := NewStream(&Config{InflightOps: 10, EntryBytes: 1 << 10, StateBytes: 1 << 10}, "counter:a", crdt.Counter, nil, nil)
	var fx Effects
	step := func(ev StreamEvent) {
		fx.Reset()
		st.Step(0, ev, &fx)
	}
	m := &Member{Client: "tab", Number: 1}
	step(&Open{Member: m, Open: wire.Open{Stream: "counter:a", Mode: wire.ReadWrite, As: wire.AsState, Inc: "0000000000000001"}, MayRead: true, MayWrite: true})
	loaded, err := store.NewMemory().Load(context.Background(), "counter:a")
	if err != nil {
		t.Fatal(err)
	}
	step(&Loaded{Stream: loaded})
	step(&Recalled{ID: fx.Calls[0].ID})

	line := []byte(`{"at":1,"ops":[{"amount":5,"op":"increment"}],"prev":0,"seq":1,"stream":"counter:a","t":"push"}`)
	var d wire.Decoder
	msg, err := d.Client(line)
	if err != nil {
		t.Fatal(err)
	}
	step(&Push{Member: m, Push: msg.(*wire.Push), MayWrite: true})
	if len(fx.Calls) != 1 || fx.Calls[0].Kind != CallRead {
		t.Fatalf("a push from beyond the head asks for %+v, want a read of the log", fx.Calls)
	}
	read := fx.Calls[0].ID
	clear(line)
	if _, err := d.Client([]byte(`{"at":0,"ops":[{"amount":7,"op":"increment"}],"prev":8,"seq":9,"stream":"counter:b","t":"push"}`)); err != nil {
		t.Fatal(err)
	}
	step(&ReadDone{ID: read, Tail: store.Tail{Head: loaded.Head, First: 1}})
	if len(fx.Out) != 1 {
		t.Fatalf("it is answered %d times, want once", len(fx.Out))
	}
	if r, ok := fx.Out[0].Msg.(*wire.Reject); !ok || r.Code != wire.BadOp || r.Seq != 1 {
		t.Errorf("it is answered %s, want a reject: at is beyond the head", fx.Out[0].Msg.Append(nil))
	}
}
