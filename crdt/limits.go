package crdt

// Limits of the built-in rules. They are part of the rules: every replica, in
// every language, has the same ones.
const (
	// MaxElement is the length of a set element, and of a key of crdt-map and
	// ephemeral, in bytes of UTF-8. A longer one is [TooLarge].
	MaxElement = 4 << 10

	// MaxElements is how many elements a set may hold; for crdt-set the removed
	// ones count too, since they are kept. One more is [StreamFull].
	MaxElements = 100_000

	// MaxLogEntry is the length of one value of an append-log, in bytes of
	// canonical JSON. A longer one is [TooLarge].
	MaxLogEntry = 1 << 20

	// MaxLogBytes is the length of all values that the state of an append-log
	// keeps. Older ones leave the state when it is exceeded.
	MaxLogBytes = 4 << 20

	// DefaultKeep is how many entries an append-log keeps in its state, and
	// MaxKeep the most that can be asked for.
	DefaultKeep = 1_000
	MaxKeep     = 100_000

	// MaxDepth is how deeply a value inside an op may nest arrays and objects.
	// Messages nest up to 32 deep; the rest is for what they wrap around a value.
	MaxDepth = 24
)

// maxInteger is the greatest integer that every JSON reader represents exactly.
const maxInteger = 1<<53 - 1

// maxID bounds a client or incarnation id: op hashes give its length one byte.
const maxID = 255

// maxDeleted is how many deleted keys an ephemeral state remembers.
const maxDeleted = 1_024
