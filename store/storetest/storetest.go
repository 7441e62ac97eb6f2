// Package storetest is the suite that holds every [store.Store] to its contract.
//
// An implementation calls [Run], or [RunDurable] if its content outlives the
// store, from one test of its own:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) store.Store { return store.NewMemory() })
//	}
//
// # What always holds in the suite
//
//   - Records are as a hub would make them: hashes computed as the protocol says,
//     and recomputed for every record that comes back.
//   - Every append is watched until the store is closed: done was called, once.
//   - Randomised tests name their seed in the subtest.
package storetest

import (
	"testing"

	"github.com/wavesiddhartha/flowsync/store"
)

// Open returns a new, empty store. The suite closes it.
type Open func(t *testing.T) store.Store

// Reopen ends st, by Close or as a crash would, and returns a store with the
// same content: the same file, or another connection to the same server. The
// suite closes what it returns.
type Reopen func(t *testing.T, st store.Store) store.Store

// Run tests stores that open returns, a new one for each subtest.
func Run(t *testing.T, open Open) {
	t.Helper()
	suite{open: open}.run(t)
}

// RunDurable is Run and more: what was committed is still there after reopen.
func RunDurable(t *testing.T, open Open, reopen Reopen) {
	t.Helper()
	s := suite{open: open, reopen: reopen}
	s.run(t)
	t.Run("Reopen", s.testReopen)
	t.Run("Reopen/revocations", s.testReopenRevocations)
}

// suite is what all tests share.
type suite struct {
	open   Open
	reopen Reopen // nil: the content ends with the store
}

func (s suite) run(t *testing.T) {
	t.Run("Create", s.testCreate)
	t.Run("Append", s.testAppend)
	t.Run("Lost", s.testLost)
	t.Run("Invalid", s.testInvalid)
	t.Run("Read", s.testRead)
	t.Run("Recall", s.testRecall)
	t.Run("Fence", s.testFence)
	t.Run("Rotate", s.testRotate)
	t.Run("Save", s.testSave)
	t.Run("Trim", s.testTrim)
	t.Run("Session", s.testSession)
	t.Run("Revoke", s.testRevoke)
	t.Run("Concurrent", s.testConcurrent)
	t.Run("Close", s.testClose)
	t.Run("Model", s.testModel)
}

// test runs one subtest with a store of its own.
func (s suite) test(t *testing.T, name string, property func(t *testing.T, st *fixture)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		property(t, newFixture(t, s.open(t)))
	})
}
