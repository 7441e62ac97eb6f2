package flowsync

import "github.com/wavesiddhartha/flowsync/internal/ref"

// Typed references to streams. They hold no state, cost nothing to make and are
// safe for concurrent use. A push through one returns when the op is committed.
type (
	CounterRef  = ref.Counter
	SetRef      = ref.Set
	MapRef      = ref.Map
	RegisterRef = ref.Register
	LogRef      = ref.Log
	TextRef     = ref.Text
)

// Counter refers to a stream of rule crdt-counter.
func (h *Hub) Counter(stream string) CounterRef { return ref.NewCounter(h, stream) }

// Set refers to a stream of rule crdt-set or crdt-orset.
func (h *Hub) Set(stream string) SetRef { return ref.NewSet(h, stream) }

// Map refers to a stream of rule crdt-map.
func (h *Hub) Map(stream string) MapRef { return ref.NewMap(h, stream) }

// Register refers to a stream of rule lww.
func (h *Hub) Register(stream string) RegisterRef { return ref.NewRegister(h, stream) }

// Log refers to a stream of rule append-log.
func (h *Hub) Log(stream string) LogRef { return ref.NewLog(h, stream) }

// Text refers to a stream of rule crdt-text.
func (h *Hub) Text(stream string) TextRef { return ref.NewText(h, stream) }
