package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"runtime"
	"unicode/utf8"

	"github.com/wavesiddhartha/flowsync/crdt/ydoc"
	"github.com/wavesiddhartha/flowsync/crdt/ydoc/trace"
)

// line is what one library needs for one session. Times are medians in
// milliseconds over the whole session. oracle/textbench.mjs prints the same.
type line struct {
	Peer         string     `json:"peer"`
	Trace        string     `json:"trace"`
	Kind         trace.Kind `json:"kind"`
	Runs         int        `json:"runs"`
	LocalQuietMS *float64   `json:"local_quiet_ms"` // replay, no update made; null for concurrent sessions
	LocalMS      *float64   `json:"local_ms"`       // replay, every update encoded and kept; null for concurrent sessions
	Updates      int        `json:"updates"`
	UpdateBytes  int        `json:"update_bytes"`
	RemoteMS     float64    `json:"remote_ms"` // all updates applied to an empty document one by one
	SaveMS       float64    `json:"save_ms"`   // the full state encoded
	DocBytes     int        `json:"doc_bytes"`
	DocGzBytes   int        `json:"doc_gz_bytes"` // gzip level 9
	LoadMS       float64    `json:"load_ms"`      // an empty document given the full state
	TextChars    int        `json:"text_chars"`   // code points
	HeapBytes    int64      `json:"heap_bytes"`   // growth of the heap by one loaded document
}

// samples are the times of the runs.
type samples struct {
	quiet, local, remote, save, load []float64
}

// measure replays the session (positions in UTF-16 code units) runs times; pick
// chooses from the times of the runs.
func measure(t *trace.Trace, runs int, pick func([]float64) float64) (line, error) {
	l := line{Peer: "flowsync", Trace: t.Name, Kind: t.Kind, Runs: runs}
	var (
		s       samples
		updates [][]byte
		state   []byte
		err     error
	)
	if t.Kind == trace.Concurrent {
		if updates, err = concurrentUpdates(t); err != nil {
			return l, err
		}
	}
	for range runs {
		if t.Kind == trace.Sequential {
			if updates, err = s.replay(t); err != nil {
				return l, err
			}
		}
		if state, err = s.receive(t, updates); err != nil {
			return l, err
		}
	}
	if t.Kind == trace.Sequential {
		quiet, local := pick(s.quiet), pick(s.local)
		l.LocalQuietMS, l.LocalMS = &quiet, &local
	}
	l.RemoteMS, l.SaveMS, l.LoadMS = pick(s.remote), pick(s.save), pick(s.load)

	l.Updates = len(updates)
	for _, u := range updates {
		l.UpdateBytes += len(u)
	}
	l.DocBytes = len(state)
	if l.DocGzBytes, err = gzipped(state); err != nil {
		return l, err
	}
	l.HeapBytes, l.TextChars, err = heapOf(state)
	return l, err
}

// replay takes the two local times of a sequential session.
func (s *samples) replay(t *trace.Trace) ([][]byte, error) {
	var author *typist
	s.quiet = append(s.quiet, timed(func() {
		author = newTypist(1)
		for i := range t.Txns {
			author.edit(t.Txns[i].Patches)
		}
	}))
	if author.err != nil {
		return nil, fmt.Errorf("trace %s: %w", t.Name, author.err)
	}
	if err := requireEnd(t, author.doc, "a quiet replay"); err != nil {
		return nil, err
	}
	var updates [][]byte
	s.local = append(s.local, timed(func() { author, updates = localUpdates(t) }))
	if author.err != nil {
		return nil, fmt.Errorf("trace %s: %w", t.Name, author.err)
	}
	return updates, requireEnd(t, author.doc, "a replay")
}

// receive takes the times of remote apply, save and load.
func (s *samples) receive(t *trace.Trace, updates [][]byte) ([]byte, error) {
	var (
		d, loaded *ydoc.Doc
		state     []byte
		err       error
	)
	s.remote = append(s.remote, timed(func() { d, err = applyAll(updates) }))
	if err != nil {
		return nil, fmt.Errorf("trace %s: %w", t.Name, err)
	}
	if err := requireEnd(t, d, "remote apply"); err != nil {
		return nil, err
	}
	s.save = append(s.save, timed(func() { state = d.AppendState(nil) }))
	s.load = append(s.load, timed(func() { loaded, err = load(state) }))
	if err != nil {
		return nil, fmt.Errorf("trace %s: load: %w", t.Name, err)
	}
	return state, requireEnd(t, loaded, "load")
}

// heapOf is how many bytes one document with this state keeps, and how many
// characters its text has.
func heapOf(state []byte) (int64, int, error) {
	// One small document is lost in what else the collector finds to do.
	const copies = 8
	docs := make([]*ydoc.Doc, copies)
	before := heapBytes()
	for i := range docs {
		d, err := load(state)
		if err != nil {
			return 0, 0, err
		}
		docs[i] = d
	}
	grown := heapBytes() - before
	chars := utf8.RuneCountInString(docs[0].Text("text").String())
	runtime.KeepAlive(docs)
	return grown / copies, chars, nil
}

func gzipped(b []byte) (int, error) {
	var buf bytes.Buffer
	z, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	if err != nil {
		return 0, err
	}
	if _, err := z.Write(b); err != nil {
		return 0, err
	}
	err = z.Close()
	return buf.Len(), err
}
