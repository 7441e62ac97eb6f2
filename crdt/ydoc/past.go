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
	t.eachRun(past, func(n int, was, is bool) bool {
		if found {
			return false
		}
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
// ascending order, less those that are gone: positions and units are those of
// somebody who has not seen past. What was inserted between them since is not
// covered. The error is [ErrRange] or [ErrDeleted].
func (t Text) RangeIn(pos, n int, past Past) ([][2]int, error) {
	if err := t.valid(); err != nil {
		return nil, err
	}
	if pos < 0 || n < 0 {
		return nil, ErrRange
	}
	var spans [][2]int
	seen, now := 0, 0
	t.eachRun(past, func(k int, was, is bool) bool {
		if was && is {
			from, to := max(pos, seen), min(pos+n, seen+k)
			at := now + from - seen
			if last := len(spans) - 1; from < to && last >= 0 && spans[last][0]+spans[last][1] == at {
				spans[last][1] += to - from
			} else if from < to {
				spans = append(spans, [2]int{at, to - from})
			}
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
		return nil, ErrRange
	}
	return spans, nil
}

// eachRun goes through the text in runs of n units of which somebody saw all or
// nothing, and of which all or nothing is there now, until f returns false.
func (t Text) eachRun(past Past, f func(n int, was, is bool) bool) {
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
				if !f(int(end-clock), was, !it.deleted()) {
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
