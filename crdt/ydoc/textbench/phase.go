package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/wavesiddhartha/flowsync/crdt/ydoc"
	"github.com/wavesiddhartha/flowsync/crdt/ydoc/trace"
)

// measurement is what one process of one library answers about one phase;
// fields that a phase does not measure are absent. oracle/textbench.mjs prints
// the same.
type measurement struct {
	Peer  string    `json:"peer"`
	Trace string    `json:"trace"`
	Phase string    `json:"phase"`
	N     int       `json:"n"`
	Ops   int       `json:"ops"` // operations in one repetition
	CPU   []float64 `json:"cpu_ms,omitempty"`
	Wall  []float64 `json:"wall_ms,omitempty"` // of one repetition, one number per sample
	Bytes int       `json:"bytes,omitempty"`   // of all updates, or of the state
	Chars int       `json:"chars,omitempty"`   // code points of the text
	Heap  int64     `json:"heap_bytes,omitempty"`

	// Allocations per operation.
	Local     float64 `json:"local,omitempty"`      // a local edit and its update in a slice of its own
	LocalInto float64 `json:"local_into,omitempty"` // the same into the caller's buffer
	Apply     float64 `json:"apply,omitempty"`      // an applied update
}

// task says what to measure. Updates and states are kept in dir, so that the
// phases and rounds of a comparison make them once.
type task struct {
	phase string
	n     int // repetitions of the session in one document; documents; replicas
	dir   string
	path  string
	warm  time.Duration
}

// measure does one phase in this process.
func (k task) measure() (measurement, error) {
	m := measurement{Peer: "flowsync", Phase: k.phase, N: k.n}
	if k.phase == "spot" {
		return m, k.spot(&m)
	}
	times := k.n
	if k.phase == "cold" {
		times = 1
	}
	s, err := readSession(k.path, times)
	if err != nil {
		return m, err
	}
	m.Trace = s.name
	switch k.phase {
	case "quiet", "local":
		return m, k.local(&m, s)
	case "remote":
		return m, k.remote(&m, s)
	case "save", "load", "heap":
		return m, k.state(&m, s)
	case "allocs":
		return m, allocations(&m, s)
	case "cold":
		return m, k.cold(&m, s)
	}
	return m, fmt.Errorf("no phase %q: want quiet, local, remote, save, load, heap, allocs, cold or spot", k.phase)
}

// take samples f and checks that nothing went wrong.
func (m *measurement) take(warm time.Duration, f func() error) error {
	costs, err := sampled(warm, f)
	for _, c := range costs {
		m.CPU, m.Wall = append(m.CPU, rounded(c.cpu)), append(m.Wall, rounded(c.wall))
	}
	return err
}

// local replays the session; quiet makes no updates, local lets each go as a
// client does that has sent it.
func (k task) local(m *measurement, s *session) error {
	if err := s.sequential(); err != nil {
		return err
	}
	m.Ops = s.txns() * s.times
	var each func([]byte)
	if k.phase == "local" {
		each = func(u []byte) { m.Bytes += len(u) }
	}
	var author *typist
	warm := k.warm
	if s.times > 1 {
		warm = 0 // it is long enough to warm itself
	}
	err := m.take(warm, func() (err error) {
		m.Bytes = 0
		author, err = s.replay(each)
		return err
	})
	if err != nil {
		return err
	}
	return os.WriteFile(k.file(s, "state"), author.doc.AppendState(nil), 0o644)
}

// remote applies every update of the session to an empty document.
func (k task) remote(m *measurement, s *session) error {
	u, err := k.updates(s)
	if err != nil {
		return err
	}
	m.Ops, m.Bytes = len(u.ends), len(u.bytes)
	var d *ydoc.Doc
	if err := m.take(k.warm, func() (err error) {
		d, err = applyAll(u)
		return err
	}); err != nil {
		return err
	}
	return s.requireEnd(d, "remote apply")
}

// state encodes or loads the full state, or weighs it in memory.
func (k task) state(m *measurement, s *session) error {
	state, err := k.fullState(s)
	if err != nil {
		return err
	}
	m.Ops, m.Bytes = 1, len(state)
	d, err := load(state)
	if err != nil {
		return err
	}
	switch k.phase {
	case "save":
		err = m.take(k.warm, func() error {
			state = d.AppendState(nil)
			return nil
		})
		if err == nil && len(state) != m.Bytes {
			err = errors.New("the state changed on its way")
		}
	case "load":
		err = m.take(k.warm, func() (err error) {
			d, err = load(state)
			return err
		})
	case "heap":
		m.Chars = characters(d)
		d = nil // it must not count
		m.Heap, err = heapOf(state)
		return err
	}
	if err != nil {
		return err
	}
	return s.requireEnd(d, k.phase)
}

