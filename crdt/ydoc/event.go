package ydoc

import "slices"

// Change is what one transaction changed in one shared type. A type that the
// transaction added or removed has no Change of its own: its parent has one.
type Change struct {
	Target    Shared // handle of the type
	Root      string // the root that it is in, or is
	Path      []Step // from the root to it
	Splices   []Splice
	Keys      []string // keys and attributes that changed, in order
	Formatted bool     // formatting of a text changed
	Local     bool     // by an edit here, not by Apply
}

// Step is one step into a shared type: a key if Index is negative, else a
// position.
type Step struct {
	Key   string
	Index int
}

// Splice is a change of a sequence at Pos: Deleted positions gone, Inserted new
// ones. A change's splices apply one after another, each to the outcome of the
// one before. Positions count UTF-16 code units.
type Splice struct {
	Pos, Deleted, Inserted int
	Text                   string // what was inserted; "" for embeds and values
}

// splice is a Splice in the making.
type splice struct {
	Splice
	list   int32
	format bool
}

// Observe calls f after every transaction for each shared type that it changed.
// f may edit the document; that is another transaction.
func (d *Doc) Observe(f func(Change)) { d.observers = append(d.observers, f) }

func (d *Doc) spliceIn(l int32, at spot, i int32) {
	it := &d.items[i]
	if it.kind == kindFormat {
		d.tx.splices = append(d.tx.splices, splice{list: l, format: true})
		return
	}
	v := it.visible()
	if v == 0 {
		return
	}
	s := splice{list: l, Splice: Splice{Pos: int(d.rank(at)), Inserted: int(v)}}
	if it.kind == kindString {
		s.Text = string(d.contentOf(it))
	}
	d.addSplice(s)
}

func (d *Doc) spliceText(at spot, offset uint32, x insertable) {
	d.addSplice(splice{
		list:   d.leaves[at.leaf].list,
		Splice: Splice{Pos: int(d.rank(at) + offset), Inserted: int(x.length), Text: x.text},
	})
}

func (d *Doc) spliceOut(at spot, i int32) {
	l := d.leaves[at.leaf].list
	if d.lists[l].sub {
		return
	}
	if d.items[i].kind == kindFormat {
		d.tx.splices = append(d.tx.splices, splice{list: l, format: true})
		return
	}
	if v := d.items[i].visible(); v > 0 {
		d.addSplice(splice{list: l, Splice: Splice{Pos: int(d.rank(at)), Deleted: int(v)}})
	}
}

// addSplice joins a splice with the one before it if it goes on there.
func (d *Doc) addSplice(s splice) {
	if n := len(d.tx.splices); n > 0 {
		last := &d.tx.splices[n-1]
		if last.list == s.list && !last.format {
			switch {
			case s.Deleted == 0 && s.Pos == last.Pos+last.Inserted && (last.Inserted == 0 || (last.Text == "") == (s.Text == "")):
				last.Inserted += s.Inserted
				last.Text += s.Text
				return
			case s.Inserted == 0 && last.Inserted == 0 && s.Pos == last.Pos:
				last.Deleted += s.Deleted
				return
			case s.Inserted == 0 && last.Inserted == 0 && s.Pos+s.Deleted == last.Pos:
				last.Pos, last.Deleted = s.Pos, last.Deleted+s.Deleted
				return
			}
		}
	}
	d.tx.splices = append(d.tx.splices, s)
}

// changes returns what to tell observers about the transaction that just ended.
func (d *Doc) changes() []Change {
	if len(d.observers) == 0 {
		return nil
	}
	var out []Change
	byType := map[int32]int{}
	for _, l := range d.tx.lists {
		li := &d.lists[l]
		if li.owner == none || d.itemGone(li.owner) {
			continue
		}
		k, ok := byType[li.owner]
		if !ok {
			k = len(out)
			byType[li.owner] = k
			out = append(out, d.changeOf(li.owner))
		}
		if li.sub {
			out[k].Keys = append(out[k].Keys, li.key)
			continue
		}
		for _, s := range d.tx.splices {
			if s.list != l {
				continue
			}
			if s.format {
				out[k].Formatted = true
			} else {
				out[k].Splices = append(out[k].Splices, s.Splice)
			}
		}
	}
	return out
}

func (d *Doc) changeOf(t int32) Change {
	c := Change{Target: d.handleOf(t), Local: d.tx.local}
	for d.types[t].item != none {
		i := d.types[t].item
		l := d.listOf(i)
		step := Step{Key: d.lists[l].key, Index: -1}
		if !d.lists[l].sub {
			step = Step{Index: int(d.rank(d.spotOf(i)))}
		}
		c.Path = append(c.Path, step)
		t = d.lists[l].owner
	}
	slices.Reverse(c.Path)
	c.Root = d.types[t].name
	return c
}

// handleOf returns the handle of a type; that of a root which nobody asked for
// by type is a Text.
func (d *Doc) handleOf(t int32) Shared {
	r := ref{d, t, d.types[t].gen}
	switch d.types[t].kind {
	case typeArray:
		return Array{r}
	case typeMap, typeXMLHook:
		return Map{r}
	case typeXMLElement:
		return XMLElement{XMLFragment{r}}
	case typeXMLFragment:
		return XMLFragment{r}
	case typeXMLText:
		return XMLText{Text{r}}
	}
	return Text{r}
}

func (d *Doc) notify(changes []Change) {
	for _, c := range changes {
		for _, f := range d.observers {
			f(c)
		}
	}
}
