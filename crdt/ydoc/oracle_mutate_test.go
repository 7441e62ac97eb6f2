package ydoc_test

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
)

// mutate returns a damaged copy of an update; other is a second update to
// take pieces from. Most damage is small, because an update that is damaged
// much is refused at its first byte.
func mutate(rng *rand.Rand, update, other []byte) []byte {
	b := slices.Clone(update)
	for range 1 + rng.IntN(1+rng.IntN(4)) {
		switch rng.IntN(9) {
		case 0:
			b = flipBit(rng, b)
		case 1:
			b = replaceByte(rng, b, byte(rng.IntN(256)))
		case 2:
			b = nudgeByte(rng, b)
		case 3, 4:
			b = replaceVarint(rng, b)
		case 5:
			from, to := span(rng, b)
			b = slices.Delete(b, from, to)
		case 6:
			from, to := span(rng, b)
			b = slices.Insert(b, rng.IntN(len(b)+1), slices.Clone(b[from:to])...)
		case 7:
			from, to := span(rng, other)
			at, end := span(rng, b)
			b = slices.Replace(b, at, end, other[from:to]...)
		case 8:
			b = b[:rng.IntN(len(b)+1)]
		}
	}
	return b
}

func flipBit(rng *rand.Rand, b []byte) []byte {
	if len(b) > 0 {
		b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
	}
	return b
}

func replaceByte(rng *rand.Rand, b []byte, by byte) []byte {
	if len(b) > 0 {
		b[rng.IntN(len(b))] = by
	}
	return b
}

// nudgeByte changes a byte by a little: clocks, lengths and clients stay
// plausible.
func nudgeByte(rng *rand.Rand, b []byte) []byte {
	if len(b) > 0 {
		b[rng.IntN(len(b))] += byte(rng.IntN(7) - 3)
	}
	return b
}

// replaceVarint puts a number with a meaning where a number may be.
func replaceVarint(rng *rand.Rand, b []byte) []byte {
	if len(b) == 0 {
		return b
	}
	at := rng.IntN(len(b))
	end := at
	for end < len(b)-1 && b[end] >= 0x80 {
		end++
	}
	n := choose(rng, []uint64{
		0, 1, 2, 3, 126, 127, 128, 16383, 16384,
		math.MaxInt32, math.MaxInt32 + 1, math.MaxUint32, math.MaxUint32 + 1,
		1<<53 - 1, 1 << 53, math.MaxInt64, math.MaxUint64,
	})
	return slices.Replace(b, at, end+1, binary.AppendUvarint(nil, n)...)
}

// span is a short stretch of b, at times empty.
func span(rng *rand.Rand, b []byte) (from, to int) {
	from = rng.IntN(len(b) + 1)
	return from, min(len(b), from+rng.IntN(12))
}
