package ydoc

import "slices"

// UndoManager undoes and redoes this replica's own edits, and leaves alone those
// of others. Edits close in time are one step. It keeps the content that it may
// bring back, so the document's encoding differs from one without it.
type UndoManager struct {
	// Capture is how many milliseconds after a step an edit still belongs to
	// it. Defaults to 500; negative means that every transaction is a step.
	Capture int64

	d         *Doc
	scope     []ref // none: the whole document
	now, last int64
	undos     []undoStep
	redos     []undoStep
	mode      undoMode
}

type undoMode uint8

const (
	recording undoMode = iota
	undoing
	redoing
)

// undoStep is what one step inserted and deleted.
type undoStep struct{ insertions, deletions []span }

// Undo returns a manager for edits of the given types and all that is in them;
// without types, of the whole document. It watches from now on until Close.
func (d *Doc) Undo(scope ...Shared) *UndoManager {
	m := &UndoManager{Capture: 500, d: d, now: 1}
	for _, s := range scope {
		m.scope = append(m.scope, s.shared())
	}
	d.managers = append(d.managers, m)
	return m
}

// Tick tells the time of the edits that follow, in milliseconds since whenever,
// above 0.
func (m *UndoManager) Tick(nowMillis int64) { m.now = nowMillis }

// StopCapturing makes the next edit a step of its own.
func (m *UndoManager) StopCapturing() { m.last = 0 }

// CanUndo says whether there is a step to undo.
func (m *UndoManager) CanUndo() bool { return len(m.undos) > 0 }

// CanRedo says whether there is a step to redo.
func (m *UndoManager) CanRedo() bool { return len(m.redos) > 0 }

// Undo takes the last step back and returns whether that changed anything.
func (m *UndoManager) Undo() bool { return m.perform(undoing, &m.undos) }

// Redo takes the last Undo back and returns whether that changed anything.
func (m *UndoManager) Redo() bool { return m.perform(redoing, &m.redos) }

// Clear forgets all steps.
func (m *UndoManager) Clear() {
	m.clear(&m.undos)
	m.clear(&m.redos)
}

// Close forgets all steps and stops watching.
func (m *UndoManager) Close() {
	m.Clear()
	m.d.managers = slices.DeleteFunc(m.d.managers, func(x *UndoManager) bool { return x == m })
}

func (m *UndoManager) clear(steps *[]undoStep) {
	for _, s := range *steps {
		for _, x := range s.deletions {
			m.d.eachIn(x, func(i int32) {
				if m.covers(i) {
					m.d.keep(i, false)
				}
			})
		}
	}
	*steps = nil
}

// record takes note of the transaction that is about to end.
func (m *UndoManager) record() {
	d := m.d
	t := &d.tx
	if !t.local || (t.author != nil && t.author != m) || !m.concerned() {
		return
	}
	steps := &m.undos
	switch m.mode {
	case undoing:
		steps = &m.redos
		m.StopCapturing()
	case recording:
		m.clear(&m.redos)
	}
	var insertions []span
	for _, n := range t.touched {
		c := &d.clients[n]
		insertions = append(insertions, span{n, c.before, c.clock - c.before})
	}
	if n := len(*steps); m.mode == recording && m.last > 0 && m.now-m.last < m.Capture && n > 0 {
		last := &(*steps)[n-1]
		last.deletions = mergeSpans(append(last.deletions, t.deletes...))
		last.insertions = mergeSpans(append(last.insertions, insertions...))
	} else {
		*steps = append(*steps, undoStep{insertions, slices.Clone(t.deletes)})
	}
	if m.mode == recording {
		m.last = m.now
	}
	for _, s := range t.deletes {
		d.eachIn(s, func(i int32) {
			if m.covers(i) {
				d.keep(i, true)
			}
		})
	}
}

// concerned says whether the transaction changed anything in scope.
func (m *UndoManager) concerned() bool {
	if len(m.scope) == 0 {
		return true
	}
	return slices.ContainsFunc(m.d.tx.lists, func(l int32) bool {
		t := m.d.lists[l].owner
		return !m.d.itemGone(t) && m.coversType(t)
	})
}

func (m *UndoManager) coversType(t int32) bool {
	for {
		if slices.ContainsFunc(m.scope, func(r ref) bool { return r.t == t && r.gen == m.d.types[t].gen }) {
			return true
		}
		i := m.d.types[t].item
		if i == none {
			return false
		}
		t = m.d.lists[m.d.listOf(i)].owner
	}
}

// covers says whether an item is in scope.
func (m *UndoManager) covers(i int32) bool {
	if m.d.items[i].leaf == none {
		return false
	}
	return len(m.scope) == 0 || m.coversType(m.d.lists[m.d.listOf(i)].owner)
}

// keep marks an item, and what it is in, as not to be collected, or takes the
// mark away.
func (d *Doc) keep(i int32, on bool) {
	for i != none && (d.items[i].flags&flagKeep != 0) != on {
		d.items[i].flags ^= flagKeep
		i = d.types[d.lists[d.listOf(i)].owner].item
	}
}

// eachIn calls f for the items of a span, which are split at its ends. f must
// not add or split items of the span's client before it.
func (d *Doc) eachIn(s span, f func(int32)) {
	c := &d.clients[s.client]
	if s.length == 0 || s.clock >= c.clock {
		return
	}
	end := min(s.end(), c.clock)
	for clock := s.clock; clock < end; {
		i := d.startAt(id{s.client, clock})
		if it := &d.items[i]; it.end() > end && it.leaf != none {
			d.split(i, end-it.clock)
		}
		clock = d.items[i].end()
		f(i)
	}
}

// perform pops steps until one of them changes something.
func (m *UndoManager) perform(mode undoMode, steps *[]undoStep) bool {
	d := m.d
	m.mode = mode
	defer func() { m.mode = recording }()
	d.enter()
	defer d.leave()
	d.tx.author = m
	for len(*steps) > 0 {
		last := len(*steps) - 1
		step := (*steps)[last]
		*steps = (*steps)[:last]
		if m.revert(step) {
			return true
		}
	}
	return false
}

// revert deletes what a step inserted and brings back what it deleted.
func (m *UndoManager) revert(step undoStep) bool {
	d := m.d
	var inserted, deleted []int32
	for _, s := range step.insertions {
		d.eachIn(s, func(i int32) {
			if d.items[i].flags&flagRedone != 0 {
				now, diff := d.followRedone(d.items[i].id())
				if diff > 0 && d.items[now].leaf != none {
					now = d.split(now, diff)
				}
				i = now
			}
			if !d.items[i].deleted() && m.covers(i) {
				inserted = append(inserted, i)
			}
		})
	}
	for _, s := range step.deletions {
		d.eachIn(s, func(i int32) {
			if m.covers(i) && !contains(step.insertions, d.items[i].id()) {
				deleted = append(deleted, i)
			}
		})
	}
	r := redo{m: m, step: step, items: map[int32]bool{}}
	for _, i := range deleted {
		r.items[i] = true
	}
	changed := false
	for _, i := range deleted {
		changed = r.redo(i) != none || changed
	}
	for _, i := range slices.Backward(inserted) {
		d.delete(i)
		changed = true
	}
	return changed
}

func contains(spans []span, what id) bool {
	return slices.ContainsFunc(spans, func(s span) bool {
		return s.client == what.client && s.clock <= what.clock && what.clock < s.end()
	})
}
