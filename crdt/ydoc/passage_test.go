package ydoc

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestPassageIsAChange: what the short way reads is what the long way reads, to
// the last byte, and the short way refuses all that it does not cover.
func TestPassageIsAChange(t *testing.T) {
	for seed := range uint64(20_000) {
		r := rand.New(rand.NewPCG(seed, 0))
		own := r.Uint64N(1 << (1 + r.IntN(53)))
		b := randomStruct(r, own)
		size := len(b)
		b = append(b, make([]byte, passageMost*r.IntN(2))...)

		short, long := reader{b: b}, reader{b: b}
		var p passage
		var c change
		prefix := prefixOf(own)
		took := short.passage(&p, &prefix)
		long.change(&c, 16)
		if !took {
			if short.i != 0 || short.err != nil {
				t.Fatalf("seed=%d: a struct that was not taken was read up to %d, %v", seed, short.i, short.err)
			}
			continue
		}
		long.checkContent(&c, 16)
		same := long.err == nil && short.i == long.i && long.i == size && p.kind == c.kind && p.info == c.info && p.length == c.length &&
			(!c.hasOrigin() || c.origin == remoteID{own, p.origin}) && (!c.hasRight() || c.right == remoteID{own, p.right}) &&
			bytes.Equal(p.content, c.content)
		if !same {
			t.Fatalf("seed=%d: %+v and %+v of %x (%v)", seed, p, c, b[:size], long.err)
		}
	}
}

// randomStruct is mostly well-formed.
func randomStruct(r *rand.Rand, own uint64) []byte {
	number := func() uint64 { return r.Uint64N(1 << (1 + r.IntN(34))) }
	client := func() uint64 {
		if r.IntN(8) == 0 {
			return own + 1
		}
		return own
	}
	kind := []byte{kindString, kindDeleted, kindString, kindDeleted, kindAny, kindGC}[r.IntN(6)]
	info := byte(r.IntN(4)) << 6
	if r.IntN(8) == 0 {
		info |= bitSub
	}
	b := []byte{info | kind}
	if info&bitOrigin != 0 {
		b = appendUint(appendUint(b, client()), number())
	}
	if info&bitRight != 0 {
		b = appendUint(appendUint(b, client()), number())
	}
	if kind != kindString {
		return appendUint(b, number())
	}
	return appendText(b, []string{"", "a", "plain text", "é", "Grüße", "😀", "a\xffb", "a longer text without anything else"}[r.IntN(8)])
}

// TestNumbersAreReadAlike: all ways to read a number agree, wherever the input
// ends.
func TestNumbersAreReadAlike(t *testing.T) {
	for seed := range uint64(20_000) {
		r := rand.New(rand.NewPCG(seed, 1))
		b := make([]byte, r.IntN(20))
		for i := range b {
			b[i] = byte(r.Uint32())
			if r.IntN(3) == 0 {
				b[i] &= 0x7f
			}
		}
		fast, slow := reader{b: b}, reader{b: b}
		if x, y := fast.uint(), slow.slowUint(); x != y || fast.i != slow.i || fmt.Sprint(fast.err) != fmt.Sprint(slow.err) {
			t.Fatalf("seed=%d: %d and %d of %x, up to %d and %d, %v and %v", seed, x, y, b, fast.i, slow.i, fast.err, slow.err)
		}
		fast, slow = reader{b: b}, reader{b: b}
		x, y := fast.ref(), remoteID{slow.uint(), slow.uint32()}
		if x != y || fast.i != slow.i || fmt.Sprint(fast.err) != fmt.Sprint(slow.err) {
			t.Fatalf("seed=%d: %v and %v of %x, up to %d and %d, %v and %v", seed, x, y, b, fast.i, slow.i, fast.err, slow.err)
		}
		if len(b) < 4 {
			continue
		}
		slow = reader{b: b}
		if n, size := shortUint(b); size > 0 && (uint64(n) != slow.slowUint() || size != slow.i) {
			t.Fatalf("seed=%d: %d in %d bytes of %x", seed, n, size, b)
		}
	}
}
