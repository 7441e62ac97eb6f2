package storetest

import (
	"fmt"
	"testing"
)

func (s suite) testReopen(t *testing.T) {
	s.test(t, "everything is still there", func(t *testing.T, st *fixture) {
		h := mustJoin(t, st, "counter:a")
		for range 3 {
			h.mustCommit(t, op{by: device(0)}, op{by: device(1), session: 3})
			h.grow(t, device(0), 4)
			h.save(t)
		}
		requireTrim(t, h, 9, 10)
		var err error
		h.at, err = st.Rotate(t.Context(), h.name, h.at.Epoch)
		must(t, err)
		h.grow(t, device(2), 2)
		saved := h.save(t)
		h.mustCommit(t, op{by: device(2)}, op{by: device(0), seq: 1000})
		session, err := st.Session(t.Context(), "a")
		must(t, err)

		for range 3 {
			st.Store = s.reopen(t, st.Store)
			requireLoad(t, h, saved, len(h.log)-1)
			requireStored(t, h)
			for i := range 4 {
				requireMark(t, h, device(i))
			}
			requireRefused(t, h, op{by: device(0), seq: 1000})
			next, err := st.Session(t.Context(), "a")
			must(t, err)
			if next <= session {
				t.Errorf("session %d follows %d", next, session)
			}
			session = next
		}
		h.mustCommit(t, op{by: device(0)}, op{by: device(3)})
		requireLoad(t, h, saved, len(h.log)-2)
	})

	s.test(t, "each commit, as soon as it is answered", func(t *testing.T, st *fixture) {
		h := mustJoin(t, st, "counter:a")
		for range 10 {
			h.mustCommit(t, op{by: device(0)}, op{by: device(1)})
			st.Store = s.reopen(t, st.Store)
			requireLog(t, h)
			requireMark(t, h, device(0))
		}
	})

	s.test(t, "an empty stream keeps its secrets", func(t *testing.T, st *fixture) {
		h := mustJoin(t, st, "counter:a")
		st.Store = s.reopen(t, st.Store)
		again := mustJoin(t, st, "counter:a")
		if again.at != h.at || again.key != h.key {
			t.Errorf("it is at %v, was at %v with another key or the same", place(again.at), place(h.at))
		}
		h.grow(t, device(0), 1)
		requireLog(t, h)
	})

	s.test(t, "many streams", func(t *testing.T, st *fixture) {
		hubs := make([]*hub, 100)
		for i := range hubs {
			hubs[i] = mustJoin(t, st, fmt.Sprintf("counter:%d", i))
			hubs[i].grow(t, device(0), i%4)
		}
		st.Store = s.reopen(t, st.Store)
		for _, h := range hubs {
			requireLog(t, h)
		}
	})
}
