package crdt

import (
	"encoding/base64"
	"errors"
	"maps"
	"slices"
	"strconv"

	"github.com/wavesiddhartha/flowsync/crdt/ydoc"
)

// DefaultRoot is the name of the Y.Text that a crdt-text stream shows.
const DefaultRoot = "text"

// document is the state of crdt-text and crdt-doc: a Yjs document. Its ops are
// Yjs updates; see package ydoc for how they merge.
type document struct {
	doc  *ydoc.Doc
	rule Builtin
	root string // of crdt-text

	// authors says which client each document client belongs to: the one whose
	// op first brought content of it. Yjs has no authorship of its own, and two
	// editors under one id would diverge for ever.
	authors map[uint64]string

	// exact is the size of the encoding when it was last measured, and size that
	// plus what was applied since: merging makes a document smaller than the sum
	// of its updates.
	exact, size int
}

func newDocument(rule Builtin) *document {
	d := &document{rule: rule, doc: ydoc.New(0), authors: map[uint64]string{}}
	d.doc.KeepFormats(true)
	if rule == Text {
		d.show(DefaultRoot)
	}
	d.measure()
	return d
}

// show makes root the text that the stream shows.
func (d *document) show(root string) {
	d.root = root
	d.doc.Text(root)
}

func (d *document) Check(op Op) (int, error) {
	var o object
	if err := o.read(op); err != nil {
		return 0, err
	}
	switch string(o.name) {
	case "update":
		update, err := d.updateOf(&o)
		if err != nil {
			return 0, err
		}
		return base64.StdEncoding.EncodedLen(len(update)) + authorLen, d.vet(op, update)
	case "initial":
		_, err := d.initialOf(&o)
		return len(op.Body), err
	case "options":
		_, err := d.rootOf(&o)
		return len(op.Body), err
	case "insert", "delete", "replace":
		if d.rule == Text {
			return 0, Errorf(BadOp, "an edit in positions has to be turned into an update first")
		}
	}
	return 0, o.unknown()
}

// authorLen is about what one more author adds to the encoding.
const authorLen = 160

// updateOf is the update of an op, decoded.
func (d *document) updateOf(o *object) ([]byte, error) {
	if !o.exactly("update") {
		return nil, Errorf(BadOp, `the only field of this op is "update", a Yjs update in base64`)
	}
	update, err := base64.StdEncoding.Strict().DecodeString(string(o.text("update")))
	if err != nil || len(update) == 0 {
		return nil, Errorf(BadOp, `"update" is a Yjs update (format v1) in base64 with padding`)
	}
	return update, nil
}

// vet asks the engine about an update, and whether its author may bring content
// of the document clients in it.
func (d *document) vet(op Op, update []byte) error {
	if err := d.doc.Vet(update); err != nil {
		return refusal(err)
	}
	ranges, err := ydoc.ClientsOf(update)
	if err != nil {
		return refusal(err)
	}
	for _, r := range ranges {
		if r.To <= d.doc.Clock(r.Client) {
			continue
		}
		if owner, ok := d.authors[r.Client]; ok && owner != op.Writer.Client {
			return Errorf(OpConflict, "the update uses the document client of somebody else; take a new one, at random")
		}
	}
	return nil
}

// refusal is how an error of the engine looks to authors.
func refusal(err error) *Error {
	switch {
	case errors.Is(err, ydoc.ErrMissing):
		return Errorf(MissingDependency, "the update depends on content that the stream does not have")
	case errors.Is(err, ydoc.ErrConflict):
		return Errorf(OpConflict, "the update gives other content to ids that the stream already has; take a new document client")
	case errors.Is(err, ydoc.ErrText):
		return Errorf(BadText, "the text is not valid Unicode: it holds half of a surrogate pair")
	case errors.Is(err, ydoc.ErrLimit):
		return Errorf(TooLarge, "the update is beyond a limit of documents (authors, depth or work)")
	case errors.Is(err, ydoc.ErrRange):
		return Errorf(BadOp, "the position or count is outside of the text")
	}
	return Errorf(BadOp, "this is not an update that Yjs would make")
}

func (d *document) Apply(op Op) {
	var o object
	if o.read(op) != nil {
		return
	}
	switch string(o.name) {
	case "update":
		if update, err := d.updateOf(&o); err == nil {
			d.take(op.Writer.Client, update)
		}
	case "initial":
		if update, err := d.initialOf(&o); err == nil && len(update) > 0 {
			d.take(op.Writer.Client, update)
		}
	case "options":
		if root, err := d.rootOf(&o); err == nil {
			d.show(root)
			d.measure()
		}
	}
}

