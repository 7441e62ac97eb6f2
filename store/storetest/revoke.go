package storetest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/wavesiddhartha/flowsync/store"
)

// revocations are some, as a hub makes them.
func revocations(n int) []store.Revocation {
	list := make([]store.Revocation, n)
	for i := range list {
		list[i] = store.Revocation{Subject: fmt.Sprintf("\u00fc-%d", i), Made: 100 + int64(i), Until: 1000}
		if i%2 == 1 {
			list[i].Token = fmt.Sprintf("token-%d", i)
		}
	}
	return list
}

// requireRevocations requires what is stored after a number, and that the numbers
// grow. It returns the last.
func requireRevocations(t *testing.T, st store.Store, after uint64, want []store.Revocation) uint64 {
	t.Helper()
	got, err := st.Revocations(t.Context(), after)
	must(t, err)
	last := after
	for i := range got {
		if got[i].Number <= last {
			t.Fatalf("number %d follows %d", got[i].Number, last)
		}
		last, got[i].Number = got[i].Number, 0
	}
	if !slices.Equal(got, want) {
		t.Fatalf("after %d: %+v, want %+v", after, got, want)
	}
	return last
}

func (s suite) testRevoke(t *testing.T) {
	s.test(t, "in order, and from a number on", func(t *testing.T, st *fixture) {
		requireRevocations(t, st, 0, nil)
		list := revocations(6)
		for _, r := range list[:4] {
			must(t, st.Revoke(t.Context(), r))
		}
		last := requireRevocations(t, st, 0, list[:4])
		requireRevocations(t, st, last, nil)
		for _, r := range list[4:] {
			must(t, st.Revoke(t.Context(), r))
		}
		requireRevocations(t, st, last, list[4:])
		requireRevocations(t, st, 0, list)
	})

	s.test(t, "kept until its end, and then let go", func(t *testing.T, st *fixture) {
		short := store.Revocation{Subject: "a", Made: 10, Until: 20}
		long := store.Revocation{Subject: "b", Made: 20, Until: 1 << 40}
		must(t, st.Revoke(t.Context(), short))
		must(t, st.Revoke(t.Context(), long))
		last := requireRevocations(t, st, 0, []store.Revocation{short, long})
		late := store.Revocation{Token: "c", Made: 21, Until: 22}
		must(t, st.Revoke(t.Context(), late))
		requireRevocations(t, st, last, []store.Revocation{late})
		got, err := st.Revocations(t.Context(), 0)
		must(t, err)
		if len(got) > 3 || !slices.ContainsFunc(got, func(r store.Revocation) bool { return r.Subject == "b" }) {
			t.Errorf("%+v", got)
		}
	})

	s.test(t, "none is lost among many at once", func(t *testing.T, st *fixture) {
		parallel(t, 8, func(int) error {
			for _, r := range revocations(20) {
				if err := st.Revoke(t.Context(), r); err != nil {
					return err
				}
			}
			return nil
		})
		got, err := st.Revocations(t.Context(), 0)
		must(t, err)
		if len(got) != 160 || !slices.IsSortedFunc(got, func(a, b store.Revocation) int { return int(a.Number) - int(b.Number) }) {
			t.Errorf("%d of 160 are there, or out of order", len(got))
		}
	})
}

func (s suite) testReopenRevocations(t *testing.T) {
	s.test(t, "after it they are there", func(t *testing.T, st *fixture) {
		list := revocations(3)
		for _, r := range list {
			must(t, st.Revoke(t.Context(), r))
		}
		st.Store = s.reopen(t, st.Store)
		last := requireRevocations(t, st, 0, list)
		must(t, st.Revoke(t.Context(), list[0]))
		requireRevocations(t, st, last, list[:1])
	})
}
