package clientcore

import (
	"bytes"
	"slices"
	"sort"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/wire"
)

// pendingOp is an op that the confirmed state does not contain yet. It is acked
// when its seq is at or below the stream's acked; it stays until its entry
// arrives, so that the view never loses it.
type pendingOp struct {
	Op
	id   uint64
	prev uint64
	hash [8]byte
	sent bool // in this session or an earlier one: the hub may have it
}

// push queues one op.
func (c *Client) push(name string, body []byte) error {
	st := c.streams[name]
	if st == nil {
		return wire.Errorf(wire.NotReady, "the stream is not open: open it before the first push")
	}
	if !st.mode.Writes() || st.phase == open && !st.granted.Writes() {
		return wire.Errorf(wire.AccessDenied, "writing to this stream is not granted")
	}
	if st.inc == "" && !st.ephemeral {
		st.inc = c.newInc()
	}
	body, err := c.edit(st, body)
	if err != nil {
		return err
	}
	if err := c.check(st, body); err != nil {
		st.unedit()
		return err
	}
	if st.ephemeral {
		c.setOwn(st, body)
		return nil
	}
	if full := c.full(len(body)); full != nil {
		st.unedit()
		return full
	}
	c.begin(st)
	c.ids++
	p := pendingOp{Op: Op{Seq: st.next, Blind: !st.seen, Body: body}, id: c.ids}
	if st.seen {
		st.at = max(st.at, st.offset)
		p.At = st.at
	}
	st.next++
	st.chain(&p, len(st.pending))
	c.emit(SaveOp{Stream: st.name, Op: p.Op})
	c.pendingOps++
	c.pendingBytes += len(body)
	st.pending = append(st.pending, p)
	if st.view != nil {
		st.view.Apply(c.provisional(st, len(st.pending)-1))
	}
	c.emit(Changed{Stream: name})
	return nil
}

// check asks the rule about an op, against what the application sees. What
// passes here may still be refused by the hub.
func (c *Client) check(st *stream, body []byte) error {
	state := st.state
	if st.view != nil {
		state = st.view
	}
	if e, ok := state.(crdt.Editor); state == nil || ok && e.Positional(body) {
		return nil // the hub makes the update; see edit
	}
	op := crdt.Op{
		Offset: st.offset + uint64(len(st.pending)) + 1, At: max(st.at, st.offset),
		Writer: crdt.Writer{Client: c.cfg.Client, Inc: st.inc}, Seq: st.next, Body: body,
	}
	if _, err := state.Check(op); err != nil {
		return refusal(err)
	}
	return nil
}

// refusal is a rule's refusal as the application sees it.
func refusal(err error) error {
	if refused, ok := err.(*crdt.Error); ok {
		return wire.Errorf(refused.Code, "%s", refused.Msg)
	}
	return wire.Errorf(wire.BadOp, "the stream's rule refuses the op")
}

func (c *Client) full(size int) error {
	if c.cfg.QueueOps > 0 && c.pendingOps >= c.cfg.QueueOps {
		return wire.Errorf(wire.Busy, "the queue is full (%d ops): wait until the hub has taken some, or raise the bound", c.pendingOps)
	}
	if c.cfg.QueueBytes > 0 && c.pendingBytes+size > c.cfg.QueueBytes {
		return wire.Errorf(wire.Busy, "the queue is full (%d bytes): wait until the hub has taken some, or raise the bound", c.pendingBytes)
	}
	return nil
}

// chain sets prev and hash of the op that has place i in the queue.
func (st *stream) chain(p *pendingOp, i int) {
	prev, hash := st.acked, st.hash
	if i > 0 && st.pending[i-1].Seq > st.acked {
		prev, hash = st.pending[i-1].Seq, st.pending[i-1].hash
	}
	p.prev = prev
	p.hash = wire.WriterHash(hash, p.Seq, p.Body)
}

// rechain sets prev and hash of all unacked ops again, after one before them
// was refused. That may change ops that were sent: over a refused op they
// cannot have been accepted.
func (st *stream) rechain() {
	for i := range st.pending {
		if st.pending[i].Seq > st.acked {
			st.chain(&st.pending[i], i)
		}
	}
}

// rewind makes all unacked ops unsent in this session.
func (st *stream) rewind() { st.sent = st.acked }

// from is the place of the first op with a seq of at least seq.
func (st *stream) from(seq uint64) int {
	return sort.Search(len(st.pending), func(i int) bool { return st.pending[i].Seq >= seq })
}

// find is the place of the op with this seq, −1 without one.
func (st *stream) find(seq uint64) int {
	if i := st.from(seq); i < len(st.pending) && st.pending[i].Seq == seq {
		return i
	}
	return -1
}

func (st *stream) unacked() []pendingOp { return st.pending[st.from(st.acked+1):] }

// unsent reports whether the stream has something to push.
func (st *stream) unsent() bool {
	if st.unsure || !st.granted.Writes() {
		return false
	}
	return st.from(st.sent+1) < len(st.pending) || slices.ContainsFunc(st.own, func(k ownKey) bool { return k.due })
}

func (st *stream) head() Head {
	return Head{
		Stream: st.name, Rule: st.ruleName, Inc: st.inc, Next: st.next,
		Acked: st.acked, Hash: st.hash, Epoch: st.epoch, At: st.at, Seen: st.seen,
	}
}

// begin saves the head of a stream that has none in the queue.
func (c *Client) begin(st *stream) {
	if !st.saved {
		st.saved = true
		c.emit(SaveStream{Stream: SavedStream{Head: st.head()}})
	}
}

