package socket

import "sync"

// Sizes of pooled buffers in bytes.
const (
	inputChunkSize = 8 << 10
	joinSize       = 16 << 10 // also the largest record of TLS
	scratchSize    = 4 << 10
	scratchKeep    = 64 << 10 // a larger one goes to the garbage collector
)

type (
	inputChunk [inputChunkSize]byte
	joinBuffer [joinSize]byte
)

// Buffers are the buffers that sockets borrow while they have something
// to receive or to send. Ready to use when zero; safe for concurrent use.
type Buffers struct {
	chunks, joins, scratches sync.Pool
	large                    assembly
}

func (b *Buffers) getChunk() *inputChunk {
	if c, ok := b.chunks.Get().(*inputChunk); ok {
		return c
	}
	return new(inputChunk)
}

func (b *Buffers) putChunk(c *inputChunk) { b.chunks.Put(c) }

func (b *Buffers) getJoin() *joinBuffer {
	if j, ok := b.joins.Get().(*joinBuffer); ok {
		return j
	}
	return new(joinBuffer)
}

func (b *Buffers) putJoin(j *joinBuffer) { b.joins.Put(j) }

func (b *Buffers) getScratch() *scratch {
	if c, ok := b.scratches.Get().(*scratch); ok {
		return c
	}
	return &scratch{bytes: make([]byte, 0, scratchSize)}
}

func (b *Buffers) putScratch(c *scratch) {
	if cap(c.bytes) > scratchKeep {
		return
	}
	c.bytes = c.bytes[:0]
	b.scratches.Put(c)
}

// scratch is where a message is put together.
type scratch struct {
	bytes []byte
	taken int64 // of the memory for large messages
}
