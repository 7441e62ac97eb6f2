package flowsync

import (
	"github.com/wavesiddhartha/flowsync/internal/hubcore"
	"github.com/wavesiddhartha/flowsync/internal/socket"
	"github.com/wavesiddhartha/flowsync/wire"
)

// few is how many receivers a commit may have to be told of in the goroutine that
// carried it out.
const few = 16

// sendAll runs the senders of streams. Where all of them together have few
// receivers that is done here: a goroutine would cost more than the writes.
func (h *Hub) sendAll(due []*stream) {
	receivers := 0
	for _, st := range due {
		receivers += 1 + st.receivers()
	}
	for _, st := range due {
		if receivers > few || !st.sendRound() {
			h.goWork(st.send)
		}
	}
}

// send empties the stream's outbox and ends when nothing is left. Whoever made
// itself the sender runs it, so it is the only one that sends this stream's
// messages, and each session gets them in order.
//
// It is a goroutine of its own because what arrives while one round is written
// is joined into the next: sent from the reader that caused it, every message
// would be a write of its own for every subscriber.
func (st *stream) send() {
	for !st.sendRound() {
	}
}

// sendRound sends what there is and reports whether the caller is the sender no
// longer, because nothing came meanwhile.
func (st *stream) sendRound() (ended bool) {
	round := st.hub.rounds.Get().(*fanout)
	out, pushed := st.takeOutbox(round.spare)
	round.send(st, out)
	if pushed > 0 {
		st.hub.metrics.delivery.Observe(seconds(st.hub.now() - pushed))
	}
	clear(out)
	round.spare = out[:0]
	if cap(round.arena) <= keepBytes && cap(round.body) <= keepBytes {
		st.hub.rounds.Put(round)
	}
	st.hub.commits.commit() // what catching up may have led to

	st.mu.Lock()
	defer st.mu.Unlock()
	st.sending = false
	return !st.becomeSender()
}

// takeOutbox empties the outbox, which goes on in spare. pushed is when the oldest
// push came that it tells of; 0: of none.
func (st *stream) takeOutbox(spare []hubcore.Out) (out []hubcore.Out, pushed hubcore.Instant) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.values {
		st.values = false
		st.stepLocked(&hubcore.FlushValues{})
	}
	for _, t := range st.caught {
		t.Held = false
		st.stepLocked(&hubcore.Caught{Member: t.Member, Offset: t.Reached})
	}
	clear(st.caught)
	st.caught = st.caught[:0]
	out, pushed = st.outbox, st.clock.sending
	st.outbox, st.clock.sending = spare, 0
	return out, pushed
}

// fanout sends one round of a stream's messages: each is encoded once, and what
// one session gets in the round goes to it as one frame.
type fanout struct {
	spare   []hubcore.Out
	arena   []byte   // what encoded points into
	ends    []int    // of each in arena
	encoded [][]byte // of out[i]
	body    []byte   // of one session's or one list's message
	parcels []parcel
	alone   map[*hubcore.Member]struct{}
}

// keepBytes bounds what a round's buffers keep for the next.
const keepBytes = 256 << 10

func (f *fanout) send(st *stream, out []hubcore.Out) {
	f.encode(out)
	clear(f.alone)
	for i := range out {
		if out[i].One == nil {
			continue
		}
		if f.alone == nil {
			f.alone = map[*hubcore.Member]struct{}{}
		}
		m := out[i].One.Member
		if _, ok := f.alone[m]; !ok {
			f.alone[m] = struct{}{}
			f.sendAlone(st, m, out)
		}
	}
	for i := range out {
		if len(out[i].All) > 0 && !seen(out[:i], out[i].All) {
			f.sendAll(st, out[i:])
		}
	}
}

// seen reports whether an earlier message goes to the same list, and took this
// one along.
func seen(before []hubcore.Out, all []*hubcore.Target) bool {
	for i := range before {
		if sameList(before[i].All, all) {
			return true
		}
	}
	return false
}

// sameList compares lists by identity: they are never changed.
func sameList(a, b []*hubcore.Target) bool { return len(a) == len(b) && len(a) > 0 && &a[0] == &b[0] }

func (f *fanout) encode(out []hubcore.Out) {
	f.arena, f.ends, f.encoded = f.arena[:0], f.ends[:0], f.encoded[:0]
	for i := range out {
		f.arena = out[i].Msg.Append(f.arena)
		f.ends = append(f.ends, len(f.arena))
	}
	from := 0
	for _, end := range f.ends { // only now: the arena may have moved
		f.encoded = append(f.encoded, f.arena[from:end])
		from = end
	}
}

