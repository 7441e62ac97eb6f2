package sim

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/store"
	"github.com/wavesiddhartha/flowsync/store/storetest"
)

// TestModelStore holds the store that the simulated hubs find to the contract of
// all stores. Reopening it plays its journal on a new one, as a loss does.
func TestModelStore(t *testing.T) {
	open := func(*testing.T) store.Store { return newOpenJournal() }
	reopen := func(t *testing.T, st store.Store) store.Store {
		old := st.(*openJournal)
		if err := old.Close(); err != nil {
			t.Fatal(err)
		}
		old.j.lose(0)
		return &openJournal{j: old.j}
	}
	storetest.RunDurable(t, open, reopen)
}

// TestLostTail holds that a journal which lost its tail is the store that it was
// before that: heads, keys and epochs too.
func TestLostTail(t *testing.T) {
	j := newOpenJournal().j
	first, err := j.load("counter:a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.rotate("counter:a", first.Head.Epoch); err != nil {
		t.Fatal(err)
	}
	if _, err := j.load("counter:b"); err != nil {
		t.Fatal(err)
	}
	j.lose(2)
	if j.exists("counter:b") {
		t.Error("a stream that was made in the lost tail is still there")
	}
	again, err := j.load("counter:a")
	if err != nil || again.Head != first.Head || again.Key != first.Key {
		t.Errorf("was at %+v, is at %+v after the loss of what followed: %v", first.Head, again.Head, err)
	}
}

// openJournal is a journal as a [store.Store].
type openJournal struct {
	mu      sync.Mutex // guards j
	j       *journal
	appends sync.RWMutex // held for reading by appends under way
}

func newOpenJournal() *openJournal {
	rng := rand.New(rand.NewPCG(1, 1))
	return &openJournal{j: newJournal(func() byte { return byte(rng.Uint32()) })}
}

func (o *openJournal) Durability() store.Durability { return store.OnDisk }

func (o *openJournal) Load(_ context.Context, stream string) (*store.Stream, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.j.load(stream)
}

func (o *openJournal) Append(batches []store.Batch, done func([]store.Result)) {
	o.appends.RLock()
	defer o.appends.RUnlock()
	results := make([]store.Result, len(batches))
	o.mu.Lock()
	for i := range batches {
		results[i] = o.j.append(batches[i])
	}
	o.mu.Unlock()
	done(results)
}

func (o *openJournal) Read(_ context.Context, stream string, after uint64, most int) (store.Tail, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.j.mem.Read(bg, stream, after, most)
}

func (o *openJournal) Recall(_ context.Context, stream string, w crdt.Writer, fence uint64) (store.Watermark, []store.Mark, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.j.recall(stream, w, fence)
}

func (o *openJournal) Rotate(_ context.Context, stream, epoch string) (store.Position, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.j.rotate(stream, epoch)
}

func (o *openJournal) Save(_ context.Context, stream string, s store.Snapshot) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.j.save(stream, s)
}

func (o *openJournal) Trim(_ context.Context, stream string, offset uint64, most int) (bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.j.trim(stream, offset, most)
}

func (o *openJournal) Session(_ context.Context, client string) (uint64, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.j.session(client)
}

func (o *openJournal) Revoke(_ context.Context, r store.Revocation) (err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.j.change(false, func(m *store.Memory) { err = m.Revoke(bg, r) })
	return err
}

func (o *openJournal) Revocations(_ context.Context, after uint64) ([]store.Revocation, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.j.mem.Revocations(bg, after)
}

func (o *openJournal) Close() error {
	o.appends.Lock()
	defer o.appends.Unlock()
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.j.mem.Close()
}
