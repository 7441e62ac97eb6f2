package sim

import (
	"slices"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/internal/clientcore"
	"github.com/wavesiddhartha/flowsync/wire"
)

// lineage is one queue with all that became of its ops. A clone, or a device
// that goes on from a backup, is a lineage of its own which inherits ops.
type lineage struct {
	j      *oracle
	client string
	forked bool
	gone   bool

	accepted  []item // in their order
	inherited []item // ops of another lineage that this one had in its queue too
	dead      []deadItem
	forfeited []item // in the queue when the device was set back to a backup
}

// item is an op by what it says.
type item struct{ stream, body string }

type deadItem struct {
	item
	inc  string
	seq  uint64
	code wire.Code
}

func (j *oracle) newLineage(c *client) *lineage {
	line := &lineage{j: j, client: c.name}
	j.lines = append(j.lines, line)
	return line
}

// inherit notes what a copied queue holds.
func (line *lineage) inherit(s *clientcore.Saved) {
	for i := range s.Streams {
		for _, o := range s.Streams[i].Ops {
			line.inherited = append(line.inherited, item{s.Streams[i].Stream, string(o.Body)})
		}
	}
	for _, other := range line.j.lines {
		if other.client == line.client {
			other.forked = true
		}
	}
}

// abandon ends a lineage whose device goes on from something older.
func (line *lineage) abandon(s *clientcore.Saved) {
	line.gone = true
	for i := range s.Streams {
		for _, o := range s.Streams[i].Ops {
			line.forfeited = append(line.forfeited, item{s.Streams[i].Stream, string(o.Body)})
		}
	}
}

// durable follows what becomes of ops by the effects that the queue obeys.
func (j *oracle) durable(c *client, e clientcore.Effect) {
	line := c.line
	switch e := e.(type) {
	case clientcore.SaveOp:
		j.saved(c, e)
	case clientcore.SaveDead:
		d := &e.Dead
		j.w.hit("dead letter: " + string(d.Code))
		j.mayBeMissing(c, d)
		line.dead = append(line.dead, deadItem{item{d.Stream, string(d.Op)}, d.Inc, d.Seq, d.Code})
	case clientcore.Recovered:
		d := &e.Dead
		line.dead = slices.DeleteFunc(line.dead, func(o deadItem) bool {
			return o.stream == d.Stream && o.inc == d.Inc && o.seq == d.Seq
		})
	case clientcore.DropOps:
		j.dropped(c, e.Stream, e.Through)
	case clientcore.SaveState:
		j.dropped(c, e.Head.Stream, e.Through)
	case clientcore.SaveStream:
		if was := c.savedStream(e.Stream.Stream); was != nil && was.Inc != "" && was.Inc != e.Stream.Inc {
			j.w.hit("client: took a new incarnation")
			if c.trail {
				j.w.hit("client: walked the trail to a new incarnation")
			}
		}
	}
}

// saved notes a new op, or one that took another form: over a refused op of a text
// the next one carries what later ones need of it.
func (j *oracle) saved(c *client, e clientcore.SaveOp) {
	line := c.line
	now := item{e.Stream, string(e.Op.Body)}
	s := c.savedStream(e.Stream)
	if s == nil {
		line.accepted = append(line.accepted, now)
		return
	}
	i := slices.IndexFunc(s.Ops, func(o clientcore.Op) bool { return o.Seq == e.Op.Seq })
	if i < 0 {
		line.accepted = append(line.accepted, now)
		return
	}
	was := item{e.Stream, string(s.Ops[i].Body)}
	j.w.hit("client: an op carries what it needs of a refused one")
	delete(c.names, sentKey{e.Stream, s.Inc, e.Op.Seq})
	for _, list := range [2][]item{line.accepted, line.inherited} {
		if k := slices.Index(list, was); k >= 0 {
			list[k] = now
			return
		}
	}
	j.w.fail("%s changes op %d on %s, which nobody pushed: %s", c.id, e.Op.Seq, e.Stream, was.body)
}

// dropped checks that ops leave the queue only once they are committed, and those
// on a stream that the device shows only once its confirmed state has them.
func (j *oracle) dropped(c *client, stream string, through uint64) {
	s := c.savedStream(stream)
	if s == nil || j.streams[stream].rule == crdt.Rule(crdt.Ephemeral) {
		return
	}
	in, _ := c.core.Stream(stream)
	at, replica := wire.ParseCursor(in.Cursor)
	replica = replica && c.hasReplica(stream) && in.Granted != wire.Write && !j.lossy
	for _, o := range s.Ops {
		if o.Seq > through {
			return
		}
		switch off := j.streams[stream].ops[keyOf(crdt.Writer{Client: c.name, Inc: s.Inc}, o.Seq, o.Body)]; {
		case off == 0:
			j.w.fail("%s drops op %d on %s from its queue, and it is not committed: %s", c.id, o.Seq, stream, o.Body)
		case replica && off > at.Offset:
			j.w.fail("%s no longer shows its op %d on %s, and its confirmed state at %d does not have it", c.id, o.Seq, stream, at.Offset)
		}
	}
}

func (c *client) savedStream(name string) *clientcore.SavedStream {
	for i := range c.saved.Streams {
		if c.saved.Streams[i].Stream == name {
			return &c.saved.Streams[i]
		}
	}
	return nil
}

