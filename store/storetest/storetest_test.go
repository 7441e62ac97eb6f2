package storetest_test

import (
	"testing"

	"github.com/wavesiddhartha/flowsync/store"
	"github.com/wavesiddhartha/flowsync/store/storetest"
)

// server is a store that outlives its connections, as a database does: what
// reopen returns is another door to the same content.
type server struct{ store.Store }

func TestRunDurable(t *testing.T) {
	storetest.RunDurable(t,
		func(*testing.T) store.Store { return server{store.NewMemory()} },
		func(_ *testing.T, st store.Store) store.Store { return server{st.(server).Store} },
	)
}
