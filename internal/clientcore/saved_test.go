package clientcore

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// An op that is saved again, after what it stood on was refused, takes the place
// of the one with its seq; what the head has given out stays given out.
func TestSavedOpIsReplaced(t *testing.T) {
	var s Saved
	for _, e := range []Effect{
		SaveStream{SavedStream{Head: Head{Stream: "t", Inc: "i", Next: 1}}},
		SaveOp{"t", Op{Seq: 1, At: 4, Body: []byte("a")}},
		SaveOp{"t", Op{Seq: 2, At: 4, Body: []byte("b")}},
		SaveOp{"t", Op{Seq: 3, At: 6, Body: []byte("c")}},
		SaveDead{DeadLetter{Stream: "t", Inc: "i", Seq: 1}},
		SaveOp{"t", Op{Seq: 2, At: 4, Body: []byte("b with what a left")}},
	} {
		s.Do(e)
	}
	want := []SavedStream{{
		Head: Head{Stream: "t", Inc: "i", Next: 4, At: 6, Seen: true},
		Ops:  []Op{{Seq: 2, At: 4, Body: []byte("b with what a left")}, {Seq: 3, At: 6, Body: []byte("c")}},
	}}
	if d := cmp.Diff(want, s.Streams); d != "" {
		t.Error(d)
	}
}
