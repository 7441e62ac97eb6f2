package ydoc

import (
	"cmp"
	"encoding/base64"
	"slices"
	"strconv"
)

// AppendJSON appends the document's value as canonical JSON (RFC 8785): an
// object with a member for each root. A text is a string without its formatting,
// XML a string as yjs writes it. A root that was asked for by type, such as with
// [Doc.Text], is of that type; another is what its content looks like, and left
// out while it has none.
func (d *Doc) AppendJSON(b []byte) []byte {
	b = append(b, '{')
	first := true
	for _, name := range d.rootNames() {
		t := d.roots[name]
		kind := d.types[t].kind
		if kind == typeUnknown {
			if kind = d.guess(t); kind == typeUnknown {
				continue
			}
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(appendQuoted(b, name), ':')
		b = d.appendSharedAs(b, t, kind)
	}
	return append(b, '}')
}

func (d *Doc) rootNames() []string {
	names := make([]string, 0, len(d.roots))
	for name := range d.roots { // order-free: sorted next
		names = append(names, name)
	}
	slices.SortFunc(names, compareUnits)
	return names
}

// guess says what a root looks like.
func (d *Doc) guess(t int32) uint8 {
	if len((ref{d, t, d.types[t].gen}).keys()) > 0 {
		return typeMap
	}
	l := d.types[t].seq
	if l == none || d.lists[l].size == 0 {
		return typeUnknown
	}
	at, _ := d.seek(l, 1)
	it := &d.items[d.itemIn(at)]
	switch it.kind {
	case kindString, kindEmbed:
		return typeText
	case kindType:
		if k := d.types[it.off].kind; k == typeXMLElement || k == typeXMLText || k == typeXMLHook {
			return typeXMLFragment
		}
	}
	if d.types[t].formatted {
		return typeText
	}
	return typeArray
}

func (d *Doc) appendShared(b []byte, t int32) []byte {
	return d.appendSharedAs(b, t, d.types[t].kind)
}

func (d *Doc) appendSharedAs(b []byte, t int32, kind uint8) []byte {
	r := ref{d, t, d.types[t].gen}
	switch kind {
	case typeText:
		return appendQuoted(b, Text{r}.String())
	case typeXMLText:
		return appendQuoted(b, XMLText{Text{r}}.String())
	case typeXMLElement:
		return appendQuoted(b, XMLElement{XMLFragment{r}}.String())
	case typeXMLFragment:
		return appendQuoted(b, XMLFragment{r}.String())
	case typeArray:
		b = append(b, '[')
		first := true
		d.eachValue(t, func(v Value) {
			if !first {
				b = append(b, ',')
			}
			first = false
			b = v.appendJSON(b, canonical)
		})
		return append(b, ']')
	}
	var fields []Field
	for _, k := range r.keys() {
		v, _ := r.get(k)
		fields = append(fields, Field{k, v})
	}
	return appendObject(b, fields, canonical)
}

// eachValue calls f for the values of a sequence that is no text.
func (d *Doc) eachValue(t int32, f func(Value)) {
	l := d.types[t].seq
	if l == none {
		return
	}
	d.eachVisible(l, func(it *item) {
		if it.kind == kindFormat {
			return
		}
		d.eachOf(it, f)
	})
}

// AppendDigestInput appends what two replicas must have in common to be equal,
// for hashing: the state vector by ascending client, the deleted ranges by
// ascending client, and then canonical JSON of everything visible with its
// formatting. Equal documents append equal bytes, however their items are split
// and merged. What waits is not part of it.
//
// Numbers are written as in updates. The JSON is an object of roots by name,
// without those that show nothing; each shared type is an object of the members
// that apply: kind and name of a nested one, keys, and list, whose entries are
// {text, attrs?} or {one of value, bytes, bigint, undefined, doc, type; attrs?}.
func (d *Doc) AppendDigestInput(b []byte) []byte {
	b = appendUint(b, uint64(len(d.sorted)))
	for _, n := range slices.Backward(d.sorted) {
		c := &d.clients[n]
		b = appendUint(append(b, c.written()...), uint64(c.clock))
	}
	d.ranges = d.ranges[:0]
	for _, n := range slices.Backward(d.sorted) {
		d.gatherDeleted(n)
	}
	b = d.appendSpans(b, d.ranges)
	b = append(b, '{')
	first := true
	for _, name := range d.rootNames() {
		start := len(b)
		if !first {
			b = append(b, ',')
		}
		b = append(appendQuoted(b, name), ':')
		empty := len(b)
		b = d.appendFull(b, d.roots[name])
		if string(b[empty:]) == "{}" {
			b = b[:start]
			continue
		}
		first = false
	}
	return append(b, '}')
}

// appendFull appends all that can be seen of a shared type. Nesting is bounded
// by Limits.Depth.
func (d *Doc) appendFull(b []byte, t int32) []byte {
	ty := &d.types[t]
	start := len(b)
	b = append(b, '{')
	member := func(name string) {
		if len(b) > start+1 {
			b = append(b, ',')
		}
		b = append(appendQuoted(b, name), ':')
	}
	r := ref{d, t, ty.gen}
	if keys := r.keys(); len(keys) > 0 {
		slices.SortFunc(keys, compareUnits)
		member("keys")
		for i, k := range keys {
			v, _ := r.get(k)
			b = append(b, "{,"[min(i, 1)])
			b = append(appendQuoted(b, k), ":{"...)
			b = append(d.appendEntry(b, v), '}')
		}
		b = append(b, '}')
	}
	if ty.item != none {
		member("kind")
		b = strconv.AppendUint(b, uint64(ty.kind), 10)
	}
	if ty.seq != none && d.lists[ty.seq].size > 0 {
		member("list")
		b = d.appendEntries(b, t)
	}
	if ty.item != none && ty.name != "" {
		member("name")
		b = appendQuoted(b, ty.name)
	}
	return append(b, '}')
}

// appendEntries appends the list of a type. Text of one formatting is one entry.
func (d *Doc) appendEntries(b []byte, t int32) []byte {
	var now attrs
	var text, run []byte // text so far, and the attributes it has
	var formatting []byte
	first := true
	entry := func() {
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(b, '{')
	}
	pack := func() {
		if len(text) == 0 {
			return
		}
		entry()
		b = append(append(b, run...), `"text":`...)
		b = append(appendQuoted(b, string(text)), '}')
		text = text[:0]
	}
	b = append(b, '[')
	d.eachVisible(d.types[t].seq, func(it *item) {
		switch it.kind {
		case kindFormat:
			now.pass(d.marker(it))
			formatting = now.appendCanonical(formatting[:0])
		case kindString:
			if string(run) != string(formatting) {
				pack()
				run = append(run[:0], formatting...)
			}
			text = append(text, d.contentOf(it)...)
		default:
			pack()
			d.eachOf(it, func(v Value) {
				entry()
				b = append(b, formatting...)
				b = append(d.appendEntry(b, v), '}')
			})
		}
	})
	pack()
	return append(b, ']')
}

// appendCanonical appends attributes as a member of an entry, with a comma, or
// nothing.
func (a attrs) appendCanonical(b []byte) []byte {
	if len(a) == 0 {
		return b
	}
	var fields []Field
	for _, x := range a {
		fields = append(fields, Field{x.key, parsed([]byte(x.value))})
	}
	b = append(b, `"attrs":`...)
	return append(appendObject(b, fields, canonical), ',')
}

// appendEntry appends a value as a member that says what it is.
func (d *Doc) appendEntry(b []byte, v Value) []byte {
	switch v.kind {
	case KindUndefined:
		return append(b, `"undefined":true`...)
	case KindBigInt:
		return append(strconv.AppendInt(append(b, `"bigint":"`...), v.BigInt(), 10), '"')
	case KindBytes:
		return append(base64.StdEncoding.AppendEncode(append(b, `"bytes":"`...), []byte(v.text)), '"')
	case KindDoc:
		return appendQuoted(append(b, `"doc":`...), v.text)
	}
	if v.kind > KindDoc {
		return d.appendFull(append(b, `"type":`...), v.ref.t)
	}
	return v.appendJSON(append(b, `"value":`...), canonical)
}

// Clock returns the next clock of a client: how much of it the document has.
func (d *Doc) Clock(client uint64) uint32 { return d.stateOf(client) }

// Clients returns how much the document has of each client, by ascending client.
func (d *Doc) Clients() []Range {
	var out []Range
	for i := range d.clients {
		out = append(out, Range{d.clients[i].id, 0, d.clients[i].clock})
	}
	slices.SortFunc(out, func(a, b Range) int { return cmp.Compare(a.Client, b.Client) })
	return out
}
