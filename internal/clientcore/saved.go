package clientcore

import (
	"slices"
	"sort"

	"github.com/wavesiddhartha/flowsync/wire"
)

// Saved is everything a client needs to go on after a restart. [Saved.Do] on
// each durable effect keeps it current: an in-memory queue is nothing else, and
// a queue on disk must come to the same.
type Saved struct {
	Streams []SavedStream // in the order of first use
	Dead    []DeadLetter  // oldest first
}

// SavedStream is one stream of Saved.
type SavedStream struct {
	Head
	Ops  []Op // by seq
	Kept *Kept
}

// Head is what a client remembers of its writer and its place on a stream.
type Head struct {
	Stream string
	Rule   string // empty: not known yet
	Inc    string
	Next   uint64  // the next op's seq
	Acked  uint64  // the highest acked seq
	Hash   [8]byte // writer hash at Acked
	Epoch  string  // empty: never synced
	At     uint64  // the highest at of an op so far; the next is not below
	Seen   bool    // false: the hub's state was never seen, At means nothing
}

// Op is a queued op. Its prev and hash follow from the ops before it.
type Op struct {
	Seq   uint64
	At    uint64
	Blind bool // made before the hub's state was ever seen: At is set by the first synced
	Lost  bool // the queue kept its place, but no body: if the hub lacks it, it becomes a dead letter
	Body  []byte
}

// Kept is a confirmed state with its place.
type Kept struct {
	Cursor string
	State  []byte
}

// DeadLetter is an op that was refused for good.
type DeadLetter struct {
	Stream string
	Inc    string
	Seq    uint64
	Hash   [8]byte
	Sent   bool // it was sent at least once
	Code   wire.Code
	Msg    string
	Op     []byte
}

// Do carries out a durable effect. Other effects change nothing.
func (s *Saved) Do(e Effect) {
	switch e := e.(type) {
	case SaveStream:
		rec := s.stream(e.Stream.Stream)
		rec.Head, rec.Ops = e.Stream.Head, e.Stream.Ops
	case SaveHead:
		s.stream(e.Head.Stream).Head = e.Head
	case SaveOp:
		s.stream(e.Stream).put(e.Op)
	case DropOps:
		s.stream(e.Stream).drop(e.Through)
	case SaveState:
		rec := s.stream(e.Head.Stream)
		kept := e.Kept
		rec.Head, rec.Kept = e.Head, &kept
		rec.drop(e.Through)
	case SaveDead:
		rec := s.stream(e.Dead.Stream)
		rec.Ops = slices.DeleteFunc(rec.Ops, func(o Op) bool { return o.Seq == e.Dead.Seq })
		s.Dead = append(s.Dead, e.Dead)
	case DropDead:
		s.Dead = slices.DeleteFunc(s.Dead, func(d DeadLetter) bool { return d.is(e.Stream, e.Inc, e.Seq) })
	}
}

// stream finds a stream's record, or begins one.
func (s *Saved) stream(name string) *SavedStream {
	for i := range s.Streams {
		if s.Streams[i].Stream == name {
			return &s.Streams[i]
		}
	}
	s.Streams = append(s.Streams, SavedStream{Head: Head{Stream: name, Next: 1}})
	return &s.Streams[len(s.Streams)-1]
}

// put takes an op in, in place of the one with its seq. Head follows it: what was
// given out is never given out again.
func (s *SavedStream) put(o Op) {
	i := sort.Search(len(s.Ops), func(i int) bool { return s.Ops[i].Seq >= o.Seq })
	if i < len(s.Ops) && s.Ops[i].Seq == o.Seq {
		s.Ops[i] = o
	} else {
		s.Ops = slices.Insert(s.Ops, i, o)
	}
	s.Follow(o)
}

// Follow makes the head one that has given out o.
func (h *Head) Follow(o Op) {
	h.Next = max(h.Next, o.Seq+1)
	switch {
	case o.Blind:
	case h.Seen:
		h.At = max(h.At, o.At)
	default:
		h.At, h.Seen = o.At, true
	}
}

func (s *SavedStream) drop(through uint64) {
	n := 0
	for n < len(s.Ops) && s.Ops[n].Seq <= through {
		n++
	}
	clear(s.Ops[:n])
	s.Ops = s.Ops[n:]
}

func (d *DeadLetter) is(stream, inc string, seq uint64) bool {
	return d.Seq == seq && d.Inc == inc && d.Stream == stream
}

// Restore returns a client that goes on from what was saved. Every queued op
// counts as sent: whether it was, nobody remembers.
func Restore(cfg Config, saved Saved) *Client {
	c := New(cfg)
	c.dead = slices.Clone(saved.Dead)
	for i := range saved.Streams {
		c.restore(&saved.Streams[i])
	}
	return c
}

func (c *Client) restore(rec *SavedStream) {
	st := c.addStream(rec.Stream)
	st.inc, st.next = rec.Inc, rec.Next
	st.acked, st.hash = rec.Acked, rec.Hash
	st.epoch, st.at, st.seen = rec.Epoch, rec.At, rec.Seen
	st.saved = true
	c.setRule(st, rec.Rule)
	if k := rec.Kept; k != nil {
		c.restoreState(st, k)
	}
	for _, o := range rec.Ops {
		c.ids++
		st.pending = append(st.pending, pendingOp{Op: o, id: c.ids, sent: true})
		c.pendingOps++
		c.pendingBytes += len(o.Body)
	}
	st.rechain()
	st.rewind()
}

// restoreState takes a kept state. One that cannot be read, for example of an
// older rule, is as good as none: the hub sends another.
func (c *Client) restoreState(st *stream, k *Kept) {
	cursor, ok := wire.ParseCursor(k.Cursor)
	if !ok || st.rule == nil {
		return
	}
	state, err := st.rule.Decode(k.State)
	if err != nil {
		return
	}
	st.state, st.ready, st.seen = state, true, true
	st.cursor, st.epoch, st.offset = k.Cursor, cursor.Epoch, cursor.Offset
}
