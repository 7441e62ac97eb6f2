package store

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"

	"github.com/wavesiddhartha/flowsync/crdt"
)

// Memory is a Store in the memory of one process, for tests, simulations and
// development: its commits survive nothing, and its Durability says so.
//
// Append commits before it returns, and calls done from within. No method
// blocks, so contexts are not looked at. What a stream holds is bounded by
// compaction; watermarks and session numbers are kept until the process ends.
type Memory struct {
	draw func([]byte) // fills its argument with random bytes; called under mu

	mu       sync.Mutex // guards what follows; may be taken under memoryStream.mu
	streams  map[string]*memoryStream
	sessions map[string]uint64
	revoked  []Revocation
	revokes  uint64 // the number of the newest
	appends  int    // under way
	idle     sync.Cond
	closed   bool
}

var _ Store = (*Memory)(nil)

// NewMemory returns an empty Memory.
func NewMemory() *Memory {
	return NewMemoryFrom(func(b []byte) {
		_, _ = rand.Read(b) // never fails: the runtime ends the process instead
	})
}

// NewMemoryFrom returns an empty Memory that takes its random bytes from draw,
// so that a simulation can be repeated. draw fills its argument; calls do not
// overlap, and it must not call the Memory.
func NewMemoryFrom(draw func(b []byte)) *Memory {
	m := &Memory{
		draw:     draw,
		streams:  make(map[string]*memoryStream),
		sessions: make(map[string]uint64),
	}
	m.idle.L = &m.mu
	return m
}

// Durability is InMemory.
func (m *Memory) Durability() Durability { return InMemory }

// Load implements [Store].
func (m *Memory) Load(_ context.Context, stream string) (*Stream, error) {
	s, err := m.find(stream, true)
	if err != nil {
		return nil, err
	}
	return s.load(), nil
}

// Append implements [Store]. It commits stream by stream, each under its own
// lock, and holds none while done runs: done may call the Memory again.
func (m *Memory) Append(batches []Batch, done func([]Result)) {
	results := make([]Result, len(batches))
	streams, err := m.enter(batches)
	if err != nil {
		for i := range results {
			results[i].Err = err
		}
		done(results)
		return
	}
	defer m.leave()
	for i, s := range streams {
		results[i] = s.append(&batches[i])
	}
	done(results)
}

// Read implements [Store].
func (m *Memory) Read(_ context.Context, stream string, after uint64, max int) (Tail, error) {
	s, err := m.find(stream, false)
	if err != nil {
		return Tail{}, err
	}
	return s.read(after, max)
}

// Recall implements [Store].
func (m *Memory) Recall(_ context.Context, stream string, w crdt.Writer, fence uint64) (Watermark, []Mark, error) {
	s, err := m.find(stream, fence != 0)
	if err != nil {
		return Watermark{}, nil, err
	}
	mark, trail := s.recall(w, fence)
	return mark, trail, nil
}

// Rotate implements [Store].
func (m *Memory) Rotate(_ context.Context, stream, epoch string) (Position, error) {
	s, err := m.find(stream, false)
	if err != nil {
		return Position{}, err
	}
	return s.rotate(epoch, m.epoch), nil
}

// Save implements [Store].
func (m *Memory) Save(_ context.Context, stream string, snapshot Snapshot) error {
	s, err := m.find(stream, false)
	if err != nil {
		return err
	}
	s.save(snapshot)
	return nil
}

// Trim implements [Store].
func (m *Memory) Trim(_ context.Context, stream string, offset uint64, max int) (bool, error) {
	s, err := m.find(stream, false)
	if err != nil {
		return false, err
	}
	return s.trim(offset, max), nil
}

// Session implements [Store].
func (m *Memory) Session(_ context.Context, client string) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return 0, errClosed()
	}
	m.sessions[client]++
	return m.sessions[client], nil
}

// Revoke implements [Store].
func (m *Memory) Revoke(_ context.Context, r Revocation) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return errClosed()
	}
	m.revokes++
	r.Number = m.revokes
	m.revoked = append(slices.DeleteFunc(m.revoked, func(old Revocation) bool { return old.Until < r.Made }), r)
	return nil
}

// Revocations implements [Store].
func (m *Memory) Revocations(_ context.Context, after uint64) ([]Revocation, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, errClosed()
	}
	i, _ := slices.BinarySearchFunc(m.revoked, after+1, func(r Revocation, n uint64) int { return cmp.Compare(r.Number, n) })
	return slices.Clone(m.revoked[i:]), nil
}

// Close implements [Store]. The content is gone with it.
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	for m.appends > 0 {
		m.idle.Wait()
	}
	m.streams, m.sessions = nil, nil
	return nil
}

// find returns a stream. One that does not exist is created and kept if create
// says so, else it is an empty one that nobody else sees.
func (m *Memory) find(name string, create bool) (*memoryStream, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, errClosed()
	}
	if create && m.streams[name] == nil {
		s := &memoryStream{head: Position{Epoch: m.drawEpoch()}}
		m.draw(s.head.Chain[:])
		m.draw(s.key[:])
		m.streams[name] = s
	}
	return m.lookup(name), nil
}

// enter counts an append in and returns the streams of its batches.
func (m *Memory) enter(batches []Batch) ([]*memoryStream, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, errClosed()
	}
	m.appends++
	streams := make([]*memoryStream, len(batches))
	for i := range batches {
		streams[i] = m.lookup(batches[i].Stream)
	}
	return streams, nil
}

// leave counts an append out.
func (m *Memory) leave() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.appends--
	if m.appends == 0 {
		m.idle.Broadcast()
	}
}

// lookup needs mu.
func (m *Memory) lookup(name string) *memoryStream {
	if s, ok := m.streams[name]; ok {
		return s
	}
	return new(memoryStream)
}

func (m *Memory) epoch() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.drawEpoch()
}

// drawEpoch needs mu.
func (m *Memory) drawEpoch() string {
	var b [8]byte
	m.draw(b[:])
	return hex.EncodeToString(b[:])
}

func errClosed() error {
	return fmt.Errorf("memory store was closed: %w", ErrFailed)
}
