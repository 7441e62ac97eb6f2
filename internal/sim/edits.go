package sim

import (
	"fmt"
	"strings"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/internal/clientcore"
)

// opMaker makes ops. Most bodies are made once, so that the oracle can tell
// every op in a log; sets and deletes repeat themselves on purpose.
type opMaker struct{ made int }

// op makes an op for a rule: mostly a sound one. c is who will push it, nil for
// the hub and the HTTP API.
func (w *world) op(c *client, p streamPlan) []byte {
	rule := p.rule
	if w.chance(40) {
		rule = menu[w.rng.IntN(len(menu))].rule
	}
	w.ops.made++
	n := w.ops.made
	switch rule {
	case crdt.Counter:
		if p.name == "counter:huge" {
			n += 1000
		}
		return fmt.Appendf(nil, `{"amount":%d,"op":%q}`, n, w.pick("increment", "increment", "decrement"))
	case crdt.Set, crdt.ORSet:
		value := fmt.Sprintf("e%d", w.rng.IntN(5))
		if w.chance(3 + n/40) { // fewer as time goes on: a set of tombstones only grows
			value = w.text(n)
		}
		return fmt.Appendf(nil, `{"op":%q,"value":%q}`, w.pick("add", "add", "remove"), value)
	case crdt.LWW:
		return fmt.Appendf(nil, `{"op":"set","value":%q}`, w.text(n))
	case crdt.Log:
		return fmt.Appendf(nil, `{"op":"append","value":%q}`, w.text(n))
	case crdt.Text:
		return w.position(n)
	case crdt.Doc:
		return w.update(c, p, n)
	}
	key := fmt.Sprintf("k%d", w.rng.IntN(4))
	if w.chance(4) {
		return fmt.Appendf(nil, `{"key":%q,"op":"delete"}`, key)
	}
	return fmt.Appendf(nil, `{"key":%q,"op":"set","value":%q}`, key, w.text(n))
}

// text is a value that is made once: short, or too long for the hub, or for any
// message.
func (w *world) text(n int) string {
	length := w.rng.IntN(40)
	switch r := w.rng.IntN(100); {
	case r < 3:
		length = 400
	case r < 4:
		length = 3500
	}
	return fmt.Sprintf("v%d%s", n, strings.Repeat("x", length))
}

func (w *world) pick(words ...string) string { return words[w.rng.IntN(len(words))] }

// unique reports whether no two ops with this body are ever made.
func unique(body []byte) bool {
	return strings.Contains(string(body), `:"v`) || strings.HasPrefix(string(body), `{"amount"`) || inserts(body)
}

// edit pushes one op or a few on a client, on some stream.
func (w *world) edit(c *client) {
	w.editOn(c, w.plan.streams[w.rng.IntN(len(w.plan.streams))])
}

func (w *world) editOn(c *client, p streamPlan) {
	n := 1
	if w.chance(4) {
		n += w.rng.IntN(12)
	}
	for range n {
		if c.down {
			return // nobody edits, and no document goes on
		}
		if err := c.step(clientcore.Push{Stream: p.name, Op: w.op(c, p)}); err != nil {
			w.hit("client: refused a push")
			delete(c.docs, p.name) // it has what was not pushed
		}
		if w.chance(6) {
			w.run(w.now + w.between(0, w.plan.delay/2))
		}
	}
}
