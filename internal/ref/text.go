package ref

import (
	"context"
	"iter"
	"strings"
	"unicode/utf8"
)

// Text is a reference to a crdt-text stream: a text that many edit at once.
//
// Positions and counts are UTF-16 code units, as in browsers and editors; one
// inside of a surrogate pair stands for the pair's edge. They count in what the
// hub, or the node's own replica, shows at the time of the call. Line ends are
// normalised: "\r\n" and "\r" become "\n", here and in every client, or positions
// would drift apart.
type Text struct{ stream }

// NewText refers to a stream.
func NewText(in Streams, name string) Text { return Text{stream{in, name}} }

// maxInsert is how much text one op inserts, in bytes of UTF-8.
const maxInsert = 64 << 10

type insertOp struct {
	Op   string `json:"op"`
	Pos  int    `json:"pos"`
	Text string `json:"text"`
}

type removeOp struct {
	Count int    `json:"count"`
	Op    string `json:"op"`
	Pos   int    `json:"pos"`
}

type replaceOp struct {
	Count int    `json:"count"`
	Op    string `json:"op"`
	Pos   int    `json:"pos"`
	Text  string `json:"text"`
}

// String returns the text.
func (t Text) String(ctx context.Context) (string, error) {
	var s string
	err := t.read(ctx, &s)
	return s, err
}

// Insert inserts s at pos. Text over 64 KiB is sent in several ops. A position
// outside of the text is bad_op; inserting nothing does nothing.
func (t Text) Insert(ctx context.Context, pos int, s string) error {
	for s = normal(s); s != ""; {
		piece := cut(s)
		if err := t.in.Push(ctx, t.name, insertOp{Op: "insert", Pos: pos, Text: piece}); err != nil {
			return err
		}
		pos += units(piece)
		s = s[len(piece):]
	}
	return nil
}

// Delete deletes count code units from pos on. A range outside of the text is
// bad_op.
func (t Text) Delete(ctx context.Context, pos, count int) error {
	return t.in.Push(ctx, t.name, removeOp{Count: count, Op: "delete", Pos: pos})
}

// Replace deletes count code units from pos on and inserts s there. Text over
// 64 KiB is sent in several ops, the first of which deletes.
func (t Text) Replace(ctx context.Context, pos, count int, s string) error {
	s = normal(s)
	piece := cut(s)
	if err := t.in.Push(ctx, t.name, replaceOp{Count: count, Op: "replace", Pos: pos, Text: piece}); err != nil {
		return err
	}
	return t.Insert(ctx, pos+units(piece), s[len(piece):])
}

// Watch yields the text now and after each change, the latest always.
func (t Text) Watch(ctx context.Context) iter.Seq2[string, error] {
	return watch(ctx, t.stream, parse[string])
}

// normal makes all line ends "\n".
func normal(s string) string {
	if !strings.Contains(s, "\r") {
		return s
	}
	return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s)
}

// cut returns as much of s as one op can insert, whole characters only.
func cut(s string) string {
	if len(s) <= maxInsert {
		return s
	}
	n := maxInsert
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// units is the length of s in UTF-16 code units.
func units(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r > 0xFFFF {
			n++
		}
	}
	return n
}
