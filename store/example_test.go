package store_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/store"
)

// Two hubs append to one stream. The one that comes second is told what it
// missed; it applies that, and appends after it.
func ExampleStore_Append() {
	ctx := context.Background()
	st := store.NewMemory()
	defer st.Close()

	loaded, err := st.Load(ctx, "counter:visits")
	if err != nil {
		fmt.Println(err)
		return
	}
	after := loaded.Head

	st.Append([]store.Batch{batch(after, "north")}, func(results []store.Result) {
		fmt.Println("north lost:", results[0].Lost)
	})
	st.Append([]store.Batch{batch(after, "south")}, func(results []store.Result) {
		fmt.Println("south lost:", results[0].Lost)
		for _, r := range results[0].Missed {
			fmt.Println("missed", r.Entries[0].Writer.Client, string(r.Entries[0].Op))
		}
		after = results[0].Head
	})
	st.Append([]store.Batch{batch(after, "south")}, func(results []store.Result) {
		fmt.Println("south lost:", results[0].Lost)
	})
	// Output:
	// north lost: false
	// south lost: true
	// missed north {"amount":1,"op":"increment"}
	// south lost: false
}

// A new session of a client fences off what an older one still has under way,
// before it reads how far its ops are committed.
func ExampleStore_Recall() {
	ctx := context.Background()
	st := store.NewMemory()
	defer st.Close()

	loaded, err := st.Load(ctx, "counter:visits")
	if err != nil {
		fmt.Println(err)
		return
	}
	session, err := st.Session(ctx, "north")
	if err != nil {
		fmt.Println(err)
		return
	}
	late := batch(loaded.Head, "north")
	late.Record.Entries[0].Session = session

	mark, _, err := st.Recall(ctx, "counter:visits", late.Record.Entries[0].Writer, session+1)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("committed up to seq", mark.Seq)
	st.Append([]store.Batch{late}, func(results []store.Result) {
		fmt.Println("fenced:", results[0].Fenced)
	})
	// Output:
	// committed up to seq 0
	// fenced: [{north 0000000000000001}]
}

// The log of a stream with two snapshots begins at the older one.
func ExampleStore_Trim() {
	ctx := context.Background()
	st := store.NewMemory()
	defer st.Close()

	loaded, err := st.Load(ctx, "counter:visits")
	if err != nil {
		fmt.Println(err)
		return
	}
	at := loaded.Head
	for _, client := range []string{"a", "b", "c"} {
		b := batch(at, client)
		st.Append([]store.Batch{b}, func(results []store.Result) { err = errors.Join(err, results[0].Err) })
		at = store.Position{Epoch: at.Epoch, Offset: b.Record.Last(), Chain: b.Record.Chain}
		err = errors.Join(err, st.Save(ctx, "counter:visits", store.Snapshot{Rule: "crdt-counter", Position: at}))
	}
	_, trimmed := st.Trim(ctx, "counter:visits", at.Offset, 100)
	tail, read := st.Read(ctx, "counter:visits", 2, 100)
	fmt.Println("first", tail.First, "head", tail.Head.Offset, errors.Join(err, trimmed, read))

	_, err = st.Read(ctx, "counter:visits", 1, 100)
	fmt.Println("trimmed:", errors.Is(err, store.ErrTrimmed))
	// Output:
	// first 3 head 3 <nil>
	// trimmed: true
}

// batch makes a record of one increment. A hub computes the hashes as the
// protocol says; a Store takes them as they are.
func batch(after store.Position, client string) store.Batch {
	op := []byte(`{"amount":1,"op":"increment"}`)
	return store.Batch{
		Stream: "counter:visits",
		After:  after,
		Record: store.Record{
			Entries: []store.Entry{{
				Offset: after.Offset + 1,
				Writer: crdt.Writer{Client: client, Inc: "0000000000000001"},
				Seq:    1,
				Op:     op,
			}},
			Prev:  after.Chain,
			Chain: sha256.Sum256(append(after.Chain[:], op...)),
		},
	}
}