// sendAll sends what goes to the list of the first message, in frames that all
// its sessions share.
func (f *fanout) sendAll(st *stream, out []hubcore.Out) {
	all := out[0].All
	encoded := f.encoded[len(f.encoded)-len(out):]
	f.parcels = f.parcels[:0]
	body := f.body[:0]
	var last uint64
	size := 0
	seal := func() {
		size += len(body)
		f.parcels = append(f.parcels, parcel{socket.NewFrame(body), last})
		f.body, body = body, body[:0]
	}
	for i := range out {
		if !sameList(out[i].All, all) {
			continue
		}
		if len(body) > 0 && len(body)+len(encoded[i]) > joinedMessage {
			seal()
		}
		body = appendLine(body, encoded[i])
		last = max(last, out[i].Last)
	}
	seal()
	sent, held := 0, 0
	for _, t := range all {
		if _, ok := f.alone[t.Member]; ok {
			continue
		}
		if t.Held {
			held++
			continue
		}
		switch sink := t.Member.Sink.(type) {
		case *session:
			if f.deliver(st, t, sink) {
				sent++
			}
		case *inbox:
			for i := range out {
				if sameList(out[i].All, all) {
					sink.put(out[i].Msg)
				}
			}
		}
	}
	clear(f.parcels)
	st.hub.metrics.sentBytes.Add(float64(size * sent))
	for i := range out {
		if sameList(out[i].All, all) {
			st.hub.metrics.told(out[i].Msg, sent)
			st.hub.metrics.withheld(out[i].Msg, held)
		}
	}
}

// parcel is a frame and the offset that it takes its receivers to.
type parcel struct {
	frame *socket.Frame
	last  uint64
}

// deliver reports whether the session took everything.
func (f *fanout) deliver(st *stream, t *hubcore.Target, s *session) bool {
	for _, p := range f.parcels {
		if !s.sock.SendFrame(p.frame) {
			f.hold(st, t, s)
			return false
		}
		t.Reached = max(t.Reached, p.last)
	}
	return true
}

// sendAlone sends a session that gets something of its own in this round all it
// gets, in order.
func (f *fanout) sendAlone(st *stream, m *hubcore.Member, out []hubcore.Out) {
	s, ok := m.Sink.(*session)
	if !ok {
		box := m.Sink.(*inbox)
		for i := range out {
			if target(&out[i], m) != nil {
				box.put(out[i].Msg)
			}
		}
		return
	}
	body := f.body[:0]
	var moved *hubcore.Target
	var last uint64
	flush := func() {
		if len(body) == 0 {
			return
		}
		switch {
		case s.sock.SendUrgent(body):
			if moved != nil {
				moved.Reached = max(moved.Reached, last)
			}
		case moved != nil:
			f.hold(st, moved, s)
		default:
			s.sock.Close(wire.CloseSlow, "answers are not read")
		}
		f.body, body = body, body[:0]
		moved, last = nil, 0
	}
	for i := range out {
		t := target(&out[i], m)
		switch {
		case t == nil || t.Held && out[i].One == nil:
			continue
		case len(body) > 0 && len(body)+len(f.encoded[i]) > joinedMessage:
			flush()
		}
		if out[i].Last > 0 {
			if moved != nil && moved != t {
				flush()
			}
			moved, last = t, max(last, out[i].Last)
		}
		body = appendLine(body, f.encoded[i])
		st.hub.metrics.told(out[i].Msg, 1)
		st.hub.metrics.sentBytes.Add(float64(len(f.encoded[i])))
	}
	flush()
}

// joinedMessage is about how large a message of joined lines may get.
const joinedMessage = 1 << 20

// target is the member as a receiver of one message; nil if it is none.
func target(o *hubcore.Out, m *hubcore.Member) *hubcore.Target {
	if o.One != nil {
		if o.One.Member == m {
			return o.One
		}
		return nil
	}
	for _, t := range o.All {
		if t.Member == m {
			return t
		}
	}
	return nil
}

// hold stops sending the stream to a session whose queue is full. When the
// queue is empty again the session is brought up to date from what it reached.
func (f *fanout) hold(st *stream, t *hubcore.Target, s *session) {
	t.Held = true
	st.hub.metrics.lagged.Inc()
	st.step(&hubcore.Lagged{Member: t.Member})
	s.lags(st, t)
}

func appendLine(b, line []byte) []byte {
	if len(b) > 0 {
		b = append(b, '\n')
	}
	return append(b, line...)
}
