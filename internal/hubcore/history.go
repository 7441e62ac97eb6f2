package hubcore

import (
	"errors"

	"github.com/wavesiddhartha/flowsync/store"
	"github.com/wavesiddhartha/flowsync/wire"
)

// Bounds of one page of history.
const (
	historyEntries = 1000
	historyBytes   = 4 << 20
)

// history answers with committed entries below an offset, newest last.
func (s *Stream) history(ev *GetHistory, fx *Effects) {
	if s.eph != nil {
		s.answerError(ev, wire.Errorf(wire.WrongRule, "an ephemeral stream has no history"), fx)
		return
	}
	before, limit := ev.Get.Before, ev.Get.Limit
	if before == 0 || before > s.head.Offset {
		before = s.head.Offset + 1
	}
	if limit <= 0 || limit > historyEntries {
		limit = historyEntries
	}
	from := uint64(0) // page is (from, before)
	if before > uint64(limit)+1 {
		from = before - 1 - uint64(limit)
	}
	if held, ok := s.ring.after(from, s.head.Offset); ok {
		s.sendHistory(ev, held[:min(uint64(len(held)), before-1-from)], from > s.first-1, fx)
		return
	}
	get := *ev
	get.Get.Before, get.Get.Limit = before, limit
	c := continuation{kind: thenHistory, ev: &get}
	s.call(c, Call{Kind: CallRead, After: max(from, s.first-1), Max: limit}, fx)
}

func (s *Stream) answerHistory(c continuation, ev *ReadDone, fx *Effects) {
	get := c.ev.(*GetHistory)
	if errors.Is(ev.Err, store.ErrTrimmed) {
		s.sendHistory(get, nil, false, fx)
		return
	}
	if ev.Err != nil {
		s.answerError(get, failure(ev.Err), fx)
		return
	}
	reached := ev.Tail.Head.Offset
	for _, rec := range ev.Tail.Records {
		reached = rec.Last()
		for i := range rec.Entries {
			if off := rec.Entries[i].Offset; off < get.Get.Before && off+uint64(get.Get.Limit) >= get.Get.Before {
				c.page = append(c.page, rec.Entries[i])
			}
		}
	}
	if reached+1 < get.Get.Before && reached < ev.Tail.Head.Offset {
		// The first record began before the page, and counted in full.
		s.call(c, Call{Kind: CallRead, After: reached, Max: get.Get.Limit}, fx)
		return
	}
	s.sendHistory(get, c.page, len(c.page) > 0 && c.page[0].Offset > ev.Tail.First, fx)
}

// sendHistory sends a page, its older end cut off if it is too large.
func (s *Stream) sendHistory(ev *GetHistory, entries []store.Entry, more bool, fx *Effects) {
	size, from := 0, len(entries)
	for from > 0 && (from == len(entries) || size+len(entries[from-1].Op) <= historyBytes) {
		from--
		size += len(entries[from].Op) + entryOverhead
	}
	fx.send(ev.Member, &wire.History{Ref: ev.Get.Ref, Stream: s.name, Entries: wireEntries(entries[from:]), More: more || from > 0})
}
