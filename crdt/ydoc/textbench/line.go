package main

import (
	"bytes"
	"compress/gzip"

	"github.com/wavesiddhartha/flowsync/crdt/ydoc"
	"github.com/wavesiddhartha/flowsync/crdt/ydoc/trace"
)

// line is what the engine needs for one session, all phases in this process.
// Times are medians of the runs, in milliseconds on the clock over the whole
// session; a comparison measures more carefully.
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

// measureLine measures every phase of a session, runs times.
func measureLine(path string, runs int) (l line, err error) {
	s, err := readSession(path, 1)
	if err != nil {
		return l, err
	}
	l = line{Peer: "flowsync", Trace: s.name, Kind: s.kind, Runs: runs}
	u := &updates{}
	if s.kind == trace.Concurrent {
		if u, err = s.replayTogether(); err != nil {
			return l, err
		}
	} else if u, err = l.local(s); err != nil {
		return l, err
	}
	l.Updates, l.UpdateBytes = len(u.ends), len(u.bytes)

	var d *ydoc.Doc
	if l.RemoteMS, err = medianOf(runs, func() (err error) {
		d, err = applyAll(u)
		return err
	}); err != nil {
		return l, err
	}
	if err := s.requireEnd(d, "remote apply"); err != nil {
		return l, err
	}
	var state []byte
	if l.SaveMS, err = medianOf(runs, func() error {
		state = d.AppendState(nil)
		return nil
	}); err != nil {
		return l, err
	}
	if l.LoadMS, err = medianOf(runs, func() (err error) {
		d, err = load(state)
		return err
	}); err != nil {
		return l, err
	}
	l.DocBytes, l.TextChars = len(state), characters(d)
	if l.DocGzBytes, err = gzipped(state); err != nil {
		return l, err
	}
	d = nil // it must not count
	l.HeapBytes, err = heapOf(state)
	return l, err
}

// local takes the times of a session of one author and returns its updates.
func (l *line) local(s *session) (*updates, error) {
	quiet, err := medianOf(l.Runs, func() error {
		_, err := s.replay(nil)
		return err
	})
	if err != nil {
		return nil, err
	}
	var kept [][]byte
	local, err := medianOf(l.Runs, func() error {
		kept = make([][]byte, 0, s.txns())
		_, err := s.replay(func(u []byte) { kept = append(kept, u) })
		return err
	})
	if err != nil {
		return nil, err
	}
	l.LocalQuietMS, l.LocalMS = &quiet, &local
	u := &updates{}
	for _, b := range kept {
		u.add(b)
	}
	return u, nil
}

// medianOf times f, runs times.
func medianOf(runs int, f func() error) (float64, error) {
	all := make([]float64, runs)
	for i := range all {
		c, err := timed(f)
		if err != nil {
			return 0, err
		}
		all[i] = c.wall
	}
	return rounded(median(all)), nil
}

// gzipped is how long b is at gzip's level 9.
func gzipped(b []byte) (int, error) {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return 0, err
	}
	if _, err := w.Write(b); err != nil {
		return 0, err
	}
	if err := w.Close(); err != nil {
		return 0, err
	}
	return out.Len(), nil
}
