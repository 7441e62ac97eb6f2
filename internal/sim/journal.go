package sim

import (
	"context"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/store"
)

// journal is a [store.Memory] that can lose what it had. Every change is kept
// with the random bytes that it drew; a store that lost its tail is a fresh
// Memory on which the journal was played up to there.
type journal struct {
	random  func() byte
	mem     *store.Memory
	changes []*change
	playing *change // whose draws are recorded or repeated
}

// change is one entry of the journal.
type change struct {
	do     func(*store.Memory)
	stays  bool // survives a loss: what the loss of would break has other guards
	drawn  []byte
	played int // of drawn
}

var bg = context.Background()

func newJournal(random func() byte) *journal {
	j := &journal{random: random}
	j.mem = store.NewMemoryFrom(j.draw)
	return j
}

// draw gives a change the same bytes each time it is played.
func (j *journal) draw(b []byte) {
	c := j.playing
	if c.played == len(c.drawn) {
		for range b {
			c.drawn = append(c.drawn, j.random())
		}
	}
	c.played += copy(b, c.drawn[c.played:])
}

// change carries a change out and keeps it.
func (j *journal) change(stays bool, do func(*store.Memory)) {
	c := &change{do: do, stays: stays}
	j.changes = append(j.changes, c)
	j.play(c)
}

func (j *journal) play(c *change) {
	j.playing, c.played = c, 0
	c.do(j.mem)
	j.playing = nil
}

// lose forgets the newest n changes, but not session numbers and fences: those
// are the sessions' order, and a store that forgets them while sessions live has
// no order at all.
func (j *journal) lose(n int) {
	from := max(0, len(j.changes)-n)
	kept := j.changes[:from:from]
	for _, c := range j.changes[from:] {
		if c.stays {
			kept = append(kept, c)
		}
	}
	j.mem = store.NewMemoryFrom(j.draw)
	j.changes = kept
	for _, c := range kept {
		j.play(c)
	}
}

// head is where a stream is, the zero Position if it does not exist.
func (j *journal) head(stream string) (store.Position, error) { return j.mem.Rotate(bg, stream, "") }

// exists reports whether a stream was created.
func (j *journal) exists(stream string) bool {
	at, err := j.head(stream)
	return err == nil && at.Epoch != ""
}

func (j *journal) load(stream string) (loaded *store.Stream, err error) {
	if j.exists(stream) {
		return j.mem.Load(bg, stream)
	}
	j.change(false, func(m *store.Memory) { loaded, err = m.Load(bg, stream) })
	return loaded, err
}

// append commits one batch, or says why not. A lost one changes nothing.
func (j *journal) append(b store.Batch) (res store.Result) {
	commit := func(m *store.Memory) {
		m.Append([]store.Batch{b}, func(rs []store.Result) { res = rs[0] })
	}
	if at, _ := j.head(b.Stream); at != b.After {
		commit(j.mem)
	} else {
		j.change(false, commit)
	}
	return res
}

func (j *journal) recall(stream string, w crdt.Writer, fence uint64) (mark store.Watermark, trail []store.Mark, err error) {
	if fence == 0 {
		return j.mem.Recall(bg, stream, w, 0)
	}
	j.change(j.exists(stream), func(m *store.Memory) { mark, trail, err = m.Recall(bg, stream, w, fence) })
	return mark, trail, err
}

func (j *journal) rotate(stream, epoch string) (at store.Position, err error) {
	j.change(false, func(m *store.Memory) { at, err = m.Rotate(bg, stream, epoch) })
	return at, err
}

func (j *journal) session(client string) (n uint64, err error) {
	j.change(true, func(m *store.Memory) { n, err = m.Session(bg, client) })
	return n, err
}

func (j *journal) save(stream string, snapshot store.Snapshot) (err error) {
	j.change(false, func(m *store.Memory) { err = m.Save(bg, stream, snapshot) })
	return err
}

func (j *journal) trim(stream string, offset uint64, most int) (more bool, err error) {
	j.change(false, func(m *store.Memory) { more, err = m.Trim(bg, stream, offset, most) })
	return more, err
}
