package node

import (
	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/internal/clientcore"
	"github.com/wavesiddhartha/flowsync/internal/ref"
)

// Typed references to streams. Each is a name and costs nothing to make.
type (
	Counter  = ref.Counter
	Set      = ref.Set
	Register = ref.Register
	Map      = ref.Map
	Log      = ref.Log
	Text     = ref.Text
)

// Counter refers to a crdt-counter stream and opens it.
func (n *Node) Counter(stream string) Counter {
	n.expect(stream, crdt.Counter)
	return ref.NewCounter(n, stream)
}

// Set refers to a crdt-orset or crdt-set stream and opens it. Which of the two
// it is, the hub says: until then ops are queued and not shown. Open with a
// Rule shows them at once.
func (n *Node) Set(stream string) Set {
	n.expect(stream, "")
	return ref.NewSet(n, stream)
}

// Register refers to an lww stream and opens it.
func (n *Node) Register(stream string) Register {
	n.expect(stream, crdt.LWW)
	return ref.NewRegister(n, stream)
}

// Map refers to a crdt-map stream, or an ephemeral one, and opens it.
func (n *Node) Map(stream string) Map {
	n.expect(stream, "")
	return ref.NewMap(n, stream)
}

// Log refers to an append-log stream and opens it.
func (n *Node) Log(stream string) Log {
	n.expect(stream, crdt.Log)
	return ref.NewLog(n, stream)
}

// Text refers to a crdt-text stream and opens it.
func (n *Node) Text(stream string) Text {
	n.expect(stream, crdt.Text)
	return ref.NewText(n, stream)
}

// expect opens a stream with a rule in mind, unless it is open. An error comes
// back from every use of the reference.
func (n *Node) expect(stream string, rule crdt.Builtin) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if in, ok := n.core.Stream(stream); n.closing || ok && in.Wanted {
		return
	}
	_ = n.step(clientcore.Open{Stream: stream, Rule: string(rule)})
	n.nudge()
}
