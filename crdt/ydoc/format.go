package ydoc

import "slices"

// Attrs is formatting: attributes and their values. Null says that an attribute
// is not set.
type Attrs []Attr

// Attr is one attribute of formatting, such as bold: true.
type Attr struct {
	Key   string
	Value Value
}

// attr is an attribute while an edit works with it. value is JSON; entry is
// that of the marker it comes from, or none: yjs compares objects by identity.
type attr struct {
	key, value string
	entry      int32
}

// attrs is attributes in the order in which they were first set.
type attrs []attr

func (a attrs) clone() attrs { return slices.Clone(a) }

func (a attrs) find(key string) int {
	return slices.IndexFunc(a, func(x attr) bool { return x.key == key })
}

// get returns an attribute; null if it is not set.
func (a attrs) get(key string) attr {
	if i := a.find(key); i >= 0 {
		return a[i]
	}
	return attr{key: key, value: "null", entry: none}
}

func (a *attrs) set(x attr) {
	if i := a.find(x.key); i >= 0 {
		(*a)[i] = x
		return
	}
	*a = append(*a, x)
}

func (a *attrs) unset(key string) {
	if i := a.find(key); i >= 0 {
		*a = slices.Delete(*a, i, i+1)
	}
}

// pass takes note of a marker.
func (a *attrs) pass(x attr) {
	if x.value == "null" {
		a.unset(x.key)
		return
	}
	a.set(x)
}

// same says whether two values are one: the same plain value, or the very same
// object.
func (x attr) same(y attr) bool {
	if x.value != y.value {
		return false
	}
	return !x.object() || (x.entry != none && x.entry == y.entry)
}

func (x attr) object() bool { return x.value[0] == '{' || x.value[0] == '[' }

// equal is same, but objects may also be equal member by member.
func (x attr) equal(y attr) bool {
	if x.same(y) {
		return true
	}
	if !x.object() || !y.object() {
		return false
	}
	v, err := ParseJSON(x.value)
	w, err2 := ParseJSON(y.value)
	return err == nil && err2 == nil && v.flatEqual(w)
}

// flatEqual compares two lists or objects whose members must be plain: nested
// ones differ, because they are other objects.
func (v Value) flatEqual(w Value) bool {
	a, b := v.members(), w.members()
	if len(a) != len(b) {
		return false
	}
	for _, f := range a {
		i := slices.IndexFunc(b, func(g Field) bool { return g.Key == f.Key })
		if i < 0 || f.Value.kind != b[i].Value.kind || f.Value.kind == KindList || f.Value.kind == KindObject {
			return false
		}
		if g := b[i].Value; f.Value.num != g.num || f.Value.text != g.text {
			return false
		}
	}
	return true
}

// members returns the elements of a list as members of an object.
func (v Value) members() []Field {
	if v.kind == KindObject {
		return v.fields
	}
	var fields []Field
	for i, e := range v.list {
		fields = append(fields, Field{string(appendDecimal(nil, i)), e})
	}
	return fields
}

// resolve checks attributes and brings them into JavaScript's order.
func (a Attrs) resolve(depth int) (attrs, error) {
	var fields []Field
	for _, x := range a {
		if err := x.Value.checkPlain(depth); err != nil {
			return nil, err
		}
		fields = setField(fields, x.Key, x.Value)
	}
	var out attrs
	for _, f := range inOrder(fields) {
		if err := String(f.Key).checkPlain(depth); err != nil {
			return nil, err
		}
		if f.Value.kind != KindUndefined {
			out = append(out, attr{f.Key, string(f.Value.AppendJSON(nil)), none})
		}
	}
	return out, nil
}

// ordered returns attributes in the order in which JavaScript walks an object.
func (a attrs) ordered() attrs {
	fields := make([]Field, len(a))
	for i, x := range a {
		fields[i] = Field{Key: x.key, Value: Number(float64(i))}
	}
	out := make(attrs, len(a))
	for i, f := range inOrder(fields) {
		out[i] = a[int(f.Value.Number())]
	}
	return out
}

// walker goes through a formatted text. It stands between left and right, where
// attrs is in force.
type walker struct {
	list        int32
	left, right int32
	attrs       attrs
}

// walk returns a walker at a position: behind the item of the position before.
func (d *Doc) walk(l int32, pos uint32) walker {
	left, at := d.gap(l, pos)
	w := walker{list: l, left: left, right: d.itemIn(at)}
	if left == none {
		return w
	}
	end := d.spotOf(left)
	for n := d.lists[l].first; ; n = d.leaves[n].next {
		lf := &d.leaves[n]
		upTo := int(lf.n)
		if n == end.leaf {
			upTo = end.slot
		}
		if lf.formats > 0 {
			for _, i := range lf.items[:upTo] {
				if it := &d.items[i]; it.kind == kindFormat && !it.deleted() {
					w.attrs.pass(d.marker(it))
				}
			}
		}
		if n == end.leaf {
			return w
		}
	}
}

// marker returns what a format item says.
func (d *Doc) marker(it *item) attr {
	f := &d.formats.entries[it.off]
	return attr{f.key, f.value, int32(it.off)}
}

// forward steps over right.
func (d *Doc) forward(w *walker) {
	if it := &d.items[w.right]; it.kind == kindFormat && !it.deleted() {
		w.attrs.pass(d.marker(it))
	}
	w.left, w.right = w.right, d.nextItem(w.right)
}

