package crdt

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
)

// TestConverge runs whole systems: a hub with the log, replicas that edit
// offline, pushes whose answers are lost, entries delivered twice, restarts from
// snapshots, new incarnations. In the end everyone is where the hub is.
func TestConverge(t *testing.T) {
	for _, rule := range []Builtin{Counter, Set, ORSet, Map, LWW, Log} {
		for seed := range uint64(40) {
			t.Run(fmt.Sprintf("%s/seed=%d", rule, seed), func(t *testing.T) {
				w := newWorld(t, rule, rand.New(rand.NewPCG(seed, 0)), 3)
				for range 300 {
					w.step()
				}
				w.heal()
				w.requireEqual()
			})
		}
	}
}

// world is a hub and its replicas. It is the smallest thing that has the
// protocol's order, pending ops, duplicates and rejections.
type world struct {
	t        *testing.T
	rule     Builtin
	rng      *rand.Rand
	log      []Op // the hub's; offset of log[i] is i+1
	hub      State
	marks    map[Writer]uint64 // highest committed seq
	replicas []*replica
}

type replica struct {
	writer    Writer
	seq       uint64
	confirmed State
	offset    uint64
	pending   []Op
}

func newWorld(t *testing.T, rule Builtin, rng *rand.Rand, n int) *world {
	w := &world{t: t, rule: rule, rng: rng, hub: rule.New(), marks: map[Writer]uint64{}}
	if rng.IntN(2) == 0 {
		w.commit(w.hubOp("initial", randomInitial(rng, rule)))
	}
	for i := range n {
		writer := Writer{fmt.Sprintf("client-%d", i), "i0"}
		w.replicas = append(w.replicas, &replica{writer: writer, confirmed: rule.New()})
	}
	return w
}

func (w *world) step() {
	r := w.replicas[w.rng.IntN(len(w.replicas))]
	switch w.rng.IntN(12) {
	case 0, 1, 2, 3:
		r.edit(w)
	case 4, 5, 6:
		w.push(r, w.rng.IntN(2) == 0)
	case 7, 8:
		w.deliver(r, w.rng.Uint64N(5))
	case 9:
		w.hubEdit()
	case 10:
		w.restart(r)
	case 11:
		w.restartHub()
	}
}

// edit makes an op against what the replica shows, valid or not.
func (r *replica) edit(w *world) {
	body := randomOp(w.rng, w.rule)
	r.seq++
	r.pending = append(r.pending, Op{At: r.offset, Writer: r.writer, Seq: r.seq, Body: []byte(body)})
	r.view(w)
}

// view is confirmed state and pending ops at provisional offsets.
func (r *replica) view(w *world) State {
	before := string(r.confirmed.AppendState(nil))
	v := r.confirmed.Clone()
	for i, op := range r.pending {
		op.Offset = r.offset + uint64(i) + 1
		v.Apply(op)
	}
	if after := string(r.confirmed.AppendState(nil)); after != before {
		w.t.Fatalf("a clone's ops changed the original:\n%s\n%s", before, after)
	}
	requireSound(w.t, w.rule, v)
	return v
}

// push sends all pending ops. The hub stops at the first it rejects. If the
// answer is lost the replica sends everything again some day.
func (w *world) push(r *replica, answered bool) {
	for _, op := range slices.Clone(r.pending) {
		if op.Seq <= w.marks[op.Writer] {
			continue // a duplicate: one effect
		}
		op.Offset = uint64(len(w.log)) + 1
		if _, err := w.hub.Check(op); err != nil {
			if answered {
				r.retire(op.Writer, op.Seq)
			}
			return
		}
		w.commit(op)
	}
}

// commit applies an op that was checked, and holds Check to its word.
func (w *world) commit(op Op) {
	grow, err := w.hub.Check(op)
	if err != nil {
		w.t.Fatalf("commit of a refused op %s: %v", op.Body, err)
	}
	before := w.hub.Size()
	w.hub.Apply(op)
	if after := w.hub.Size(); w.rule != Log && after > before+max(grow, 0) {
		w.t.Fatalf("op %s: size went from %d to %d, check said %d", op.Body, before, after, grow)
	}
	requireSound(w.t, w.rule, w.hub)
	w.log = append(w.log, op)
	w.marks[op.Writer] = op.Seq
}

// deliver brings the next n entries, with some that the replica knows before them.
func (w *world) deliver(r *replica, n uint64) {
	from := r.offset - min(r.offset, w.rng.Uint64N(3))
	to := min(r.offset+n, uint64(len(w.log)))
	for _, op := range w.log[from:to] {
		if op.Offset <= r.offset {
			continue
		}
		r.confirmed.Apply(op)
		r.offset = op.Offset
		r.retire(op.Writer, op.Seq)
	}
	r.view(w)
}

