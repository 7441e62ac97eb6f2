package ydoc

import (
	"cmp"
	"slices"
)

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
