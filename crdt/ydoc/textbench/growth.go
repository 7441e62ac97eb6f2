package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"

	"github.com/wavesiddhartha/flowsync/crdt/ydoc"
	"github.com/wavesiddhartha/flowsync/crdt/ydoc/trace"
)

// growth is one answer about how costs grow; fields that a mode does not
// measure are absent. oracle/growth.mjs prints the same.
type growth struct {
	Peer      string  `json:"peer"`
	Mode      string  `json:"mode"`
	N         int     `json:"n"`
	Ops       int     `json:"ops"`
	LocalNS   float64 `json:"local_ns,omitzero"`  // per local edit with its update
	RemoteNS  float64 `json:"remote_ns,omitzero"` // per applied update
	SaveMS    float64 `json:"save_ms,omitzero"`
	LoadMS    float64 `json:"load_ms,omitzero"`
	DocBytes  int     `json:"doc_bytes,omitzero"`
	HeapBytes int64   `json:"heap_bytes,omitzero"`
}

func perOp(ms float64, ops int) float64 { return rounded(ms * 1e6 / float64(ops)) }

// repeated replays the session n times in one document.
func repeated(t *trace.Trace, n int) (growth, error) {
	g := growth{Peer: "flowsync", Mode: "repeat", N: n}
	r, err := t.Repeat(n)
	if err != nil {
		return g, err
	}
	author := newTypist(1)
	g.Ops = len(r.Txns)
	g.LocalNS = perOp(timed(func() {
		for i := range r.Txns {
			author.editUpdate(r.Txns[i].Patches)
		}
	}), g.Ops)
	if author.err != nil {
		return g, author.err
	}
	if err := requireEnd(r, author.doc, "the last round"); err != nil {
		return g, err
	}
	const runs = 3
	var (
		state        []byte
		loaded       *ydoc.Doc
		saves, opens []float64
	)
	for range runs {
		saves = append(saves, timed(func() { state = author.doc.AppendState(nil) }))
		opens = append(opens, timed(func() { loaded, err = load(state) }))
		if err != nil {
			return g, err
		}
	}
	g.SaveMS, g.LoadMS, g.DocBytes = median(saves), median(opens), len(state)
	loaded = nil
	before := heapBytes()
	if loaded, err = load(state); err != nil {
		return g, err
	}
	g.HeapBytes = heapBytes() - before
	runtime.KeepAlive(author)
	return g, requireEnd(r, loaded, "load")
}

// cold gives n documents the first tenth of a session, then each of the next
// updates to every document in turn: no document is in a cache when its turn
// comes.
func cold(t *trace.Trace, n int) (growth, error) {
	g := growth{Peer: "flowsync", Mode: "cold", N: n}
	if t.Kind != trace.Sequential {
		return g, fmt.Errorf("trace %s: cold documents need a sequential session", t.Name)
	}
	base := len(t.Txns) / 10
	author := newTypist(1)
	for i := range base {
		author.edit(t.Txns[i].Patches)
	}
	state := author.doc.AppendState(nil)
	const next = 1000
	var updates [][]byte
	for i := range t.Txns[base:min(base+next, len(t.Txns))] {
		if u := author.editUpdate(t.Txns[base+i].Patches); u != nil {
			updates = append(updates, u)
		}
	}
	if author.err != nil {
		return g, author.err
	}
	docs := make([]*ydoc.Doc, n)
	for i := range docs {
		d, err := load(state)
		if err != nil {
			return g, err
		}
		docs[i] = d
	}
	var failed error
	g.Ops = len(updates) * n
	g.RemoteNS = perOp(timed(func() {
		for _, u := range updates {
			for _, d := range docs {
				if err := d.Apply(u); err != nil {
					failed = err
				}
			}
		}
	}), g.Ops)
	want := author.text.String()
	for _, d := range docs {
		if d.Text("text").String() != want {
			return g, errors.New("a cold document differs from its author")
		}
	}
	return g, failed
}

// spot has n replicas that know the same two letters insert between them, all
// unaware of each other, and gives the inserts to one document.
func spot(n int) (growth, error) {
	g := growth{Peer: "flowsync", Mode: "spot", N: n, Ops: n}
	author := newTypist(reader)
	first := author.editUpdate([]trace.Patch{{Ins: "ab"}})
	updates := make([][]byte, n)
	for i := range updates {
		writer := newTypist(uint64(reader + 1 + i))
		if err := writer.doc.Apply(first); err != nil {
			return g, err
		}
		updates[i] = writer.editUpdate([]trace.Patch{{Pos: 1, Ins: "x"}})
	}
	// Neither the best order nor the worst, and always the same.
	rng := rand.New(rand.NewPCG(1, 0))
	rng.Shuffle(n, func(i, j int) { updates[i], updates[j] = updates[j], updates[i] })
	var failed error
	g.RemoteNS = perOp(timed(func() {
		for _, u := range updates {
			if err := author.doc.Apply(u); err != nil {
				failed = err
			}
		}
	}), n)
	if failed != nil {
		return g, failed
	}
	if author.text.Len() != n+2 {
		return g, errors.New("an insert was lost")
	}
	return g, nil
}

// allocs is how many allocations an operation makes on average.
type allocs struct {
	Peer      string  `json:"peer"`
	Mode      string  `json:"mode"`
	Local     float64 `json:"local"`      // a local edit and its update in a slice of its own
	LocalInto float64 `json:"local_into"` // a local edit and its update in the caller's buffer
	Apply     float64 `json:"apply"`      // a remote update applied
}

func allocations(t *trace.Trace) (allocs, error) {
	a := allocs{Peer: "flowsync", Mode: "allocs"}
	if t.Kind != trace.Sequential {
		return a, fmt.Errorf("trace %s: allocations need a sequential session", t.Name)
	}
	_, updates := localUpdates(t)
	each := func(n float64) float64 { return rounded(n / float64(len(updates))) }

	author := newTypist(1)
	a.Local = each(mallocs(func() {
		for i := range t.Txns {
			author.editUpdate(t.Txns[i].Patches)
		}
	}))
	again := newTypist(1)
	a.LocalInto = each(mallocs(func() {
		for i := range t.Txns {
			again.editInto(t.Txns[i].Patches)
		}
	}))
	var err error
	a.Apply = each(mallocs(func() { _, err = applyAll(updates) }))
	return a, errors.Join(err, author.err, again.err)
}
