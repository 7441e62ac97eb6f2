package sim

import (
	"bytes"
	"cmp"
	"encoding/json"
	"math/big"
	"slices"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/store"
)

// saidOp is an op, read without package crdt.
type saidOp struct {
	Op     string          `json:"op"`
	Amount int64           `json:"amount"`
	Key    string          `json:"key"`
	Value  json.RawMessage `json:"value"`
}

// fold adds a log up without the rules' own code, for the rules where that takes
// a few lines: hubs, clients and oracle apply ops by the same package, and a fault
// in it would look the same to all of them.
func (j *oracle) fold(stream string, h *history) {
	if h.head == nil {
		return
	}
	var log []*store.Entry // newest first
	for n := h.head; n.up != nil; n = n.up {
		log = append(log, &n.entry)
	}
	j.decode(stream, h.head)
	switch h.rule {
	case crdt.Rule(crdt.Counter):
		if want := j.sum(log); string(bytes.Trim(h.head.value, `"`)) != want {
			j.w.fail("%s: the log adds up to %s, its state shows %s", stream, want, h.head.value)
		}
	case crdt.Rule(crdt.LWW), crdt.Rule(crdt.Map):
		j.checkWinners(stream, h, log)
	}
}

func (j *oracle) read(e *store.Entry) (o saidOp) {
	if err := json.Unmarshal(e.Op, &o); err != nil {
		j.w.fail("entry %d is not JSON: %v: %s", e.Offset, err, e.Op)
	}
	return o
}

func (j *oracle) sum(log []*store.Entry) string {
	total := new(big.Int)
	for _, e := range log {
		switch o := j.read(e); o.Op {
		case "initial":
			base, _ := new(big.Int).SetString(string(bytes.Trim(o.Value, `"`)), 10)
			total.Add(total, base)
		case "increment":
			total.Add(total, big.NewInt(o.Amount))
		case "decrement":
			total.Sub(total, big.NewInt(o.Amount))
		}
	}
	return total.String()
}

// checkWinners holds that of all writes of a key the one shows that knew most of
// the log, whatever the order in which they came.
func (j *oracle) checkWinners(stream string, h *history, log []*store.Entry) {
	best := map[string]*store.Entry{}
	for _, e := range slices.Backward(log) {
		o := j.read(e)
		was := best[o.Key]
		if was == nil && o.Op == "delete" {
			continue // it deletes what was never set, and leaves no trace
		}
		if was == nil || laterWrite(e, was) {
			best[o.Key] = e
		}
	}
	shown := map[string]json.RawMessage{}
	if h.rule == crdt.Rule(crdt.LWW) {
		shown[""] = h.head.value
	} else if err := json.Unmarshal(h.head.value, &shown); err != nil {
		j.w.fail("%s shows %s, which is no object", stream, h.head.value)
	}
	for key, e := range best { // any key that fails fails the run
		if o := j.read(e); !bytes.Equal(shown[key], o.Value) {
			j.w.fail("%s: the write that knew most is entry %d: %s, and %s is shown", stream, e.Offset, e.Op, shown[key])
		}
	}
}

func laterWrite(a, b *store.Entry) bool {
	return cmp.Or(
		cmp.Compare(a.At, b.At), cmp.Compare(a.Writer.Client, b.Writer.Client),
		cmp.Compare(a.Writer.Inc, b.Writer.Inc), cmp.Compare(a.Seq, b.Seq),
	) > 0
}
