package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/store"
)

// testModel runs random histories and compares the store with a plain model of
// it after each step.
func (s suite) testModel(t *testing.T) {
	for seed := range uint64(12) {
		s.test(t, fmt.Sprintf("seed=%d", seed), func(t *testing.T, st *fixture) {
			s.runModel(t, st, rand.New(rand.NewPCG(seed, 0)))
		})
	}
}

func (s suite) runModel(t *testing.T, st *fixture, dice *rand.Rand) {
	streams := make([]*model, 3)
	for i := range streams {
		streams[i] = &model{
			hub:    mustJoin(t, st, fmt.Sprintf("counter:%d", i)),
			fences: make(map[crdt.Writer]uint64),
			dice:   dice,
		}
	}
	for range 150 {
		m := streams[dice.IntN(len(streams))]
		m.step(t)
		m.require(t)
		if s.reopen == nil || dice.IntN(25) > 0 {
			continue
		}
		st.Store = s.reopen(t, st.Store)
		for _, m := range streams {
			m.require(t)
			for _, w := range m.writers() { // a store may forget fences when it is opened anew
				raise(t, m.hub, w, m.fences[w])
			}
		}
	}
}

// model is what one stream should be.
type model struct {
	*hub
	snapshots []store.Snapshot // at most two, the newest last
	fences    map[crdt.Writer]uint64
	dice      *rand.Rand
}

func (m *model) step(t *testing.T) {
	steps := []func(*testing.T){m.commitSome, m.commitSome, m.commitSome, m.commitSome, m.appendStale,
		m.appendTwice, m.fence, m.saveSome, m.saveSome, m.trimSome, m.rotate}
	steps[m.dice.IntN(len(steps))](t)
}

func (m *model) writers() []crdt.Writer {
	return []crdt.Writer{device(0), device(1), device(2), device(3)}
}

func (m *model) writer() crdt.Writer { return m.writers()[m.dice.IntN(4)] }

func (m *model) commitSome(t *testing.T) {
	ops := make([]op, 1+m.dice.IntN(4))
	next := make(map[crdt.Writer]uint64)
	for i := range ops {
		w := m.writer()
		next[w] = max(next[w], m.marks[w].Seq) + 1
		if m.dice.IntN(5) == 0 {
			next[w] += uint64(m.dice.IntN(10))
		}
		ops[i] = op{by: w, seq: next[w]}
		if m.dice.IntN(2) == 0 {
			ops[i].session = m.fences[w] + uint64(m.dice.IntN(3))
		}
	}
	m.mustCommit(t, ops...)
}

func (m *model) appendStale(t *testing.T) {
	if len(m.log) == 0 {
		return
	}
	i := m.dice.IntN(len(m.log))
	old := &hub{name: m.name, marks: m.marks, at: store.Position{
		Epoch: m.at.Epoch, Offset: m.log[i].First() - 1, Chain: m.log[i].Prev,
	}}
	r, err := m.st.append(old.batch(op{by: m.writer()}))
	must(t, err)
	if !r.Lost || r.Head != m.at {
		t.Fatalf("stale at %d: %+v, want Lost at %v", old.at.Offset, r, place(m.at))
	}
	var missed []store.Record
	if m.log[i].First() >= m.first {
		missed = m.log[i:]
	}
	if err := same(r.Missed, missed); err != nil {
		t.Fatalf("missed after %d: %v", old.at.Offset, err)
	}
}

func (m *model) appendTwice(t *testing.T) {
	w := m.writer()
	if seq := m.marks[w].Seq; seq > 0 {
		requireRefused(t, m.hub, op{by: w, seq: 1 + m.dice.Uint64N(seq)})
	}
}

func (m *model) fence(t *testing.T) {
	w := m.writer()
	fence := m.dice.Uint64N(m.fences[w] + 3)
	raise(t, m.hub, w, fence)
	m.fences[w] = max(m.fences[w], fence)
	if m.fences[w] > 1 {
		requireFenced(t, m.hub, true, op{by: w, session: m.fences[w] - 1})
	}
}

