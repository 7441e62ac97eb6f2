package ydoc

import "fmt"

// Types of shared types, as updates name them.
const (
	typeArray       uint8 = 0
	typeMap         uint8 = 1
	typeText        uint8 = 2
	typeXMLElement  uint8 = 3
	typeXMLFragment uint8 = 4
	typeXMLHook     uint8 = 5
	typeXMLText     uint8 = 6
	typeGone        uint8 = 254 // an unused slot
	typeUnknown     uint8 = 255 // a root that nobody asked for by type yet
)

// shared is a shared type: a root, or the content of an item. It has one list
// for its sequence and one for each key, made when the first item arrives.
type shared struct {
	item      int32 // that holds it; none for a root, the next free type when unused
	kind      uint8
	formatted bool   // a format ever came into the sequence
	depth     uint16 // of nesting; roots have 0
	gen       uint32 // how often the slot was reused, so that old handles are found out
	seq       int32  // list, or none
	firstKey  int32  // list of the first key, or none
	lastKey   int32
	byKey     map[string]int32 // built once there are many keys
	keys      int
	name      string // of a root, an element or a hook
}

// keysWithoutIndex is how many keys are searched one by one.
const keysWithoutIndex = 8

func (d *Doc) newShared(item int32, kind uint8, name string, depth uint16) int32 {
	t := shared{item: item, kind: kind, seq: none, firstKey: none, lastKey: none, name: name, depth: depth}
	if i := d.freeShared; i != none {
		d.freeShared = d.types[i].item
		t.gen = d.types[i].gen
		d.types[i] = t
		return i
	}
	d.types = append(d.types, t)
	return int32(len(d.types) - 1)
}

// dropShared frees a type and its lists, which must be empty.
func (d *Doc) dropShared(t int32) {
	ty := &d.types[t]
	d.dropList(ty.seq)
	for l := ty.firstKey; l != none; {
		next := d.lists[l].nextKey
		d.dropList(l)
		l = next
	}
	d.types[t] = shared{item: d.freeShared, kind: typeGone, gen: ty.gen + 1, seq: none, firstKey: none, lastKey: none}
	d.freeShared = t
}

func (d *Doc) dropList(l int32) {
	if l == none {
		return
	}
	d.lists[l] = list{owner: none, root: none, first: none, last: none, nextKey: d.freeList}
	d.freeList = l
}

// rootType returns the root of a name, making it if need be.
func (d *Doc) rootType(name string) int32 {
	if t, ok := d.roots[name]; ok {
		return t
	}
	t := d.newShared(none, typeUnknown, name, 0)
	if d.roots == nil {
		d.roots = map[string]int32{}
	}
	d.roots[name] = t
	d.tx.roots = append(d.tx.roots, name)
	return t
}

// open returns the root of a name. Whoever asks first says what it is.
func (d *Doc) open(name string, kind uint8) ref {
	t := d.rootType(name)
	if d.types[t].kind == typeUnknown {
		d.types[t].kind = kind
	}
	return ref{d, t, d.types[t].gen}
}

// sequence returns the list of t's sequence, making it if need be.
func (d *Doc) sequence(t int32) int32 {
	if d.types[t].seq == none {
		d.types[t].seq = d.newList(t, "", false)
	}
	return d.types[t].seq
}

// keyList returns the list of a key, or none.
func (d *Doc) keyList(t int32, key string) int32 {
	ty := &d.types[t]
	if ty.byKey != nil {
		if l, ok := ty.byKey[key]; ok {
			return l
		}
		return none
	}
	for l := ty.firstKey; l != none; l = d.lists[l].nextKey {
		if d.lists[l].key == key {
			return l
		}
	}
	return none
}

// makeKeyList returns the list of a key, making it if need be.
func (d *Doc) makeKeyList(t int32, key string) int32 {
	if l := d.keyList(t, key); l != none {
		return l
	}
	l := d.newList(t, key, true)
	ty := &d.types[t]
	if ty.lastKey == none {
		ty.firstKey = l
	} else {
		d.lists[ty.lastKey].nextKey = l
	}
	ty.lastKey = l
	ty.keys++
	d.tx.births = append(d.tx.births, t)
	if ty.byKey != nil {
		ty.byKey[key] = l
	} else if ty.keys > keysWithoutIndex {
		ty.byKey = map[string]int32{}
		for k := ty.firstKey; k != none; k = d.lists[k].nextKey {
			ty.byKey[d.lists[k].key] = k
		}
	}
	return l
}

// dropKeys forgets keys whose lists are empty: those that a refused update made.
func (d *Doc) dropKeys(t int32) {
	ty := &d.types[t]
	var kept int32 = none
	for l := ty.firstKey; l != none; {
		next := d.lists[l].nextKey
		if d.lists[l].root != none {
			kept = l
			l = next
			continue
		}
		if kept == none {
			ty.firstKey = next
		} else {
			d.lists[kept].nextKey = next
		}
		if ty.byKey != nil {
			delete(ty.byKey, d.lists[l].key)
		}
		ty.keys--
		d.dropList(l)
		l = next
	}
	ty.lastKey = kept
}

// itemGone says whether the type's own item is deleted.
func (d *Doc) itemGone(t int32) bool {
	i := d.types[t].item
	return i != none && d.items[i].deleted()
}

// ref is a handle of a shared type. It stays valid for as long as the type is
// in the document.
type ref struct {
	d   *Doc
	t   int32
	gen uint32
}

// Shared is a handle of a shared type: [Text], [Map], [Array], [XMLFragment],
// [XMLElement] or [XMLText].
type Shared interface{ shared() ref }

func (r ref) shared() ref { return r }

// valid says whether the handle may be edited.
func (r ref) valid() error {
	if r.d == nil {
		return fmt.Errorf("%w: the handle is the zero value; get one from a Doc", ErrDeleted)
	}
	if r.gone() {
		return fmt.Errorf("%w: get a new handle from its parent", ErrDeleted)
	}
	return nil
}

func (r ref) gone() bool {
	return r.d == nil || r.d.types[r.t].gen != r.gen || r.d.itemGone(r.t)
}

// seq returns the list of the handle's sequence, or none.
func (r ref) seq() int32 {
	if r.gone() {
		return none
	}
	return r.d.types[r.t].seq
}

// size returns how many positions the sequence has.
func (r ref) size() int {
	l := r.seq()
	if l == none {
		return 0
	}
	return int(r.d.lists[l].size)
}
