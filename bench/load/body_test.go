package load

import (
	"strings"
	"testing"
	"time"
)

// What is written into a body is read back, whatever a peer puts around it.
func TestTokensAreFoundInAnything(t *testing.T) {
	want := []token{{0, 1, 0}, {7, 1 << 40, 1 << 50}, {1<<32 - 1, 1<<64 - 1, 1<<63 - 1}}
	payload := []byte(`{"entries":[`)
	for _, w := range want {
		payload = append(payload, `{"off":41,"op":{"op":"append","value":"`...)
		payload = appendBody(payload, w.room, w.number, w.sent)
		payload = append(payload, "\"}}\x7e,\n"...)
	}
	payload = append(payload, "~~cut off"...)
	var got []token
	if n := eachToken(payload, func(tk token) { got = append(got, tk) }); n != len(want) {
		t.Fatalf("%d bodies were found, want %d", n, len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("body %d says %+v, want %+v", i, got[i], want[i])
		}
	}
}

// A body is letters and digits, so that no peer has to escape it.
func TestBodyNeedsNoEscape(t *testing.T) {
	body := string(appendBody(nil, 1, 2, 3))
	const plain = "~0123456789abcdefghijklmnopqrstuvwxyz"
	if rest := strings.Trim(body, plain); rest != "" {
		t.Errorf("the body has %q", rest)
	}
	if want := tokenEnd + len(filling); len(body) != want {
		t.Errorf("the body has %d bytes, want %d", len(body), want)
	}
}

// A percentile is exact to 3 %, at every size.
func TestLatenciesAreExactEnough(t *testing.T) {
	for d := 40 * time.Microsecond; d < 20*time.Minute; d = d * 5 / 4 {
		var l latencies
		l.add(int64(d))
		want := d.Seconds() * 1000
		if got := l.at(0.5); got > want || got < 0.965*want {
			t.Errorf("%v is told as %.4g ms", d, got)
		}
	}
	var l latencies
	for i := range 1000 {
		l.add(int64(time.Duration(i+1) * time.Millisecond))
	}
	for share, want := range map[float64]float64{0.5: 500, 0.99: 990} {
		if got := l.at(share); got < 0.96*want || got > 1.01*want {
			t.Errorf("the share %g of 1 to 1,000 ms is told as %.4g ms", share, got)
		}
	}
}
