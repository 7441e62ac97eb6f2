package hubcore

import (
	"testing"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/store"
	"github.com/wavesiddhartha/flowsync/wire"
)

// What is remembered of cursors proves and signs no others.
func TestCursorsAreSignedAndProvenForThemselves(t *testing.T) {
	st := NewStream(&Config{}, "counter:a", crdt.Counter, nil, nil)
	st.key, st.head = [32]byte{1}, store.Position{Epoch: "00000000000000e1", Offset: 7, Chain: store.Hash{7}}
	sign := func(stream, epoch string, offset uint64, chain store.Hash) string {
		return wire.SignCursor(st.key, stream, epoch, offset, chain).String()
	}
	mine := sign("counter:a", "00000000000000e1", 7, store.Hash{7})
	for range 2 {
		if got := st.cursor(); got != mine {
			t.Errorf("the cursor is %s, want %s", got, mine)
		}
		if _, ok := st.proven(mine); !ok {
			t.Error("its own cursor is not proven")
		}
	}
	forged := []byte(mine)
	forged[len(forged)-1] ^= 1
	for name, text := range map[string]string{
		"of another stream": sign("counter:b", "00000000000000e1", 7, store.Hash{7}),
		"forged":            string(forged),
		"at another offset": sign("counter:a", "00000000000000e1", 8, store.Hash{7})[:19] + mine[19:],
		"of another chain":  mine[:19] + "aabbccdd" + mine[27:],
		"cut":               mine[:len(mine)-1],
		"empty":             "",
	} {
		if cur, ok := st.proven(text); ok && text != mine {
			t.Errorf("a cursor %s is proven: %+v", name, cur)
		}
	}
	for name, change := range map[string]func(){
		"offset": func() { st.head.Offset++ },
		"chain":  func() { st.head.Chain[0]++ },
		"epoch":  func() { st.head.Epoch = "00000000000000e2" },
	} {
		change()
		if got, want := st.cursor(), sign("counter:a", st.head.Epoch, st.head.Offset, st.head.Chain); got != want {
			t.Errorf("with another %s the cursor is %s, want %s", name, got, want)
		}
	}
}
