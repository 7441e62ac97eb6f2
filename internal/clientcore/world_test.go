package clientcore

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/wire"
)

// modelWorld is one client, one hub and the wire between them.
type modelWorld struct {
	t      *testing.T
	rng    *rand.Rand
	c      *Client
	cfg    Config
	saved  Saved
	hub    *modelHub
	now    Instant
	out    Effects
	up     []wire.ClientMessage // on the way to the hub
	pushed []string             // values, each used once
	acked  map[string]bool      // values whose ack the application heard of
	sent   map[string]string    // inc and seq of what went out: body
	shown  []string             // own values that the view showed since the last restart
	link   uint64
	dialed bool
	online bool // the socket is open
	losing bool
	lost   map[string]bool // values whose place alone the queue kept
}

func newModelWorld(t *testing.T, seed uint64) *modelWorld {
	w := &modelWorld{t: t, rng: rand.New(rand.NewPCG(seed, 1)), acked: map[string]bool{}, sent: map[string]string{}, lost: map[string]bool{}}
	w.hub = &modelHub{rng: w.rng, writers: map[crdt.Writer][]modelMark{}, pending: map[crdt.Writer]modelMark{}, epoch: 1}
	w.cfg = Config{Client: self, Random: w.rng.Uint32, Keep: w.rng.IntN(2) == 0}
	w.c = New(w.cfg)
	w.start()
	return w
}

func (w *modelWorld) start() {
	w.step(Open{Stream: modelStream, Rule: "append-log"})
	w.step(Connect{})
}

func (w *modelWorld) step(ev Event) error {
	w.out = w.out[:0]
	err := w.c.Step(w.now, ev, &w.out)
	w.carry(len(w.out))
	w.check()
	return err
}

// carry does the first n effects of the last step.
func (w *modelWorld) carry(n int) {
	for _, e := range slices.Clone(w.out[:n]) {
		w.saved.Do(e)
		switch e := e.(type) {
		case NeedToken:
			w.step(TokenReady{})
		case Dial:
			w.link, w.dialed = e.Link, true
		case Hangup:
			w.cut(false)
		case SaveHead:
			w.noteAcked(e.Head)
		case Send:
			if w.online && e.Link == w.link {
				w.noteSent(e.Msg)
				w.up = append(w.up, e.Msg)
			}
		}
	}
}

// noteAcked keeps which ops the client was told are committed.
func (w *modelWorld) noteAcked(h Head) {
	for id, op := range w.sent {
		var seq uint64
		if inc, _, _ := strings.Cut(id, "/"); inc == h.Inc {
			fmt.Sscanf(id[len(inc)+1:], "%d", &seq)
		}
		if seq > 0 && seq <= h.Acked {
			w.acked[valueOf([]byte(op))] = true
		}
	}
}

// noteSent holds that a seq names one op for ever.
func (w *modelWorld) noteSent(m wire.ClientMessage) {
	p, ok := m.(*wire.Push)
	if !ok {
		return
	}
	for i, op := range p.Ops {
		id := fmt.Sprintf("%s/%d", w.c.streams[modelStream].inc, p.Seq+uint64(i))
		if before, ok := w.sent[id]; ok && before != string(op) {
			w.t.Fatalf("%s was sent as %s and as %s", id, before, op)
		}
		w.sent[id] = string(op)
	}
}

func (w *modelWorld) cut(crash bool) {
	w.up, w.online, w.dialed = nil, false, false
	w.hub.drop(crash)
}

func (w *modelWorld) restart() {
	w.cut(false)
	w.shown = nil
	w.c = Restore(w.cfg, cloneSaved(w.saved))
	w.start()
}

// chaos lets one thing happen.
func (w *modelWorld) chaos() {
	w.now += Instant(w.rng.IntN(20))
	switch r := w.rng.IntN(100); {
	case r < 25:
		w.push()
	case r < 28:
		w.crash()
	case r < 31 && w.online:
		w.drop(w.rng.IntN(2) == 0)
	case r < 32:
		w.hub.refuse = w.rng.IntN(3) == 0
	case r < 33 && w.losing:
		w.hub.lose()
	case r < 36:
		w.step(Keep{Stream: modelStream})
	case r < 37:
		w.now += 20_000
	case r < 39:
		w.fail()
	case r < 55:
		w.hub.commit()
	default:
		w.deliver()
	}
	w.step(Tick{})
	w.step(Flush{})
}

