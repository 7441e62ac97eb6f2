package ydoc

import (
	"cmp"
	"fmt"
	"slices"
)

// Apply takes an update into the document. What depends on ids that the
// document does not have yet waits, and is part of [Doc.AppendState]; what the
// document has already changes nothing. An update that cannot be is refused
// with [ErrInvalid], [ErrConflict] or [ErrLimit], and has then changed nothing.
// Apply keeps no reference to update. It must not be called inside of Transact.
func (d *Doc) Apply(update []byte) error {
	if d.tx.depth > 0 {
		return errNested
	}
	if done, err := d.applyOne(update); done || err != nil {
		return err
	}
	if d.deleteOnly(update) {
		return nil
	}
	defer d.in.clear()
	if err := d.in.check(update, &d.limits); err != nil {
		return err
	}
	d.begin(false)
	d.budget = d.limits.Work
	waiting := d.pending
	if err := d.receive(); err != nil {
		d.rollback()
		d.pending = waiting
		return err
	}
	d.commit()
	return nil
}

// Missing says whether parts of an update would wait if it were applied now,
// because they depend on ids that the document does not have. It does not look
// at what waits already. The error is [ErrInvalid] or [ErrLimit].
func (d *Doc) Missing(update []byte) (bool, error) {
	var in inbox
	if err := in.check(update, &d.limits); err != nil {
		return false, err
	}
	return d.missing(&in)
}

// missing is Missing for an update that was checked.
func (d *Doc) missing(in *inbox) (bool, error) {
	d.start(in)
	if err := d.drain(in, false); err != nil {
		return false, err
	}
	if len(in.missing) > 0 {
		return true, nil
	}
	late := false
	eachDelete(in.update[in.deletes:], func(s remoteSpan) {
		state := d.stateOf(s.client)
		if sec := in.section(s.client); sec != nil {
			state = max(state, sec.state)
		}
		late = late || s.end() > state
	})
	return late, nil
}

// receive integrates the inbox, then what waited for it.
func (d *Doc) receive() error {
	for {
		d.start(&d.in)
		if err := d.drain(&d.in, true); err != nil {
			return err
		}
		retry, err := d.hold(&d.in)
		if err != nil {
			return err
		}
		d.deleteAll(d.in.update[d.in.deletes:])
		if err := d.pending.check(&d.limits); err != nil {
			return err
		}
		if !retry {
			return nil
		}
		update := d.pending.update
		d.pending.update, d.pending.missing = nil, nil
		free := d.limits
		free.Update = len(update)
		if err := d.in.check(update, &free); err != nil {
			return err
		}
	}
}

// start looks up how much of each section's client the document has.
func (d *Doc) start(in *inbox) {
	structs := 0
	in.missing, in.circle = nil, false
	for i := range in.sections {
		s := &in.sections[i]
		s.dense, s.state, s.next = d.lookup(s.client), 0, none
		if s.dense != noClient {
			s.state = d.clients[s.dense].clock
		}
		structs += s.count
	}
	if structs > 64 && len(d.items) == 0 {
		d.items = slices.Grow(d.items, structs)
		d.leaves = slices.Grow(d.leaves, structs/(fan*3/4))
	}
}

func (d *Doc) stateOf(client uint64) uint32 {
	if n := d.lookup(client); n != noClient {
		return d.clients[n].clock
	}
	return 0
}

// drain goes through the sections by descending client, each from its first
// struct to its last, and through what a struct depends on before the struct
// itself. Sections that got stuck are ended with structs left; in.missing is what
// they are stuck for. If really is false, it only goes through the motions.
func (d *Doc) drain(in *inbox, really bool) error {
	descending := func(a, b section) int { return cmp.Compare(b.client, a.client) }
	if !slices.IsSortedFunc(in.sections, descending) {
		slices.SortFunc(in.sections, descending)
		if in.byClient != nil {
			for i := range in.sections {
				in.byClient[in.sections[i].client] = i
			}
		}
	}
	var c change // on the stack: no write barriers
	for i := range in.sections {
		for s := &in.sections[i]; s.count > 0 && !s.ended; {
			if err := d.proceed(in, s, &c, really); err != nil {
				return err
			}
			if s.count == 0 {
				break
			}
			if err := d.advance(in, i, &c, really); err != nil {
				return err
			}
		}
	}
	return nil
}

// proceed gets a section past its structs for as long as none depends on
// anything that is not there.
func (d *Doc) proceed(in *inbox, s *section, c *change, really bool) error {
	r := reader{b: in.update, i: s.at}
	own := prefixOf(s.client)
	var t passage
	for s.count > 0 {
		if s.state == s.clock && r.passage(&t, &own) {
			if really {
				if err := d.acceptPassage(s, &t); err != nil {
					return err
				}
			}
			s.clock += t.length
			s.state, s.at = s.clock, r.i
			s.count--
			continue
		}
		r.change(c, d.limits.Depth)
		if s.state != s.clock || c.kind == kindSkip {
			return nil
		}
		if _, stuck := d.needs(in, s, c); stuck {
			return nil
		}
		if really {
			if err := d.accept(s, c); err != nil {
				return err
			}
		}
		s.pass(c, r.i)
	}
	return nil
}