// sent holds that a seq names one op for ever, as long as its queue is the only
// one.
func (j *oracle) sent(c *client, m wire.ClientMessage) {
	p, ok := m.(*wire.Push)
	if !ok || p.Seq == 0 {
		return
	}
	j.asks(c, p)
	if c.line.forked {
		return
	}
	if c.names == nil {
		c.names = map[sentKey]string{}
	}
	inc := c.savedStream(p.Stream).Inc
	for i, op := range p.Ops {
		key := sentKey{p.Stream, inc, p.Seq + uint64(i)}
		if before, ok := c.names[key]; ok && before != string(op) {
			j.w.fail("%s sent op %d on %s as %s and as %s", c.id, key.seq, p.Stream, before, op)
		}
		c.names[key] = string(op)
	}
}

type sentKey struct {
	stream, inc string
	seq         uint64
}

// balance checks at the end that every accepted op has exactly one fate.
func (j *oracle) balance() {
	for _, p := range j.w.plan.streams {
		if p.rule != crdt.Ephemeral {
			j.balanceStream(p.name)
		}
	}
}

// account is what the log, and the lineages of one client, say of one body.
type account struct {
	log, lost                           int
	accepted, inherited, dead, doubtful int
	forfeited                           int
	forked                              bool
}

func (j *oracle) balanceStream(stream string) {
	h := j.streams[stream]
	j.fold(stream, h)
	accounts := map[[2]string]*account{} // by client and body
	var order [][2]string
	get := func(client, body string) *account {
		key := [2]string{client, body}
		if accounts[key] == nil {
			accounts[key] = &account{}
			order = append(order, key)
		}
		return accounts[key]
	}
	for n := h.head; n != nil && n.up != nil; n = n.up {
		get(n.entry.Writer.Client, n.body).log++
	}
	for _, line := range j.lines {
		line.count(stream, get)
	}
	for _, key := range order {
		a := accounts[key]
		if key[0] == "hub:initial" || key[0] == "hub:options" || key[0] == "hub:app" || len(key[0]) > 5 && key[0][:5] == "http:" {
			continue
		}
		if a.forked && !unique([]byte(key[1])) {
			continue // two devices may have made the same op under the same seq: it counts once
		}
		a.lost = h.lost[key[1]]
		j.check(stream, key[0], key[1], a)
	}
	for _, line := range j.lines {
		if !line.forked {
			j.checkOrder(stream, line)
		}
	}
}

func (line *lineage) count(stream string, get func(client, body string) *account) {
	each := func(items []item, do func(*account)) {
		for _, it := range items {
			if it.stream == stream {
				a := get(line.client, it.body)
				a.forked = a.forked || line.forked
				do(a)
			}
		}
	}
	each(line.accepted, func(a *account) { a.accepted++ })
	each(line.inherited, func(a *account) { a.inherited++ })
	each(line.forfeited, func(a *account) { a.forfeited++ })
	for _, d := range line.dead {
		if d.stream != stream {
			continue
		}
		if a := get(line.client, d.body); d.code == wire.InDoubt {
			a.doubtful++
		} else {
			a.dead++
		}
	}
}

// excused is how often too many an op may be in the log: both of two devices may
// issue it again if the store lost history, or if one of them lost an op before
// it to a refusal, so that their histories part before what they share.
func (j *oracle) excused(stream, client string, a *account) int {
	parted := func(line *lineage) bool {
		return line.client == client && slices.ContainsFunc(line.dead, func(d deadItem) bool { return d.stream == stream })
	}
	if j.lossy || slices.ContainsFunc(j.lines, parted) {
		return a.inherited
	}
	return 0
}

func (j *oracle) check(stream, client, body string, a *account) {
	atLeast := a.log + a.lost + a.dead + a.doubtful + a.forfeited
	switch {
	case a.accepted+a.inherited == 0:
		j.w.fail("%s: the log has an op of %s that nobody pushed: %s", stream, client, body)
	case atLeast < a.accepted:
		j.w.fail("%s: an op of %s is gone: accepted %d times, %+v: %s", stream, client, a.accepted, *a, body)
	case !a.forked && a.log+a.dead > a.accepted:
		j.w.fail("%s: an op of %s has too many fates: accepted %d times, %+v: %s", stream, client, a.accepted, *a, body)
	case a.forked && a.log > a.accepted+j.excused(stream, client, a):
		j.w.fail("%s: an op of %s that two queues had is in the log too often: %+v: %s", stream, client, *a, body)
	}
}

// checkOrder checks that ops took effect in the order in which they were pushed.
func (j *oracle) checkOrder(stream string, line *lineage) {
	place := map[string]int{}
	for i, it := range line.accepted {
		if it.stream == stream && unique([]byte(it.body)) {
			place[it.body] = i
		}
	}
	last := len(line.accepted)
	for n := j.streams[stream].head; n != nil && n.up != nil; n = n.up {
		if n.entry.Writer.Client != line.client {
			continue
		}
		if i, ok := place[n.body]; ok {
			if i >= last {
				j.w.fail("%s: ops of %s are in the log out of order: %s", stream, line.client, n.entry.Op)
			}
			last = i
		}
	}
}
