// Package sim runs hubs and clients in one goroutine, in virtual time, from a
// seed: the step machines of hubcore and clientcore over a model of the network
// and of the store, both of which fail in every way that is known, and an oracle
// that knows what the log holds.
//
// # Invariants
//
//   - One seed makes one history. Nothing reads a clock, ranges over a map where
//     the order shows, or draws randomness that is not the world's.
//   - Every message is encoded and decoded by package wire on every hop, and its
//     bytes are destroyed once the receiver's step is over.
//   - Effects are carried out one by one in their order; a process may end
//     between any two.
//   - The oracle learns of a commit from the store and of everything else from
//     effects and messages. It asks no machine for its opinion until the end.
//
// A run has two parts. In the first, edits, requests and faults happen until the
// machines have stepped on [Options].Events events: messages, answers of the store,
// time. In the second all faults end and everything must be settled in a bounded
// time.
package sim

import (
	"container/heap"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"runtime/debug"
	"time"
)

// Options choose a history.
type Options struct {
	Seed   uint64
	Events int  // what machines step on before the world heals, at least
	Trace  bool // keep Result.Trace
}

// Result is what came of a run.
type Result struct {
	Failure string         // empty: all promises were kept
	Hash    uint64         // of everything that was said and stored, in order
	Events  int            // what machines stepped on
	Seen    map[string]int // how often each rare path was taken
	Trace   []string       // what happened, one line each
}

// Run plays one history.
func Run(o Options) (r Result) {
	w := newWorld(o)
	defer func() {
		if p := recover(); p != nil {
			f, ok := p.(broken)
			if !ok {
				f = broken(fmt.Sprintf("panic: %v\n%s", p, debug.Stack()))
			}
			r = w.result(string(f))
		}
	}()
	w.live()
	w.heal()
	w.finish()
	return w.result("")
}

// broken is what fail panics with.
type broken string

// world is all that exists in one run.
type world struct {
	opts Options
	rng  *rand.Rand
	plan plan

	now     time.Duration // virtual, since the beginning
	agenda  agenda
	ordinal uint64 // of the newest entry of the agenda

	store   *modelStore
	hubs    []*hub    // by slot; a process that ended is replaced by its successor
	clients []*client // processes likewise
	rights  map[string]*rights
	tokens  []token
	judge   *oracle
	ops     opMaker
	calm    bool // no more faults
	events  int  // what machines stepped on

	seen  map[string]int
	sum   interface{ Write([]byte) (int, error) }
	total func() uint64
	trace []string
}

func newWorld(o Options) *world {
	sum := fnv.New64a()
	w := &world{
		opts: o, rng: rand.New(rand.NewPCG(o.Seed, 0x5eed)),
		now: time.Second, seen: map[string]int{}, rights: map[string]*rights{},
		sum: sum, total: sum.Sum64,
	}
	w.plan = w.drawPlan()
	w.judge = newOracle(w)
	w.store = newModelStore(w)
	for slot := range w.plan.hubs {
		w.hubs = append(w.hubs, newHub(w, slot))
	}
	for i := range w.plan.clients {
		w.clients = append(w.clients, newClient(w, fmt.Sprintf("c%d", i)))
	}
	return w
}

func (w *world) result(failure string) Result {
	return Result{Failure: failure, Hash: w.total(), Events: w.events, Seen: w.seen, Trace: w.trace}
}

// live lets things happen.
func (w *world) live() {
	w.note("plan %+v", w.plan)
	for _, c := range w.clients {
		c.start()
	}
	for w.events < w.opts.Events*w.plan.length {
		w.run(w.now + w.pause())
		w.happen()
	}
}

// pause is the time to the next thing that happens: most often short, so that
// things overlap, at times long enough for timers to run out.
func (w *world) pause() time.Duration {
	switch n := w.rng.IntN(100); {
	case n < 75:
		return w.between(0, 20*time.Millisecond)
	case n < 96:
		return w.between(0, 400*time.Millisecond)
	default:
		return w.between(0, 40*time.Second)
	}
}

// run lets time pass until a given one.
func (w *world) run(until time.Duration) {
	for len(w.agenda) > 0 && w.agenda[0].at <= until {
		e := heap.Pop(&w.agenda).(*entry)
		w.now = e.at
		e.do()
	}
	w.now = max(w.now, until)
}

// after puts something on the agenda.
func (w *world) after(d time.Duration, do func()) {
	w.ordinal++
	heap.Push(&w.agenda, &entry{at: w.now + d, ordinal: w.ordinal, do: do})
}

// fail ends the run: a promise was broken.
func (w *world) fail(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	w.note("FAILURE %s", text)
	panic(broken(text))
}

// hit counts a rare path.
func (w *world) hit(path string) { w.seen[path]++ }

// record adds to the hash of the history.
func (w *world) record(who string, what []byte) {
	_, _ = fmt.Fprintf(w.sum, "%d %s ", w.now, who)
	_, _ = w.sum.Write(what)
}

// note adds a line to the trace.
func (w *world) note(format string, args ...any) {
	if w.opts.Trace {
		w.trace = append(w.trace, fmt.Sprintf("%10.3f ", w.now.Seconds())+fmt.Sprintf(format, args...))
	}
}

// between draws a time.
func (w *world) between(lo, hi time.Duration) time.Duration {
	return lo + time.Duration(w.rng.Int64N(int64(hi-lo)+1))
}

// chance reports true once in n times.
func (w *world) chance(n int) bool { return w.rng.IntN(n) == 0 }

// agenda orders what will happen by time, and by arrival at the same time.
type agenda []*entry

type entry struct {
	at      time.Duration
	ordinal uint64
	do      func()
}

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	return a[i].at < a[j].at || a[i].at == a[j].at && a[i].ordinal < a[j].ordinal
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(*entry)) }
func (a *agenda) Pop() any {
	old := *a
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*a = old[:len(old)-1]
	return e
}
