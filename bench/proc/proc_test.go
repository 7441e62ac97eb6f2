package proc_test

import (
	"os"
	"testing"
	"time"

	"github.com/wavesiddhartha/flowsync/bench/proc"
)

// Work shows in both accounts of the processor, and by about the same.
func TestCPUCountsWork(t *testing.T) {
	before, err := proc.CPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	self := proc.Self()
	whole, err := proc.Whole()
	if err != nil {
		t.Fatal(err)
	}
	for proc.Self()-self < 200*time.Millisecond {
	}
	after, err := proc.CPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	wholeAfter, err := proc.Whole()
	if err != nil {
		t.Fatal(err)
	}
	if d := wholeAfter.Sub(whole); d.Busy < 150*time.Millisecond || d.Busy > d.All {
		t.Errorf("200 ms of work are %v of the machine's %v", d.Busy, d.All)
	}
	if d := after - before; d < 150*time.Millisecond || d > 2*time.Second {
		t.Errorf("200 ms of work were accounted as %v", d)
	}
}

// Memory that is written to shows.
func TestRSSCountsMemory(t *testing.T) {
	before, err := proc.RSS(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	held := make([]byte, 64<<20)
	for i := 0; i < len(held); i += 4096 {
		held[i] = 1
	}
	after, err := proc.RSS(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if grown := after - before; grown < 60<<20 {
		t.Errorf("64 MiB more were accounted as %d bytes", grown)
	}
	if held[4096] != 1 {
		t.Error("unreachable: keeps held alive")
	}
}
