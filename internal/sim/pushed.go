package sim

import (
	"maps"
	"slices"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/internal/hubcore"
	"github.com/wavesiddhartha/flowsync/wire"
)

// pushed is what sessions have pushed and got no answer to. A client compares the
// hash of every ack with its own; this holds hubs to the promise that also one
// which does not would get: an ack covers the very ops that its session pushed.
type pushed map[pushKey]*unanswered

// unanswered is what a session has pushed as one writer.
type unanswered struct {
	inc    string
	void   bool              // something was refused: what was pushed since may have been ignored
	bodies map[uint64]string // by seq
}

type pushKey struct {
	m      *hubcore.Member
	stream string
}

// push notes the ops of a push that reaches a stream.
func (p pushed) push(st *stream, ev *hubcore.Push) {
	u := p[pushKey{ev.Member, st.name}]
	for i, op := range ev.Push.Ops {
		if u != nil {
			u.bodies[ev.Push.Seq+uint64(i)] = string(op)
		}
	}
}

// open begins anew: acks of what was pushed before are of a former open.
func (p pushed) open(st *stream, ev *hubcore.Open) {
	p[pushKey{ev.Member, st.name}] = &unanswered{inc: ev.Open.Inc, bodies: map[uint64]string{}}
}

// answered takes what a stream says in one step. Who is told of a refusal in the
// same step as of an ack is warned.
func (j *oracle) answered(st *stream, out []hubcore.Out) {
	for i := range out {
		if out[i].One == nil {
			continue
		}
		u := j.pushed[pushKey{out[i].One.Member, st.name}]
		switch out[i].Msg.(type) {
		case *wire.Error, *wire.Reject:
			if u != nil {
				u.void = true
			}
		}
	}
	for i := range out {
		if m, ok := out[i].Msg.(*wire.Ack); ok && out[i].One != nil {
			j.ackCovers(st, out[i].One.Member, m.Seq)
		}
	}
}

// ackCovers checks an ack against what its session pushed. An op that was trimmed
// cannot be compared any more: only its hash, in the ack, tells.
func (j *oracle) ackCovers(st *stream, m *hubcore.Member, through uint64) {
	h, u := j.streams[st.name], j.pushed[pushKey{m, st.name}]
	if u == nil || u.void {
		return
	}
	for _, seq := range slices.Sorted(maps.Keys(u.bodies)) {
		if seq > through {
			return
		}
		body := u.bodies[seq]
		delete(u.bodies, seq)
		w := crdt.Writer{Client: m.Client, Inc: u.inc}
		off := h.seqs[seqKey{w, seq}]
		if off > 0 && h.ops[keyOf(w, seq, []byte(body))] == 0 && !j.w.store.trimmed(st.name, off) {
			j.w.fail("%s acks op %d of %s on %s as %s, and another is in the log", st.h.name, seq, m.Client, st.name, body)
		}
	}
}
