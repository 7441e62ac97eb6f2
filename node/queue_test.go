package node_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/node"
	"github.com/wavesiddhartha/flowsync/wire"
)

// dialFile makes a node with a queue file.
func (w *world) dialFile(client, file string) *node.Node {
	w.t.Helper()
	n, err := node.Dial(w.t.Context(), "ws://"+w.addr, node.Options{
		Client: client, Queue: file, Logger: quiet(), BackoffMin: 5 * time.Millisecond, BackoffMax: 50 * time.Millisecond,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { n.Close() })
	return n
}

func requireValue(t *testing.T, n *node.Node, stream, want string) {
	t.Helper()
	if v, err := n.Get(soon(t), stream); err != nil || string(v) != want {
		t.Fatalf("%s shows %s (%v), want %s", stream, v, err, want)
	}
}

// What was pushed without a hub is there after restarts, and takes effect once.
func TestQueueFileOutlivesNode(t *testing.T) {
	w := newWorld(t)
	ctx := soon(t)
	w.down()
	file := filepath.Join(t.TempDir(), "q.db")
	n := w.dialFile("a", file)
	for i := range 20 {
		must(t, n.Counter("n").Add(ctx, int64(i+1)), n.Log("log").Append(ctx, i))
	}
	must(t, n.Close())
	n = w.dialFile("a", file)
	if n.Pending() != 40 {
		t.Fatalf("%d ops pending after the restart", n.Pending())
	}
	requireValue(t, n, "n", "210")
	must(t, n.Counter("n").Add(ctx, 10), n.Close())

	w.up()
	n = w.dialFile("a", file)
	must(t, n.Flush(ctx))
	requireValue(t, n, "n", "220")
	must(t, n.Close())
	n = w.dialFile("a", file)
	must(t, n.Flush(ctx))
	if requireValue(t, n, "n", "220"); n.Pending() != 0 {
		t.Fatal("ops wait that were acked")
	}
	entries, err := w.dial("b").Log("log").Entries(ctx)
	if must(t, err); len(entries) != 20 {
		t.Fatalf("the log has %d entries", len(entries))
	}
}

// An offline start shows what was known last, with what others did.
func TestOfflineStartShowsContent(t *testing.T) {
	w := newWorld(t)
	ctx := soon(t)
	other := w.dial("b")
	must(t, other.Counter("n").Add(ctx, 5), other.Set("guests").Add(ctx, "ann"), other.Flush(ctx))
	file := filepath.Join(t.TempDir(), "q.db")
	n := w.dialFile("a", file)
	requireValue(t, n, "guests", `["ann"]`)
	must(t, n.Counter("n").Add(ctx, 2), n.Flush(ctx))
	requireValue(t, n, "n", "7")
	must(t, n.Close())
	w.down()
	n = w.dialFile("a", file)
	requireValue(t, n, "n", "7")
	requireValue(t, n, "guests", `["ann"]`)
	must(t, n.Counter("n").Add(ctx, 1))
	requireValue(t, n, "n", "8")
	w.up()
	must(t, n.Flush(ctx))
	requireValue(t, n, "n", "8")
}

// A state is kept while the node runs, so that a crash too leaves content.
func TestStatesAreKeptMeanwhile(t *testing.T) {
	w := newWorld(t)
	ctx := soon(t)
	file := filepath.Join(t.TempDir(), "q.db")
	other, n := w.dial("b"), w.dialFile("a", file)
	must(t, other.Counter("n").Add(ctx, 4), other.Flush(ctx), n.Counter("n").Add(ctx, 3), n.Flush(ctx))
	requireValue(t, n, "n", "7")
	copied := filepath.Join(t.TempDir(), "copy.db")
	until(t, "a copy of the file shows the state", func() bool {
		for _, part := range []string{"", "-wal"} {
			data, err := os.ReadFile(file + part)
			must(t, err, os.WriteFile(copied+part, data, 0o600))
		}
		offline, err := node.Dial(ctx, "ws://127.0.0.1:1", node.Options{Client: "a", Queue: copied, Logger: quiet()})
		must(t, err)
		defer offline.Close()
		short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		v, err := offline.Get(short, "n")
		return err == nil && string(v) == "7"
	})
}

// Pushes of many goroutines, and submitted ones, are all there and in order.
func TestConcurrentPushes(t *testing.T) {
	w := newWorld(t)
	ctx := soon(t)
	file := filepath.Join(t.TempDir(), "q.db")
	n := w.dialFile("a", file)
	var pushers sync.WaitGroup
	for range 16 {
		pushers.Go(func() {
			for range 20 {
				if err := n.Counter("n").Add(ctx, 1); err != nil {
					t.Error(err)
				}
			}
		})
	}
	pushers.Go(func() {
		var receipts []*node.Receipt
		for i := range 100 {
			receipts = append(receipts, n.Submit(ctx, "log", map[string]any{"op": "append", "value": i}))
		}
		for _, r := range receipts {
			if err := r.Wait(); err != nil {
				t.Error(err)
			}
		}
	})
	pushers.Wait()
	must(t, n.Flush(ctx))
	requireValue(t, n, "n", "320")
	entries, err := n.Log("log").Entries(ctx)
	must(t, err)
	for i, e := range entries {
		if string(e) != fmt.Sprint(i) {
			t.Fatalf("entry %d is %s", i, e)
		}
	}
	if len(entries) != 100 {
		t.Fatalf("%d entries", len(entries))
	}
}

// Dead letters stay until they are discarded.
func TestDeadLettersOutliveNode(t *testing.T) {
	w := newWorld(t)
	ctx := soon(t)
	file := filepath.Join(t.TempDir(), "q.db")
	n := w.dialFile("a", file)
	must(t, n.Open("reg", node.OpenOptions{As: node.AsValue}), n.Push(ctx, "reg", map[string]any{"op": "increment"}))
	if err := n.Flush(ctx); codeOf(err) != crdt.WrongRule {
		t.Fatalf("flush: %v", err)
	}
	must(t, n.Close())
	n = w.dialFile("a", file)
	dead := n.Rejected()
	if len(dead) != 1 || dead[0].Code != crdt.WrongRule || string(dead[0].Op) != `{"op":"increment"}` {
		t.Fatalf("dead letters %+v", dead)
	}
	n.Discard(dead[0])
	must(t, n.Close())
	if n = w.dialFile("a", file); len(n.Rejected()) != 0 {
		t.Fatal("a discarded dead letter is back")
	}
}

func TestQueueFileRefusals(t *testing.T) {
	w := newWorld(t)
	file := filepath.Join(t.TempDir(), "q.db")
	n := w.dialFile("a", file)
	try := func(client, file, want string) {
		t.Helper()
		_, err := node.Dial(t.Context(), "ws://"+w.addr, node.Options{Client: client, Queue: file, Logger: quiet()})
		var refused *node.QueueError
		if !errors.As(err, &refused) || refused.File != file || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), want) {
			t.Fatalf("got %v, want %q", err, want)
		}
	}
	try("a", file, "in use")
	must(t, n.Close())
	try("b", file, `belongs to the client id "a"`)
	try("a", filepath.Join(t.TempDir(), "none", "q.db"), "does not exist")
}

