package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/wavesiddhartha/flowsync/store"
)

// Whatever was acknowledged is there after the power went, when every byte that
// was not synced may be gone.
func TestPowerCut(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) { testPowerCut(t, seed) })
	}
}

func testPowerCut(t *testing.T, seed uint64) {
	dice := rand.New(rand.NewPCG(seed, 0))
	d := newDisk(t)
	st, err := open(scratch(t), d.name, tiny())
	if err != nil {
		t.Fatal(err)
	}
	type cut struct {
		acked []place
		files map[string][]byte
	}
	var cuts []cut
	busy(t, st, func(acked *acks) {
		for range 25 {
			time.Sleep(time.Duration(dice.IntN(8000)) * time.Microsecond)
			places := acked.now() // before the cut: what is acknowledged later need not be in it
			cuts = append(cuts, cut{places, d.cut(dice)})
		}
	})
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	found := 0
	for i, c := range cuts {
		path := scratch(t)
		for name, content := range c.files {
			if err := os.WriteFile(filepath.Join(filepath.Dir(path), name), content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		again, err := Open(path)
		if err != nil {
			t.Fatalf("cut %d: %v", i, err)
		}
		requirePlaces(t, again, c.acked)
		found += len(c.acked)
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if found == 0 {
		t.Fatal("nothing was acknowledged before a cut: the test shows nothing")
	}
	t.Logf("%d cuts, %d acknowledged appends found again", len(cuts), found)
}

// busy appends to several streams from several goroutines, saves and trims,
// while run runs.
func busy(t *testing.T, st store.Store, run func(*acks)) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var acked acks
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			a, err := newAuthor(context.Background(), st, fmt.Sprintf("counter:%d", i))
			for n := 0; err == nil && ctx.Err() == nil; n++ {
				var p place
				if p, err = a.append(n%5, 7, n%3); err == nil {
					acked.add(p)
				}
				if n%20 == 19 && i < 3 { // logs that are compacted cannot show all places: keep them short of it
					s := store.Snapshot{Rule: "crdt-counter", Position: a.at, State: bytes.Repeat([]byte("7"), 9000)} // in pieces
					err = errors.Join(err, st.Save(context.Background(), a.name, s))
				}
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	run(&acked)
	stop()
	all.Wait()
}