func (m *model) saveSome(t *testing.T) {
	if len(m.log) == 0 {
		return
	}
	r := m.log[len(m.log)-1-m.dice.IntN(min(3, len(m.log)))]
	at := store.Position{Epoch: m.at.Epoch, Offset: r.Last(), Chain: r.Chain}
	valid := len(m.snapshots) == 0 || at.Offset > m.snapshots[len(m.snapshots)-1].Position.Offset
	switch m.dice.IntN(8) {
	case 0:
		at.Chain[m.dice.IntN(32)] ^= 1
		valid = false
	case 1:
		at.Epoch = "0123456789abcdef"
		valid = false
	}
	s := snapshot(at)
	must(t, m.st.Save(t.Context(), m.name, s))
	if valid {
		m.snapshots = append(m.snapshots, s)
		m.snapshots = m.snapshots[max(0, len(m.snapshots)-2):]
	}
}

// trimSome trims one slice. How much of max is removed is the store's choice.
func (m *model) trimSome(t *testing.T) {
	offset, most := m.dice.Uint64N(m.at.Offset+5), 1+m.dice.IntN(6)
	more, err := m.st.Trim(t.Context(), m.name, offset, most)
	must(t, err)
	limit := uint64(0)
	if len(m.snapshots) == 2 {
		limit = min(offset, m.snapshots[0].Position.Offset)
	}
	begins := []uint64{m.first} // where the log may begin now
	for _, r := range m.stored() {
		if r.Last() <= limit {
			begins = append(begins, r.Last()+1)
		}
	}
	first := loadFirst(t, m.hub)
	removed := slices.Index(begins, first)
	if removed < 0 || removed > most {
		t.Fatalf("trim to %d, at most %d records, moved the begin from %d to %d", offset, most, m.first, first)
	}
	if more != (removed < len(begins)-1) || more && removed == 0 {
		t.Fatalf("trim to %d removed %d of %d records and says more: %v", offset, removed, len(begins)-1, more)
	}
	m.first = first
}

func (m *model) rotate(t *testing.T) {
	epoch := m.at.Epoch
	if m.dice.IntN(2) == 0 {
		epoch = "0123456789abcdef"
	}
	head, err := m.st.Rotate(t.Context(), m.name, epoch)
	must(t, err)
	if (head.Epoch != m.at.Epoch) != (epoch == m.at.Epoch) {
		t.Fatalf("rotate out of %s moved %s to %s", epoch, m.at.Epoch, head.Epoch)
	}
	m.at.Epoch = head.Epoch
}

// require compares the store with the model.
func (m *model) require(t *testing.T) {
	t.Helper()
	got, err := m.st.Load(t.Context(), m.name)
	must(t, err)
	if got.Head != m.at || got.Key != m.key || got.First != m.first {
		t.Fatalf("%s: head %v, first %d, want %v, %d and the same key", m.name, place(got.Head), got.First, place(m.at), m.first)
	}
	base := uint64(0)
	if len(m.snapshots) == 0 && got.Snapshot != nil {
		t.Fatalf("%s has a snapshot at %d, want none", m.name, got.Snapshot.Position.Offset)
	}
	if n := len(m.snapshots); n > 0 {
		requireSnapshot(t, got, m.snapshots[n-1])
		base = m.snapshots[n-1].Position.Offset
	}
	tail := slices.IndexFunc(m.log, func(r store.Record) bool { return r.First() > base })
	if tail < 0 {
		tail = len(m.log)
	}
	if err := same(got.Tail, m.log[tail:]); err != nil {
		t.Fatalf("%s: tail after %d: %v", m.name, base, err)
	}
	requireStored(t, m.hub)
	for _, w := range m.writers() {
		requireMark(t, m.hub, w)
	}
}
