package hubcore

import (
	"crypto/subtle"
	"errors"
	"slices"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/store"
	"github.com/wavesiddhartha/flowsync/wire"
)

// Stream is one stream on one hub.
type Stream struct {
	cfg     *Config
	name    string
	rule    crdt.Rule
	initial []byte // canonical JSON, nil: none
	options []byte // the body of a hub:options op, nil: the rule's defaults

	phase  phase
	parked []StreamEvent // arrived before the stream was live

	// Confirmed: what the log holds up to head.
	head   store.Position
	key    [32]byte
	first  uint64 // lowest offset the log holds
	state  crdt.State
	ring   ring
	snap   []byte // encoding of the state at snapAt, shared by those who join
	snapAt uint64

	cursors cursors

	// Accepted, not confirmed.
	draft    crdt.State    // state plus inflight plus waiting; nil: make it when needed
	inflight []*accepted   // in the append under way
	sent     store.Record  // what that append carries
	waiting  []*accepted   // for the next append
	after    []StreamEvent // to be stepped again when no append is under way
	rotating bool

	writers map[crdt.Writer]*writer

	subs  map[*Member]*subscriber
	order []*subscriber // by arrival: maps have no order
	fans  fans

	peers []peer // presence, by arrival

	calls  []continuation // store calls under way
	nextID uint64
	lost   bool // history was lost: the next load rotates

	compaction compaction

	eph *ephemeral // nil unless the rule is ephemeral
}

type phase uint8

const (
	unloaded phase = iota
	loading
	founding // committing initial and options
	live
)

// subscriber is a session that has the stream open.
type subscriber struct {
	m      *Member
	target *Target
	ref    string // of the newest open
	mode   wire.Mode
	as     wire.As
	w      *writer // nil unless it may push
	open   uint64  // counts opens: answers to an older one are dropped

	ready    bool // synced was sent
	lagging  bool
	ignoring bool // go-back-N: until a push fits
	stale    bool // the epoch changed: until the stream is opened again
	parted   bool // another history than its writer's was seen: pushes likewise
	presence bool // may read presence
}

// NewStream makes a stream that loads itself at the first event. initial and
// options may be nil.
func NewStream(cfg *Config, name string, rule crdt.Rule, initial, options []byte) *Stream {
	s := &Stream{
		cfg: cfg, name: name, rule: rule, initial: initial, options: options,
		ring:    ring{maxEntries: cfg.RingEntries, maxBytes: cfg.RingBytes},
		writers: map[crdt.Writer]*writer{},
		subs:    map[*Member]*subscriber{},
	}
	if rule.Name() == string(crdt.Ephemeral) {
		s.eph = newEphemeral(rule)
		s.phase = live
	}
	return s
}

// Name is the stream's name.
func (s *Stream) Name() string { return s.name }

// Idle reports whether the stream can be forgotten: nobody uses it and nothing
// is under way.
func (s *Stream) Idle() bool {
	return len(s.order) == 0 && len(s.peers) == 0 && len(s.parked) == 0 && len(s.calls) == 0 &&
		len(s.inflight) == 0 && len(s.waiting) == 0 && s.phase != loading && !s.rotating &&
		s.compaction.saving.Offset == 0 && !s.compaction.busy && (s.eph == nil || len(s.eph.owner) == 0 && s.eph.n == 0)
}

// Members is how many sessions have the stream open.
func (s *Stream) Members() int { return len(s.order) }

// StateBytes is about how long the encoded state is. LogOps is how many ops the
// log holds. Both are 0 of a stream that is not loaded.
func (s *Stream) StateBytes() int {
	switch {
	case s.eph != nil:
		return s.eph.state.Size()
	case s.state == nil:
		return 0
	}
	return s.state.Size()
}

// LogOps: see StateBytes.
func (s *Stream) LogOps() uint64 {
	if s.first == 0 || s.head.Offset < s.first {
		return 0
	}
	return s.head.Offset - s.first + 1
}

// Waits reports whether ops wait for the next append.
func (s *Stream) Waits() bool { return len(s.waiting) > 0 }

