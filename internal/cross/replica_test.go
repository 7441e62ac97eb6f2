package cross

import "encoding/json"

// replica is one client of a world, in whichever language.
type replica interface {
	name() string
	// push hands in ops of one stream, and returns once each is in the queue or
	// refused: which of them are.
	push(stream string, ops []string) []verdict
	setOffline(offline bool)
	// use keeps a stream open.
	use(stream string)
	// look returns a confirmed state; false while there is none.
	look(stream string) (shown, bool)
	// value is what the stream shows, own ops included.
	value(stream string) (string, error)
	flush() error
	// status is that of the connection, for people.
	status() string
	pending() int
	rejected() []letter
	// restart ends the client and starts one on its queue.
	restart()
	close()
}

// verdict is what became of a push.
type verdict int

const (
	accepted verdict = iota
	refused
	unknown // the process was gone before it answered
)

// shown is a state as somebody shows it. The value is canonical JSON.
type shown struct{ value, digest, cursor string }

// letter is a dead letter.
type letter struct {
	Stream string          `json:"stream"`
	Code   string          `json:"code"`
	Op     json.RawMessage `json:"op"`
}
