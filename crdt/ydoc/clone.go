package ydoc

import (
	"maps"
	"slices"
)

// Clone returns an independent copy of the document, with the same client, but
// without observers and undo managers. Take a new client before editing both.
// Handles belong to the document they came from.
func (d *Doc) Clone() *Doc {
	c := &Doc{
		own: d.own, limits: d.limits, taken: d.taken, keepAll: d.keepAll,
		clients: slices.Clone(d.clients), dense: maps.Clone(d.dense), recent: d.recent, sorted: slices.Clone(d.sorted),
		items: slices.Clone(d.items), lists: slices.Clone(d.lists), leaves: slices.Clone(d.leaves),
		inners: slices.Clone(d.inners), types: slices.Clone(d.types), roots: maps.Clone(d.roots),
		freeItem: d.freeItem, freeList: d.freeList, freeLeaf: d.freeLeaf, freeInner: d.freeInner, freeShared: d.freeShared,
		redone: maps.Clone(d.redone), pending: d.pending,
		near: nearby{leaf: none}, marks: d.marks, version: d.version, txns: d.txns,
		formats: formats{
			entries: slices.Clone(d.formats.entries),
			plain:   maps.Clone(d.formats.plain),
			free:    slices.Clone(d.formats.free),
		},
	}
	for i := range c.clients {
		cl := &c.clients[i]
		cl.bytes = slices.Clone(cl.bytes)
		cl.blocks = slices.Clone(cl.blocks)
		for b := range cl.blocks {
			cl.blocks[b].runs = slices.Clone(cl.blocks[b].runs)
		}
	}
	for i := range c.types {
		c.types[i].byKey = maps.Clone(c.types[i].byKey)
	}
	return c
}