// Step feeds one event to the stream and appends what follows from it to fx.
func (s *Stream) Step(now Instant, ev StreamEvent, fx *Effects) {
	switch ev := ev.(type) {
	case *Leave:
		s.leave(ev, fx)
	case *Loaded:
		s.loaded(now, ev, fx)
	case *Appended:
		s.appended(now, ev, fx)
	case *ReadDone:
		s.readDone(now, ev, fx)
	case *Recalled:
		s.recalled(now, ev, fx)
	case *Rotated:
		s.rotated(now, ev, fx)
	case *Saved:
		s.saved(ev, fx)
	case *Trimmed:
		s.trimmed(ev, fx)
	case *Lagged:
		s.lagged(ev.Member)
	case *Caught:
		s.caught(ev, fx)
	case *FlushValues:
		s.flushValues(fx)
	case *Tick:
		s.expire(now, fx)
	default:
		s.request(now, ev, fx)
	}
	s.append(fx)
	s.compact(fx)
}

// request handles what sessions and local callers ask, once the stream is live.
func (s *Stream) request(now Instant, ev StreamEvent, fx *Effects) {
	if s.phase != live && !s.founder(ev) {
		s.park(ev, fx)
		return
	}
	switch ev := ev.(type) {
	case *Open:
		s.open(ev, fx)
	case *Push:
		s.push(now, ev, fx)
	case *Local:
		s.local(now, ev, fx)
	case *Post:
		s.post(ev, fx)
	case *Query:
		s.query(ev, fx)
	case *SetPresence:
		s.setPresence(ev, fx)
	case *Emit:
		s.emit(ev, fx)
	case *GetHistory:
		s.history(ev, fx)
	}
}

// park keeps an event until the stream is live, and loads it. A push can only
// come from a session whose stream was taken from under it; it opens again.
func (s *Stream) park(ev StreamEvent, fx *Effects) {
	if p, ok := ev.(*Push); ok {
		fx.Released = append(fx.Released, Released{Member: p.Member, Pushes: 1, Bytes: p.Bytes})
		return
	}
	s.parked = append(s.parked, ev)
	if s.phase == unloaded {
		s.phase = loading
		fx.Calls = append(fx.Calls, Call{Kind: CallLoad})
	}
}

// unpark steps the parked events again, and what waited for an append.
func (s *Stream) unpark(now Instant, fx *Effects) {
	parked := s.parked
	s.parked = nil
	for _, ev := range parked {
		s.request(now, ev, fx)
	}
	s.resume(now, fx)
}

// resume steps what waited for an append that has ended, or is void.
func (s *Stream) resume(now Instant, fx *Effects) {
	after := s.after
	s.after = nil
	for _, ev := range after {
		s.Step(now, ev, fx)
	}
}

func (s *Stream) loaded(now Instant, ev *Loaded, fx *Effects) {
	if s.phase != loading {
		return
	}
	err := ev.Err
	if err == nil {
		err = s.restore(ev.Stream)
	}
	if err != nil {
		s.phase = unloaded
		s.refuse(failure(err), fx)
		return
	}
	if s.lost {
		s.rotating = true
		fx.Calls = append(fx.Calls, Call{Kind: CallRotate, Epoch: s.head.Epoch})
		return
	}
	s.found(now, fx)
}

// restore rebuilds the confirmed state from what the store holds, and checks
// that the log continues the snapshot and itself.
func (s *Stream) restore(in *store.Stream) error {
	state := s.rule.New()
	pos := store.Position{Epoch: in.Head.Epoch}
	switch snap := in.Snapshot; {
	case snap != nil:
		if snap.Rule != s.rule.Name() {
			return errors.Join(store.ErrCorrupt, errors.New("the stored snapshot is of another rule"))
		}
		var err error
		if state, err = s.rule.Decode(snap.State); err != nil {
			return errors.Join(store.ErrCorrupt, err)
		}
		pos.Offset, pos.Chain = snap.Position.Offset, snap.Position.Chain
	case len(in.Tail) > 0:
		pos.Chain = in.Tail[0].Prev
	default:
		pos.Chain = in.Head.Chain
	}
	s.state, s.draft, s.snap, s.cursors = state, nil, nil, cursors{}
	s.compaction = compaction{newest: pos.Offset}
	s.ring.reset(pos.Chain)
	s.head, s.key, s.first = pos, in.Key, in.First
	for i := range in.Tail {
		if !s.follows(&in.Tail[i]) {
			return errors.Join(store.ErrCorrupt, errors.New("the log does not continue the snapshot"))
		}
		s.advance(&in.Tail[i])
	}
	if s.head != in.Head {
		return errors.Join(store.ErrCorrupt, errors.New("the log does not end at its head"))
	}
	return nil
}

