package crdt

import (
	"encoding/base64"
	"strconv"

	"github.com/wavesiddhartha/flowsync/crdt/ydoc"
)

// MaxInsert is how much text one positional op inserts, in bytes of UTF-8.
// Clients split longer ones.
const MaxInsert = 64 << 10

// edit is a positional op on a text: delete count units at pos, then insert text
// there. Positions count UTF-16 code units.
type edit struct {
	pos, count int
	text       string
}

// Positional implements [Editor].
func (d *document) Positional(body []byte) bool {
	var o object
	if d.rule != Text || !o.parse(body) {
		return false
	}
	switch string(o.name) {
	case "insert", "delete", "replace":
		return true
	}
	return false
}

// Edit implements [Editor].
func (d *document) Edit(op Op, since []Op, author uint64) ([]byte, error) {
	e, err := editOf(op.Body)
	if err != nil {
		return nil, err
	}
	past, err := pastOf(op, since)
	if err != nil {
		return nil, err
	}
	text := d.doc.Text(d.root)
	at, spans, gone, err := place(text, e, past)
	if err != nil {
		return nil, refusal(err)
	}
	d.doc.SetClient(author)
	update := d.doc.AppendTransact(nil, func() {
		// Backwards, so that no deletion moves the next.
		for i := len(spans) - 1; i >= 0 && err == nil; i-- {
			err = text.Delete(spans[i][0], spans[i][1])
			if spans[i][0] < at {
				at -= min(spans[i][1], at-spans[i][0])
			}
		}
		if err == nil && e.text != "" {
			err = text.Insert(at, e.text)
		}
	})
	if err != nil {
		return nil, refusal(err)
	}
	if len(update) == 0 {
		update = nothing()
	}
	if len(gone) > 0 {
		// What others deleted already is deleted once more, so that the log says
		// what the author no longer sees.
		if update, err = ydoc.Merge(update, ydoc.DeleteUpdate(gone)); err != nil {
			return nil, refusal(err)
		}
	}
	d.authors[author] = op.Writer.Client
	return updateBody(update), nil
}

// nothing is the update that changes nothing: no structs, no deletes.
func nothing() []byte { return []byte{0, 0} }

func updateBody(update []byte) []byte {
	b := append(make([]byte, 0, 32+base64.StdEncoding.EncodedLen(len(update))), `{"op":"update","update":"`...)
	return append(base64.StdEncoding.AppendEncode(b, update), `"}`...)
}

// place finds where an edit goes now: where to insert, what to delete, and what
// of that is gone already.
func place(text ydoc.Text, e edit, past ydoc.Past) (at int, spans [][2]int, gone []ydoc.Range, err error) {
	if len(past.Added) == 0 && len(past.Deleted) == 0 {
		if e.pos > text.Len() || e.count > text.Len()-e.pos {
			return 0, nil, nil, ydoc.ErrRange
		}
		if e.count > 0 {
			spans = [][2]int{{e.pos, e.count}}
		}
		return e.pos, spans, nil, nil
	}
	if at, err = text.PositionIn(e.pos, past); err != nil || e.count == 0 {
		return at, nil, nil, err
	}
	spans, gone, err = text.RangeIn(e.pos, e.count, past)
	return at, spans, gone, err
}

// pastOf is what the author had not seen: what others added and deleted since,
// but for what it has deleted itself.
func pastOf(op Op, since []Op) (past ydoc.Past, err error) {
	var own []ydoc.Range
	for i := range since {
		var o object
		if !o.parse(since[i].Body) || string(o.name) != "update" {
			continue
		}
		update, err := base64.StdEncoding.DecodeString(string(o.text("update")))
		if err != nil {
			continue
		}
		deleted, err := ydoc.DeletesOf(update)
		if err != nil {
			return past, refusal(err)
		}
		if since[i].Writer == op.Writer {
			own = append(own, deleted...)
			continue
		}
		added, err := ydoc.ClientsOf(update)
		if err != nil {
			return past, refusal(err)
		}
		past.Added = append(past.Added, added...)
		past.Deleted = append(past.Deleted, deleted...)
	}
	for _, r := range own {
		past.Deleted = without(past.Deleted, r)
	}
	return past, nil
}

