package sim

import (
	"fmt"
	"time"

	"github.com/wavesiddhartha/flowsync/store"
)

// commits run in their order, one under way at a time, as the hub's committer
// does it. Other calls overtake each other.
type commits struct {
	h       *hub
	waiting []commit
	busy    bool
}

type commit struct {
	st *stream
	b  store.Batch
}

func (q *commits) add(st *stream, b store.Batch) {
	q.waiting = append(q.waiting, commit{st, b})
	q.next()
}

func (q *commits) next() {
	w := q.h.w
	if q.busy || len(q.waiting) == 0 {
		return
	}
	q.busy = true
	all := q.waiting
	q.waiting = nil
	results := make([]store.Result, len(all))
	takes := w.delay()
	if w.store.slow || w.plan.late && !w.calm && w.chance(15) {
		// Longer than a client takes to come back and ask what became of its ops.
		w.hit("append: slow")
		w.store.slow = false
		takes = w.between(0, 6*time.Second)
	}
	w.after(takes, func() {
		for i := range all {
			results[i] = q.execute(all[i].b)
		}
		w.after(w.delay(), func() {
			if q.h.dead {
				return
			}
			q.busy = false
			for i := range all {
				w.sawResult(&results[i])
				all[i].st.step(appended(results[i]))
			}
			q.next()
		})
	})
}

// execute lets one batch reach the store. A hub that died first may have sent
// it or not; an answer may be lost, whether the batch is in, is not, or will be.
func (q *commits) execute(b store.Batch) store.Result {
	w := q.h.w
	if q.h.dead && w.chance(2) {
		return store.Result{}
	}
	if w.calm || !w.plan.unknown || w.rng.IntN(12) > 0 {
		return w.store.append(b)
	}
	unknown := store.Result{Err: fmt.Errorf("the answer of the model store was lost: %w", store.ErrUnknown)}
	switch n := w.rng.IntN(3); {
	case n == 0:
		w.store.append(b)
		w.hit("append: unknown, went through or lost")
	case n == 1 && w.plan.late:
		w.hit("append: unknown, comes late")
		w.after(w.between(0, 3*time.Second), func() { w.store.append(b) })
	default:
		w.hit("append: unknown, never came")
	}
	return unknown
}

// delay is how long one leg of a call or a message takes.
func (w *world) delay() time.Duration { return w.between(0, w.plan.delay) }

func (w *world) sawResult(r *store.Result) {
	switch {
	case r.Lost:
		w.hit("append: lost the compare-and-set")
		if len(r.Missed) > 0 {
			w.hit("append: lost, with what was missed")
		}
	case len(r.Fenced) > 0:
		w.hit("append: fenced")
	}
}