// refuse answers everything that is parked with an error.
func (s *Stream) refuse(e *wire.Error, fx *Effects) {
	parked := s.parked
	s.parked = nil
	for _, ev := range parked {
		s.answerError(ev, e, fx)
	}
}

// answerError tells the author of ev that it failed.
func (s *Stream) answerError(ev StreamEvent, e *wire.Error, fx *Effects) {
	about := *e
	about.Stream = s.name
	switch ev := ev.(type) {
	case *Open:
		about.Ref = ev.Ref
		fx.send(ev.Member, &about)
	case *GetHistory:
		about.Ref = ev.Get.Ref
		fx.send(ev.Member, &about)
	case *SetPresence:
		fx.send(ev.Member, &about)
	case *Emit:
		if ev.From != nil {
			fx.send(ev.From, &about)
		}
	case *Local:
		fx.Settled = append(fx.Settled, Settled{Token: ev.Token, Err: &about})
	case *Post:
		fx.Settled = append(fx.Settled, Settled{Token: ev.Token, Err: &about})
	case *Query:
		fx.Settled = append(fx.Settled, Settled{Token: ev.Token, Err: &about})
	}
}

// failure is how an error of the store looks to clients.
func failure(err error) *wire.Error {
	switch {
	case errors.Is(err, store.ErrCorrupt):
		return wire.Errorf(wire.StoreCorrupt, "what the store holds of this stream is damaged; restore it from a backup")
	case errors.Is(err, store.ErrVersion):
		return wire.Errorf(wire.StoreCorrupt, "this stream was written by a newer version of FlowSync; update this hub")
	case errors.Is(err, store.ErrInvalid):
		return wire.Errorf(wire.Internal, "the hub made a record that its store refused; this is a bug of FlowSync")
	case errors.Is(err, store.ErrReadonly):
		e := wire.Errorf(wire.StoreReadonly, "the store cannot be written now; the op is kept by the client and sent again")
		e.AfterMS = 1000
		return e
	}
	e := wire.Errorf(wire.Unavailable, "the store cannot be reached now; try again")
	e.AfterMS = 1000
	return e
}

// Local writers that found a stream.
const (
	initialClient = "hub:initial"
	optionsClient = "hub:options"
)

// found commits what registration promises (initial and options), then serves.
// If the store cannot be written the stream is served as it is.
func (s *Stream) found(now Instant, fx *Effects) {
	if op := s.unfounded(); op != nil {
		s.phase = founding
		s.local(now, op, fx)
		return
	}
	s.phase = live
	s.unpark(now, fx)
}

// unfounded is the op that registration promises and the log does not hold.
func (s *Stream) unfounded() *Local {
	if s.head.Offset == 0 && s.initial != nil {
		body := append(append([]byte(`{"op":"initial","value":`), s.initial...), '}')
		return &Local{Client: initialClient, Inc: s.cfg.Inc, Body: body}
	}
	if c, ok := s.state.(crdt.Configurable); ok && s.options != nil && !s.sameOptions(c) {
		return &Local{Client: optionsClient, Inc: s.cfg.Inc, Body: s.options}
	}
	return nil
}

// sameOptions reports whether applying the options op would change nothing.
func (s *Stream) sameOptions(c crdt.Configurable) bool {
	next := c.Clone().(crdt.Configurable)
	next.Apply(crdt.Op{
		Offset: s.head.Offset + 1, At: s.head.Offset,
		Writer: crdt.Writer{Client: optionsClient, Inc: s.cfg.Inc}, Seq: 1, Body: s.options,
	})
	return slices.Equal(c.AppendOptions(nil), next.AppendOptions(nil))
}

// founder reports whether ev is one of the ops that found the stream.
func (s *Stream) founder(ev StreamEvent) bool {
	l, ok := ev.(*Local)
	return ok && s.phase == founding && (l.Client == initialClient || l.Client == optionsClient)
}

func (s *Stream) leave(ev *Leave, fx *Effects) {
	s.parked = slices.DeleteFunc(s.parked, func(p StreamEvent) bool {
		o, ok := p.(*Open)
		return ok && o.Member == ev.Member
	})
	s.absent(ev.Member, fx)
	if s.eph != nil {
		s.forgetKeys(ev.Member, fx)
	}
	s.drop(ev.Member)
}

