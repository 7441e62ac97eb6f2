package ydoc

import (
	"cmp"
	"slices"
)

// Merge returns one update that does what all the given ones do, without a
// document: overlaps are written once, and gaps are marked as such. The error is
// [ErrInvalid] or [ErrLimit].
func Merge(updates ...[]byte) ([]byte, error) {
	var streams []*stream
	var deletes []remoteSpan
	for _, u := range updates {
		s, err := newStream(u, true)
		if err != nil {
			return nil, err
		}
		streams = append(streams, s)
		eachDelete(u[s.in.deletes:], func(x remoteSpan) { deletes = append(deletes, x) })
	}
	switch len(updates) {
	case 0:
		return []byte{0, 0}, nil
	case 1:
		return slices.Clone(updates[0]), nil
	}
	var w weaver
	for {
		streams = slices.DeleteFunc(streams, func(s *stream) bool { return s.done })
		if len(streams) == 0 {
			break
		}
		slices.SortStableFunc(streams, func(a, b *stream) int {
			if a.head.client != b.head.client {
				return cmp.Compare(b.head.client, a.head.client)
			}
			return cmp.Compare(a.head.clock, b.head.clock)
		})
		w.weave(streams[0])
	}
	if w.open {
		w.write(&w.head, 0)
	}
	return appendRemoteSpans(w.finish(), mergeRemote(deletes)), nil
}

// Diff returns the part of an update that a document with the given state
// vector lacks, and all deletes. The error is [ErrInvalid] or [ErrLimit].
func Diff(update, stateVector []byte) ([]byte, error) {
	known, err := readStateVector(stateVector)
	if err != nil {
		return nil, err
	}
	s, err := newStream(update, false)
	if err != nil {
		return nil, err
	}
	var w weaver
	for !s.done {
		client, have := s.head.client, known[s.head.client]
		if s.head.kind == kindSkip || uint64(s.head.end()) <= have {
			s.next()
			continue
		}
		w.write(&s.head, uint32(max(have, uint64(s.head.clock))-uint64(s.head.clock)))
		for s.next(); !s.done && s.head.client == client; s.next() {
			w.write(&s.head, 0)
		}
	}
	var deletes []remoteSpan
	eachDelete(update[s.in.deletes:], func(x remoteSpan) { deletes = append(deletes, x) })
	slices.SortStableFunc(deletes, func(a, b remoteSpan) int { return cmp.Compare(b.client, a.client) })
	return appendRemoteSpans(w.finish(), deletes), nil
}

// StateVectorOf returns the state vector of a document that has only the given
// update. The error is [ErrInvalid] or [ErrLimit].
func StateVectorOf(update []byte) ([]byte, error) {
	s, err := newStream(update, false)
	if err != nil {
		return nil, err
	}
	var out []byte
	n := uint64(0)
	for !s.done {
		client, clock := s.head.client, uint32(0)
		for ; !s.done && s.head.client == client; s.next() {
			if s.head.clock == clock && s.head.kind != kindSkip {
				clock = s.head.end()
			}
		}
		if clock > 0 {
			n++
			out = appendUint(appendUint(out, client), uint64(clock))
		}
	}
	return append(appendUint(nil, n), out...), nil
}

// Range is a stretch of one client's clock: From up to, not including, To.
type Range struct {
	Client   uint64
	From, To uint32
}

// ClientsOf returns which ids an update carries content for, whether a document
// has them already or not: one range for each client without a gap, by
// descending client. The error is [ErrInvalid] or [ErrLimit].
func ClientsOf(update []byte) ([]Range, error) {
	s, err := newStream(update, true)
	if err != nil {
		return nil, err
	}
	var out []Range
	for ; !s.done; s.next() {
		h := &s.head
		if n := len(out); n > 0 && out[n-1].Client == h.client && out[n-1].To == h.clock {
			out[n-1].To = h.end()
			continue
		}
		out = append(out, Range{h.client, h.clock, h.end()})
	}
	return out, nil
}

// piece is a struct on its way from one update to another, less a beginning
// that was cut off.
type piece struct {
	change
	client uint64
	clock  uint32 // of what is left
	cut    uint32 // units cut off
}

func (p *piece) end() uint32 { return p.clock + p.length }

// stream reads the structs of an update in order.
type stream struct {
	in    inbox
	r     reader
	n     int // the section of head
	left  int // structs left in it
	clock uint32
	skips bool // leave out gaps
	head  piece
	done  bool
}

func newStream(update []byte, withoutGaps bool) (*stream, error) {
	l := Limits{}.withDefaults()
	l.Update = max(l.Update, len(update))
	s := &stream{n: -1, skips: withoutGaps}
	if err := s.in.check(update, &l); err != nil {
		return nil, err
	}
	slices.SortFunc(s.in.sections, func(a, b section) int { return cmp.Compare(b.client, a.client) })
	s.r.b = update
	s.next()
	return s, nil
}

