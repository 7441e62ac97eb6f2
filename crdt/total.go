package crdt

import (
	"math/bits"
	"strconv"
)

// total is an unsigned integer of 128 bits. Totals of a counter stay within
// maxTotal, so that the sum of two never wraps.
type total struct{ hi, lo uint64 }

// maxTotal is 10^38.
const (
	maxTotalHi = 0x4b3b4ca85a86c47a
	maxTotalLo = 0x098a224000000000
)

// e19 is the greatest power of ten in 64 bits; 10^38 is its square.
const e19 = 10_000_000_000_000_000_000

func (t total) zero() bool { return t.hi|t.lo == 0 }

func (t total) within() bool {
	return t.hi < maxTotalHi || t.hi == maxTotalHi && t.lo <= maxTotalLo
}

func (t total) less(u total) bool {
	return t.hi < u.hi || t.hi == u.hi && t.lo < u.lo
}

// plus adds two totals, neither beyond maxTotal; their sum may be.
func (t total) plus(u total) total {
	lo, carry := bits.Add64(t.lo, u.lo, 0)
	hi, _ := bits.Add64(t.hi, u.hi, carry)
	return total{hi, lo}
}

// minus subtracts u, which is not greater.
func (t total) minus(u total) total {
	lo, borrow := bits.Sub64(t.lo, u.lo, 0)
	hi, _ := bits.Sub64(t.hi, u.hi, borrow)
	return total{hi, lo}
}

// digits is the length of t in decimal.
func (t total) digits() int {
	if t.hi == 0 {
		return digits(t.lo)
	}
	q, _ := bits.Div64(t.hi, t.lo, e19)
	return 19 + digits(q)
}

// appendDecimal appends t in decimal.
func (t total) appendDecimal(b []byte) []byte {
	if t.hi == 0 {
		return strconv.AppendUint(b, t.lo, 10)
	}
	q, r := bits.Div64(t.hi, t.lo, e19)
	b = strconv.AppendUint(b, q, 10)
	for range 19 - digits(r) {
		b = append(b, '0')
	}
	return strconv.AppendUint(b, r, 10)
}

// digits is the length of n in decimal.
func digits(n uint64) int {
	d := 1
	for p := uint64(10); d < 20 && n >= p; p *= 10 {
		d++
	}
	return d
}

// parseTotal reads a decimal up to maxTotal without leading zeros, the whole of b.
func parseTotal(b []byte) (total, bool) {
	if len(b) == 0 || len(b) > 39 || b[0] == '0' && len(b) > 1 {
		return total{}, false
	}
	var t total
	for _, c := range b {
		if c < '0' || c > '9' {
			return total{}, false
		}
		over, hi := bits.Mul64(t.hi, 10)
		carry, lo := bits.Mul64(t.lo, 10)
		lo, c1 := bits.Add64(lo, uint64(c-'0'), 0)
		hi, c2 := bits.Add64(hi, carry, c1)
		if over|c2 != 0 {
			return total{}, false
		}
		t = total{hi, lo}
	}
	return t, t.within()
}
