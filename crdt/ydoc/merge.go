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
