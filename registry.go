package flowsync

import (
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/internal/hubcore"
	"github.com/wavesiddhartha/flowsync/wire"
)

// StreamOption sets something about the streams of one registration.
type StreamOption func(*registration) error

// Initial is the value of a stream that has no ops yet, committed as its first
// op. v is anything that encodes to JSON in the shape of the rule: an integer or
// {"increments":{},"decrements":{}} for a counter, an array of strings for a set,
// an object for a map, an array for a log, a string for a text, anything for lww.
func Initial(v any) StreamOption {
	return func(r *registration) error {
		initial, err := wire.Marshal(v)
		if err != nil {
			return fmt.Errorf("Initial: %w", err)
		}
		r.initial = initial
		return r.try(crdt.Op{Offset: 1, Writer: crdt.Writer{Client: "hub:initial"}, Seq: 1, Body: slices.Concat([]byte(`{"op":"initial","value":`), initial, []byte("}"))})
	}
}

// Keep is how many of its newest entries an append-log shows. Older ones stay in
// the log for history. Default 1,000.
func Keep(n int) StreamOption {
	return func(r *registration) error {
		r.options = fmt.Appendf(nil, `{"keep":%d,"op":"options"}`, n)
		return r.try(crdt.Op{Offset: 1, Writer: crdt.Writer{Client: "hub:options"}, Seq: 1, Body: r.options})
	}
}

// TextRoot is the name of the Y.Text that a text stream shows; other roots of its
// document are kept and not shown. Default "text".
func TextRoot(name string) StreamOption {
	return func(r *registration) error {
		root, err := wire.Marshal(name)
		if err != nil {
			return fmt.Errorf("TextRoot: %w", err)
		}
		r.options = fmt.Appendf(nil, `{"op":"options","root":%s}`, root)
		return r.try(crdt.Op{Offset: 1, Writer: crdt.Writer{Client: "hub:options"}, Seq: 1, Body: r.options})
	}
}

// TTL is how long a key of an ephemeral stream lives after its last write, to the
// second; it ends with its session at the latest. Default: with its session.
func TTL(d time.Duration) StreamOption {
	return func(r *registration) error {
		if r.rule.Name() != string(crdt.Ephemeral) || d < time.Second {
			return errors.New("TTL is for ephemeral streams, and at least a second")
		}
		r.ttl = d
		return nil
	}
}

// registration is what hub.Stream was told.
type registration struct {
	ttl     time.Duration
	pattern string
	rule    crdt.Rule
	initial []byte
	options []byte
}

// try checks an op that registration promises to commit.
func (r *registration) try(op crdt.Op) error {
	if _, err := r.rule.New().Check(op); err != nil {
		return fmt.Errorf("rule %s: %w", r.rule.Name(), err)
	}
	return nil
}

// Stream registers the streams that match pattern: a name, or a name in which a
// segment is "*", such as "chat:*"; a "*" at the end stands for one or more
// segments. An exact name goes before patterns, and an earlier pattern before a
// later one. Like http.Handle it panics when a registration cannot work, because
// that is a mistake in the program. Register before serving: a stream that is
// loaded keeps its rule.
func (h *Hub) Stream(pattern string, rule crdt.Rule, options ...StreamOption) {
	r := &registration{pattern: pattern, rule: rule}
	if !wire.ValidPattern(pattern) {
		panic(fmt.Sprintf("flowsync: %q is not a stream pattern: use 1 to 8 segments of letters, digits, _ . - joined by colons, or * for a segment", pattern))
	}
	if rule == nil {
		panic(fmt.Sprintf("flowsync: stream %q has no rule", pattern))
	}
	for _, o := range options {
		if err := o(r); err != nil {
			panic(fmt.Sprintf("flowsync: stream %q: %v", pattern, err))
		}
	}
	if err := h.streams.register(r); err != nil {
		panic(fmt.Sprintf("flowsync: %v", err))
	}
}

// shards is how many locks the table of streams has.
const shards = 64

// registry knows what is registered and which streams are in use.
type registry struct {
	seed   maphash.Seed
	shards [shards]struct {
		sync.RWMutex
		byName map[string]*stream
	}

	mu       sync.Mutex // guards what follows; no other lock is taken under it
	exact    map[string]*registration
	patterns []*registration
	known    map[string]struct{} // streams created on use
	created  map[string]int      // how many, by subject
}

