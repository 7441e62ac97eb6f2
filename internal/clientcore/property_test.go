package clientcore

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/wire"
)

// TestRandomWorlds drives a client and a model of the hub through drops,
// crashes between any two effects, refusals and hub restarts. What was pushed
// must end up committed once or be a dead letter, and the client's view must end
// up as the hub's value.
func TestRandomWorlds(t *testing.T) {
	for seed := range uint64(120) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			w := newModelWorld(t, seed)
			for range 250 {
				w.chaos()
				w.requireSteady()
			}
			w.heal()
			w.requireOnce()
		})
	}
}

// TestLostHistory adds stores that lose their tail: acked ops may be gone then,
// and are reported, but nothing is doubled and nothing unacked is lost.
func TestLostHistory(t *testing.T) {
	for seed := range uint64(80) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			w := newModelWorld(t, seed)
			w.losing = true
			for range 250 {
				w.chaos()
			}
			w.heal()
			w.requireOnce()
		})
	}
}

// TestDamagedOps restarts the client from queues that lost the content of some
// ops. The others must end up as always; a lost one is committed once, if it was
// sent before, or reported.
func TestDamagedOps(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			w := newModelWorld(t, seed)
			for range 5 {
				for range 50 {
					w.chaos()
				}
				w.damage()
			}
			w.heal()
			w.requireOnce()
			in, missing := w.counts(), 0
			for v := range w.lost {
				if in[v] == 0 {
					missing++
				}
			}
			empty := 0
			for _, d := range w.c.DeadLetters() {
				if d.Op == nil {
					empty++
				}
			}
			if empty < missing {
				t.Errorf("%d damaged ops are not in the log, %d are reported", missing, empty)
			}
		})
	}
}

// TestRestoredBackup restarts the client from an old copy of its queue: seqs are
// used twice then. Nothing that the final client holds may be lost for it.
func TestRestoredBackup(t *testing.T) {
	for seed := range uint64(80) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			w := newModelWorld(t, seed)
			for range 80 {
				w.chaos()
			}
			backup := cloneSaved(w.saved)
			for range 80 {
				w.chaos()
			}
			w.saved = backup
			w.sent = map[string]string{}
			held := len(w.pushed)
			w.restart()
			for range 80 {
				w.chaos()
			}
			w.heal()
			w.requireKept(w.pushed[held:])
		})
	}
}

// check holds the invariants of the package.
func (w *modelWorld) check() {
	st := w.c.streams[modelStream]
	if st == nil {
		return
	}
	prev, hash, at := st.acked, st.hash, uint64(0)
	last := uint64(0)
	for i, p := range st.pending {
		if p.Seq <= last || p.Seq >= st.next {
			w.t.Fatalf("op %d has seq %d after %d, next is %d", i, p.Seq, last, st.next)
		}
		last = p.Seq
		if p.Seq <= st.acked {
			continue
		}
		if want := wire.WriterHash(hash, p.Seq, p.Body); p.prev != prev || p.hash != want {
			w.t.Fatalf("op %d does not continue the chain", p.Seq)
		}
		if p.At < at {
			w.t.Fatalf("op %d has at %d after %d", p.Seq, p.At, at)
		}
		prev, hash, at = p.Seq, p.hash, p.At
	}
	if !st.saved {
		return
	}
	rec := w.saved.stream(modelStream)
	if rec.Next != st.next || rec.Inc != st.inc || rec.Acked != st.acked || rec.Hash != st.hash {
		w.t.Fatalf("saved %+v, the client has next %d inc %s acked %d", rec.Head, st.next, st.inc, st.acked)
	}
	kept := slices.DeleteFunc(slices.Clone(rec.Ops), func(o Op) bool { return o.Seq <= st.retired })
	if !slices.EqualFunc(kept, st.pending, func(o Op, p pendingOp) bool {
		return o.Seq == p.Seq && o.At == p.At && o.Blind == p.Blind && o.Lost == p.Lost && bytes.Equal(o.Body, p.Body)
	}) {
		w.t.Fatalf("saved\n%v\nthe client has\n%v", kept, st.pending)
	}
}

// counts says how often each value is in the log.
func (w *modelWorld) counts() map[string]int {
	n := map[string]int{}
	for _, e := range w.hub.log {
		if e.Client == self {
			n[valueOf(e.Op)]++
		}
	}
	return n
}

func valueOf(op []byte) string {
	return strings.Trim(string(bytes.TrimSuffix(op[len(`{"op":"append","value":`):], []byte("}"))), `"`)
}

func (w *modelWorld) dead() map[string]DeadLetter {
	dead := map[string]DeadLetter{}
	for _, d := range w.c.DeadLetters() {
		if d.Op != nil {
			dead[valueOf(d.Op)] = d
		}
	}
	return dead
}

func (w *modelWorld) requireOnce() {
	in, dead := w.counts(), w.dead()
	for _, v := range w.pushed {
		d, refused := dead[v]
		switch {
		case v == "":
		case in[v] > 1:
			w.t.Errorf("%s is in the log %d times", v, in[v])
		case in[v] == 1 && refused && d.Code != wire.InDoubt:
			w.t.Errorf("%s is in the log, and a dead letter: %s", v, d.Code)
		case in[v] == 0 && !refused && w.lost[v]:
		case in[v] == 0 && !refused && !w.losing:
			w.t.Errorf("%s is lost", v)
		case in[v] == 0 && !refused && !w.acked[v]:
			w.t.Errorf("%s is lost and was never acked", v)
		case d.Code == crdt.BadOp && !strings.Contains(v, "9"):
			w.t.Errorf("%s was refused for its at", v)
		}
	}
	w.requireView()
}

// requireKept holds that values are committed or reported.
func (w *modelWorld) requireKept(values []string) {
	in, dead := w.counts(), w.dead()
	for _, v := range values {
		if _, refused := dead[v]; v != "" && in[v] == 0 && !refused {
			w.t.Errorf("%s is lost", v)
		}
		if in[v] > 1 {
			w.t.Errorf("%s is in the log %d times", v, in[v])
		}
	}
	w.requireView()
}

func (w *modelWorld) requireView() {
	got, _ := w.c.AppendView(nil, modelStream)
	if want := w.hub.state(uint64(len(w.hub.log))).AppendValue(nil); !bytes.Equal(got, want) {
		w.t.Errorf("the client shows\n%s\nthe hub has\n%s", got, want)
	}
}

// requireSteady holds that the view never loses an own op that was not refused.
func (w *modelWorld) requireSteady() {
	value, _ := w.c.AppendView(nil, modelStream)
	dead := w.dead()
	for _, v := range w.shown {
		if _, refused := dead[v]; !refused && !bytes.Contains(value, []byte(`"`+v+`"`)) {
			w.t.Fatalf("%s left the view %s", v, value)
		}
	}
	w.shown = w.shown[:0]
	for _, v := range w.pushed {
		if v != "" && bytes.Contains(value, []byte(`"`+v+`"`)) {
			w.shown = append(w.shown, v)
		}
	}
}
