package ydoc

import (
	"encoding/json"
	"fmt"
)

// Bits of a struct's first byte, above its kind.
const (
	bitOrigin = 0x80
	bitRight  = 0x40
	bitSub    = 0x20
	bitsKind  = 0x1f
)

// remoteID is an id as updates write it.
type remoteID struct {
	client uint64
	clock  uint32
}

// change is one struct of an update. Its slices refer to the update.
type change struct {
	kind   uint8
	info   byte
	length uint32

	origin, right remoteID // if info says so
	rooted        bool     // else, if neither: the parent is the root named by root
	root          []byte
	parent        remoteID // or else the type that this item holds
	sub           []byte

	content []byte // without its length or count
	key     []byte // of a format; the name of a shared type
	shared  uint8  // which shared type
}

func (c *change) hasOrigin() bool { return c.info&bitOrigin != 0 }
func (c *change) hasRight() bool  { return c.info&bitRight != 0 }
func (c *change) hasSub() bool    { return c.info&(bitSub|bitOrigin|bitRight) == bitSub }

// change reads one struct.
func (r *reader) change(c *change, depth int) {
	info := r.byte()
	c.info, c.kind = info, info&bitsKind
	if c.kind == kindGC || c.kind == kindSkip {
		c.length = r.uint32()
		if c.length == 0 {
			r.fail("a struct is empty")
		}
		return
	}
	if info&bitOrigin != 0 {
		c.origin = r.ref()
	}
	if info&bitRight != 0 {
		c.right = r.ref()
	}
	if info&(bitOrigin|bitRight) == 0 {
		c.rooted = r.uint() == 1
		if c.rooted {
			c.root = r.text()
		} else {
			c.parent = r.ref()
		}
		if info&bitSub != 0 {
			c.sub = r.text()
		}
	}
	r.content(c, depth)
}

func (r *reader) content(c *change, depth int) {
	c.length = 1
	switch c.kind {
	case kindString:
		c.content = r.span()
		c.length = units(c.content)
	case kindDeleted:
		c.length = r.uint32()
	case kindJSON:
		n := r.count(1)
		start := r.i
		for range n {
			r.span()
		}
		c.content, c.length = r.b[start:r.i], uint32(n)
	case kindAny:
		n := r.count(1)
		start := r.i
		for range n {
			r.skipAny(depth)
		}
		c.content, c.length = r.b[start:r.i], uint32(n)
	case kindBinary, kindEmbed:
		c.content = r.span()
	case kindFormat:
		c.key, c.content = r.span(), r.span()
	case kindType:
		n := r.uint()
		if n > uint64(typeXMLText) {
			r.fail("a shared type is unknown")
			return
		}
		c.shared, c.key = uint8(n), nil
		if c.shared == typeXMLElement || c.shared == typeXMLHook {
			c.key = r.span()
		}
	case kindDoc:
		start := r.i
		r.span()
		r.skipAny(depth)
		c.content = r.b[start:r.i]
	default:
		r.fail("a struct has an unknown kind")
	}
	if c.length == 0 {
		r.fail("a struct is empty")
	}
}

// checkContent checks what integration takes for granted.
func (r *reader) checkContent(c *change, depth int) {
	switch c.kind {
	case kindString:
		r.checkText(c.content)
	case kindEmbed:
		r.checkJSON(c.content, depth)
	case kindFormat:
		r.checkText(c.key)
		r.checkJSON(c.content, depth)
	case kindType:
		r.checkText(c.key)
	case kindJSON:
		in := reader{b: c.content}
		for in.i < len(in.b) {
			if s := in.span(); string(s) != "undefined" {
				r.checkJSON(s, depth)
			}
		}
	case kindDoc:
		in := reader{b: c.content}
		r.checkText(in.span())
		if in.i < len(in.b) && in.b[in.i] != anyObject {
			r.fail("a sub-document's options are not an object")
		}
	}
}

func (r *reader) checkText(s []byte) {
	if !validText(s) && r.err == nil {
		r.err = errBadText
		r.i = len(r.b)
	}
}

func (r *reader) checkJSON(s []byte, depth int) {
	if !json.Valid(s) || !validText(s) {
		r.fail("a value is not JSON")
		return
	}
	if jsonDepth(s) > depth {
		r.deep()
	}
}

func (r *reader) deep() {
	if r.err == nil {
		r.err = errDeepValue
	}
	r.i = len(r.b)
}

// jsonDepth returns how deeply arrays and objects nest in valid JSON.
func jsonDepth(s []byte) int {
	deepest, depth, quoted := 0, 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			depth++
			deepest = max(deepest, depth)
		case c == ']' || c == '}':
			depth--
		}
	}
	return deepest
}

