package sim

import (
	"fmt"
	"time"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/internal/hubcore"
	"github.com/wavesiddhartha/flowsync/store"
	"github.com/wavesiddhartha/flowsync/wire"
)

// request is what the program around a hub asks, and what it expects.
type request struct {
	w      *world
	what   string
	stream string
	post   *hubcore.Post // a post
	body   []byte        // a local op
	writer crdt.Writer
	answer *hubcore.Settled // nil: not yet
}

// local pushes one op as the program around the hub does.
func (w *world) local(h *hub, p streamPlan) {
	body := w.op(nil, p)
	r := &request{w: w, what: "local", stream: p.name, body: body, writer: crdt.Writer{Client: "hub:app", Inc: h.cfg.Inc}}
	if p.rule == crdt.Ephemeral {
		r.what = "signal"
	}
	h.stream(p.name).step(&hubcore.Local{Token: r, Client: r.writer.Client, Inc: r.writer.Inc, Body: body})
}

// post sends an HTTP request with ops: a new one, the last one once more, or its
// key with another body.
func (w *world) post(h *hub, p streamPlan) {
	last := w.judge.lastPost[p.name]
	again := last != nil && w.chance(3)
	w.ops.made++
	post := hubcore.Post{Client: fmt.Sprintf("http:%032x", w.ops.made), Subject: "user", Base: store.WriterHash([]byte(w.hexID()[:8]))}
	switch {
	case again && w.chance(4):
		post.Client = last.Client
		w.hit("post: a key used twice")
	case again:
		post = *last
		w.hit("post: repeated")
	}
	if !again || post.Base != last.Base {
		for range 1 + w.rng.IntN(4) {
			post.Ops = append(post.Ops, w.op(nil, p))
		}
	}
	if p.rule != crdt.Ephemeral {
		w.judge.lastPost[p.name] = &post
	}
	sent := post
	writer := crdt.Writer{Client: post.Client, Inc: hubcore.PostInc}
	w.judge.bases[writer] = append(w.judge.bases[writer], post.Base)
	r := &request{w: w, what: "post", stream: p.name, post: &post, writer: writer}
	sent.Token = r
	h.stream(p.name).step(&sent)
}

// query reads a stream at the hub.
func (w *world) query(h *hub, name string) *request {
	r := &request{w: w, what: "query", stream: name}
	h.stream(name).step(&hubcore.Query{Token: r, State: true})
	return r
}

// settled checks an answer against what is committed.
func (r *request) settled(s *hubcore.Settled) {
	w := r.w
	if r.answer != nil {
		w.fail("a %s on %s was answered twice", r.what, r.stream)
	}
	answer := *s
	r.answer = &answer
	if s.Err != nil {
		w.hit("request: " + r.what + ": " + string(s.Err.Code))
	}
	switch r.what {
	case "local":
		if s.Err == nil && s.Rejected == nil && !w.judge.holds(r.stream, r.writer, r.body) {
			w.fail("a local op on %s was confirmed and is not committed: %s", r.stream, r.body)
		}
	case "post":
		if s.Acked > uint64(len(r.post.Ops)) {
			w.fail("a post on %s of %d ops acked %d: some count again", r.stream, len(r.post.Ops), s.Acked)
		}
		if !w.judge.hasPost(r.stream, r.post, s.Acked) {
			w.fail("a post on %s acked %d ops that are not committed under its body", r.stream, s.Acked)
		}
		if s.Err == nil && s.Rejected == nil && s.Acked != uint64(len(r.post.Ops)) {
			w.fail("a post on %s of %d ops ended well with %d", r.stream, len(r.post.Ops), s.Acked)
		}
	case "query":
		if s.Err == nil && s.Cursor != "" {
			w.judge.matches("a query", r.stream, s.Cursor, s.Digest, s.Value)
		}
	}
}

// visitor opens a stream of a hub without being a session.
type visitor struct{}

// poke makes the stream read its log to the head.
func (st *stream) poke() {
	if st.h.dead || st.rule() == crdt.Ephemeral {
		return
	}
	m := &hubcore.Member{Client: "poke", Subject: "user", Number: 1, Sink: visitor{}}
	o := wire.Open{Stream: st.name, Inc: "0000000000000001", Mode: wire.ReadWrite, As: wire.AsState, Acked: 1}
	st.step(&hubcore.Open{Member: m, Ref: "p", Open: o, MayRead: true, MayWrite: true})
	st.h.w.after(time.Second, func() { st.step(&hubcore.Leave{Member: m, Ended: true}) })
}

func (st *stream) rule() crdt.Builtin {
	for _, p := range st.h.w.plan.streams {
		if p.name == st.name {
			return p.rule
		}
	}
	return ""
}