// drop removes a subscriber.
func (s *Stream) drop(m *Member) {
	sub := s.subs[m]
	if sub == nil {
		return
	}
	s.release(sub)
	delete(s.subs, m)
	i := slices.Index(s.order, sub)
	s.order = slices.Delete(s.order, i, i+1)
	s.fans.stale()
}

// writer returns the stream's record of a writer, a new one if need be.
func (s *Stream) writer(id crdt.Writer) *writer {
	w := s.writers[id]
	if w == nil {
		w = &writer{id: id}
		s.writers[id] = w
	}
	return w
}

// release gives the subscriber's writer back.
func (s *Stream) release(sub *subscriber) {
	w := sub.w
	if w == nil {
		return
	}
	sub.w = nil
	w.subs = slices.DeleteFunc(w.subs, func(o *subscriber) bool { return o == sub })
	s.evict(w)
}

// evict forgets a writer that nobody uses; the store remembers it.
func (s *Stream) evict(w *writer) {
	if len(w.subs) == 0 && w.pins == 0 && w.inflight == 0 && s.writers[w.id] == w {
		delete(s.writers, w.id)
	}
}

func (s *Stream) cursor() string { return s.cursorAt(s.head.Offset, s.head.Chain) }

func (s *Stream) cursorAt(offset uint64, chain store.Hash) string {
	at := store.Position{Epoch: s.head.Epoch, Offset: offset, Chain: chain}
	if s.cursors.made == "" || s.cursors.at != at {
		s.cursors.made, s.cursors.at = wire.SignCursor(s.key, s.name, at.Epoch, offset, chain).String(), at
	}
	return s.cursors.made
}

// proven reads a cursor that a hub made for this stream.
func (s *Stream) proven(text string) (wire.Cursor, bool) {
	cur, ok := wire.ParseCursor(text)
	if !ok || !s.cursors.proves(&cur) && !cur.Verify(s.key, s.name) {
		return cur, false
	}
	s.cursors.proven = cur
	return cur, true
}

// cursors are the newest cursor that was made and the newest that was proven. Those
// who come back together have the same and get the same; each takes a MAC otherwise,
// which costs more than the rest of an open.
type cursors struct {
	made   string
	at     store.Position
	proven wire.Cursor
}

// proves reports, in time that does not depend on the MAC, whether a cursor is the
// one that was proven.
func (c *cursors) proves(cur *wire.Cursor) bool {
	p := &c.proven
	return cur.Epoch == p.Epoch && cur.Offset == p.Offset && cur.Check == p.Check && subtle.ConstantTimeCompare(cur.Mac[:], p.Mac[:]) == 1
}

func (s *Stream) call(c continuation, call Call, fx *Effects) {
	s.nextID++
	c.id, call.ID = s.nextID, s.nextID
	s.calls = append(s.calls, c)
	fx.Calls = append(fx.Calls, call)
}

// continuation is what to do with the answer of a store call.
type continuation struct {
	id   uint64
	kind continuationKind
	ev   StreamEvent
	sub  *subscriber
	open uint64 // sub.open when the call was made
	head known  // of a read to the head: where the stream was when the call was made
	ours bool   // of a read below the ring: the cursor is known to be of this history
	w    *writer
	t    *tally        // of a post
	page []store.Entry // of a history request: what was read so far
}

type continuationKind uint8

const (
	thenPlace   continuationKind = iota // an open waits for its writer's watermark
	thenDelta                           // an open waits for entries below the ring
	thenRetry                           // ev is stepped again after the log was read to its head
	thenOutcome                         // an append's outcome is in what was read
	thenHistory                         // a history request waits for its entries
	thenPost                            // a post waits for its writer's watermark
	thenLocal                           // an op of the hub waits for its writer's watermark
)

// take removes and returns the continuation of a call.
func (s *Stream) take(id uint64) (continuation, bool) {
	i := slices.IndexFunc(s.calls, func(c continuation) bool { return c.id == id })
	if i < 0 {
		return continuation{}, false
	}
	c := s.calls[i]
	if s.calls = slices.Delete(s.calls, i, i+1); len(s.calls) == 0 {
		s.calls = nil // calls are rare, and idle streams many
	}
	return c, true
}

// current reports whether the open that c belongs to is still the newest.
func (c *continuation) current(s *Stream) bool {
	return s.subs[c.sub.m] == c.sub && c.sub.open == c.open
}
