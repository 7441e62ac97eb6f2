package socket

import (
	"testing"
	"time"
)

// Who needs more than is left waits in line; who closes gives its place up, and a
// lone one gets more than there is.
func TestAssembly(t *testing.T) {
	var a assembly
	open, gone := make(chan struct{}), make(chan struct{})
	if !a.take(150, 100, open) {
		t.Fatal("a lone one gets nothing")
	}
	got := make(chan string, 3)
	wait := func(name string, n int64, end chan struct{}, line int) {
		go func() {
			if a.take(n, 100, end) {
				got <- name
				return
			}
			got <- name + " gave up"
		}()
		for waiting := 0; waiting < line; time.Sleep(time.Millisecond) {
			a.mu.Lock()
			waiting = len(a.line)
			a.mu.Unlock()
		}
	}
	wait("large", 90, gone, 1)
	wait("small", 20, open, 2)
	if !a.crowded() {
		t.Error("nobody waits")
	}
	close(gone)
	if who := <-got; who != "large gave up" {
		t.Errorf("first comes %s", who)
	}
	a.give(150, 100)
	if who := <-got; who != "small" || a.crowded() || a.used != 20 {
		t.Errorf("then comes %s, and %d are used", who, a.used)
	}
	wait("first", 90, open, 1)
	wait("second", 1, open, 2) // there is room for it, but not its turn
	a.give(20, 100)
	if x, y := <-got, <-got; x+y != "firstsecond" && x+y != "secondfirst" || a.used != 91 {
		t.Errorf("at last come %s and %s, and %d are used", x, y, a.used)
	}
}
