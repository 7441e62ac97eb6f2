package crdt

import (
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
)

// Totals agree with math/big, at the edges of 64 bits and of the range too.
func TestTotal(t *testing.T) {
	most, _ := new(big.Int).SetString("1"+strings.Repeat("0", 38), 10)
	var samples []*big.Int
	for _, base := range []*big.Int{big.NewInt(0), new(big.Int).Lsh(big.NewInt(1), 64), new(big.Int).SetUint64(e19), most} {
		for d := range int64(3) {
			samples = append(samples, new(big.Int).Add(base, big.NewInt(d-1)))
		}
	}
	for p := big.NewInt(1); p.Cmp(most) < 0; p = new(big.Int).Mul(p, big.NewInt(10)) {
		samples = append(samples, p, new(big.Int).Sub(p, big.NewInt(1)))
	}
	rng := rand.New(rand.NewPCG(1, 0))
	for range 200 {
		n := new(big.Int).Mul(new(big.Int).SetUint64(rng.Uint64()), new(big.Int).SetUint64(rng.Uint64()>>rng.IntN(64)))
		samples = append(samples, n.Mod(n, most))
	}
	for _, x := range samples {
		a, ok := parseTotal([]byte(x.String()))
		if inside := x.Sign() >= 0 && x.Cmp(most) <= 0; ok != inside {
			t.Fatalf("parse %s: %v", x, ok)
		}
		if !ok {
			continue
		}
		if got := string(a.appendDecimal(nil)); got != x.String() || a.digits() != len(got) {
			t.Errorf("%s: prints %s, %d digits", x, got, a.digits())
		}
		for _, y := range samples {
			b, ok := parseTotal([]byte(y.String()))
			if !ok {
				continue
			}
			sum := new(big.Int).Add(x, y)
			inside := sum.Cmp(most) <= 0
			if a.plus(b).within() != inside {
				t.Errorf("%s + %s: within %v", x, y, !inside)
			}
			if inside && string(a.plus(b).appendDecimal(nil)) != sum.String() {
				t.Errorf("%s + %s = %s", x, y, a.plus(b).appendDecimal(nil))
			}
			if a.less(b) != (x.Cmp(y) < 0) {
				t.Errorf("%s < %s: %v", x, y, a.less(b))
			}
			if x.Cmp(y) >= 0 && string(a.minus(b).appendDecimal(nil)) != new(big.Int).Sub(x, y).String() {
				t.Errorf("%s - %s", x, y)
			}
		}
	}
	for _, bad := range []string{"", "00", "01", "-1", "1.0", "1e3", "+1", " 1", strings.Repeat("9", 39), strings.Repeat("1", 1000), "340282366920938463463374607431768211456"} {
		if _, ok := parseTotal([]byte(bad)); ok {
			t.Errorf("parsed %q", bad)
		}
	}
}
