package ydoc

import "slices"

// blockRuns is how many runs a block holds at most. Blocks begin small, so that
// a client with one item costs little.
const blockRuns = 64

// client is everything that one author made, in the order of its clock.
type client struct {
	id    uint64
	clock uint32 // of what it makes next

	blocks []block
	runs   int // in all blocks
	last   int // the block that find used last
	recent int // and the run of it

	// bytes is the content of its items, in the order it arrived. Content is
	// appended only; dead counts what no item refers to any more.
	bytes []byte
	dead  int

	// Where it stood when transaction txn began to add to it.
	txn         uint32
	before      uint32
	beforeBytes int

	prefix [8]byte // its id as it is written
	width  uint8
}

// block is a stretch of runs. first is the clock of its first run.
type block struct {
	first uint32
	runs  []run
}

// run says at which clock an item begins.
type run struct {
	clock uint32
	item  int32
}

// find returns the place of the item that covers clock, which must be below
// c.clock.
func (c *client) find(clock uint32) (b, i int) {
	b = c.last
	if b >= len(c.blocks) || c.blocks[b].first > clock || (b+1 < len(c.blocks) && c.blocks[b+1].first <= clock) {
		lo, hi := 0, len(c.blocks)
		for hi-lo > 1 {
			if mid := int(uint(lo+hi) >> 1); c.blocks[mid].first <= clock {
				lo = mid
			} else {
				hi = mid
			}
		}
		b = lo
		c.last = b
	}
	runs := c.blocks[b].runs
	if i = c.recent; i+1 < len(runs) && runs[i].clock <= clock && clock < runs[i+1].clock {
		return b, i
	}
	i = 0
	for n := len(runs); n > 1; { // written so that it compiles to no branch
		half := n >> 1
		if runs[i+half].clock <= clock {
			i += half
		}
		n -= half
	}
	c.recent = i
	return b, i
}

func (c *client) at(clock uint32) int32 {
	b, i := c.find(clock)
	return c.blocks[b].runs[i].item
}

// tail returns the item with the highest clock, or none.
func (c *client) tail() int32 {
	if len(c.blocks) == 0 {
		return none
	}
	runs := c.blocks[len(c.blocks)-1].runs
	return runs[len(runs)-1].item
}

func (c *client) push(r run) {
	c.runs++
	n := len(c.blocks)
	if n == 0 || len(c.blocks[n-1].runs) == blockRuns {
		size := 1
		if n > 0 {
			size = blockRuns
		}
		c.blocks = append(c.blocks, block{first: r.clock, runs: append(make([]run, 0, size), r)})
		return
	}
	c.blocks[n-1].runs = append(c.blocks[n-1].runs, r)
}

// insert puts r behind the run at (b, i).
func (c *client) insert(b, i int, r run) {
	if b == len(c.blocks)-1 && i == len(c.blocks[b].runs)-1 {
		c.push(r)
		return
	}
	c.runs++
	if len(c.blocks[b].runs) == blockRuns {
		const half = blockRuns / 2
		right := append(make([]run, 0, blockRuns), c.blocks[b].runs[half:]...)
		c.blocks[b].runs = c.blocks[b].runs[:half]
		c.blocks = slices.Insert(c.blocks, b+1, block{first: right[0].clock, runs: right})
		if i >= half {
			b, i = b+1, i-half
		}
	}
	c.blocks[b].runs = slices.Insert(c.blocks[b].runs, i+1, r)
}

// remove takes out the run at (b, i). Places before it stay valid.
func (c *client) remove(b, i int) {
	c.runs--
	bl := &c.blocks[b]
	if len(bl.runs) == 1 {
		c.blocks = slices.Delete(c.blocks, b, b+1)
		return
	}
	bl.runs = slices.Delete(bl.runs, i, i+1)
	if i == 0 {
		bl.first = bl.runs[0].clock
	}
}

func (c *client) prev(b, i int) (int, int, bool) {
	if i > 0 {
		return b, i - 1, true
	}
	if b == 0 {
		return 0, 0, false
	}
	return b - 1, len(c.blocks[b-1].runs) - 1, true
}

func (c *client) next(b, i int) (int, int, bool) {
	if i+1 < len(c.blocks[b].runs) {
		return b, i + 1, true
	}
	if b+1 < len(c.blocks) {
		return b + 1, 0, true
	}
	return 0, 0, false
}

func (c *client) written() []byte { return c.prefix[:c.width] }

// lookup returns the dense number of a client, or noClient.
func (d *Doc) lookup(client uint64) uint32 {
	if int(d.recent) < len(d.clients) && d.clients[d.recent].id == client {
		return d.recent
	}
	n, ok := d.dense[client]
	if !ok {
		return noClient
	}
	d.recent = n
	return n
}

// intern returns the dense number of a client, giving it one if need be. Only
// a client that has content gets one, so that the order of dense numbers is the
// order of arrival.
func (d *Doc) intern(id uint64) uint32 {
	if n := d.lookup(id); n != noClient {
		return n
	}
	n := uint32(len(d.clients))
	d.clients = append(d.clients, client{id: id})
	c := &d.clients[n]
	c.width = uint8(len(appendUint(c.prefix[:0], id)))
	if d.dense == nil {
		d.dense = map[uint64]uint32{}
	}
	d.dense[id] = n
	at, _ := slices.BinarySearchFunc(d.sorted, id, func(n uint32, id uint64) int {
		if d.clients[n].id > id {
			return -1
		}
		return 1
	})
	d.sorted = slices.Insert(d.sorted, at, n)
	return n
}

// itemAt returns the item that covers what; d must have it.
func (d *Doc) itemAt(what id) int32 { return d.clients[what.client].at(what.clock) }

// has says whether d has the content of an id.
func (d *Doc) has(what id) bool {
	return what.client != noClient && what.clock < d.clients[what.client].clock
}
