package ydoc

import "slices"

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
