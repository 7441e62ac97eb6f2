package sqlite

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"

	"github.com/wavesiddhartha/flowsync/crdt"
)

// settlement moves all records in recent to chunks, and the watermarks and
// fences in memory to their table.
type settlement struct{}

func (*settlement) make(c *committer) error { return c.settle() }
func (*settlement) answer(error)            {}

// due says whether enough waits to be settled.
func (c *committer) due() bool {
	return c.bytes >= c.bounds.settleBytes || c.records >= c.bounds.settleRecords || c.fences >= c.bounds.settleFences
}

func (c *committer) settle() error {
	if len(c.unsettled) == 0 {
		return nil
	}
	if err := c.write(); err != nil {
		return err
	}
	byID := func(a, b *stream) int { return cmp.Compare(a.id, b.id) }
	for _, st := range slices.SortedFunc(maps.Keys(c.unsettled), byID) { // the order of the tables: each page is visited once
		if _, err := c.stream(st.name); err != nil {
			return err
		}
		if err := c.settleStream(st); err != nil {
			return err
		}
	}
	if len(c.kept) == 0 {
		return c.conn.Exec("DELETE FROM recent")
	}
	kept, err := json.Marshal(c.kept)
	if err != nil {
		return err
	}
	return c.conn.Exec("DELETE FROM recent WHERE id NOT IN (SELECT value FROM json_each(?))", string(kept))
}

const insertChunk = `INSERT INTO chunks (stream, first, last, proof, entries) VALUES (?, ?, ?, ?, ?)`

func (c *committer) settleStream(st *stream) error {
	for records := st.unsettledRecords(); len(records) > 0; {
		n, size := 0, 0
		for n < len(records) && (n == 0 || size+records[n].size <= c.bounds.chunkBytes) {
			size += records[n].size
			n++
		}
		if err := c.settleChunk(st, records[:n]); err != nil {
			return err
		}
		c.logged += size / pageSize
		records = records[n:]
	}
	if err := c.settleWriters(st); err != nil {
		return err
	}
	st.settled = true
	st.added = st.added[:0]
	st.next.settled, st.next.chain = st.next.head.Offset, st.next.head.Chain
	c.logged++
	return c.conn.put(st)
}

// settleChunk writes one row. Each writer in it gets a link to its chunk before
// this one, and this one becomes its newest.
func (c *committer) settleChunk(st *stream, records []recentRecord) error {
	r := row{stream: st.id, links: make(map[crdt.Writer]uint64)}
	first := records[0].record.First()
	for i := range records {
		r.records = append(r.records, written{records[i].epoch, records[i].record})
		for j := range records[i].record.Entries {
			w := records[i].record.Entries[j].Writer
			if _, ok := r.links[w]; ok {
				continue
			}
			k, err := c.known(st, w)
			if err != nil {
				return err
			}
			r.links[w] = k.chunk
			k.chunk, k.stale = first, true
			st.stage(w, k)
		}
	}
	entries, proof := r.encode()
	return c.conn.Exec(insertChunk, st.id, int64(first), int64(records[len(records)-1].record.Last()), proof, entries)
}

// settleWriters writes the rows of writers that memory knows more of.
func (c *committer) settleWriters(st *stream) error {
	for w, k := range st.writers {
		if _, newer := st.staged[w]; k.stale && !newer {
			st.stage(w, k)
		}
	}
	byName := func(a, b crdt.Writer) int {
		return cmp.Or(cmp.Compare(a.Client, b.Client), cmp.Compare(a.Inc, b.Inc))
	}
	for _, w := range slices.SortedFunc(maps.Keys(st.staged), byName) {
		k := st.staged[w]
		if !k.stale {
			continue
		}
		if err := c.conn.putWriter(st, w, &k); err != nil {
			return err
		}
		if !k.stored {
			st.next.writers++
		}
		k.stored, k.stale = true, false
		st.stage(w, k)
		c.logged++
	}
	return nil
}

// crowding asks the committer to drop what is idle, when reads alone filled
// memory.
type crowding struct{}

func (crowding) make(*committer) error { return nil }
func (crowding) answer(error)          {}

// dropIdle forgets streams and writers that nobody uses and the file knows, when
// memory holds many. After a settlement nearly all are idle; before, a look is
// worth its while only when there are many more than after the last.
func (s *Store) dropIdle(c *committer, settled bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	few, many := c.bounds.idleStreams*3/4, c.bounds.idleWriters*3/4
	if len(s.streams) <= s.most && (!settled || c.writers <= c.bounds.idleWriters) {
		return
	}
	for id, st := range s.streams { // in random order, which serves as well as any
		if len(s.streams) <= few && c.writers <= many {
			break
		}
		if st.uses == 0 && st.idle() {
			c.writers -= len(st.writers)
			delete(s.streams, id)
		}
	}
	s.most = max(c.bounds.idleStreams, len(s.streams)+len(s.streams)/4)
}
