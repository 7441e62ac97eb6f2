package ydoc

import "sort"

// Past is what somebody has not seen of a document: ids that were inserted and
// ids that were deleted since. The ranges may come in any order and overlap.
type Past struct {
	Added, Deleted []Range
}

// PositionIn returns where a position in the text as it was is now. pos counts
// UTF-16 code units in what somebody saw who has not seen past. The result is
// behind the last unit that they saw before pos. The error is [ErrRange] or
// [ErrDeleted]. It walks the text up to the position.
//
// Formatting that was deleted since counts as one unit: a deleted item no longer
// tells what it held.
func (t Text) PositionIn(pos int, past Past) (int, error) {
	if err := t.valid(); err != nil {
		return 0, err
	}
	seen, now, found := 0, 0, pos == 0
	t.eachRun(past, func(u stretch, was, is bool) bool {
		if found {
			return false
		}
		n := u.len()
		if was && seen+n >= pos {
			found = true
			n = pos - seen
		}
		if was {
			seen += n
		}
		if is {
			now += n
		}
		return !found
	})
	if !found || pos < 0 {
		return 0, ErrRange
	}
	return now, nil
}

// RangeIn returns where n units from pos on are now, as [position, length] in
// ascending order, and the ids of those that are gone: positions and units are
// those of somebody who has not seen past. What was inserted between them since
// is not covered. The error is [ErrRange] or [ErrDeleted].
func (t Text) RangeIn(pos, n int, past Past) (spans [][2]int, gone []Range, err error) {
	if err := t.valid(); err != nil {
		return nil, nil, err
	}
	if pos < 0 || n < 0 {
		return nil, nil, ErrRange
	}
	seen, now := 0, 0
	t.eachRun(past, func(u stretch, was, is bool) bool {
		k := u.len()
		from, to := max(pos, seen), min(pos+n, seen+k)
		switch last := len(spans) - 1; {
		case !was || from >= to:
		case !is:
			first := u.from + uint32(from-seen)
			gone = append(gone, Range{t.d.clients[u.client].id, first, first + uint32(to-from)})
		case last >= 0 && spans[last][0]+spans[last][1] == now+from-seen:
			spans[last][1] += to - from
		default:
			spans = append(spans, [2]int{now + from - seen, to - from})
		}
		if was {
			seen += k
		}
		if is {
			now += k
		}
		return seen < pos+n
	})
	if seen < pos+n {
		return nil, nil, ErrRange
	}
	return spans, gone, nil
}

// DeleteUpdate returns the update that deletes ids.
func DeleteUpdate(ids []Range) []byte {
	var spans []remoteSpan
	for _, r := range ids {
		spans = append(spans, remoteSpan{r.Client, r.From, r.To - r.From})
	}
	return appendRemoteSpans([]byte{0}, mergeRemote(spans))
}

// stretch is units of one client with ids that follow each other.
type stretch struct{ client, from, to uint32 }

func (u stretch) len() int { return int(u.to - u.from) }

// eachRun goes through the text in runs of units of which somebody saw all or
// nothing, and of which all or nothing is there now, until f returns false.
func (t Text) eachRun(past Past, f func(u stretch, was, is bool) bool) {
	l := t.seq()
	if l == none {
		return
	}
	d := t.d
	added, deleted := d.index(past.Added), d.index(past.Deleted)
	for leaf := d.lists[l].first; leaf != none; leaf = d.leaves[leaf].next {
		lf := &d.leaves[leaf]
		for _, i := range lf.items[:lf.n] {
			it := &d.items[i]
			if it.kind == kindFormat {
				continue
			}
			for clock := it.clock; clock < it.end(); {
				hidden, end := added.covers(it.client, clock, it.end())
				revived, end := deleted.covers(it.client, clock, end)
				was := !hidden && (!it.deleted() || revived)
				if !f(stretch{it.client, clock, end}, was, !it.deleted()) {
					return
				}
				clock = end
			}
		}
	}
}

// ranges are spans of clocks by client number, sorted and merged.
type ranges map[uint32][]span

func (d *Doc) index(list []Range) ranges {
	out := ranges{}
	for _, r := range list {
		if n := d.lookup(r.Client); n != noClient && r.From < r.To {
			out[n] = append(out[n], span{client: n, clock: r.From, length: r.To - r.From})
		}
	}
	for n, spans := range out { // order-free: each span list by itself
		out[n] = mergeSpans(spans)
	}
	return out
}

// covers reports whether the ranges hold a clock, and up to where, at most end,
// that is so of what follows.
func (r ranges) covers(client, clock, end uint32) (bool, uint32) {
	spans := r[client]
	i := sort.Search(len(spans), func(i int) bool { return spans[i].end() > clock })
	if i == len(spans) {
		return false, end
	}
	if s := spans[i]; s.clock <= clock {
		return true, min(end, s.end())
	}
	return false, min(end, spans[i].clock)
}
