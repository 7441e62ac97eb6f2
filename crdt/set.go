package crdt

import (
	"maps"
	"slices"
)

// twoPhaseSet is a 2P-Set (Shapiro et al., 2011): an element is added, then
// perhaps removed, and then never returns.
//
// Invariant: live and removed have no element in common and at most MaxElements
// together; size is the length of all their strings, without commas.
type twoPhaseSet struct {
	live    map[string]struct{}
	removed map[string]struct{}
	size    int
}

func newTwoPhaseSet() *twoPhaseSet {
	return &twoPhaseSet{live: map[string]struct{}{}, removed: map[string]struct{}{}}
}

func (s *twoPhaseSet) Check(op Op) (int, error) {
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
		return s.checkAdd(element)
	case "remove":
		_, err := o.element()
		return 0, err // an element only moves; the commas may move with it
	case "initial":
		elements, err := o.elements()
		if err != nil {
			return 0, err
		}
		fresh := initialTwoPhaseSet(elements)
		return fresh.Size() - s.Size(), nil
	}
	return 0, o.unknown()
}

func (s *twoPhaseSet) checkAdd(element []byte) (int, error) {
	if _, ok := s.removed[string(element)]; ok {
		return 0, Errorf(RemovedForever, "the element was removed, and a 2P-Set never takes it back; use another element, or crdt-orset")
	}
	if _, ok := s.live[string(element)]; ok {
		return 0, nil
	}
	if len(s.live)+len(s.removed) >= MaxElements {
		return 0, errElements()
	}
	return quotedLen(element) + len(","), nil
}

func (s *twoPhaseSet) Apply(op Op) {
	var o object
	if o.read(op) != nil {
		return
	}
	switch string(o.name) {
	case "add":
		if element, err := o.element(); err == nil {
			s.add(element)
		}
	case "remove":
		if element, err := o.element(); err == nil {
			s.remove(element)
		}
	case "initial":
		if elements, err := o.elements(); err == nil {
			*s = *initialTwoPhaseSet(elements)
		}
	}
}

// add adds the element if Check would let it.
func (s *twoPhaseSet) add(element []byte) {
	if grow, err := s.checkAdd(element); err != nil || grow == 0 {
		return
	}
	s.live[string(element)] = struct{}{}
	s.size += quotedLen(element)
}

func (s *twoPhaseSet) remove(element []byte) {
	if _, ok := s.live[string(element)]; !ok {
		return
	}
	delete(s.live, string(element))
	s.removed[string(element)] = struct{}{}
}

func initialTwoPhaseSet(elements []string) *twoPhaseSet {
	s := newTwoPhaseSet()
	for _, element := range elements {
		s.add([]byte(element))
	}
	return s
}

func (s *twoPhaseSet) Clone() State {
	return &twoPhaseSet{maps.Clone(s.live), maps.Clone(s.removed), s.size}
}

func (s *twoPhaseSet) AppendState(b []byte) []byte {
	b = append(b, `{"live":`...)
	b = appendStrings(b, s.live)
	b = append(b, `,"removed":`...)
	b = appendStrings(b, s.removed)
	return append(b, `,"v":1}`...)
}

func (s *twoPhaseSet) AppendValue(b []byte) []byte { return appendStrings(b, s.live) }

// Size counts as if all elements were on one side, one comma too many at most.
func (s *twoPhaseSet) Size() int {
	return len(`{"live":[],"removed":[],"v":1}`) + joinedLen(s.size, len(s.live)+len(s.removed))
}

func decodeTwoPhaseSet(encoded []byte) (State, error) {
	r := reader{rest: encoded}
	s := newTwoPhaseSet()
	r.want(`{"live":`)
	r.strings(s, s.live)
	r.want(`,"removed":`)
	r.strings(s, s.removed)
	r.want(`,"v":1}`)
	if err := r.err(Set, encoded); err != nil {
		return nil, err
	}
	return s, nil
}

// strings reads sorted elements into one side of s.
func (r *reader) strings(s *twoPhaseSet, side map[string]struct{}) {
	last := ""
	for i := range r.items("[", "]") {
		element := r.text(MaxElement)
		r.ascend(i, last, element)
		if _, ok := s.live[element]; ok || len(s.live)+len(s.removed) == MaxElements {
			r.fail()
		}
		if r.bad {
			return
		}
		side[element] = struct{}{}
		s.size += quotedLen(element)
		last = element
	}
}

// element reads the value of an add or a remove.
func (o *object) element() ([]byte, error) {
	element := o.text("value")
	if element == nil || !o.exactly("value") {
		return nil, Errorf(BadOp, `the only field of this op is "value", a string`)
	}
	if len(element) > MaxElement {
		return nil, errElement()
	}
	return element, nil
}

// elements reads the value of an initial set.
func (o *object) elements() ([]string, error) {
	value := o.get("value")
	if !o.exactly("value") || value[0] != '[' {
		return nil, Errorf(BadOp, "an initial set is an array of strings")
	}
	var elements []string
	r := reader{rest: value}
	for i := range r.items("[", "]") {
		element := unquote(r.value())
		if element == nil {
			return nil, Errorf(BadOp, "an initial set is an array of strings")
		}
		if i == MaxElements {
			return nil, errElements()
		}
		element = unescape(element)
		if len(element) > MaxElement {
			return nil, errElement()
		}
		elements = append(elements, string(element))
	}
	return elements, nil
}

func errElement() error {
	return Errorf(TooLarge, "an element or key has at most %d bytes", MaxElement)
}

func errElements() error {
	return Errorf(StreamFull, "a set has at most %d elements, in a 2P-Set with the removed ones", MaxElements)
}

// appendStrings appends the keys of m as a sorted array.
func appendStrings(b []byte, m map[string]struct{}) []byte {
	b = append(b, '[')
	for i, s := range slices.SortedFunc(maps.Keys(m), compareUTF16) {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, s)
	}
	return append(b, ']')
}
