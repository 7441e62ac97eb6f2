package ratelimit

import (
	"testing"
	"time"
)

// Those who share a key pay one after the other, and none asks twice: what all
// have sent is paid for when the last of them has waited.
func TestIntakePaysInOrder(t *testing.T) {
	in := NewIntake()
	r := Rates{Ops: Rate{PerSecond: 10, Burst: 20}}
	for i := range 50 {
		wait, burst := in.Charge(0, "ann", r, Cost{Ops: 1})
		if want := time.Duration(max(0, i+1-20)) * 100 * time.Millisecond; wait != want || burst != (i >= 10) {
			t.Fatalf("message %d waits %v in a burst %v, want %v", i, wait, burst, want)
		}
	}
	if wait, _ := in.Charge(0, "bob", r, Cost{Ops: 1}); wait != 0 {
		t.Errorf("somebody else waits %v", wait)
	}
	if wait, burst := in.Charge(5*second, "ann", r, Cost{}); wait != 0 || burst {
		t.Errorf("later the key waits %v, in a burst %v", wait, burst)
	}
	if wait, burst := in.Charge(0, "all", Rates{}, Cost{Ops: 1e9, Bytes: 1e9}); wait != 0 || burst {
		t.Errorf("without a rate one waits %v, in a burst %v", wait, burst)
	}
}