// without takes one range out of others.
func without(ranges []ydoc.Range, out ydoc.Range) []ydoc.Range {
	var left []ydoc.Range
	for _, r := range ranges {
		if r.Client != out.Client || out.To <= r.From || r.To <= out.From {
			left = append(left, r)
			continue
		}
		if r.From < out.From {
			left = append(left, ydoc.Range{Client: r.Client, From: r.From, To: out.From})
		}
		if out.To < r.To {
			left = append(left, ydoc.Range{Client: r.Client, From: out.To, To: r.To})
		}
	}
	return left
}

// editOf reads a positional op: insert {pos, text or char}, delete {pos, count},
// replace {pos, count, text}.
func editOf(body []byte) (e edit, err error) {
	var o object
	if !o.parse(body) {
		return e, Errorf(BadOp, "this is no op")
	}
	text, count := "text", "count"
	if o.get("char") != nil {
		text = "char" // as an earlier version of the client names it
	}
	e.count = 1
	switch string(o.name) {
	case "insert":
		e.count = 0
		if !o.exactly("pos", text) {
			return e, Errorf(BadOp, `the fields of this op are "pos" and "text"`)
		}
	case "delete":
		if !o.only("pos", count) {
			return e, Errorf(BadOp, `the fields of this op are "pos" and "count"`)
		}
	case "replace":
		if !o.exactly("pos", count, text) {
			return e, Errorf(BadOp, `the fields of this op are "pos", "count" and "text"`)
		}
	}
	if e.pos, err = position(o.get("pos")); err != nil {
		return e, err
	}
	if raw := o.get(count); raw != nil {
		if e.count, err = position(raw); err != nil {
			return e, err
		}
	}
	if string(o.name) != "delete" {
		s := o.text(text)
		if s == nil || len(s) == 0 && string(o.name) == "insert" {
			return e, Errorf(BadOp, "the text to insert is a string that is not empty")
		}
		if len(s) > MaxInsert {
			return e, Errorf(TooLarge, "one op inserts at most %d bytes of text; send the rest in another", MaxInsert)
		}
		e.text = string(s)
	} else if e.count == 0 {
		return e, Errorf(BadOp, `"count" is an integer from 1`)
	}
	return e, nil
}

// position reads a position or count.
func position(raw []byte) (int, error) {
	n, err := strconv.ParseUint(string(raw), 10, 31)
	if err != nil {
		return 0, Errorf(BadOp, `"pos" and "count" are integers from 0, in UTF-16 code units`)
	}
	return int(n), nil
}

// Carry implements [Editor].
func (d *document) Carry(refused [][]byte, next []byte) ([]byte, error) {
	var updates [][]byte
	for _, body := range refused {
		update, err := d.bodyUpdate(body)
		if err != nil {
			continue // it was refused for being no update, and brought nothing
		}
		if update, err = ydoc.Skeleton(update); err != nil {
			return nil, refusal(err)
		}
		updates = append(updates, update)
	}
	update, err := d.bodyUpdate(next)
	if err != nil {
		return nil, err
	}
	merged, err := ydoc.Merge(append(updates, update)...)
	if err != nil {
		return nil, refusal(err)
	}
	return updateBody(merged), nil
}

func (d *document) bodyUpdate(body []byte) ([]byte, error) {
	var o object
	if !o.parse(body) || string(o.name) != "update" {
		return nil, Errorf(BadOp, "this op is no update")
	}
	return d.updateOf(&o)
}

// Taken implements [Editor].
func (d *document) Taken(author uint64) bool { return d.doc.Client() == author && d.doc.ClientTaken() }
