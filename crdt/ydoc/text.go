package ydoc

import (
	"strings"
	"unicode/utf8"
)

// Text is a handle of a shared text. Positions and lengths count UTF-16 code
// units; an embed and a nested type count 1.
type Text struct{ ref }

// Insert inserts s at pos, formatted like the text before it. Errors:
// [ErrRange], [ErrDeleted], [ErrInvalid] if s is not UTF-8, [ErrLimit].
func (t Text) Insert(pos int, s string) error {
	if err := t.check(pos, 0, s); err != nil || s == "" {
		return err
	}
	d := t.d
	d.enter()
	defer d.leave()
	l := d.sequence(t.t)
	if d.types[t.t].formatted {
		w := d.walk(l, t.snap(l, pos, false))
		return d.insertFormatted(&w, w.attrs.clone(), textOf(s))
	}
	if d.extendTyped(l, uint32(pos), s) {
		return nil
	}
	return d.insertPlain(l, uint32(pos), textOf(s))
}

// InsertWith inserts s at pos with exactly the given formatting. Errors are
// those of [Text.Insert].
func (t Text) InsertWith(pos int, s string, attrs Attrs) error {
	if err := t.check(pos, 0, s); err != nil || s == "" {
		return err
	}
	return t.insertWith(pos, textOf(s), attrs)
}

// InsertEmbed inserts an object such as a picture, given as JSON, at pos, with
// exactly the given formatting. Errors are those of [Text.Insert].
func (t Text) InsertEmbed(pos int, json string, attrs Attrs) error {
	if err := t.check(pos, 0, ""); err != nil {
		return err
	}
	v, err := ParseJSON(json)
	if err != nil {
		return err
	}
	return t.insertWith(pos, insertable{kind: kindEmbed, length: 1, bytes: v.AppendJSON(nil)}, attrs)
}

func (t Text) insertWith(pos int, x insertable, attrs Attrs) error {
	a, err := attrs.resolve(t.d.limits.Depth)
	if err != nil {
		return err
	}
	d := t.d
	d.enter()
	defer d.leave()
	l := d.sequence(t.t)
	if len(a) == 0 && !d.types[t.t].formatted {
		return d.insertPlain(l, uint32(pos), x)
	}
	w := d.walk(l, t.snap(l, pos, false))
	return d.insertFormatted(&w, a, x)
}

// Delete deletes n positions from pos on. Errors: [ErrRange], [ErrDeleted].
func (t Text) Delete(pos, n int) error {
	if err := t.check(pos, n, ""); err != nil || n == 0 {
		return err
	}
	d := t.d
	d.enter()
	defer d.leave()
	l := d.sequence(t.t)
	formatted := d.types[t.t].formatted
	if !formatted && d.cutVisible(l, uint32(pos), uint32(n)) {
		return nil
	}
	from, to := t.snap(l, pos, false), t.snap(l, pos+n, true)
	if formatted {
		w := d.walk(l, from)
		d.deleteFormatted(&w, to-from)
		return nil
	}
	d.deleteVisible(l, from, to-from)
	return nil
}

// Format changes the formatting of n positions from pos on: a value sets an
// attribute, null removes it, others stay. Errors are those of [Text.Insert].
func (t Text) Format(pos, n int, attrs Attrs) error {
	if err := t.check(pos, n, ""); err != nil || n == 0 {
		return err
	}
	a, err := attrs.resolve(t.d.limits.Depth)
	if err != nil {
		return err
	}
	d := t.d
	d.enter()
	defer d.leave()
	l := d.sequence(t.t)
	from, to := t.snap(l, pos, false), t.snap(l, pos+n, true)
	w := d.walk(l, from)
	return d.format(&w, to-from, a)
}

// Len returns how many positions the text has.
func (t Text) Len() int { return t.size() }

// String returns the text without formatting and embeds.
func (t Text) String() string {
	l := t.seq()
	if l == none {
		return ""
	}
	var b strings.Builder
	b.Grow(t.size())
	t.d.eachVisible(l, func(it *item) {
		if it.kind == kindString {
			b.Write(t.d.contentOf(it))
		}
	})
	return b.String()
}