func (s *stream) next() {
	for {
		if s.left == 0 {
			s.n++
			if s.n == len(s.in.sections) {
				s.done = true
				return
			}
			sec := &s.in.sections[s.n]
			s.r.i, s.left, s.clock = sec.at, sec.count, sec.clock
			s.head.client = sec.client
		}
		s.r.change(&s.head.change, len(s.r.b))
		s.head.clock, s.head.cut = s.clock, 0
		s.clock += s.head.length
		s.left--
		if s.head.kind != kindSkip || !s.skips {
			return
		}
	}
}

// weaver writes structs in order, each client's as one section. It holds one
// back, which may still grow.
type weaver struct {
	head   piece
	open   bool // head is in use
	parts  []byte
	one    []byte // the section being written
	count  int
	client uint64
	n      int // sections in parts
}

// weave takes what comes next from the stream whose head is first.
func (w *weaver) weave(s *stream) {
	client := s.head.client
	if !w.open {
		w.head, w.open = s.head, true
		s.next()
	} else if !w.join(s) {
		return
	}
	for !s.done && s.head.client == client && s.head.clock == w.head.end() {
		w.write(&w.head, 0)
		w.head = s.head
		s.next()
	}
}

// join puts the stream's head behind w.head. It returns false when another
// stream must have its turn first.
func (w *weaver) join(s *stream) bool {
	client := s.head.client
	moved := false
	for !s.done && s.head.client >= w.head.client && s.head.end() <= w.head.end() {
		s.next()
		moved = true
	}
	if s.done || s.head.client != client || (moved && s.head.clock > w.head.end()) {
		return false
	}
	switch {
	case client != w.head.client:
		w.push(s)
	case w.head.end() < s.head.clock:
		gap := piece{client: client, clock: w.head.end()}
		gap.kind, gap.info = kindSkip, kindSkip
		gap.length = s.head.clock - gap.clock
		w.write(&w.head, 0)
		w.head = gap
	default:
		over := w.head.end() - s.head.clock
		next := s.head
		if over > 0 && w.head.kind == kindSkip {
			w.head.length -= over
		} else {
			next.cutOff(over)
		}
		if w.head.kind == kindGC && next.kind == kindGC {
			w.head.length += next.length
			break
		}
		w.write(&w.head, 0)
		w.head = next
		s.next()
	}
	return true
}

func (w *weaver) push(s *stream) {
	w.write(&w.head, 0)
	w.head = s.head
	s.next()
}

func (p *piece) cutOff(n uint32) {
	if n == 0 {
		return
	}
	p.clock += n
	p.length -= n
	p.cut += n
}

// write appends a struct from an offset on.
func (w *weaver) write(p *piece, offset uint32) {
	if w.count > 0 && w.client != p.client {
		w.flush()
	}
	if w.count == 0 {
		w.client = p.client
		w.one = appendUint(appendUint(w.one, p.client), uint64(p.clock+offset))
	}
	q := *p
	q.cutOff(offset)
	w.one = q.append(w.one)
	w.count++
}

func (w *weaver) flush() {
	if w.count == 0 {
		return
	}
	w.parts = append(appendUint(w.parts, uint64(w.count)), w.one...)
	w.one, w.count = w.one[:0], 0
	w.n++
}

func (w *weaver) finish() []byte {
	w.flush()
	return append(appendUint(make([]byte, 0, len(w.parts)+16), uint64(w.n)), w.parts...)
}

// append writes what is left of the struct.
func (p *piece) append(b []byte) []byte {
	if p.kind == kindGC || p.kind == kindSkip {
		return appendUint(append(b, p.kind), uint64(p.length))
	}
	info := p.writtenInfo()
	if p.cut > 0 {
		info |= bitOrigin
		p.origin = remoteID{p.client, p.clock - 1}
	}
	b = append(b, info)
	if info&bitOrigin != 0 {
		b = appendUint(appendUint(b, p.origin.client), uint64(p.origin.clock))
	}
	if info&bitRight != 0 {
		b = appendUint(appendUint(b, p.right.client), uint64(p.right.clock))
	}
	if info&(bitOrigin|bitRight) == 0 {
		if p.rooted {
			b = appendSpan(append(b, 1), p.root)
		} else {
			b = appendUint(appendUint(append(b, 0), p.parent.client), uint64(p.parent.clock))
		}
		if p.hasSub() {
			b = appendSpan(b, p.sub)
		}
	}
	return p.appendContent(b)
}

func (p *piece) appendContent(b []byte) []byte {
	switch p.kind {
	case kindDeleted:
		return appendUint(b, uint64(p.length))
	case kindString:
		at, inside := unitOffset(p.content, p.cut)
		if inside {
			b = appendUint(b, uint64(len(p.content)-at-4+len(replacement)))
			return append(append(b, replacement...), p.content[at+4:]...)
		}
		return appendSpan(b, p.content[at:])
	case kindAny, kindJSON:
		b = appendUint(b, uint64(p.length))
		return append(b, p.content[contentSize(p.kind, p.content, p.cut):]...)
	case kindFormat:
		return appendSpan(appendSpan(b, p.key), p.content)
	case kindType:
		b = append(b, p.shared)
		if p.shared == typeXMLElement || p.shared == typeXMLHook {
			b = appendSpan(b, p.key)
		}
		return b
	case kindBinary, kindEmbed:
		return appendSpan(b, p.content)
	}
	return append(b, p.content...)
}
