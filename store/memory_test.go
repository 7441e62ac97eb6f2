package store_test

import (
	"testing"

	"github.com/wavesiddhartha/flowsync/store"
	"github.com/wavesiddhartha/flowsync/store/storetest"
)

func TestMemory(t *testing.T) {
	storetest.Run(t, func(*testing.T) store.Store { return store.NewMemory() })
}
