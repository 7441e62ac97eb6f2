package crdt

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
)

// appendLog is the state of append-log: the newest entries in the hub's order.
// What leaves the state stays in the stream's log, for as long as that is kept.
//
// Invariant: offsets ascend; only entries of the initial value share one, 1.
// There are at most keep entries, with values of at most MaxLogBytes; size is
// the length of all entries, without commas. Values are never changed in place,
// so clones share them.
type appendLog struct {
	entries []logEntry
	keep    int
	bytes   int // Σ weight
	size    int
}

// logEntry is one value. Of a redacted one only the weight is left, so that a
// replica which reads the cleaned log drops the same older entries.
type logEntry struct {
	off    uint64
	value  []byte // canonical JSON; nil when redacted
	weight int    // the length of the value
}

func (l *appendLog) Check(op Op) (int, error) {
	var o object
	if err := o.read(op); err != nil {
		return 0, err
	}
	switch string(o.name) {
	case "append":
		e, err := l.next(&o, op.Offset)
		if err != nil {
			return 0, err
		}
		if e.value == nil {
			return 0, Errorf(BadOp, "a redacted entry cannot be appended; it only stands where an entry was")
		}
		return 0, nil // the state bounds itself
	case "trim", "redact":
		_, err := o.offset()
		return 0, err
	case "options":
		_, err := o.keep()
		return 0, err
	case "initial":
		fresh, err := initialLog(&o)
		if err != nil {
			return 0, err
		}
		return fresh.Size() - l.Size(), nil
	}
	return 0, o.unknown()
}

func (l *appendLog) Apply(op Op) {
	var o object
	if o.read(op) != nil {
		return
	}
	switch string(o.name) {
	case "append":
		if e, err := l.next(&o, op.Offset); err == nil {
			e.value = bytes.Clone(e.value)
			l.push(e)
			l.evict()
		}
	case "trim":
		if before, err := o.offset(); err == nil {
			l.drop(0, l.find(before))
		}
	case "redact":
		if off, err := o.offset(); err == nil {
			l.drop(l.find(off), l.find(off+1))
		}
	case "options":
		if n, err := o.keep(); err == nil {
			l.keep = n
			l.evict()
		}
	case "initial":
		if fresh, err := initialLog(&o); err == nil {
			*l = *fresh
		}
	}
}

func (l *appendLog) push(e logEntry) {
	l.entries = append(l.entries, e)
	l.bytes += e.weight
	l.size += e.len()
}

// evict drops the oldest entries until the rest is within bounds.
func (l *appendLog) evict() {
	n, over := 0, l.bytes-MaxLogBytes
	for len(l.entries)-n > l.keep || over > 0 {
		over -= l.entries[n].weight
		n++
	}
	l.drop(0, n)
}

// drop removes the entries from i up to j.
func (l *appendLog) drop(i, j int) {
	for _, e := range l.entries[i:j] {
		l.bytes -= e.weight
		l.size -= e.len()
	}
	if i > 0 {
		l.entries = slices.Delete(l.entries, i, j)
		return
	}
	// The common case, at the front: move the slice, not the entries. append
	// leaves what was dropped behind when it next grows.
	clear(l.entries[:j])
	l.entries = l.entries[j:]
}

// find is the index of the first entry at or after off.
func (l *appendLog) find(off uint64) int {
	i, _ := slices.BinarySearchFunc(l.entries, off, func(e logEntry, off uint64) int {
		return cmp.Compare(e.off, off)
	})
	return i
}

// next reads an append. The entry's value is part of the op.
func (l *appendLog) next(o *object, off uint64) (logEntry, error) {
	e := logEntry{off: off, value: o.get("value")}
	e.weight = len(e.value)
	switch {
	case o.exactly("value"):
	case o.exactly("redacted"):
		n, ok := parseInteger(o.get("redacted"))
		if !ok || n == 0 || n > MaxLogEntry {
			return e, Errorf(BadOp, `"redacted" is the length of the value that was there`)
		}
		e.weight = int(n)
	default:
		return e, Errorf(BadOp, `the only field of append is "value"`)
	}
	if e.weight > MaxLogEntry {
		return e, errEntry()
	}
	if n := len(l.entries); n > 0 && l.entries[n-1].off >= off {
		return e, errOrder()
	}
	return e, nil
}

func errEntry() error {
	return Errorf(TooLarge, "an entry has at most %d bytes of canonical JSON", MaxLogEntry)
}

// offset reads a trim or a redact.
func (o *object) offset() (uint64, error) {
	key := "offset"
	if string(o.name) == "trim" {
		key = "before"
	}
	n, ok := parseInteger(o.get(key))
	if !ok || n == 0 || !o.exactly(key) {
		return 0, Errorf(BadOp, `the only field of trim is "before", that of redact "offset": an offset`)
	}
	return n, nil
}