// eachVisible calls f for the items of a list that are not deleted, formats
// included.
func (d *Doc) eachVisible(l int32, f func(*item)) {
	for n := d.lists[l].first; n != none; n = d.leaves[n].next {
		lf := &d.leaves[n]
		for _, i := range lf.items[:lf.n] {
			if it := &d.items[i]; !it.deleted() {
				f(it)
			}
		}
	}
}

func (t Text) check(pos, n int, s string) error {
	if t.gone() {
		return t.valid()
	}
	size := 0
	if l := t.d.types[t.t].seq; l != none {
		size = int(t.d.lists[l].size)
	}
	if pos < 0 || n < 0 || pos > size || n > size-pos {
		return inRange(pos, n, size)
	}
	if len(s) > 1 && !utf8.ValidString(s) || len(s) == 1 && s[0] >= utf8.RuneSelf {
		return errNotUTF8
	}
	return t.d.room(len(s) + 1)
}

// snap moves a position out of a surrogate pair.
func (t Text) snap(l int32, pos int, up bool) uint32 {
	p := uint32(pos)
	if !t.d.tornAt(l, p) {
		return p
	}
	if up {
		return p + 1
	}
	return p - 1
}

func textOf(s string) insertable {
	return insertable{kind: kindString, length: unitsOf(s), text: s}
}

// unitsOf returns how many UTF-16 code units s has.
func unitsOf(s string) uint32 {
	n := len(s)
	if n == 1 {
		return 1
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c < 0x80:
		case c < 0xc0:
			n--
		case c >= 0xf0:
			n++
		}
	}
	return uint32(n)
}

// insertPlain inserts into a text that was never formatted: in front of the
// next visible item, as yjs does.
func (d *Doc) insertPlain(l int32, pos uint32, x insertable) error {
	left, at, pos := d.gapInText(l, pos)
	right := d.itemIn(at)
	for right != none && d.items[right].deleted() {
		left, at = right, d.after(at)
		right = d.itemIn(at)
	}
	if x.kind == kindString && left != none && d.extends(left, right) {
		d.extend(left, d.spotOf(left), x.text, x.length)
	} else if _, err := d.add(l, left, right, x); err != nil {
		return err
	}
	d.typed = cursor{d.version, l, pos + x.length}
	return nil
}

// extends says whether text typed between left and right would merge with left
// at the end of the transaction.
func (d *Doc) extends(left, right int32) bool {
	it := &d.items[left]
	if it.kind != kindString || it.flags&^flagSub != 0 {
		return false
	}
	c := &d.clients[it.client]
	if c.id != d.own || it.end() != c.clock || int(it.off+it.size) != len(c.bytes) {
		return false
	}
	if right == none {
		return it.right.client == noClient
	}
	return it.right == d.items[right].id()
}

// extend adds text of so many units to the last item of the own client, which is
// at a place.
func (d *Doc) extend(i int32, at spot, text string, length uint32) {
	it := &d.items[i]
	d.touch(it.client)
	c := &d.clients[it.client]
	if len(d.observers) > 0 {
		d.spliceText(at, it.length, textOf(text))
	}
	c.bytes = append(c.bytes, text...)
	c.clock += length
	it.length += length
	it.size += uint32(len(text))
	d.grow(at, length)
	d.noteChanged(d.leaves[at.leaf].list)
	d.version++
}

// extendTyped is insertPlain for the commonest edit: typing on.
func (d *Doc) extendTyped(l int32, pos uint32, s string) bool {
	if d.typed.version != d.version || d.typed.list != l || d.typed.pos != pos {
		return false
	}
	n := d.lookup(d.own)
	if n == noClient {
		return false
	}
	i := d.clients[n].tail()
	if i == none || d.items[i].leaf == none || d.leaves[d.items[i].leaf].list != l {
		return false
	}
	at := d.spotOf(i)
	right := d.itemIn(d.after(at))
	if right != none && d.items[right].deleted() || !d.extends(i, right) {
		return false
	}
	length := unitsOf(s)
	d.extend(i, at, s, length)
	d.typed = cursor{d.version, l, pos + length}
	return true
}
