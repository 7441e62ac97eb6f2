package socket

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/wavesiddhartha/flowsync/internal/socket/sockettest"
)

// However the bytes are cut, the guard finds the same: what it lets pass, what
// it refuses, and whether something is owed.
func TestFrameGuardIgnoresHowBytesAreCut(t *testing.T) {
	for seed := range uint64(100) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 0))
			stream := randomFrames(rng)
			var whole, cut guard
			n, err := whole.scan(stream)
			passed := 0
			var cutErr error
			for rest := stream; len(rest) > 0 && cutErr == nil; {
				size := 1 + rng.IntN(min(len(rest), 20))
				var n int
				n, cutErr = cut.scan(rest[:size])
				passed += n
				rest = rest[size:]
			}
			if !errors.Is(cutErr, err) {
				t.Fatalf("refused with %v in pieces, with %v whole", cutErr, err)
			}
			if err == nil && (n != len(stream) || passed != n || whole != cut) {
				t.Fatalf("passed %d of %d in pieces, %d whole; guards %+v and %+v", passed, len(stream), n, cut, whole)
			}
			if err != nil && passed < n {
				t.Fatalf("passed %d in pieces, %d whole", passed, n)
			}
		})
	}
}

// randomFrames is a sequence of frames, mostly good, sometimes cut short.
func randomFrames(rng *rand.Rand) []byte {
	var b []byte
	for range 1 + rng.IntN(20) {
		payload := make([]byte, [...]int{0, 1, 125, 126, 300, 70000}[rng.IntN(6)])
		head := byte(rng.IntN(2))<<7 | [...]byte{opContinuation, opText, opBinary, opPing}[rng.IntN(4)]
		switch rng.IntN(40) {
		case 0:
			b = append(b, sockettest.Unmasked(head, payload)...)
		case 1:
			b = append(b, sockettest.Header(head, bitMask, 1<<63|rng.Uint64())...)
		default:
			b = append(b, sockettest.Frame(head, payload)...)
		}
	}
	if rng.IntN(2) == 0 {
		b = b[:1+rng.IntN(len(b))]
	}
	return b
}

func TestFrameGuardKnowsWhatIsOwed(t *testing.T) {
	rows := []struct {
		name string
		in   []byte
		want bool
	}{
		{"nothing", nil, false},
		{"a whole message", textFrame("ab"), false},
		{"an empty message", textFrame(""), false},
		{"all but a byte", textFrame("ab")[:7], true},
		{"one byte", textFrame("ab")[:1], true},
		{"a header", textFrame("ab")[:2], true},
		{"a first fragment", sockettest.Frame(opText, nil), true},
		{"a last fragment", join(sockettest.Frame(opText, nil), sockettest.Frame(bitFin, nil)), false},
		{"a ping", sockettest.Frame(bitFin|opPing, nil), false},
		{"half a ping", sockettest.Frame(bitFin|opPing, nil)[:4], true},
		{"a ping inside a message", join(sockettest.Frame(opText, nil), sockettest.Frame(bitFin|opPing, nil)), true},
		{"a message around a ping", join(sockettest.Frame(opText, nil), sockettest.Frame(bitFin|opPing, nil), sockettest.Frame(bitFin, nil)), false},
	}
	for _, row := range rows {
		var g guard
		if _, err := g.scan(row.in); err != nil {
			t.Errorf("%s: %v", row.name, err)
		}
		if got := g.waits(); got != row.want {
			t.Errorf("%s: waits is %v", row.name, got)
		}
	}
}

func FuzzFrameGuard(f *testing.F) {
	f.Add([]byte{}, uint8(1))
	f.Add(textFrame("hello"), uint8(3))
	f.Add(sockettest.Unmasked(bitFin|opText, []byte("hi")), uint8(1))
	f.Add(sockettest.Header(bitFin|opText, bitMask, 1<<63), uint8(9))
	f.Add(join(sockettest.Frame(opText, nil), sockettest.Frame(bitFin|opPing, nil), sockettest.Frame(bitFin, nil)), uint8(2))
	f.Fuzz(func(t *testing.T, b []byte, step uint8) {
		var whole, cut guard
		_, err := whole.scan(b)
		var cutErr error
		for rest := b; len(rest) > 0 && cutErr == nil; {
			n := min(len(rest), int(step)+1)
			var passed int
			if passed, cutErr = cut.scan(rest[:n]); cutErr == nil && passed != n {
				t.Fatalf("passed %d of %d without an error", passed, n)
			}
			rest = rest[n:]
		}
		if !errors.Is(cutErr, err) || err == nil && whole != cut {
			t.Fatalf("in pieces %v %+v, whole %v %+v", cutErr, cut, err, whole)
		}
	})
}

func BenchmarkFrameGuard(b *testing.B) {
	p := textFrame(string(make([]byte, 150)))
	var g guard
	b.SetBytes(int64(len(p)))
	for b.Loop() {
		if _, err := g.scan(p); err != nil {
			b.Fatal(err)
		}
	}
}
