package ydoc

import "unicode/utf16"

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

// eachOf calls f for the values of an item in order.
func (d *Doc) eachOf(it *item, f func(Value)) {
	if it.kind != kindAny && it.kind != kindJSON {
		for n := range it.length {
			f(d.valueAt(it, n))
		}
		return
	}
	r := reader{b: d.contentOf(it)}
	for range it.length {
		if it.kind == kindAny {
			f(r.readAny())
		} else {
			f(parsed(r.span()))
		}
	}
}