// take applies an update and notes whose its document clients are. What the
// engine refuses changes nothing.
func (d *document) take(client string, update []byte) {
	ranges, err := ydoc.ClientsOf(update)
	if err != nil {
		return
	}
	var added []uint64
	for _, r := range ranges {
		if r.To > d.doc.Clock(r.Client) {
			added = append(added, r.Client)
		}
	}
	if d.doc.Apply(update) != nil {
		return
	}
	for _, id := range added {
		if _, ok := d.authors[id]; !ok {
			d.authors[id] = client
		}
	}
	d.size += base64.StdEncoding.EncodedLen(len(update)) + len(added)*authorLen
	if d.size > 2*d.exact+sizeSlack {
		d.measure()
	}
}

// sizeSlack is how far the bound of the size may run away before the size is
// measured.
const sizeSlack = 256 << 10

func (d *document) measure() {
	d.exact = len(d.AppendState(nil))
	d.size = d.exact
}

// initialOf is the update that an initial value stands for: the same on every
// replica, by document client 0.
func (d *document) initialOf(o *object) ([]byte, error) {
	value := o.get("value")
	if !o.exactly("value") {
		return nil, Errorf(BadOp, `the only field of this op is "value"`)
	}
	if d.rule == Doc {
		update, err := base64.StdEncoding.Strict().DecodeString(string(o.text("value")))
		if err != nil || ydoc.New(0).Vet(update) != nil {
			return nil, Errorf(BadOp, "the initial value of a document is a whole Yjs update in base64")
		}
		return update, nil
	}
	if string(value) == "[]" || string(value) == `""` {
		return nil, nil
	}
	text := o.text("value")
	if text == nil {
		return nil, Errorf(BadOp, "the initial value of a text is a string")
	}
	doc := ydoc.New(0)
	var err error
	update := doc.AppendTransact(nil, func() { err = doc.Text(d.root).Insert(0, string(text)) })
	if err != nil {
		return nil, refusal(err)
	}
	return update, nil
}

func (d *document) rootOf(o *object) (string, error) {
	root := o.text("root")
	if d.rule != Text || !o.exactly("root") || len(root) == 0 || len(root) > MaxRoot {
		return "", Errorf(BadOp, `the option of a text is "root", the name of its Y.Text`)
	}
	return string(root), nil
}

// MaxRoot is the length of the name of a document's root, in bytes.
const MaxRoot = 128

func (d *document) Clone() State {
	c := *d
	c.doc = d.doc.Clone()
	c.authors = maps.Clone(d.authors)
	return &c
}

func (d *document) AppendState(b []byte) []byte {
	b = append(b, `{"authors":{`...)
	ids := slices.SortedFunc(maps.Keys(d.authors), func(x, y uint64) int {
		return compareUTF16(strconv.FormatUint(x, 10), strconv.FormatUint(y, 10))
	})
	for i, id := range ids {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(strconv.AppendUint(append(b, '"'), id, 10), `":`...)
		b = appendString(b, d.authors[id])
	}
	b = append(b, '}')
	if d.rule == Text {
		b = appendString(append(b, `,"root":`...), d.root)
	}
	b = append(b, `,"update":"`...)
	b = base64.StdEncoding.AppendEncode(b, d.doc.AppendState(nil))
	return append(b, `","v":1}`...)
}

func (d *document) AppendValue(b []byte) []byte {
	if d.rule == Text {
		return appendString(b, d.doc.Text(d.root).String())
	}
	return d.doc.AppendJSON(b)
}

// AppendDigestInput implements [Digester]: encodings of equal documents differ
// in how content is split.
func (d *document) AppendDigestInput(b []byte) []byte { return d.doc.AppendDigestInput(b) }

// AppendOptions implements [Configurable].
func (d *document) AppendOptions(b []byte) []byte {
	if d.rule != Text {
		return append(b, "{}"...)
	}
	return append(appendString(append(b, `{"root":`...), d.root), '}')
}

func (d *document) Size() int { return d.size }

func decodeDocument(rule Builtin, encoded []byte) (State, error) {
	d := newDocument(rule)
	r := reader{rest: encoded}
	r.want(`{"authors":`)
	last := ""
	for i := range r.items("{", "}") {
		key := r.text(maxInteger10)
		r.ascend(i, last, key)
		last = key
		r.want(":")
		id, err := strconv.ParseUint(key, 10, 53)
		if err != nil || strconv.FormatUint(id, 10) != key {
			r.fail()
		}
		d.authors[id] = r.text(maxID)
	}
	if rule == Text {
		r.want(`,"root":`)
		d.show(r.text(MaxRoot))
	}
	r.want(`,"update":`)
	update, err := base64.StdEncoding.Strict().DecodeString(r.text(len(encoded)))
	r.want(`,"v":1}`)
	if err != nil || d.root == "" && rule == Text || d.doc.Apply(update) != nil || d.doc.Pending() > 0 {
		r.fail()
	}
	if err := r.err(rule, encoded); err != nil {
		return nil, err
	}
	d.exact, d.size = len(encoded), len(encoded)
	return d, nil
}

// maxInteger10 is how many digits maxInteger has.
const maxInteger10 = 16