// insertFormatted inserts content with exactly the attributes a, which it may
// change.
func (d *Doc) insertFormatted(w *walker, a attrs, x insertable) error {
	for _, y := range w.attrs {
		if a.find(y.key) < 0 {
			a = append(a, attr{y.key, "null", none})
		}
	}
	d.skipRedundant(w, a)
	negated, err := d.openAttrs(w, a)
	if err != nil {
		return err
	}
	if err := d.addAt(w, x); err != nil {
		return err
	}
	return d.closeAttrs(w, negated)
}

func (d *Doc) addAt(w *walker, x insertable) error {
	i, err := d.add(w.list, w.left, w.right, x)
	if err != nil {
		return err
	}
	w.right = i
	d.forward(w)
	return nil
}

// addMarker inserts a format marker. An object keeps its identity.
func (d *Doc) addMarker(w *walker, x attr) error {
	entry := uint32(x.entry)
	if x.entry == none {
		entry = d.formats.add([]byte(x.key), []byte(x.value))
	} else {
		d.formats.entries[entry].uses++
	}
	return d.addAt(w, insertable{kind: kindFormat, length: 1, format: entry})
}

// skipRedundant steps over what is deleted and over markers that say what a says.
func (d *Doc) skipRedundant(w *walker, a attrs) {
	for w.right != none {
		it := &d.items[w.right]
		if !it.deleted() {
			if it.kind != kindFormat {
				return
			}
			if m := d.marker(it); !a.get(m.key).equal(m) {
				return
			}
		}
		d.forward(w)
	}
}

// openAttrs inserts the markers that a needs, and returns those that end it.
func (d *Doc) openAttrs(w *walker, a attrs) (attrs, error) {
	var negated attrs
	for _, x := range a.ordered() {
		now := w.attrs.get(x.key)
		if now.equal(x) {
			continue
		}
		negated.set(now)
		if err := d.addMarker(w, x); err != nil {
			return nil, err
		}
	}
	return negated, nil
}

// closeAttrs inserts the markers that end a formatting, unless they are there.
func (d *Doc) closeAttrs(w *walker, negated attrs) error {
	for w.right != none {
		it := &d.items[w.right]
		if !it.deleted() {
			if it.kind != kindFormat {
				break
			}
			m := d.marker(it)
			i := negated.find(m.key)
			if i < 0 || !negated[i].equal(m) {
				break
			}
			negated.unset(m.key)
		}
		d.forward(w)
	}
	for _, x := range negated {
		if err := d.addMarker(w, x); err != nil {
			return err
		}
	}
	return nil
}

// format gives n positions the attributes a.
func (d *Doc) format(w *walker, n uint32, a attrs) error {
	d.skipRedundant(w, a)
	negated, err := d.openAttrs(w, a)
	if err != nil {
		return err
	}
	for w.right != none {
		it := &d.items[w.right]
		if n == 0 && (len(negated) == 0 || (!it.deleted() && it.kind != kindFormat)) {
			break
		}
		switch {
		case it.deleted():
		case it.kind == kindFormat:
			m := d.marker(it)
			i := a.find(m.key)
			if i < 0 {
				w.attrs.set(m)
				break
			}
			if a[i].equal(m) {
				negated.unset(m.key)
			} else {
				if n == 0 {
					return d.closeAttrs(w, negated)
				}
				negated.set(m)
			}
			d.delete(w.right)
		default:
			if n < it.length {
				d.split(w.right, n)
				it = &d.items[w.right]
			}
			n -= it.length
		}
		d.forward(w)
	}
	return d.closeAttrs(w, negated)
}

// deleteFormatted deletes n positions, and the markers there that have nothing
// left to say.
func (d *Doc) deleteFormatted(w *walker, n uint32) {
	before, start := w.attrs.clone(), w.right
	for n > 0 && w.right != none {
		if it := &d.items[w.right]; it.visible() > 0 {
			if n < it.length {
				d.split(w.right, n)
				it = &d.items[w.right]
			}
			n -= it.length
			d.delete(w.right)
		}
		d.forward(w)
	}
	if start != none {
		d.tidyGap(start, w.right, before, &w.attrs)
	}
}

// Span is a stretch of text with one formatting, or an embed.
type Span struct {
	Text  string // "" for an embed
	Embed Value  // an object, or a nested shared type; undefined for text
	Attrs Attrs
}

// Delta returns the text in stretches of equal formatting.
func (t Text) Delta() []Span {
	var out []Span
	l := t.seq()
	if l == none {
		return out
	}
	d := t.d
	var text []byte
	var now attrs
	var formatting Attrs
	pack := func() {
		if len(text) > 0 {
			out = append(out, Span{Text: string(text), Attrs: slices.Clone(formatting)})
			text = text[:0]
		}
	}
	d.eachVisible(l, func(it *item) {
		switch it.kind {
		case kindString:
			text = append(text, d.contentOf(it)...)
		case kindEmbed, kindType:
			pack()
			out = append(out, Span{Embed: d.valueAt(it, 0), Attrs: slices.Clone(formatting)})
		case kindFormat:
			pack()
			now.pass(d.marker(it))
			formatting = now.export()
		}
	})
	pack()
	return out
}

func (a attrs) export() Attrs {
	var out Attrs
	for _, x := range a {
		v, err := ParseJSON(x.value)
		if err != nil {
			v = Undefined()
		}
		out = append(out, Attr{x.key, v})
	}
	return out
}