// heapOf is how many bytes a loaded document keeps.
func heapOf(state []byte) (int64, error) {
	// One small document is lost in what else the collector finds to do.
	const copies = 8
	docs := make([]*ydoc.Doc, copies)
	before := heapBytes()
	for i := range docs {
		d, err := load(state)
		if err != nil {
			return 0, err
		}
		docs[i] = d
	}
	grown := heapBytes() - before
	runtime.KeepAlive(docs)
	return grown / copies, nil
}

// file is where updates or states of a session are kept.
func (k task) file(s *session, what string) string {
	return filepath.Join(k.dir, fmt.Sprintf("%s-%d.flowsync.%s", s.name, s.times, what))
}

func (k task) updates(s *session) (*updates, error) {
	path := k.file(s, "updates")
	if u, err := readUpdates(path); err == nil {
		return u, nil
	}
	u := &updates{}
	var err error
	if s.kind == trace.Concurrent {
		u, err = s.replayTogether()
	} else {
		_, err = s.replay(u.add)
	}
	if err != nil {
		return nil, err
	}
	return u, u.write(path)
}

func (k task) fullState(s *session) ([]byte, error) {
	path := k.file(s, "state")
	if b, err := os.ReadFile(path); err == nil {
		return b, nil
	}
	var d *ydoc.Doc
	if s.kind == trace.Concurrent {
		u, err := k.updates(s)
		if err != nil {
			return nil, err
		}
		if d, err = applyAll(u); err != nil {
			return nil, err
		}
	} else {
		author, err := s.replay(nil)
		if err != nil {
			return nil, err
		}
		d = author.doc
	}
	state := d.AppendState(nil)
	return state, os.WriteFile(path, state, 0o644)
}

// cold gives n documents the first tenth of a session, then each of the next
// updates to every document in turn: no document is in a cache when its turn
// comes. Its samples are the parts of one run.
func (k task) cold(m *measurement, s *session) error {
	if err := s.sequential(); err != nil {
		return err
	}
	const next = 200 // updates in a sample
	base := s.txns() / 10
	author := newTypist(1, s.text)
	for i := range base {
		author.edit(s.edits(i))
	}
	state := author.doc.AppendState(nil)
	docs := make([]*ydoc.Doc, k.n)
	for i := range docs {
		d, err := load(state)
		if err != nil {
			return err
		}
		docs[i] = d
	}
	m.Ops = next * k.n
	for part := range 1 + samples { // the first one warms up
		u := &updates{}
		for at := base + part*next; len(u.ends) < next && at < s.txns(); at++ {
			if b := author.editUpdate(s.edits(at)); b != nil {
				u.add(b)
			}
		}
		c, err := timed(func() error {
			for i := range u.ends {
				for _, d := range docs {
					if err := d.Apply(u.at(i)); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if part > 0 {
			m.CPU, m.Wall = append(m.CPU, rounded(c.cpu)), append(m.Wall, rounded(c.wall))
		}
	}
	want := author.text.String()
	for _, d := range docs {
		if d.Text("text").String() != want {
			return errors.New("a cold document differs from its author")
		}
	}
	return author.err
}

// spot has n replicas that know the same two letters insert between them, all
// unaware of each other, and gives the inserts to one document.
func (k task) spot(m *measurement) error {
	m.Ops = k.n
	first := newTypist(1, "abx").editUpdate([]edit{{to: 2}})
	all := make([][]byte, k.n)
	for i := range all {
		writer := newTypist(uint64(reader+1+i), "abx")
		if err := writer.doc.Apply(first); err != nil {
			return err
		}
		all[i] = writer.editUpdate([]edit{{pos: 1, from: 2, to: 3}})
	}
	// Neither the best order nor the worst, and always the same.
	rng := rand.New(rand.NewPCG(1, 0))
	rng.Shuffle(k.n, func(i, j int) { all[i], all[j] = all[j], all[i] })
	return m.take(k.warm, func() error {
		d, err := load(first)
		if err != nil {
			return err
		}
		for _, u := range all {
			if err := d.Apply(u); err != nil {
				return err
			}
		}
		if d.Text("text").Len() != k.n+2 {
			return errors.New("an insert was lost")
		}
		return nil
	})
}

// allocations counts how many allocations an operation makes on average.
func allocations(m *measurement, s *session) error {
	if err := s.sequential(); err != nil {
		return err
	}
	u := &updates{}
	if _, err := s.replay(u.add); err != nil {
		return err
	}
	m.Ops = len(u.ends)
	each := func(f func() error) (float64, error) {
		n, err := mallocs(f)
		return rounded(n / float64(m.Ops)), err
	}
	var err error
	if m.Local, err = each(func() error {
		_, err := s.replay(func([]byte) {})
		return err
	}); err != nil {
		return err
	}
	if m.LocalInto, err = each(func() error {
		author := newTypist(1, s.text)
		for i := range s.txns() {
			author.editInto(s.edits(i))
		}
		return author.err
	}); err != nil {
		return err
	}
	m.Apply, err = each(func() error {
		_, err := applyAll(u)
		return err
	})
	return err
}
