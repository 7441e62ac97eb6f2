package ydoc

// Skeleton returns what is left of an update that was refused: the same ids with
// the same neighbours, holding deleted content, and no deletions. Later content
// of the same author refers to those ids and can be applied on top. The error is
// [ErrInvalid] or [ErrLimit].
func Skeleton(update []byte) ([]byte, error) {
	s, err := newStream(update, false)
	if err != nil {
		return nil, err
	}
	var w weaver
	for ; !s.done; s.next() {
		p := s.head
		if p.kind != kindGC && p.kind != kindSkip {
			p.info = p.info&^bitsKind | kindDeleted
			p.kind, p.content = kindDeleted, nil
		}
		w.write(&p, 0)
	}
	return append(w.finish(), 0), nil
}

// DeletesOf returns the ids that an update deletes, in the order of its delete
// set. The error is [ErrInvalid] or [ErrLimit].
func DeletesOf(update []byte) ([]Range, error) {
	s, err := newStream(update, true)
	if err != nil {
		return nil, err
	}
	var out []Range
	eachDelete(update[s.in.deletes:], func(x remoteSpan) {
		out = append(out, Range{x.client, x.clock, x.end()})
	})
	return out, nil
}
