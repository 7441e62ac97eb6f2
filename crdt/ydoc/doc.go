// Package ydoc is an engine for Yjs documents: texts, maps, arrays and XML that
// many people edit at once. It reads and writes update format v1, and writes
// the same bytes as the JavaScript library yjs 13.6 does after the same edits
// and updates.
//
// A [Doc] belongs to one replica. Edits go through handles such as [Text];
// [Doc.AppendTransact] returns what to send to the others, and [Doc.Apply]
// takes what they sent, in any order and any number of times.
//
// # Invariants
//
//   - Convergence: documents that applied the same updates have the same value
//     and the same [Doc.AppendDigestInput].
//   - All or nothing: an update that is refused has changed nothing.
//   - Causality: what depends on ids that are not there yet waits.
//   - Positions count UTF-16 code units and never fall inside a surrogate pair:
//     a position inside one means its beginning for the start of a range, and
//     its end for the end of a range.
//
// Conflicting insertions are ordered by YATA (Nicolaescu, Jahns, Derntl, Klamma:
// Near Real-Time Peer-to-Peer Shared Editing on Extensible Data Types, 2016) as
// yjs orders them.
//
// The package imports only the standard library and starts no goroutine. A Doc
// and its handles are for one goroutine at a time.
package ydoc

import "fmt"

// Doc is a Yjs document.
type Doc struct {
	own    uint64
	limits Limits

	clients []client
	dense   map[uint64]uint32
	recent  uint32   // lookup's last answer
	sorted  []uint32 // dense numbers by descending client id

	items  []item
	lists  []list
	leaves []leaf
	inners []inner
	types  []shared
	roots  map[string]int32

	freeItem, freeList, freeLeaf, freeInner, freeShared int32

	formats formats
	redone  map[int32]id // by item: its successor, made by an undo manager

	// pending waits for what it depends on; see pending.go.
	pending pending

	marks   uint32 // the last mark that a conflict scan left on an item
	budget  int    // of neighbours that the current update may still look at
	version uint32 // counts changes of positions, but for extensions at typed
	typed   cursor
	near    nearby

	tx      txn
	spare   txn // the transaction that tidies formats, kept for its memory
	txns    uint32
	keepAll bool // format clean-up is off
	taken   bool

	observers []func(Change)
	managers  []*UndoManager

	in      inbox
	ranges  []span // scratch of encoders
	out     []byte
	sink    []byte // of AppendTransact
	sinking bool
}

// cursor remembers at which position the own client's last item ends, for as
// long as no position changed but by extending that item.
type cursor struct {
	version uint32
	list    int32
	pos     uint32
}

// New returns an empty document whose edits are made as client, with default
// limits. Client must be below 2^53, and no other replica may use it; a random
// number below 2^32 is usual.
func New(client uint64) *Doc { return NewLimited(client, Limits{}) }

// NewLimited is [New] with limits.
func NewLimited(client uint64, l Limits) *Doc {
	d := &Doc{limits: l.withDefaults()}
	d.freeItem, d.freeList, d.freeLeaf, d.freeInner, d.freeShared = none, none, none, none, none
	d.version, d.near.leaf = 1, none
	d.SetClient(client)
	return d
}

// Client returns the client that edits are made as.
func (d *Doc) Client() uint64 { return d.own }

// SetClient makes edits from now on as client. It panics if client is not below
// 2^53.
func (d *Doc) SetClient(client uint64) {
	if client > maxUint {
		panic(fmt.Sprintf("ydoc: client %d is not below 2^53", client))
	}
	d.own = client
	d.taken = false
}

// ClientTaken says whether an update from elsewhere added content under the
// document's own client since [Doc.SetClient]: somebody else uses it too. Choose
// another one, at random, before the next edit.
func (d *Doc) ClientTaken() bool { return d.taken }

// KeepFormats turns off the clean-up of formatting that yjs does after a remote
// update: replicas that receive the same updates in different orders then never
// delete format markers of their own accord, so their digests stay equal without
// another exchange. It is off by default, as in yjs.
func (d *Doc) KeepFormats(on bool) { d.keepAll = on }

// Text returns the text of a root, which is made if it does not exist.
func (d *Doc) Text(root string) Text { return Text{d.open(root, typeText)} }

// Map returns the map of a root, which is made if it does not exist.
func (d *Doc) Map(root string) Map { return Map{d.open(root, typeMap)} }

// Array returns the array of a root, which is made if it does not exist.
func (d *Doc) Array(root string) Array { return Array{d.open(root, typeArray)} }

// XMLFragment returns the XML of a root, which is made if it does not exist.
func (d *Doc) XMLFragment(root string) XMLFragment {
	return XMLFragment{d.open(root, typeXMLFragment)}
}
