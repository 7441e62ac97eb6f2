package crdt

import (
	"maps"
	"slices"
	"strconv"
)

// observedSet is an OR-Set, observed remove (Shapiro et al., 2011), on a totally
// ordered log: instead of unique tags and tombstones, an add is known by its
// offset, and a remove names all adds it observed by the offset its author had
// applied. What the author had not seen survives: add wins.
//
// Invariant: no element without adds; adds of an element ascend by offset, one
// per writer; size is the length of all members, without commas. A list of adds
// is never changed in place, so clones share it.
type observedSet struct {
	adds map[string][]dot
	size int
}

// dot is one add of an element.
type dot struct {
	off    uint64
	writer Writer
}

func newObservedSet() *observedSet { return &observedSet{adds: map[string][]dot{}} }

func (s *observedSet) Check(op Op) (int, error) {
	var o object
	if err := o.read(op); err != nil {
		return 0, err
	}
	switch string(o.name) {
	case "add":
		element, err := o.element()
		if err != nil {
			return 0, err
		}
		return s.checkAdd(element, op)
	case "remove":
		_, err := o.element()
		return 0, err
	case "initial":
		elements, err := o.elements()
		if err != nil {
			return 0, err
		}
		fresh := initialObservedSet(elements, op)
		return fresh.Size() - s.Size(), nil
	}
	return 0, o.unknown()
}

func (s *observedSet) checkAdd(element []byte, op Op) (int, error) {
	dots := s.adds[string(element)]
	switch {
	case len(dots) == 0 && len(s.adds) >= MaxElements:
		return 0, errElements()
	case len(dots) > 0 && dots[len(dots)-1].off >= op.Offset:
		return 0, errOrder()
	}
	return added(element, dots, dot{op.Offset, op.Writer}), nil
}

// added is by how many bytes one more add of element, which has dots now, makes
// the encoding longer.
func added(element []byte, dots []dot, d dot) int {
	if len(dots) == 0 {
		return memberLen(element, d) + len(",")
	}
	if i := slices.IndexFunc(dots, d.sameWriter); i >= 0 {
		return d.len() - dots[i].len()
	}
	return d.len() + len(",")
}

func (s *observedSet) Apply(op Op) {
	var o object
	if o.read(op) != nil {
		return
	}
	switch string(o.name) {
	case "add":
		if element, err := o.element(); err == nil {
			s.add(element, op)
		}
	case "remove":
		if element, err := o.element(); err == nil {
			s.remove(element, op)
		}
	case "initial":
		if elements, err := o.elements(); err == nil {
			*s = *initialObservedSet(elements, op)
		}
	}
}

func (s *observedSet) add(element []byte, op Op) {
	grow, err := s.checkAdd(element, op)
	if err != nil {
		return
	}
	dots := s.adds[string(element)]
	d := dot{op.Offset, Writer{keep("", op.Writer.Client), keep("", op.Writer.Inc)}}
	s.size += grow
	if len(dots) == 0 {
		s.size -= len(",")
	}
	kept := make([]dot, 0, len(dots)+1)
	for _, old := range dots {
		if !d.sameWriter(old) {
			kept = append(kept, old)
		}
	}
	s.adds[string(element)] = append(kept, d)
}

// remove deletes the adds that its author knew: up to the offset it had applied,
// and its own, which come earlier in the log.
func (s *observedSet) remove(element []byte, op Op) {
	dots := s.adds[string(element)]
	var kept []dot
	for _, d := range dots {
		if d.off > op.At && d.writer != op.Writer {
			kept = append(kept, d)
		}
	}
	if len(kept) == len(dots) {
		return
	}
	s.size -= memberLen(element, dots...)
	if len(kept) == 0 {
		delete(s.adds, string(element))
		return
	}
	s.size += memberLen(element, kept...)
	s.adds[string(element)] = kept
}

func initialObservedSet(elements []string, op Op) *observedSet {
	s := newObservedSet()
	for _, element := range elements {
		s.add([]byte(element), op)
	}
	return s
}

func (d dot) sameWriter(other dot) bool { return d.writer == other.writer }

// len is the length of an encoded add: [off,"client","inc"].
func (d dot) len() int {
	return len("[,,]") + digits(d.off) + quotedLen(d.writer.Client) + quotedLen(d.writer.Inc)
}

// memberLen is the length of an encoded element: "element":[adds].
func memberLen[T string | []byte](element T, dots ...dot) int {
	size := 0
	for _, d := range dots {
		size += d.len()
	}
	return quotedLen(element) + len(":[]") + joinedLen(size, len(dots))
}

func (s *observedSet) Clone() State {
	return &observedSet{maps.Clone(s.adds), s.size}
}

func (s *observedSet) AppendState(b []byte) []byte {
	b = append(b, `{"adds":{`...)
	for i, element := range s.sorted() {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, element)
		b = append(b, ":["...)
		for j, d := range s.adds[element] {
			if j > 0 {
				b = append(b, ',')
			}
			b = append(b, '[')
			b = strconv.AppendUint(b, d.off, 10)
			b = append(b, ',')
			b = appendString(b, d.writer.Client)
			b = append(b, ',')
			b = appendString(b, d.writer.Inc)
			b = append(b, ']')
		}
		b = append(b, ']')
	}
	return append(b, `},"v":1}`...)
}

func (s *observedSet) sorted() []string {
	return slices.SortedFunc(maps.Keys(s.adds), compareUTF16)
}

func (s *observedSet) AppendValue(b []byte) []byte {
	b = append(b, '[')
	for i, element := range s.sorted() {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, element)
	}
	return append(b, ']')
}

func (s *observedSet) Size() int {
	return len(`{"adds":{},"v":1}`) + joinedLen(s.size, len(s.adds))
}

func decodeObservedSet(encoded []byte) (State, error) {
	r := reader{rest: encoded}
	s := newObservedSet()
	r.want(`{"adds":`)
	last := ""
	var writer Writer
	for i := range r.items("{", "}") {
		element := r.text(MaxElement)
		r.ascend(i, last, element)
		r.want(":")
		dots := r.dots(&writer)
		if len(dots) == 0 || len(s.adds) == MaxElements {
			r.fail()
		}
		if r.bad {
			break
		}
		s.adds[element] = dots
		s.size += memberLen(element, dots...)
		last = element
	}
	r.want(`,"v":1}`)
	if err := r.err(ORSet, encoded); err != nil {
		return nil, err
	}
	return s, nil
}

// dots reads the adds of one element. last is the writer read before, so that
// equal ids are kept once.
func (r *reader) dots(last *Writer) []dot {
	var dots []dot
	for i := range r.items("[", "]") {
		r.want("[")
		d := dot{off: r.integer(1)}
		r.want(",")
		d.writer.Client = r.id(last.Client)
		r.want(",")
		d.writer.Inc = r.id(last.Inc)
		r.want("]")
		if r.bad || i > 0 && d.off <= dots[i-1].off {
			r.fail()
			return nil
		}
		dots = append(dots, d)
		*last = d.writer
	}
	if !distinct(dots) {
		r.fail()
	}
	return dots
}

// distinct reports whether no writer has two of the dots.
func distinct(dots []dot) bool {
	if len(dots) < 2 {
		return true
	}
	seen := make(map[Writer]struct{}, len(dots))
	for _, d := range dots {
		seen[d.writer] = struct{}{}
	}
	return len(seen) == len(dots)
}
