package storetest

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wavesiddhartha/flowsync/store"
)

func (s suite) testClose(t *testing.T) {
	s.test(t, "appends under way are answered first", func(t *testing.T, st *fixture) {
		h := mustJoin(t, st, "counter:a")
		var calls []*call
		for range 100 {
			b := h.batch(op{by: device(0)})
			calls = append(calls, st.start(b))
			must(t, h.follow(b.Record))
		}
		must(t, st.Close())
		for i, c := range calls {
			if c.times.Load() != 1 {
				t.Fatalf("done of append %d was not called when Close returned", i)
			}
			requireCommitted(t, c)
		}
	})

	s.test(t, "it waits until done has returned", func(t *testing.T, st *fixture) {
		h := mustJoin(t, st, "counter:a")
		entered, leave := make(chan struct{}), make(chan struct{})
		var left atomic.Bool
		go st.Append([]store.Batch{h.batch(op{by: device(0)})}, func([]store.Result) {
			close(entered)
			<-leave
			left.Store(true)
		})
		<-entered
		closed := make(chan error)
		go func() {
			err := st.Close()
			if err == nil && !left.Load() {
				err = errors.New("Close returned before done did")
			}
			closed <- err
		}()
		time.Sleep(20 * time.Millisecond) // the time a store has to be wrong
		close(leave)
		must(t, <-closed)
	})

	s.test(t, "appends that race with it are answered", func(t *testing.T, st *fixture) {
		mustJoin(t, st, "counter:a")
		parallel(t, 5, func(i int) error {
			if i == 0 {
				return st.Close()
			}
			h, err := join(t.Context(), st, "counter:a")
			for n := 0; err == nil && n < 100; n++ {
				_, err = h.commit(t.Context(), op{by: device(i)})
			}
			if errors.Is(err, store.ErrFailed) {
				return nil
			}
			return err
		})
	})

	s.test(t, "after it everything fails", func(t *testing.T, st *fixture) {
		h := mustJoin(t, st, "counter:a")
		h.grow(t, device(0), 2)
		b := h.batch(op{by: device(0)})
		must(t, st.Close())

		ctx := t.Context()
		errs := make(map[string]error)
		_, errs["Load"] = st.Load(ctx, h.name)
		_, errs["Read"] = st.Read(ctx, h.name, 0, 10)
		_, _, errs["Recall"] = st.Recall(ctx, h.name, device(0), 1)
		_, errs["Rotate"] = st.Rotate(ctx, h.name, h.at.Epoch)
		errs["Save"] = st.Save(ctx, h.name, snapshot(h.at))
		_, errs["Trim"] = st.Trim(ctx, h.name, 1, 1)
		_, errs["Session"] = st.Session(ctx, "a")
		errs["Revoke"] = st.Revoke(ctx, store.Revocation{Subject: "a", Made: 1, Until: 2})
		_, errs["Revocations"] = st.Revocations(ctx, 0)
		results, err := st.start(b, b).wait()
		must(t, err)
		errs["Append"], errs["Append, second batch"] = results[0].Err, results[1].Err
		for method, err := range errs {
			if !errors.Is(err, store.ErrFailed) {
				t.Errorf("%s after Close: %v, want ErrFailed", method, err)
			}
		}
	})
}
