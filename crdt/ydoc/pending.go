package ydoc

import (
	"fmt"
	"maps"
	"slices"
)

// pending is what waits for ids that the document does not have. Its parts are
// never changed in place, so that a refused update can be taken back by value.
type pending struct {
	update  []byte       // structs, as an update without deletes; nil if none
	missing wants        // one of these must arrive before trying again
	deletes []remoteSpan // of ids that are not there
}

// wants is ids that must arrive, the first of each client.
type wants map[uint64]uint32

func (w wants) add(what remoteID) {
	if clock, ok := w[what.client]; !ok || what.clock < clock {
		w[what.client] = what.clock
	}
}

// Pending returns how many bytes wait for ids that the document does not have.
func (d *Doc) Pending() int { return d.pending.size() }

func (p *pending) size() int { return len(p.update) + 16*len(p.deletes) }

func (p *pending) empty() bool { return p.update == nil && len(p.deletes) == 0 }

func (p *pending) check(l *Limits) error {
	if n := p.size(); n > l.Pending {
		return fmt.Errorf("%w: %d bytes of updates would wait for what they depend on, %d may; apply what is missing first", ErrLimit, n, l.Pending)
	}
	return nil
}

// hold puts what is left in the sections aside, and says whether what waited
// before is worth another try.
func (d *Doc) hold(in *inbox) (retry bool, err error) {
	rest := in.rest()
	if d.pending.update == nil {
		if rest != nil {
			d.pending.update, d.pending.missing = rest, in.missing
		}
		return false, nil
	}
	for client, clock := range d.pending.missing { // order-free: any of them
		retry = retry || d.stateOf(client) > clock
	}
	if rest == nil {
		return retry, nil
	}
	all := maps.Clone(d.pending.missing)
	for client, clock := range in.missing { // order-free: keeps the least for each
		all.add(remoteID{client, clock})
	}
	d.pending.missing = all
	d.pending.update, err = Merge(d.pending.update, rest)
	return retry, err
}

// rest returns what is left in the sections as an update, or nil.
func (in *inbox) rest() []byte {
	n := 0
	for i := range in.sections {
		if in.sections[i].count > 0 {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	b := appendUint(nil, uint64(n))
	for i := range in.sections {
		s := &in.sections[i]
		if s.count == 0 {
			continue
		}
		b = appendUint(b, uint64(s.count))
		b = appendUint(b, s.client)
		b = appendUint(b, uint64(s.clock))
		r := reader{b: in.update, i: s.at}
		var c change
		for range s.count {
			start := r.i
			r.change(&c, len(in.update))
			b = append(b, c.writtenInfo())
			b = append(b, in.update[start+1:r.i]...)
		}
	}
	return append(b, 0)
}

// writtenInfo is the first byte of a struct that was only read: yjs then does
// not know any more that it belongs to a key, unless the key is written.
func (c *change) writtenInfo() byte {
	if c.info&(bitOrigin|bitRight) != 0 {
		return c.info &^ bitSub
	}
	return c.info
}

// appendWithPending appends what is not known, with what waits.
func (d *Doc) appendWithPending(b []byte, known map[uint64]uint64, stateVector []byte) ([]byte, error) {
	updates := [][]byte{d.appendIntegrated(nil, known)}
	if len(d.pending.deletes) > 0 {
		updates = append(updates, appendRemoteSpans([]byte{0}, mergeRemote(slices.Clone(d.pending.deletes))))
	}
	if d.pending.update != nil {
		waiting, err := Diff(d.pending.update, stateVector)
		if err != nil {
			return b, err
		}
		updates = append(updates, waiting)
	}
	all, err := Merge(updates...)
	if err != nil {
		return b, err
	}
	return append(b, all...), nil
}