// A garbage file is moved aside and told of, and pushes work.
func TestGarbageQueueFile(t *testing.T) {
	w := newWorld(t)
	ctx := soon(t)
	file := filepath.Join(t.TempDir(), "q.db")
	garbage := strings.Repeat("no database ", 1000)
	must(t, os.WriteFile(file, []byte(garbage), 0o600))
	n := w.dialFile("a", file)
	for e := range n.Events(ctx) {
		if e.Kind != node.DamagedEvent || e.Err.Code != wire.StoreCorrupt || !strings.Contains(e.Err.Msg, file+".corrupt-") {
			t.Fatalf("the first event is %+v", e)
		}
		break
	}
	aside, err := filepath.Glob(file + ".corrupt-*")
	if must(t, err); len(aside) != 1 {
		t.Fatalf("kept: %v", aside)
	}
	if kept, err := os.ReadFile(aside[0]); err != nil || string(kept) != garbage {
		t.Fatalf("the garbage was changed (%v)", err)
	}
	must(t, n.Counter("n").Add(ctx, 1), n.Flush(ctx))
	requireValue(t, n, "n", "1")
}

// An op that was damaged in the file becomes a dead letter, the others arrive.
func TestDamagedOp(t *testing.T) {
	w := newWorld(t)
	ctx := soon(t)
	w.down()
	file := filepath.Join(t.TempDir(), "q.db")
	n := w.dialFile("a", file)
	for i := range 20 {
		must(t, n.Log("log").Append(ctx, fmt.Sprintf("value %02d", i)))
	}
	must(t, n.Close())
	data, err := os.ReadFile(file)
	must(t, err, os.WriteFile(file, bytes.Replace(data, []byte("value 07"), []byte("value 99"), 1), 0o600))
	w.up()
	n = w.dialFile("a", file)
	for e := range n.Events(ctx) {
		if e.Kind != node.DamagedEvent || e.Stream != "log" || !strings.Contains(e.Err.Msg, "op 8 ") {
			t.Fatalf("the first event is %+v", e)
		}
		break
	}
	if err := n.Flush(ctx); codeOf(err) != wire.StoreCorrupt {
		t.Fatalf("flush: %v", err)
	}
	entries, err := w.dial("b").Log("log").Entries(ctx)
	if must(t, err); len(entries) != 19 || string(entries[7]) != `"value 08"` {
		t.Fatalf("the log has %s", entries)
	}
	if dead := n.Rejected(); len(dead) != 1 || dead[0].Seq != 8 || dead[0].Op != nil {
		t.Fatalf("dead letters %+v", dead)
	}
}

// The bound of the queue counts what an earlier process left.
func TestQueueFileIsBounded(t *testing.T) {
	file := filepath.Join(t.TempDir(), "q.db")
	for round, want := range []crdt.Code{"", wire.Busy} {
		n, err := node.Dial(t.Context(), "ws://127.0.0.1:1", node.Options{Client: "a", Queue: file, QueueOps: 3, Logger: quiet()})
		must(t, err)
		for range 3 {
			if err := n.Push(t.Context(), "n", map[string]any{"op": "increment"}); codeOf(err) != want {
				t.Fatalf("round %d: %v", round, err)
			}
		}
		must(t, n.Close())
	}
}

// Ten thousand ops that were queued offline are committed within 5 s, none of
// them twice.
func TestDrainsTenThousand(t *testing.T) {
	const ops = 10_000
	w := newWorld(t)
	w.down()
	file := filepath.Join(t.TempDir(), "q.db")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	n := w.dialFile("a", file)
	receipts := make([]*node.Receipt, ops)
	for i := range receipts {
		receipts[i] = n.Submit(ctx, "n", map[string]any{"op": "increment", "amount": i%7 + 1})
	}
	want := 0
	for i, r := range receipts {
		must(t, r.Wait())
		want += i%7 + 1
	}
	must(t, n.Close())
	w.up()
	begun := time.Now()
	n = w.dialFile("a", file)
	must(t, n.Flush(ctx))
	took := time.Since(begun)
	requireValue(t, w.dial("b"), "n", fmt.Sprint(want))
	t.Logf("%d ops in %v", ops, took)
	if most := 5 * time.Second * slowdown; took > most {
		t.Errorf("draining took %v, want at most %v", took, most)
	}
}
