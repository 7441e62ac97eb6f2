package crdt

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"strconv"
)

// signals is the state of ephemeral: keys that hubs tell each other over a lossy
// bus, without a log. [Op.Offset] is n, a counter of the hub that took the write,
// and Writer.Inc the id of that hub; per key the greatest (n, hub) wins. So ops
// may be applied in any order and any number of times.
//
// A delete leaves a mark, so that an older set which arrives late does not bring
// the key back. Only the greatest maxDeleted marks are kept: a set that is
// overtaken by more deletes than that comes back, until its time to live runs
// out.
//
// Invariant: live and deleted have no key in common; size is the length of all
// members, without commas. Values are never changed in place, so clones share
// them.
type signals struct {
	live    map[string]signal
	deleted map[string]signal
	size    int
}

type signal struct {
	n      uint64
	writer Writer // Inc is the hub
	value  []byte // canonical JSON; nil when deleted
}

func newSignals() *signals {
	return &signals{live: map[string]signal{}, deleted: map[string]signal{}}
}

func (s *signals) Check(op Op) (int, error) {
	key, next, err := readSignal(op)
	if err != nil {
		return 0, err
	}
	old, ok := s.find(key)
	if ok && next.compare(&old) <= 0 {
		return 0, nil
	}
	if !ok {
		return next.len(key) + len(","), nil
	}
	return next.len(key) - old.len(key), nil
}

func (s *signals) Apply(op Op) {
	key, next, err := readSignal(op)
	if err != nil {
		return
	}
	old, ok := s.find(key)
	if ok && next.compare(&old) <= 0 {
		return
	}
	if ok {
		s.drop(string(key), &old)
	}
	next.writer.Client = keep(old.writer.Client, next.writer.Client)
	next.writer.Inc = keep(old.writer.Inc, next.writer.Inc)
	next.value = bytes.Clone(next.value)
	s.put(string(key), next)
	if len(s.deleted) > maxDeleted {
		s.forget()
	}
}

// readSignal reads an op. The signal's value is part of it.
func readSignal(op Op) ([]byte, signal, error) {
	var o object
	if err := o.read(op); err != nil {
		return nil, signal{}, err
	}
	key, c, err := o.write(op)
	return key, signal{op.Offset, op.Writer, c.value}, err
}

func (s *signals) find(key []byte) (signal, bool) {
	if g, ok := s.live[string(key)]; ok {
		return g, true
	}
	g, ok := s.deleted[string(key)]
	return g, ok
}

// side is the map that g belongs in.
func (s *signals) side(g *signal) map[string]signal {
	if g.value == nil {
		return s.deleted
	}
	return s.live
}

func (s *signals) drop(key string, g *signal) {
	delete(s.side(g), key)
	s.size -= g.len([]byte(key))
}

func (s *signals) put(key string, g signal) {
	s.side(&g)[key] = g
	s.size += g.len([]byte(key))
}

// forget drops the least mark, by key among equals.
func (s *signals) forget() {
	var least signal
	leastKey, found := "", false
	for key, g := range s.deleted { // order-free: the least of all, keys decide ties
		if !found || cmp.Or(g.compare(&least), cmp.Compare(key, leastKey)) < 0 {
			least, leastKey, found = g, key, true
		}
	}
	s.drop(leastKey, &least)
}

func (g *signal) compare(h *signal) int {
	return cmp.Or(cmp.Compare(g.n, h.n), cmp.Compare(g.writer.Inc, h.writer.Inc))
}

// len is the length of an encoded member: "key":[n,"hub","client",value].
func (g *signal) len(key []byte) int {
	n := quotedLen(key) + len(":[,,]") + digits(g.n) + quotedLen(g.writer.Inc) + quotedLen(g.writer.Client)
	if g.value != nil {
		n += len(",") + len(g.value)
	}
	return n
}

func (s *signals) Clone() State {
	return &signals{maps.Clone(s.live), maps.Clone(s.deleted), s.size}
}

func (s *signals) AppendState(b []byte) []byte {
	// order-free: sorted next
	keys := slices.AppendSeq(slices.Collect(maps.Keys(s.live)), maps.Keys(s.deleted))
	slices.SortFunc(keys, compareUTF16)
	b = append(b, `{"keys":{`...)
	for i, key := range keys {
		if i > 0 {
			b = append(b, ',')
		}
		g, _ := s.find([]byte(key))
		b = appendString(b, key)
		b = append(b, ":["...)
		b = strconv.AppendUint(b, g.n, 10)
		b = append(b, ',')
		b = appendString(b, g.writer.Inc)
		b = append(b, ',')
		b = appendString(b, g.writer.Client)
		if g.value != nil {
			b = append(b, ',')
			b = append(b, g.value...)
		}
		b = append(b, ']')
	}
	return append(b, `},"v":1}`...)
}

func (s *signals) AppendValue(b []byte) []byte {
	b = append(b, '{')
	for i, key := range slices.SortedFunc(maps.Keys(s.live), compareUTF16) {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, key)
		b = append(b, ':')
		b = append(b, s.live[key].value...)
	}
	return append(b, '}')
}

func (s *signals) Size() int {
	return len(`{"keys":{},"v":1}`) + joinedLen(s.size, len(s.live)+len(s.deleted))
}

func decodeSignals(encoded []byte) (State, error) {
	r := reader{rest: encoded}
	s := newSignals()
	r.want(`{"keys":`)
	last := ""
	var writer Writer
	for i := range r.items("{", "}") {
		key := r.text(MaxElement)
		r.ascend(i, last, key)
		r.want(":")
		g := r.signal(&writer)
		if r.bad || g.value == nil && len(s.deleted) == maxDeleted {
			r.fail()
			break
		}
		s.put(key, g)
		last = key
	}
	r.want(`,"v":1}`)
	if err := r.err(Ephemeral, encoded); err != nil {
		return nil, err
	}
	return s, nil
}

// signal reads one signal. Ids equal to those of last share them.
func (r *reader) signal(last *Writer) signal {
	r.want("[")
	g := signal{n: r.integer(1)}
	r.want(",")
	g.writer.Inc = r.id(last.Inc)
	r.want(",")
	g.writer.Client = r.id(last.Client)
	if r.skip(",") {
		g.value = bytes.Clone(r.value())
	}
	r.want("]")
	*last = g.writer
	return g
}
