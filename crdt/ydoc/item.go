package ydoc

// What an item holds; the numbers are those of the update format.
const (
	kindGC      uint8 = 0 // only a length is left, and no place in a list
	kindDeleted uint8 = 1 // only a length is left
	kindJSON    uint8 = 2
	kindBinary  uint8 = 3
	kindString  uint8 = 4
	kindEmbed   uint8 = 5
	kindFormat  uint8 = 6
	kindType    uint8 = 7
	kindAny     uint8 = 8
	kindDoc     uint8 = 9
	kindSkip    uint8 = 10 // in updates only
)

const (
	flagDeleted uint8 = 1 << iota
	flagKeep          // an undo manager needs the content
	flagRedone        // an undo manager made a successor: Doc.redone
	flagSub           // lies in the list of a key, not in a sequence
)

// none is the index of no item, leaf, list or type.
const none int32 = -1

// noClient marks an absent id.
const noClient = ^uint32(0)

// id names one code unit, value or node for ever: the client that made it, by
// its dense number, and that client's clock.
type id struct{ client, clock uint32 }

// item is a run of content that one client inserted at once, or that came to
// look so. It holds no pointer: a document of a million items gives the garbage
// collector nothing to trace.
type item struct {
	clock, length uint32
	client        uint32
	hint          uint8 // slot in leaf, if the leaf agrees
	kind, flags   uint8
	_             uint8
	origin, right id // neighbours when it was inserted

	// Content: bytes of the client's store, or the number of a format or type
	// in off.
	off, size uint32

	leaf int32  // that lists it; none for kindGC; the next free item
	mark uint32 // when a conflict scan last came by
}

func (it *item) id() id      { return id{it.client, it.clock} }
func (it *item) lastID() id  { return id{it.client, it.clock + it.length - 1} }
func (it *item) end() uint32 { return it.clock + it.length }

func (it *item) deleted() bool { return it.flags&flagDeleted != 0 }

// countable says whether positions count this item while it is not deleted.
func (it *item) countable() bool { return it.kind != kindFormat && it.kind != kindDeleted }

// visible is how many positions the item takes.
func (it *item) visible() uint32 {
	if it.flags&flagDeleted != 0 || !it.countable() {
		return 0
	}
	return it.length
}

func splits(kind uint8) bool {
	return kind == kindString || kind == kindDeleted || kind == kindAny || kind == kindJSON
}

// newItem returns the index of a free item.
func (d *Doc) newItem() int32 {
	if i := d.freeItem; i != none {
		d.freeItem = d.items[i].leaf
		return i
	}
	d.items = append(d.items, item{})
	return int32(len(d.items) - 1)
}

func (d *Doc) dropItem(i int32) {
	d.items[i] = item{leaf: d.freeItem}
	d.freeItem = i
}
