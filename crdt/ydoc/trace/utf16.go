package trace

import (
	"fmt"
	"slices"
)

// UTF16 is the session with positions and lengths in UTF-16 code units, as
// the Yjs world counts. Where all text lies in the basic plane both counts
// are the same and the session itself is returned. A concurrent session with
// characters beyond that plane is refused: where its positions fall depends
// on how an engine merges.
func (t *Trace) UTF16() (*Trace, error) {
	if t.basic() {
		return t, nil
	}
	if t.Kind != Sequential {
		return nil, fmt.Errorf("trace %s: a concurrent session holds characters beyond the basic plane; keep such text to sequential sessions", t.Name)
	}
	u := &Trace{Name: t.Name, Kind: t.Kind, End: t.End, Txns: make([]Txn, len(t.Txns))}
	var text []rune
	for i, x := range t.Txns {
		patches := make([]Patch, len(x.Patches))
		for j, p := range x.Patches {
			if p.Pos+p.Del > len(text) {
				return nil, fmt.Errorf("trace %s: transaction %d reaches past the end of the text", t.Name, i)
			}
			patches[j] = Patch{Pos: units(text[:p.Pos]), Del: units(text[p.Pos : p.Pos+p.Del]), Ins: p.Ins}
			text = slices.Replace(text, p.Pos, p.Pos+p.Del, []rune(p.Ins)...)
		}
		u.Txns[i] = Txn{R: x.R, Recv: x.Recv, Patches: patches}
	}
	return u, nil
}

// basic reports whether every inserted character takes one UTF-16 code unit.
func (t *Trace) basic() bool {
	for i := range t.Txns {
		for _, p := range t.Txns[i].Patches {
			for _, c := range p.Ins {
				if c > 0xFFFF {
					return false
				}
			}
		}
	}
	return true
}

func units(text []rune) int {
	n := len(text)
	for _, c := range text {
		if c > 0xFFFF {
			n++
		}
	}
	return n
}