// keep reads options.
func (o *object) keep() (int, error) {
	n, ok := parseInteger(o.get("keep"))
	if !ok || n == 0 || n > MaxKeep || !o.exactly("keep") {
		return 0, Errorf(BadOp, `the only option of an append-log is "keep", from 1 to %d`, MaxKeep)
	}
	return int(n), nil
}

// initial is the log that an initial op names; its entries have offset 1.
func initialLog(o *object) (*appendLog, error) {
	value := o.get("value")
	if !o.exactly("value") || value[0] != '[' {
		return nil, Errorf(BadOp, "an initial log is an array")
	}
	l := &appendLog{keep: DefaultKeep}
	r := reader{rest: value}
	for range r.items("[", "]") {
		v := r.value()
		if len(v) > MaxLogEntry {
			return nil, errEntry()
		}
		l.push(logEntry{1, bytes.Clone(v), len(v)})
		l.evict()
	}
	return l, nil
}

// RedactAppend returns what takes the place of a committed append op in the log
// of an append-log when its value must go: the value's length stays, so that
// every replica goes on keeping the same entries. It reports false if body is
// not such an op, or is redacted already.
func RedactAppend(body []byte) ([]byte, bool) {
	var o object
	if !o.parse(body) || string(o.name) != "append" || !o.exactly("value") {
		return nil, false
	}
	b := append([]byte(nil), `{"op":"append","redacted":`...)
	b = strconv.AppendInt(b, int64(len(o.get("value"))), 10)
	return append(b, '}'), true
}

// len is the length of the encoded entry: [off,value] or [off,null,weight].
func (e *logEntry) len() int {
	if e.value == nil {
		return len("[,null,]") + digits(e.off) + digits(uint64(e.weight))
	}
	return len("[,]") + digits(e.off) + len(e.value)
}

func (l *appendLog) Clone() State {
	c := *l
	c.entries = slices.Clone(l.entries)
	return &c
}

func (l *appendLog) AppendState(b []byte) []byte {
	b = append(b, `{"entries":[`...)
	for i, e := range l.entries {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '[')
		b = strconv.AppendUint(b, e.off, 10)
		b = append(b, ',')
		if e.value == nil {
			b = append(b, "null,"...)
			b = strconv.AppendInt(b, int64(e.weight), 10)
		} else {
			b = append(b, e.value...)
		}
		b = append(b, ']')
	}
	b = append(b, `],"keep":`...)
	b = strconv.AppendInt(b, int64(l.keep), 10)
	return append(b, `,"v":1}`...)
}

// AppendValue appends the values, oldest first, without the redacted ones.
func (l *appendLog) AppendValue(b []byte) []byte {
	b = append(b, '[')
	first := true
	for _, e := range l.entries {
		if e.value == nil {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(b, e.value...)
	}
	return append(b, ']')
}

// AppendOptions implements [Configurable].
func (l *appendLog) AppendOptions(b []byte) []byte {
	b = append(b, `{"keep":`...)
	b = strconv.AppendInt(b, int64(l.keep), 10)
	return append(b, '}')
}

func (l *appendLog) Size() int {
	return len(`{"entries":[],"keep":,"v":1}`) + digits(uint64(l.keep)) + joinedLen(l.size, len(l.entries))
}

func decodeAppendLog(encoded []byte) (State, error) {
	r := reader{rest: encoded}
	l := &appendLog{}
	r.want(`{"entries":`)
	last := uint64(1)
	for i := range r.items("[", "]") {
		e := r.entry()
		if e.off < last || e.off == last && e.off > 1 || i == MaxKeep {
			r.fail()
		}
		if r.bad {
			break
		}
		l.push(e)
		last = e.off
	}
	r.want(`,"keep":`)
	l.keep = int(r.integer(1))
	r.want(`,"v":1}`)
	if l.keep > MaxKeep || len(l.entries) > l.keep || l.bytes > MaxLogBytes {
		r.fail()
	}
	if err := r.err(Log, encoded); err != nil {
		return nil, err
	}
	return l, nil
}

// entry reads an encoded entry.
func (r *reader) entry() logEntry {
	r.want("[")
	e := logEntry{off: r.integer(1)}
	r.want(",")
	value := r.value()
	e.weight = len(value)
	if r.skip(",") {
		if string(value) != "null" {
			r.fail()
		}
		e.weight = int(r.integer(1))
	} else {
		e.value = bytes.Clone(value)
	}
	r.want("]")
	if e.weight > MaxLogEntry {
		r.fail()
	}
	return e
}
