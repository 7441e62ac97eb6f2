package ydoc

import "slices"

// txn is one transaction: what it added is everything from each touched
// client's before on.
type txn struct {
	number  uint32
	depth   int // of nested Transact calls; 0 when none runs
	local   bool
	author  *UndoManager // that is undoing or redoing
	added   bool         // items were added, not only grown in place
	removed bool         // items were deleted, not only cut at an edge
	certain bool         // it cannot be rolled back any more
	touched []uint32     // clients, in order
	deletes []span       // in order, merged and sorted at the end
	splits  []id         // where items were split, or may merge for another reason
	joins   []id         // items added that look like going on where the one before ends
	lists   []int32      // changed ones
	pairs   []pair       // surrogate pairs that a split tore
	births  []int32      // types that got a new key
	roots   []string     // new ones
	splices []splice     // for observers
}

// span is a range of one client's clock.
type span struct{ client, clock, length uint32 }

func (s span) end() uint32 { return s.clock + s.length }

// Transact runs f; the edits in it make one transaction. Edits outside of
// Transact are one transaction each. Inside of another Transact it only runs f.
func (d *Doc) Transact(f func()) {
	d.enter()
	defer d.leave()
	f()
}

// AppendTransact runs f as one transaction and appends the update that brings
// it to other replicas; b is unchanged if f changed nothing. Inside of another
// transaction it only runs f.
func (d *Doc) AppendTransact(b []byte, f func()) []byte {
	if d.tx.depth > 0 {
		f()
		return b
	}
	d.sink, d.sinking = b, true
	d.Transact(f)
	b, d.sink = d.sink, nil
	return b
}

func (d *Doc) enter() {
	if d.tx.depth == 0 {
		d.begin(true)
	}
	d.tx.depth++
}

func (d *Doc) leave() {
	d.tx.depth--
	if d.tx.depth == 0 {
		d.commit()
	}
}

func (d *Doc) begin(local bool) {
	d.txns++
	t := &d.tx
	t.number, t.local, t.author, t.added, t.removed = d.txns, local, nil, false, false
	t.certain = local
	t.touched, t.deletes, t.splits, t.lists = t.touched[:0], t.deletes[:0], t.splits[:0], t.lists[:0]
	t.joins = t.joins[:0]
	t.pairs, t.births, t.roots, t.splices = t.pairs[:0], t.births[:0], t.roots[:0], t.splices[:0]
}

// commit ends the transaction: it tells undo managers, tidies formats after
// remote changes, collects what was deleted, merges what became alike and tells
// observers, in the order in which yjs does these things.
func (d *Doc) commit() {
	if d.unwatched() && d.tx.plain() {
		if len(d.tx.deletes) > 1 {
			d.tx.deletes = mergeSpans(d.tx.deletes)
		}
		d.emit()
		return
	}
	d.tx.deletes = mergeSpans(d.tx.deletes)
	d.tellManagers()
	tidied := !d.tx.local && !d.keepAll && d.changedFormatted() && d.tidyFormats()
	d.finish(&d.tx)
	d.emit()
	changes := d.changes()
	if tidied {
		d.tx, d.spare = d.spare, d.tx
		d.tx.deletes = mergeSpans(d.tx.deletes)
		d.tellManagers()
		d.finish(&d.tx)
		changes = append(changes, d.changes()...)
	}
	d.notify(changes)
}

func (d *Doc) tellManagers() {
	for _, m := range d.managers {
		m.record()
	}
}

// plain says that a transaction left nothing to collect or merge.
func (t *txn) plain() bool { return !t.added && !t.removed && len(t.splits) == 0 }

// unwatched says that nobody must be told about transactions.
func (d *Doc) unwatched() bool { return len(d.managers)+len(d.observers) == 0 }

// emit writes the update for AppendTransact.
func (d *Doc) emit() {
	if d.sinking {
		d.sinking = false
		if cap(d.sink) > 0 {
			d.sink = d.appendTransaction(d.sink)
			return
		}
		d.out = d.appendTransaction(d.out[:0])
		if len(d.out) > 0 {
			d.sink = make([]byte, len(d.out)) // cheaper than to let append grow it
			copy(d.sink, d.out)
		}
	}
}

// finish collects and merges.
func (d *Doc) finish(t *txn) {
	if !t.local {
		if n := d.lookup(d.own); n != noClient && slices.Contains(t.touched, n) {
			d.taken = true
		}
	}
	d.collectDeleted(t)
	d.mergeDeleted(t)
	d.mergeAdded(t)
	d.mergeSplits(t)
	for _, n := range t.touched {
		d.compactBytes(n)
	}
	for i, s := range t.deletes {
		if i == 0 || t.deletes[i-1].client != s.client {
			d.compactBytes(s.client)
		}
	}
}

// touch notes that client n is about to get content.
func (d *Doc) touch(n uint32) {
	c := &d.clients[n]
	if c.txn == d.tx.number {
		return
	}
	c.txn, c.before, c.beforeBytes = d.tx.number, c.clock, len(c.bytes)
	d.tx.touched = append(d.tx.touched, n)
}

// isOld says whether the document had an id before the transaction.
func (d *Doc) isOld(what id) bool {
	c := &d.clients[what.client]
	return c.txn != d.tx.number || what.clock < c.before
}

// noteDeleted adds to the transaction's delete set.
func (d *Doc) noteDeleted(it *item) {
	ds := d.tx.deletes
	if n := len(ds); n > 0 && ds[n-1].client == it.client {
		if last := &ds[n-1]; last.end() == it.clock {
			last.length += it.length
			return
		} else if it.end() == last.clock {
			last.clock, last.length = it.clock, last.length+it.length
			return
		}
	}
	d.tx.deletes = append(ds, span{it.client, it.clock, it.length})
}

// noteChanged notes that list l changed, unless its type is new or gone.
func (d *Doc) noteChanged(l int32) {
	li := &d.lists[l]
	if li.changed == d.tx.number {
		return
	}
	if i := d.types[li.owner].item; i != none {
		if it := &d.items[i]; it.deleted() || !d.isOld(it.id()) {
			return
		}
	}
	li.changed = d.tx.number
	d.tx.lists = append(d.tx.lists, l)
}

// mergeSpans sorts each client's spans and merges those that touch. Clients
// stay in the order of their first span.
func mergeSpans(s []span) []span {
	if len(s) < 2 {
		return s
	}
	if !slices.ContainsFunc(s, func(x span) bool { return x.client != s[0].client }) {
		slices.SortFunc(s, func(a, b span) int { return compareUint32(a.clock, b.clock) })
	} else {
		order := map[uint32]int{}
		for _, x := range s {
			if _, ok := order[x.client]; !ok {
				order[x.client] = len(order)
			}
		}
		slices.SortFunc(s, func(a, b span) int {
			if a.client != b.client {
				return order[a.client] - order[b.client]
			}
			return compareUint32(a.clock, b.clock)
		})
	}
	n := 0
	for _, x := range s[1:] {
		if last := &s[n]; last.client == x.client && x.clock <= last.end() {
			last.length = max(last.end(), x.end()) - last.clock
			continue
		}
		n++
		s[n] = x
	}
	return s[:n+1]
}

func compareUint32(a, b uint32) int {
	if a < b {
		return -1
	}
	if a > b {
		return 1
	}
	return 0
}