func (g *registry) init() {
	g.seed = maphash.MakeSeed()
	for i := range g.shards {
		g.shards[i].byName = map[string]*stream{}
	}
	g.exact = map[string]*registration{}
	g.known = map[string]struct{}{}
	g.created = map[string]int{}
}

func (g *registry) register(r *registration) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, twice := g.exact[r.pattern]
	if twice || slices.ContainsFunc(g.patterns, func(o *registration) bool { return o.pattern == r.pattern }) {
		return fmt.Errorf("stream %q is registered twice", r.pattern)
	}
	if wire.ValidStream(r.pattern) {
		g.exact[r.pattern] = r
		return nil
	}
	g.patterns = append(g.patterns, r)
	return nil
}

// find returns the registration of a stream.
func (g *registry) find(name string) *registration {
	g.mu.Lock()
	defer g.mu.Unlock()
	if r := g.exact[name]; r != nil {
		return r
	}
	for _, r := range g.patterns {
		if wire.MatchPattern(r.pattern, name) {
			return r
		}
	}
	return nil
}

// create counts a stream against its subject's allowance, once: a stream that
// was unloaded and is used again is not created again.
func (g *registry) create(name, subject string, allowance int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, ok := g.known[name]; ok {
		return true
	}
	if g.created[subject] >= allowance {
		return false
	}
	g.known[name] = struct{}{}
	g.created[subject]++
	return true
}

// stream returns the stream of that name for a subject, making it if it is
// registered or may be created on use. Nil: there is none.
func (h *Hub) stream(name, subject string) *stream {
	shard := &h.streams.shards[maphash.String(h.streams.seed, name)%shards]
	shard.RLock()
	st := shard.byName[name]
	shard.RUnlock()
	if st != nil || !wire.ValidStream(name) {
		return st
	}
	r := h.streams.find(name)
	if r == nil {
		if h.opts.CreateOnUse == nil {
			return nil
		}
		rule, ok := h.opts.CreateOnUse(name)
		if !ok || !h.streams.create(name, subject, h.limits.CreatedOnUse) {
			return nil
		}
		r = &registration{rule: rule}
	}
	shard.Lock()
	defer shard.Unlock()
	if st := shard.byName[name]; st != nil {
		return st
	}
	st = &stream{hub: h, name: name, rule: ruleLabel(r.rule), used: time.Now(), core: hubcore.NewStream(&h.core, name, r.rule, r.initial, r.options)}
	st.core.ExpireAfter(hubcore.Instant(r.ttl))
	st.ticks = r.ttl > 0
	shard.byName[name] = st
	return st
}

// request feeds an event to a stream, loading it if need be. What it leads to is
// committed by the caller, and sent where due is not nil. False: there is no such
// stream.
func (h *Hub) request(name, subject string, ev hubcore.StreamEvent) (due *stream, ok bool) {
	for {
		st := h.stream(name, subject)
		if st == nil {
			return nil, false
		}
		switch send, ok := st.request(ev); {
		case send:
			return st, true
		case ok:
			return nil, true
		}
	}
}

// sweep passes time to the streams that need it, and forgets those that nobody
// used for a while. The store has them; what is cheap to make again need not be
// kept.
func (g *registry) sweep(idleSince time.Time) {
	for i := range g.shards {
		shard := &g.shards[i]
		shard.Lock()
		for name, st := range shard.byName {
			if st.ticks {
				st.tick()
			}
			if st.unload(idleSince) {
				delete(shard.byName, name)
			}
		}
		shard.Unlock()
	}
}

// inShard lists the streams of one shard.
func (g *registry) inShard(i int) []*stream {
	shard := &g.shards[i]
	shard.RLock()
	defer shard.RUnlock()
	return slices.Collect(maps.Values(shard.byName))
}

// speak reports whether any stream has messages that are not with their
// receivers' sockets yet.
func (g *registry) speak() bool {
	for i := range g.shards {
		if slices.ContainsFunc(g.inShard(i), (*stream).speaks) {
			return true
		}
	}
	return false
}
