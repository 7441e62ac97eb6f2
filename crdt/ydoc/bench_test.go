package ydoc_test

import (
	"bytes"
	"testing"

	"github.com/wavesiddhartha/flowsync/crdt/ydoc"
	"github.com/wavesiddhartha/flowsync/crdt/ydoc/trace"
)

// The benchmarks replay a generated session, so that they run in every
// checkout; textbench compares with other libraries on recorded ones.
func benchSession() *trace.Trace {
	return trace.Generate(trace.Session{Seed: 1, Txns: 50_000})
}

// benchUpdates are the updates of the session, one for each transaction that
// changes something.
func benchUpdates(b *testing.B) (updates [][]byte, state []byte) {
	b.Helper()
	s := benchSession()
	r := newReplay(s)
	for i := range s.Txns {
		if err := r.play(i); err != nil {
			b.Fatal(err)
		}
		if len(r.updates[i]) > 0 {
			updates = append(updates, r.updates[i])
		}
	}
	return updates, r.docs[0].AppendState(nil)
}

// BenchmarkLocal is one transaction and its update in a slice of its own.
func BenchmarkLocal(b *testing.B) {
	s := benchSession()
	var (
		d       *ydoc.Doc
		text    ydoc.Text
		patches []trace.Patch
		scratch []byte
		failed  error
		kept    []byte
	)
	edit := func() {
		for _, p := range patches {
			if p.Del > 0 {
				if err := text.Delete(p.Pos, p.Del); err != nil {
					failed = err
				}
			}
			if p.Ins != "" {
				if err := text.Insert(p.Pos, p.Ins); err != nil {
					failed = err
				}
			}
		}
	}
	b.ReportAllocs()
	i := len(s.Txns)
	for b.Loop() {
		if i == len(s.Txns) {
			i, d = 0, ydoc.New(1)
			text = d.Text("text")
		}
		patches = s.Txns[i].Patches
		scratch = d.AppendTransact(scratch[:0], edit)
		kept = bytes.Clone(scratch)
		i++
	}
	if failed != nil {
		b.Fatal(failed)
	}
	if i > 0 && len(s.Txns[i-1].Patches) == 1 && s.Txns[i-1].Patches[0].Ins != "" && len(kept) == 0 {
		b.Fatal("an insert made no update")
	}
}

// BenchmarkApply is one remote update, warm: one document receives the whole
// session in turn.
func BenchmarkApply(b *testing.B) {
	updates, _ := benchUpdates(b)
	b.ReportAllocs()
	i := len(updates)
	var d *ydoc.Doc
	for b.Loop() {
		if i == len(updates) {
			i, d = 0, ydoc.New(oracleReader)
		}
		if err := d.Apply(updates[i]); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

// BenchmarkApplyCold is one remote update to one of 500 documents in turn.
func BenchmarkApplyCold(b *testing.B) {
	updates, _ := benchUpdates(b)
	updates = updates[:5000]
	docs := make([]*ydoc.Doc, 500)
	restart := func() {
		for i := range docs {
			docs[i] = ydoc.New(oracleReader)
		}
	}
	b.ReportAllocs()
	i, n := 0, 0
	restart()
	for b.Loop() {
		if err := docs[n].Apply(updates[i]); err != nil {
			b.Fatal(err)
		}
		if n++; n < len(docs) {
			continue
		}
		n = 0
		if i++; i == len(updates) {
			i = 0
			restart()
		}
	}
}

// BenchmarkSave is the full state encoded.
func BenchmarkSave(b *testing.B) {
	_, state := benchUpdates(b)
	d := ydoc.New(oracleReader)
	if err := d.Apply(state); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(state)))
	b.ReportAllocs()
	var out []byte
	for b.Loop() {
		out = d.AppendState(out[:0])
	}
	if !bytes.Equal(out, state) {
		b.Fatal("the state changed on its way")
	}
}

// BenchmarkLoad is a document made from the full state.
func BenchmarkLoad(b *testing.B) {
	_, state := benchUpdates(b)
	b.SetBytes(int64(len(state)))
	b.ReportAllocs()
	for b.Loop() {
		if err := ydoc.New(oracleReader).Apply(state); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOneSpot is 1,540 replicas that insert at one spot, unaware of each
// other: the conflict scan at its longest.
func BenchmarkOneSpot(b *testing.B) {
	const replicas = 1540
	author := ydoc.New(oracleReader)
	first := author.AppendTransact(nil, func() {
		if err := author.Text("text").Insert(0, "ab"); err != nil {
			b.Fatal(err)
		}
	})
	updates := make([][]byte, replicas)
	for i := range updates {
		d := ydoc.New(uint64(oracleReader + 1 + i))
		if err := d.Apply(first); err != nil {
			b.Fatal(err)
		}
		updates[i] = d.AppendTransact(nil, func() {
			if err := d.Text("text").Insert(1, "x"); err != nil {
				b.Fatal(err)
			}
		})
	}
	b.ReportAllocs()
	for b.Loop() {
		d := ydoc.New(oracleReader)
		if err := d.Apply(first); err != nil {
			b.Fatal(err)
		}
		for _, u := range updates {
			if err := d.Apply(u); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/replicas, "ns/update")
}
