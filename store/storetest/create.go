package storetest

import (
	"strings"
	"testing"

	"github.com/wavesiddhartha/flowsync/store"
	"github.com/wavesiddhartha/flowsync/wire"
)

func (s suite) testCreate(t *testing.T) {
	s.test(t, "durability is one of the known", func(t *testing.T, st *fixture) {
		if d := st.Durability(); d != store.InMemory && d != store.OnDisk {
			t.Errorf("Durability() = %q", d)
		}
	})

	s.test(t, "a new stream is empty and has secrets", func(t *testing.T, st *fixture) {
		got, err := st.Load(t.Context(), "counter:a")
		must(t, err)
		if !wire.ValidInc(got.Head.Epoch) {
			t.Errorf("epoch is %q, want 16 hex digits", got.Head.Epoch)
		}
		if got.Head.Offset != 0 || got.First != 1 || got.Snapshot != nil || len(got.Tail) != 0 {
			t.Errorf("a new stream is not empty: %+v", got)
		}
		if got.Head.Chain == (store.Hash{}) || got.Key == [32]byte{} {
			t.Error("chain(0) or the key is not random")
		}
		again, err := st.Load(t.Context(), "counter:a")
		must(t, err)
		if again.Head != got.Head || again.Key != got.Key {
			t.Error("the second Load found another stream")
		}
	})

	s.test(t, "streams are apart", func(t *testing.T, st *fixture) {
		long := strings.Repeat("a", 63) + ":" + strings.Repeat(strings.Repeat("b", 63)+":", 2) + strings.Repeat("c", 64)
		names := []string{"a", "A", "a:b", "a.b", "a-b", "a_b", "a:b:c", "ab", "a:", long, long[:len(long)-1]}
		epochs := make(map[string]bool)
		keys := make(map[[32]byte]bool)
		chains := make(map[store.Hash]bool)
		hubs := make([]*hub, len(names))
		for i, name := range names {
			hubs[i] = mustJoin(t, st, name)
			epochs[hubs[i].at.Epoch], keys[hubs[i].key], chains[hubs[i].at.Chain] = true, true, true
		}
		if len(epochs) != len(names) || len(keys) != len(names) || len(chains) != len(names) {
			t.Errorf("%d streams have %d epochs, %d keys and %d first chain values",
				len(names), len(epochs), len(keys), len(chains))
		}
		for i, h := range hubs {
			h.grow(t, device(0), i+1)
		}
		for i, name := range names {
			if h := mustJoin(t, st, name); h.at != hubs[i].at {
				t.Errorf("stream %q is at %v, want %v", name, place(h.at), place(hubs[i].at))
			}
		}
	})

	s.test(t, "concurrent loads create one stream", func(t *testing.T, st *fixture) {
		streams := make([]*store.Stream, 8)
		parallel(t, len(streams), func(i int) (err error) {
			streams[i], err = st.Load(t.Context(), "counter:a")
			return err
		})
		for i, got := range streams {
			if got.Head != streams[0].Head || got.Key != streams[0].Key {
				t.Errorf("Load %d found another stream than Load 0", i)
			}
		}
	})

	s.test(t, "a stream that does not exist is empty everywhere and stays so", func(t *testing.T, st *fixture) {
		other := mustJoin(t, st, "counter:a") // for an epoch that is real
		b := other.batch(op{by: device(0)})
		b.Stream = "counter:b"
		r, err := st.append(b)
		must(t, err)
		if !r.Lost || r.Head != (store.Position{}) || len(r.Missed) != 0 {
			t.Errorf("append: %+v, want Lost with the zero Head", r)
		}
		tail, err := st.Read(t.Context(), "counter:b", 0, 10)
		must(t, err)
		if len(tail.Records) != 0 || tail.Head != (store.Position{}) || tail.First != 1 {
			t.Errorf("read: %+v, want nothing", tail)
		}
		mark, trail, err := st.Recall(t.Context(), "counter:b", device(0), 0)
		must(t, err)
		if mark != (store.Watermark{}) || len(trail) != 0 {
			t.Errorf("recall: %+v %v, want zero", mark, trail)
		}
		for _, epoch := range []string{other.at.Epoch, ""} {
			head, err := st.Rotate(t.Context(), "counter:b", epoch)
			must(t, err)
			if head != (store.Position{}) {
				t.Errorf("rotate out of %q: %v, want the zero position", epoch, place(head))
			}
		}
		must(t, st.Save(t.Context(), "counter:b", store.Snapshot{Rule: "crdt-counter", Position: other.at, State: []byte("{}")}))
		more, err := st.Trim(t.Context(), "counter:b", 10, 10)
		must(t, err)
		if more {
			t.Error("trim: more remain of nothing")
		}
		got, err := st.Load(t.Context(), "counter:b")
		must(t, err)
		if got.Snapshot != nil || got.Head.Offset != 0 || got.Head.Epoch == "" || got.Head.Epoch == other.at.Epoch {
			t.Errorf("what came before Load left a trace: %+v", got)
		}
	})
}