func (w *modelWorld) push() {
	v := fmt.Sprintf("v%d", len(w.pushed))
	if w.step(Push{Stream: modelStream, Op: []byte(`{"op":"append","value":"` + v + `"}`)}) == nil {
		w.pushed = append(w.pushed, v)
	}
}

// fail lets the saving of some pushes, or of a state, fail.
func (w *modelWorld) fail() {
	var out Effects
	for range 1 + w.rng.IntN(3) {
		if w.rng.IntN(4) == 0 {
			w.c.Step(w.now, Keep{Stream: modelStream}, &out)
			continue
		}
		w.pushed = append(w.pushed, "") // was never accepted: the value is not used again
		v := fmt.Sprintf("v%d", len(w.pushed)-1)
		w.c.Step(w.now, Push{Stream: modelStream, Op: []byte(`{"op":"append","value":"` + v + `"}`)}, &out)
	}
	w.step(Unsaved{Effects: out})
}

// damage takes the body of a queued op away, and restarts.
func (w *modelWorld) damage() {
	if ops := w.saved.stream(modelStream).Ops; len(ops) > 0 {
		if o := &ops[w.rng.IntN(len(ops))]; !o.Lost {
			w.lost[valueOf(o.Body)] = true
			o.Lost, o.Body = true, nil
		}
	}
	w.restart()
}

// crash stops the client between two effects of a flush or a push.
func (w *modelWorld) crash() {
	v := fmt.Sprintf("v%d", len(w.pushed))
	w.out = w.out[:0]
	var ev Event = Flush{}
	if w.rng.IntN(2) == 0 {
		ev = Push{Stream: modelStream, Op: []byte(`{"op":"append","value":"` + v + `"}`)}
	} else if len(w.hub.out) > 0 && w.online {
		ev = Received{Link: w.link, Msg: w.hub.out[0]}
		w.hub.out = w.hub.out[1:]
	}
	w.c.Step(w.now, ev, &w.out)
	w.carry(w.rng.IntN(len(w.out) + 1))
	if _, ok := ev.(Push); ok && strings.Contains(savedText(&w.saved), `"`+v+`"`) {
		w.pushed = append(w.pushed, v)
	} else if ok {
		w.pushed = append(w.pushed, "") // was never accepted: the value is not used again
	}
	w.restart()
}

func savedText(s *Saved) string {
	var b strings.Builder
	for _, st := range s.Streams {
		for _, o := range st.Ops {
			b.Write(o.Body)
		}
	}
	return b.String()
}

func (w *modelWorld) drop(crash bool) {
	// Some of what is on the way still arrives.
	for range w.rng.IntN(len(w.up) + 1) {
		w.hub.receive(w.up[0])
		w.up = w.up[1:]
	}
	link := w.link
	w.cut(crash)
	w.step(Disconnected{Link: link, Code: 1006})
}

// deliver moves one message, or opens the socket.
func (w *modelWorld) deliver() {
	switch {
	case w.dialed && !w.online:
		w.online = true
		w.step(Connected{Link: w.link})
	case len(w.up) > 0 && w.rng.IntN(2) == 0:
		m := w.up[0]
		w.up = w.up[1:]
		w.hub.receive(m)
	case len(w.hub.out) > 0 && w.online:
		m := w.hub.out[0]
		w.hub.out = w.hub.out[1:]
		w.step(Received{Link: w.link, Msg: m})
	}
}

// heal lets everything settle without further faults.
func (w *modelWorld) heal() {
	w.hub.healing = true
	for range 5000 {
		w.now += 50
		w.step(Tick{})
		w.step(Flush{})
		w.deliver()
		w.hub.commit()
		st := w.c.streams[modelStream]
		if w.online && len(w.up)+len(w.hub.out) == 0 && st.phase == open && len(st.pending) == 0 {
			return
		}
		if st.phase == halted { // was refused in this session
			w.drop(false)
		}
	}
	st := w.c.streams[modelStream]
	w.t.Fatalf("does not settle: %v, phase %d, %d pending, acked %d, sent %d", w.c.Status(), st.phase, len(st.pending), st.acked, st.sent)
}

func cloneSaved(s Saved) Saved {
	out := Saved{Dead: slices.Clone(s.Dead)}
	for _, st := range s.Streams {
		st.Ops = slices.Clone(st.Ops)
		out.Streams = append(out.Streams, st)
	}
	return out
}
