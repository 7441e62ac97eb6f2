package ydoc_test

import "encoding/json"

// body is one document in one engine. The replicas of the differential tests
// have two bodies each, which are told the same and must answer the same.
type body interface {
	// edit makes one transaction of the edits; now is in milliseconds. The
	// update is empty when nothing changed.
	edit(now int64, edits []edit) ([]byte, error)
	// undo and redo make one transaction each.
	undo(now int64) ([]byte, error)
	redo(now int64) ([]byte, error)
	// stop ends what undo takes back at once: the next edit starts anew.
	stop() error
	// apply makes a transaction of each, in this order. The clean-up of
	// formats that it may cause is an edit that undo managers see, at now.
	apply(now int64, updates ...[]byte) error
	diff(vector []byte) ([]byte, error)
	look() (look, error)
}

// look is everything that can be seen of a document.
type look struct {
	State  []byte `json:"state"`
	Vector []byte `json:"vector"`
	Value  value  `json:"value"`
}

// value is what the four roots of a document show.
type value struct {
	Text  json.RawMessage `json:"text"` // delta
	Map   json.RawMessage `json:"map"`
	Array json.RawMessage `json:"array"`
	XML   string          `json:"xml"`
}

// settings of a replica, the same for both of its bodies.
type settings struct {
	client uint64
	undo   bool // with an undo manager on all roots
	rich   bool // texts are formatted
}

// opener makes a body.
type opener func(settings) (body, error)

// yjsBody is a document of a Node process.
type yjsBody struct {
	node *node
	id   int
}

// yjsOpener opens documents in a Node process that runs fuzz.mjs.
func yjsOpener(n *node) opener {
	next := 0
	return func(s settings) (body, error) {
		next++
		b := &yjsBody{node: n, id: next}
		_, err := b.ask(map[string]any{"do": "new", "client": s.client, "undo": s.undo, "rich": s.rich})
		return b, err
	}
}

type yjsAnswer struct {
	look
	Update []byte `json:"update"`
}

func (b *yjsBody) ask(request map[string]any) (yjsAnswer, error) {
	request["id"] = b.id
	var a yjsAnswer
	err := b.node.ask(request, &a)
	return a, err
}

func (b *yjsBody) edit(now int64, edits []edit) ([]byte, error) {
	a, err := b.ask(map[string]any{"do": "edit", "now": now, "edits": edits})
	return a.Update, err
}

func (b *yjsBody) undo(now int64) ([]byte, error) {
	a, err := b.ask(map[string]any{"do": "undo", "now": now})
	return a.Update, err
}

func (b *yjsBody) redo(now int64) ([]byte, error) {
	a, err := b.ask(map[string]any{"do": "redo", "now": now})
	return a.Update, err
}

func (b *yjsBody) stop() error {
	_, err := b.ask(map[string]any{"do": "stop"})
	return err
}

func (b *yjsBody) apply(now int64, updates ...[]byte) error {
	_, err := b.ask(map[string]any{"do": "apply", "now": now, "updates": updates})
	return err
}

func (b *yjsBody) diff(vector []byte) ([]byte, error) {
	a, err := b.ask(map[string]any{"do": "diff", "vector": vector})
	return a.Update, err
}

func (b *yjsBody) look() (look, error) {
	a, err := b.ask(map[string]any{"do": "look"})
	return a.look, err
}

// run executes JavaScript in one transaction, with doc and Y in scope.
func (b *yjsBody) run(code string) ([]byte, error) {
	a, err := b.ask(map[string]any{"do": "run", "code": code})
	return a.Update, err
}
