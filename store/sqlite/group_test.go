package sqlite

import (
	"sync"
	"testing"

	"github.com/wavesiddhartha/flowsync/store"
)

// What is appended without waiting for answers must not become one transaction:
// it would fill the table recent, which memory and the next start hold whole.
func TestBurstIsSettledInPieces(t *testing.T) {
	b := usual()
	b.groupChanges, b.settleRecords = 50, 100
	path := scratch(t)
	st, err := open(path, "", b)
	if err != nil {
		t.Fatal(err)
	}
	a := mustAuthor(t, st, "counter:a")
	var answered sync.WaitGroup
	for i := range 5000 {
		batch := a.batch(i % 10)
		a.follow(&batch.Record)
		answered.Add(1)
		st.Append([]store.Batch{batch}, func(results []store.Result) {
			defer answered.Done()
			if r := results[0]; r.Err != nil || r.Lost {
				t.Errorf("%+v", r)
			}
		})
	}
	answered.Wait()
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	if st, err = open(path, "", b); err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if n, most := st.committer.records, b.groupChanges+b.settleRecords; n > most {
		t.Errorf("%d records are in the table recent, want at most %d", n, most)
	}
	s, err := st.Load(t.Context(), "counter:a")
	if err != nil || s.Head.Offset != 5000 || len(s.Tail) != 5000 {
		t.Fatalf("loaded %d records up to offset %d, %v", len(s.Tail), s.Head.Offset, err)
	}
}
