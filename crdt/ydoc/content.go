package ydoc

import (
	"bytes"
	"slices"
	"unicode/utf16"
)

// valueAt returns what position n of an item holds.
func (d *Doc) valueAt(it *item, n uint32) Value {
	switch it.kind {
	case kindType:
		t := int32(it.off)
		return Value{kind: kindOf(d.types[t].kind), ref: ref{d, t, d.types[t].gen}}
	case kindBinary:
		return Bytes(d.contentOf(it))
	case kindEmbed:
		return parsed(d.contentOf(it))
	case kindAny:
		r := reader{b: d.contentOf(it)}
		r.i = int(contentSize(kindAny, r.b, n))
		return r.readAny()
	case kindJSON:
		r := reader{b: d.contentOf(it)}
		r.i = int(contentSize(kindJSON, r.b, n))
		return parsed(r.span())
	case kindDoc:
		r := reader{b: d.contentOf(it)}
		guid := string(r.span())
		return Subdoc(guid, r.readAny().fields...)
	case kindString:
		units := utf16.Encode([]rune(string(d.contentOf(it))))
		return String(string(utf16.Decode(units[n : n+1])))
	}
	return Undefined()
}

// parsed returns the value of stored JSON; yjs writes undefined too.
func parsed(text []byte) Value {
	v, err := ParseJSON(string(text))
	if err != nil {
		return Undefined()
	}
	return v
}

func kindOf(shared uint8) Kind {
	switch shared {
	case typeArray:
		return KindArray
	case typeMap:
		return KindMap
	case typeText:
		return KindText
	case typeXMLElement:
		return KindXMLElement
	case typeXMLFragment:
		return KindXMLFragment
	case typeXMLHook:
		return KindXMLHook
	case typeXMLText:
		return KindXMLText
	}
	return KindUndefined
}

// agrees says whether the first n units of a struct, at a clock that the
// document has passed, are what the document has. Content that was collected on
// either side cannot differ.
func (d *Doc) agrees(client, clock, n uint32, c *change) bool {
	if c.kind == kindGC {
		return true
	}
	cl := &d.clients[client]
	b, k := cl.find(clock)
	end := clock + n
	for at := clock; at < end; {
		it := &d.items[cl.blocks[b].runs[k].item]
		upTo := min(end, it.end())
		if it.kind != kindGC {
			if at == clock && !d.sameNeighbours(it, clock, c) {
				return false
			}
			if it.kind != kindDeleted && c.kind != kindDeleted && !d.sameContent(it, at, upTo, clock, c) {
				return false
			}
		}
		at = upTo
		var ok bool
		if b, k, ok = cl.next(b, k); !ok {
			break
		}
	}
	return true
}

func (d *Doc) sameNeighbours(it *item, clock uint32, c *change) bool {
	origin := it.origin
	if clock > it.clock {
		origin = id{it.client, clock - 1}
	}
	if !d.sameID(origin, c.hasOrigin(), c.origin) || !d.sameID(it.right, c.hasRight(), c.right) {
		return false
	}
	if c.info&(bitOrigin|bitRight) != 0 {
		return true
	}
	li := &d.lists[d.leaves[it.leaf].list]
	if c.hasSub() != li.sub || string(c.sub) != li.key && li.sub {
		return false
	}
	t := &d.types[li.owner]
	if t.item == none {
		return c.rooted && t.name == string(c.root)
	}
	return !c.rooted && d.sameID(d.items[t.item].id(), true, c.parent)
}

func (d *Doc) sameID(own id, has bool, other remoteID) bool {
	if own.client == noClient || !has {
		return own.client == noClient && !has
	}
	return d.clients[own.client].id == other.client && own.clock == other.clock
}

// sameContent compares clocks from to upTo of an item with a struct that begins
// at clock.
func (d *Doc) sameContent(it *item, from, upTo, clock uint32, c *change) bool {
	if it.kind != c.kind {
		return false
	}
	switch it.kind {
	case kindFormat:
		f := &d.formats.entries[it.off]
		return f.key == string(c.key) && f.value == string(c.content)
	case kindType:
		t := &d.types[it.off]
		return t.kind == c.shared && t.name == string(c.key)
	case kindString:
		return sameText(d.contentOf(it), c.content, from-it.clock, from-clock, upTo-from)
	case kindAny, kindJSON:
		own := d.contentOf(it)
		a := own[contentSize(it.kind, own, from-it.clock):contentSize(it.kind, own, upTo-it.clock)]
		return bytes.Equal(a, c.content[contentSize(c.kind, c.content, from-clock):contentSize(c.kind, c.content, upTo-clock)])
	}
	return bytes.Equal(d.contentOf(it), c.content)
}

// sameText compares n units of two texts. A replacement character stands for
// anything: it may be half of a pair that one side tore.
func sameText(a, b []byte, fromA, fromB, n uint32) bool {
	if x, y := unitRange(a, fromA, n), unitRange(b, fromB, n); x != nil && bytes.Equal(x, y) {
		return true
	}
	s := utf16.Encode([]rune(string(a)))[fromA : fromA+n]
	t := utf16.Encode([]rune(string(b)))[fromB : fromB+n]
	return slices.EqualFunc(s, t, func(x, y uint16) bool { return x == y || x == 0xfffd || y == 0xfffd })
}

// unitRange returns the bytes of n units, or nil if a pair is cut.
func unitRange(s []byte, from, n uint32) []byte {
	i, torn := unitOffset(s, from)
	if torn {
		return nil
	}
	k, torn := unitOffset(s[i:], n)
	if torn {
		return nil
	}
	return s[i : i+k]
}