// contentSize returns how many bytes the first n values of content take.
func contentSize(kind uint8, content []byte, n uint32) uint32 {
	r := reader{b: content}
	for range n {
		if kind == kindJSON {
			r.span()
		} else {
			r.skipAny(len(content))
		}
	}
	return uint32(r.i)
}

// section is the structs of one client in an update.
type section struct {
	client uint64
	dense  uint32 // noClient until it has content
	state  uint32 // the client's next clock, as far as integration got
	count  int    // structs from at on
	at     int    // where the next struct begins
	clock  uint32 // its clock
	size   int    // of the content of all structs
	next   int32  // the right neighbour of the last passage, or none
	waits  bool   // on the stack, for a struct of another client
	ended  bool   // nothing of it can be integrated any more
}

// inbox is an update being applied.
type inbox struct {
	update   []byte
	sections []section
	byClient map[uint64]int // once there are many sections
	deletes  int            // where the delete set begins
	stack    []int
	missing  wants
	circle   bool // structs wait for each other
}

const sectionsWithoutIndex = 8

// sectionsKept is how many sections an inbox keeps the memory for.
const sectionsKept = 64

// clear lets go of the update.
func (in *inbox) clear() {
	if cap(in.sections) > sectionsKept {
		in.sections, in.stack = nil, nil
	}
	in.update, in.byClient = nil, nil
}

// check reads a whole update and checks all that can be checked without the
// document. It fills in the sections.
func (in *inbox) check(update []byte, l *Limits) error {
	in.update, in.sections, in.byClient = update, in.sections[:0], nil
	if len(update) > l.Update {
		return fmt.Errorf("%w: the update has %d bytes, %d are allowed; split it", ErrLimit, len(update), l.Update)
	}
	r := reader{b: update}
	var c change // on the stack: no write barriers
	for n := r.count(3); n > 0 && r.err == nil; n-- {
		in.checkSection(&r, l, &c)
	}
	in.deletes = r.i
	for n := r.count(2); n > 0; n-- {
		r.uint()
		for k := r.count(2); k > 0; k-- {
			clock, length := r.uint32(), r.uint32()
			if uint64(clock)+uint64(length) > maxClock {
				r.fail("a clock is above 2^32 − 1")
			}
		}
	}
	if r.err == nil && r.i != len(update) {
		r.fail("there is more behind the update")
	}
	if r.err != nil {
		in.sections = in.sections[:0]
	}
	return r.err
}

// maxClock is one more than the greatest clock.
const maxClock = 1<<32 - 1

func (in *inbox) checkSection(r *reader, l *Limits, c *change) {
	s := section{count: r.count(2), client: r.uint(), clock: r.uint32(), at: r.i}
	s.at = r.i
	if in.section(s.client) != nil {
		r.fail("a client has two sections")
		return
	}
	if len(in.sections) >= l.Clients {
		r.err = fmt.Errorf("%w: the update has more than %d authors", ErrLimit, l.Clients)
		return
	}
	clock := uint64(s.clock)
	own := prefixOf(s.client)
	var t passage
	for range s.count {
		if at := r.i; r.passage(&t, &own) {
			if !t.ahead(clock) && clock+uint64(t.length) <= maxClock {
				s.size += len(t.content)
				clock += uint64(t.length)
				continue
			}
			r.i = at // for the error
		}
		r.change(c, l.Depth)
		r.checkContent(c, l.Depth)
		if r.err != nil {
			return
		}
		if c.kind != kindGC && c.kind != kindSkip {
			if (c.hasOrigin() && c.origin.client == s.client && uint64(c.origin.clock) >= clock) ||
				(c.hasRight() && c.right.client == s.client && uint64(c.right.clock) >= clock) ||
				(c.info&(bitOrigin|bitRight) == 0 && !c.rooted && c.parent.client == s.client && uint64(c.parent.clock) >= clock) {
				r.fail("a struct refers to itself or to its author's future")
				return
			}
		}
		s.size += len(c.content)
		if clock += uint64(c.length); clock > maxClock {
			r.fail("a clock is above 2^32 − 1")
			return
		}
	}
	if s.count == 0 {
		return
	}
	in.sections = append(in.sections, s)
	if in.byClient != nil {
		in.byClient[s.client] = len(in.sections) - 1
	} else if len(in.sections) > sectionsWithoutIndex {
		in.byClient = map[uint64]int{}
		for i := range in.sections {
			in.byClient[in.sections[i].client] = i
		}
	}
}

func (in *inbox) section(client uint64) *section {
	if in.byClient != nil {
		if i, ok := in.byClient[client]; ok {
			return &in.sections[i]
		}
		return nil
	}
	for i := range in.sections {
		if in.sections[i].client == client {
			return &in.sections[i]
		}
	}
	return nil
}

func (in *inbox) number(s *section) int {
	if in.byClient != nil {
		return in.byClient[s.client]
	}
	for i := range in.sections {
		if &in.sections[i] == s {
			return i
		}
	}
	return -1
}
