package storetest

import (
	"slices"
	"testing"
)

func (s suite) testSession(t *testing.T) {
	s.test(t, "numbers begin at 1 and grow for each client", func(t *testing.T, st *fixture) {
		last := make(map[string]uint64)
		for range 5 {
			for _, client := range []string{"a", "b", "A", "hub:x"} {
				n, err := st.Session(t.Context(), client)
				must(t, err)
				if n <= last[client] {
					t.Errorf("client %q got %d after %d", client, n, last[client])
				}
				last[client] = n
			}
		}
	})

	s.test(t, "no number is given twice", func(t *testing.T, st *fixture) {
		numbers := make([][]uint64, 8)
		parallel(t, len(numbers), func(i int) error {
			for range 50 {
				n, err := st.Session(t.Context(), "a")
				if err != nil {
					return err
				}
				numbers[i] = append(numbers[i], n)
			}
			return nil
		})
		for i, mine := range numbers {
			if !slices.IsSorted(mine) {
				t.Errorf("goroutine %d saw numbers fall: %v", i, mine)
			}
		}
		all := slices.Concat(numbers...)
		slices.Sort(all)
		if len(slices.Compact(all)) != 400 {
			t.Error("a number was given twice")
		}
	})
}
