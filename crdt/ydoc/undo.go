package ydoc

import "slices"

// UndoManager undoes and redoes this replica's own edits, and leaves alone those
// of others. Edits close in time are one step. It keeps the content that it may
// bring back, so the document's encoding differs from one without it.
type UndoManager struct {
	// Capture is how many milliseconds after a step an edit still belongs to
	// it. Defaults to 500; negative means that every transaction is a step.
	Capture int64

	d          *Doc
	scope      []ref // none: the whole document
	now, last  int64
	undos      []undoStep
	redos      []undoStep
	mode       undoMode
	performing *undoStep
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

// redo brings items back as copies.
type redo struct {
	m     *UndoManager
	step  undoStep
	items map[int32]bool // all that the step brings back
}

// parentItem returns the item of the type that an item is in, or none.
func (d *Doc) parentItem(i int32) int32 { return d.types[d.lists[d.listOf(i)].owner].item }

// redo returns the copy of item i, or none if it cannot come back. It recurses
// into parents, whose nesting is bounded by Limits.Depth.
func (r *redo) redo(i int32) int32 {
	d := r.m.d
	if d.items[i].leaf == none {
		return none
	}
	if d.items[i].flags&flagRedone != 0 {
		return d.startAt(d.redone[i])
	}
	parent := d.parentItem(i)
	if parent != none && d.items[parent].deleted() {
		if d.items[parent].flags&flagRedone == 0 && (!r.items[parent] || r.redo(parent) == none) {
			return none
		}
		for d.items[parent].flags&flagRedone != 0 {
			parent = d.startAt(d.redone[parent])
		}
	}
	t := d.lists[d.listOf(i)].owner
	if parent != none {
		if d.items[parent].kind != kindType {
			return none
		}
		t = int32(d.items[parent].off)
	}
	l, left, right, ok := r.place(i, parent, t)
	if !ok || d.room(int(d.items[i].length)) != nil {
		return none
	}
	copied, err := d.add(l, left, right, d.copyOf(i))
	if err != nil {
		return none
	}
	if d.redone == nil {
		d.redone = map[int32]id{}
	}
	d.redone[i] = d.items[copied].id()
	d.items[i].flags |= flagRedone
	d.keep(copied, true)
	return copied
}

// place returns where the copy of item i goes.
func (r *redo) place(i, parent, t int32) (l, left, right int32, ok bool) {
	d := r.m.d
	old := d.listOf(i)
	if !d.lists[old].sub {
		left = r.nearest(d.prevItem(i), parent, d.prevItem)
		right = r.nearest(i, parent, d.nextItem)
		return d.sequence(t), left, right, true
	}
	l = d.makeKeyList(t, d.lists[old].key)
	left = d.lastItem(l)
	if d.nextItem(i) == none {
		return l, left, none, true
	}
	left = i
	for {
		next := d.nextItem(left)
		if next == none {
			break
		}
		if !r.replaceable(next) {
			return none, none, none, false
		}
		left = next
		for d.items[left].flags&flagRedone != 0 {
			left = d.startAt(d.redone[left])
		}
	}
	if d.parentItem(left) != parent {
		left = d.lastItem(l)
	}
	return l, left, none, true
}

// replaceable says whether a key's later value is one that undo or redo handle,
// not another author's.
func (r *redo) replaceable(i int32) bool {
	it := &r.m.d.items[i]
	if it.flags&flagRedone != 0 || contains(r.step.insertions, it.id()) {
		return true
	}
	deletedBy := func(s undoStep) bool { return contains(s.deletions, it.id()) }
	return slices.ContainsFunc(r.m.undos, deletedBy) || slices.ContainsFunc(r.m.redos, deletedBy)
}

// nearest goes from item i in a direction until an item, or the copy of one, is
// in the type that parent holds.
func (r *redo) nearest(i, parent int32, step func(int32) int32) int32 {
	d := r.m.d
	for ; i != none; i = step(i) {
		trace := i
		for trace != none && d.parentItem(trace) != parent {
			if d.items[trace].flags&flagRedone == 0 {
				trace = none
				break
			}
			trace = d.startAt(d.redone[trace])
		}
		if trace != none {
			return trace
		}
	}
	return none
}

// copyOf returns the content of an item for inserting it again. A shared type
// comes back empty: what was in it is brought back on its own.
func (d *Doc) copyOf(i int32) insertable {
	it := &d.items[i]
	x := insertable{kind: it.kind, length: it.length}
	switch it.kind {
	case kindFormat:
		x.format = it.off
		d.formats.entries[it.off].uses++
	case kindType:
		x.shared, x.name = d.types[it.off].kind, d.types[it.off].name
	case kindString:
		x.text = string(d.contentOf(it))
	default:
		x.bytes = slices.Clone(d.contentOf(it))
	}
	return x
}