// takeBack undoes what Push and Keep did, the newest first. No op of theirs was
// sent, so its seq is free again.
func (c *Client) takeBack(unsaved Effects) {
	for _, e := range slices.Backward(unsaved) {
		switch e := e.(type) {
		case SaveOp:
			st := c.streams[e.Stream]
			c.unqueue(st, len(st.pending)-1, len(st.pending))
			st.next = e.Op.Seq
			c.emit(Changed{Stream: st.name})
		case SaveStream:
			c.streams[e.Stream.Stream].saved = false
		case SaveState:
			st := c.streams[e.Head.Stream]
			st.keptAt, st.retired = "", e.Through
		}
	}
}

// saveHead saves the head of a stream that has one in the queue.
func (c *Client) saveHead(st *stream) {
	if st.saved {
		c.emit(SaveHead{Head: st.head()})
	}
}

// saveStream saves the head and all pending ops.
func (c *Client) saveStream(st *stream) {
	st.saved = true
	if st.retired > 0 {
		c.keep(st.name) // the kept state takes over what the list below leaves out
	}
	ops := make([]Op, len(st.pending))
	for i := range st.pending {
		ops[i] = st.pending[i].Op
	}
	c.emit(SaveStream{Stream: SavedStream{Head: st.head(), Ops: ops}})
}

// acked takes a cumulative ack.
func (c *Client) acked(m *wire.Ack) {
	st := c.streams[m.Stream]
	if st == nil || st.phase != open {
		return
	}
	hash, ok := wire.ParseHash(m.Hash)
	if !ok || !c.confirm(st, m.Seq, hash) {
		c.reopen(st)
	}
}

// confirm takes that the hub has committed this writer's ops up to seq, where
// its hash is hash. It reports false when that is not our history.
func (c *Client) confirm(st *stream, seq uint64, hash [8]byte) bool {
	if seq <= st.acked {
		return seq < st.acked || hash == st.hash
	}
	i := st.find(seq)
	mine := i >= 0 && st.pending[i].hash == hash
	if !mine && !c.exhume(st, seq, hash) {
		return false
	}
	st.acked, st.hash = seq, hash
	st.sent = max(st.sent, seq)
	st.tries, st.gaps = 0, 0
	if !mine {
		st.rechain()
	}
	c.saveHead(st)
	c.emit(Acked{Stream: st.name, Seq: seq})
	if !st.replica() {
		c.settle(st, seq)
	}
	return true
}

// settle removes the ops up to seq: the confirmed state contains them.
func (c *Client) settle(st *stream, seq uint64) {
	n := st.from(seq + 1)
	if n == 0 {
		return
	}
	seq = st.pending[n-1].Seq
	c.unqueue(st, 0, n)
	if !st.replica() {
		st.author = 0 // what it inserted is no longer in the view
	}
	if c.cfg.Keep && st.replica() {
		st.retired = seq
		return
	}
	c.emit(DropOps{Stream: st.name, Through: seq})
}

// unqueue takes the ops lo to hi out of the queue in memory.
func (c *Client) unqueue(st *stream, lo, hi int) {
	for i := lo; i < hi; i++ {
		c.pendingOps--
		c.pendingBytes -= len(st.pending[i].Body)
	}
	if lo == 0 {
		clear(st.pending[:hi])
		st.pending = st.pending[hi:]
	} else {
		st.pending = slices.Delete(st.pending, lo, hi)
	}
	st.view = nil
}

// ownEntry takes an entry of this writer: what the hub committed must be the op
// that waits under this seq. It reports false when it is another.
func (c *Client) ownEntry(st *stream, e *wire.Entry) bool {
	if i := st.find(e.Seq); i >= 0 {
		if !bytes.Equal(st.pending[i].Body, e.Op) && !st.positional(st.pending[i].Body) {
			return false
		}
		if e.Seq > st.acked && i != st.from(st.acked+1) {
			return false // an op before it never came: a copy of this queue lost that one
		}
		if e.Seq > st.acked && !c.confirm(st, e.Seq, st.pending[i].hash) {
			return false
		}
		c.settle(st, e.Seq)
		return true
	}
	if e.Seq <= st.acked {
		return true
	}
	for i := range c.dead {
		if d := &c.dead[i]; d.is(st.name, st.inc, e.Seq) && bytes.Equal(d.Op, e.Op) {
			return c.confirm(st, e.Seq, d.Hash)
		}
	}
	return false
}

// writerRetired ends a writer that the hub no longer knows: what was sent is in
// doubt, the rest is issued again by a new incarnation.
func (c *Client) writerRetired(st *stream, msg string) {
	c.doubt(st, 0, msg)
	c.reissue(st)
	c.reopen(st)
}

// reissue gives the unacked ops to a new incarnation, as if never sent. The
// acked ones that still waited for their entry are gone from the hub's history.
func (c *Client) reissue(st *stream) {
	if st.retired > 0 {
		c.keep(st.name) // while the seqs that it takes over are those of the queue
	}
	c.unqueue(st, 0, st.from(st.acked+1))
	st.inc, st.next, st.author = c.newInc(), 1, 0
	st.acked, st.hash, st.retired = 0, [8]byte{}, 0
	for i := range st.pending {
		p := &st.pending[i]
		p.Seq, p.sent = st.next, false
		st.next++
	}
	st.rechain()
	st.rewind()
	c.saveStream(st)
	c.emit(Changed{Stream: st.name})
}
