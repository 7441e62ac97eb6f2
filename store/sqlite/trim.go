package sqlite

// trimming is one call of Trim.
type trimming struct {
	awaited
	stream string
	offset uint64
	max    int
	more   bool
}

func (t *trimming) make(c *committer) error {
	t.more = false
	st, err := c.stream(t.stream)
	if err != nil {
		return err
	}
	if !st.next.exists {
		return nil
	}
	offsets, err := c.conn.snapshotOffsets(st)
	if err != nil || len(offsets) < 2 {
		return err
	}
	limit := min(t.offset, offsets[1])
	if limit < st.next.first {
		return nil
	}
	if st.next.settled < limit {
		if err := c.settle(); err != nil {
			return err
		}
	}
	first, err := t.slice(c, st, limit)
	if err != nil || first == st.next.first {
		return err
	}
	if err := c.write(); err != nil {
		return err
	}
	st.next.first = first
	c.logged += 4
	// Chunks that begin below and end above stay until all of them is trimmed.
	if err := c.conn.Exec("DELETE FROM chunks WHERE stream = ?1 AND first < ?2 AND last < ?2", st.id, int64(first)); err != nil {
		return err
	}
	return c.conn.put(st)
}

// trimBytes is about how large the ops are that one call removes, whatever it
// allows: a few records may be many megabytes, and commits wait for them.
const trimBytes = 256 << 10

// slice counts off the records to remove and returns where the log begins then.
func (t *trimming) slice(c *committer, st *stream, limit uint64) (first uint64, err error) {
	first = st.next.first
	removed, bytes := 0, 0
	err = c.conn.chunks(st, first-1, limit, func(r *row) (bool, error) {
		for i := range r.records {
			rec := &r.records[i].record
			switch {
			case rec.Last() < first:
				continue
			case rec.Last() > limit:
				return false, nil
			case removed >= t.max || bytes >= trimBytes:
				t.more = true
				return false, nil
			}
			removed++
			for j := range r.records[i].record.Entries {
				bytes += len(r.records[i].record.Entries[j].Op)
			}
			first = rec.Last() + 1
		}
		return true, nil
	})
	return first, err
}