func (r *replica) retire(writer Writer, seq uint64) {
	r.pending = slices.DeleteFunc(r.pending, func(op Op) bool { return op.Writer == writer && op.Seq == seq })
}

// restart brings a replica back from its encoded state or from the hub's
// snapshot, or as a clone with a new incarnation that sends its queue anew.
func (w *world) restart(r *replica) {
	switch w.rng.IntN(3) {
	case 0:
		r.confirmed = recode(w.t, w.rule, r.confirmed)
	case 1:
		r.confirmed, r.offset = recode(w.t, w.rule, w.hub), uint64(len(w.log))
		r.pending = slices.DeleteFunc(r.pending, func(op Op) bool { return op.Seq <= w.marks[op.Writer] })
	case 2:
		w.deliver(r, uint64(len(w.log))) // so that it knows what is in
		r.writer.Inc += "'"
		r.seq = 0
		for i := range r.pending {
			r.seq++
			r.pending[i].Writer, r.pending[i].Seq = r.writer, r.seq
		}
	}
}

// restartHub loads an older snapshot and the log after it.
func (w *world) restartHub() {
	base := w.rng.IntN(len(w.log) + 1)
	s := w.rule.New()
	for _, op := range w.log[:base] {
		s.Apply(op)
	}
	s = recode(w.t, w.rule, s)
	for _, op := range w.log[base:] {
		s.Apply(op)
	}
	if got, want := string(s.AppendState(nil)), string(w.hub.AppendState(nil)); got != want {
		w.t.Fatalf("snapshot and log give\n%s, the hub had\n%s", got, want)
	}
	w.hub = s
}

// hubEdit commits an op that only hubs make.
func (w *world) hubEdit() {
	switch w.rule {
	case Counter:
		clients := fmt.Sprintf(`{"clients":["client-%d","client-%d"],"op":"fold"}`, w.rng.IntN(4), w.rng.IntN(4))
		w.commit(w.hubOp("fold", clients))
	case Log:
		off := strconv.Itoa(w.rng.IntN(len(w.log)+2) + 1)
		switch w.rng.IntN(4) {
		case 0:
			w.commit(w.hubOp("trim", `{"before":`+off+`,"op":"trim"}`))
		case 1:
			w.commit(w.hubOp("options", `{"keep":`+strconv.Itoa(w.rng.IntN(40)+1)+`,"op":"options"}`))
		default:
			w.commit(w.hubOp("redact", `{"offset":`+off+`,"op":"redact"}`))
		}
	}
}

func (w *world) hubOp(name, body string) Op {
	writer := hub(name)
	head := uint64(len(w.log))
	return Op{Offset: head + 1, At: head, Writer: writer, Seq: w.marks[writer] + 1, Body: []byte(body)}
}

func (w *world) heal() {
	for _, r := range w.replicas {
		for len(r.pending) > 0 {
			w.push(r, true)
			w.deliver(r, uint64(len(w.log)))
		}
	}
	for _, r := range w.replicas {
		w.deliver(r, uint64(len(w.log)))
	}
}

func (w *world) requireEqual() {
	w.t.Helper()
	want := string(w.hub.AppendState(nil))
	for _, r := range w.replicas {
		if Digest(r.confirmed) != Digest(w.hub) {
			w.t.Errorf("%s has\n%s, the hub\n%s", r.writer.Client, r.confirmed.AppendState(nil), want)
		}
		if Digest(r.view(w)) != Digest(w.hub) {
			w.t.Errorf("%s shows something else than is confirmed", r.writer.Client)
		}
	}
	requireModel(w.t, w.rule, w.hub, w.log)
}

// recode returns the state as another process would read it.
func recode(t *testing.T, rule Rule, s State) State {
	t.Helper()
	d, err := rule.Decode(s.AppendState(nil))
	if err != nil {
		t.Fatalf("decode of %s: %v", s.AppendState(nil), err)
	}
	return d
}

// requireSound holds a state to the contract of [State].
func requireSound(t *testing.T, rule Rule, s State) {
	t.Helper()
	encoded := s.AppendState(nil)
	if slack := s.Size() - len(encoded); slack < 0 || slack > 1 {
		t.Fatalf("size %d, encoding of %d bytes: %s", s.Size(), len(encoded), encoded)
	}
	d := recode(t, rule, s)
	if again := string(d.AppendState(nil)); again != string(encoded) {
		t.Fatalf("encoded\n%s, decoded and encoded again\n%s", encoded, again)
	}
	if d.Size() != s.Size() {
		t.Fatalf("size %d, after decoding %d: %s", s.Size(), d.Size(), encoded)
	}
	value := s.AppendValue(nil)
	if scanValue(value, MaxDepth+2) != len(value) {
		t.Fatalf("the value is not canonical: %s", value)
	}
	if string(d.AppendValue(nil)) != string(value) {
		t.Fatalf("value %s, after decoding %s", value, d.AppendValue(nil))
	}
}