// advance gets section i past its next struct.
func (d *Doc) advance(in *inbox, i int, c *change, really bool) error {
	in.stack = append(in.stack[:0], i)
	for len(in.stack) > 0 {
		s := &in.sections[in.stack[len(in.stack)-1]]
		r := reader{b: in.update, i: s.at}
		r.change(c, d.limits.Depth)
		need := remoteID{s.client, 0}
		stuck := false
		if really && s.state > s.clock && c.kind != kindSkip {
			if err := d.checkKnown(s, c); err != nil {
				return err
			}
		}
		if c.kind != kindSkip {
			if s.state < s.clock {
				need.clock, stuck = s.clock-1, true
			} else if s.clock+c.length > s.state {
				need, stuck = d.needs(in, s, c)
			}
		}
		if !stuck {
			if really {
				if err := d.accept(s, c); err != nil {
					return err
				}
			}
			s.pass(c, r.i)
			in.stack = in.stack[:len(in.stack)-1]
			continue
		}
		other := in.section(need.client)
		if need.client != s.client && other != nil && !other.ended && !other.waits && other.count > 0 {
			s.waits = true
			in.stack = append(in.stack, in.number(other))
			continue
		}
		in.circle = in.circle || other != nil && other.waits && !other.ended
		if in.missing == nil {
			in.missing = wants{}
		}
		in.missing.add(need)
		for _, k := range in.stack {
			in.sections[k].ended = true
		}
		return nil
	}
	return nil
}

// pass moves a section behind its next struct, to where the one after begins.
func (s *section) pass(c *change, at int) {
	s.clock += c.length
	if c.kind != kindSkip {
		s.state = max(s.state, s.clock)
	}
	s.at = at
	s.count--
	s.waits = false
}

// needs returns the first thing that the section's next struct depends on and
// that is not there.
func (d *Doc) needs(in *inbox, s *section, c *change) (remoteID, bool) {
	if c.kind == kindGC {
		return remoteID{}, false
	}
	if c.hasOrigin() && c.origin.client != s.client {
		if need, ok := d.lacks(in, s, c.origin); ok {
			return need, true
		}
	}
	if c.hasRight() && c.right.client != s.client {
		if need, ok := d.lacks(in, s, c.right); ok {
			return need, true
		}
	}
	if c.info&(bitOrigin|bitRight) == 0 && !c.rooted {
		return d.lacks(in, s, c.parent)
	}
	return remoteID{}, false
}

func (d *Doc) lacks(in *inbox, s *section, what remoteID) (remoteID, bool) {
	if what.client == s.client {
		return remoteID{}, false
	}
	state := d.stateOf(what.client)
	if what.clock < state {
		return remoteID{}, false
	}
	if other := in.section(what.client); other != nil {
		if what.clock < other.state {
			return remoteID{}, false
		}
		state = other.state
	}
	return remoteID{what.client, state}, true
}

// checkKnown refuses a struct whose beginning the document has otherwise.
func (d *Doc) checkKnown(s *section, c *change) error {
	n := min(s.state-s.clock, c.length)
	if d.agrees(s.dense, s.clock, n, c) {
		return nil
	}
	return fmt.Errorf("%w: client %d, clocks %d to %d; one of the editors must use another client id",
		ErrConflict, s.client, s.clock, s.clock+n-1)
}

// accept integrates the section's next struct, of which the document may have
// the beginning already.
func (d *Doc) accept(s *section, c *change) error {
	if c.kind == kindSkip {
		return nil
	}
	offset := s.state - s.clock
	if offset >= c.length {
		return nil
	}
	if err := d.roomFor(s, len(c.content)); err != nil {
		return err
	}
	n := &insertion{list: none, left: none, next: none}
	n.client, n.clock, n.length, n.kind = s.dense, s.clock+offset, c.length-offset, c.kind
	n.origin.client, n.right.client = noClient, noClient
	if c.kind != kindGC {
		if err := d.locate(n, c); err != nil {
			return err
		}
		if offset > 0 {
			n.origin = id{s.dense, n.clock - 1}
			n.left = d.endAt(n.origin)
			if d.items[n.left].leaf == none {
				n.list = none
			} else if n.list != none && d.listOf(n.left) != n.list {
				return fmt.Errorf("%w: client %d continues an item in another list", ErrConflict, s.client)
			}
		}
		if n.list != none {
			if err := d.meet(n); err != nil {
				return err
			}
		}
		d.load(n, c, offset)
	}
	return d.integrate(n)
}

// roomFor makes sure that the section's client is known and may write so many
// bytes more.
func (d *Doc) roomFor(s *section, bytes int) error {
	if s.dense == noClient {
		if len(d.clients) >= d.limits.Clients {
			return fmt.Errorf("%w: the document has %d authors already", ErrLimit, len(d.clients))
		}
		s.dense = d.intern(s.client)
		d.touch(s.dense)
		d.clients[s.dense].bytes = make([]byte, 0, s.size)
	}
	if len(d.clients[s.dense].bytes)+bytes > maxClock {
		return fmt.Errorf("%w: client %d has written 4 GiB", ErrLimit, s.client)
	}
	return nil
}
