package hubcore

import (
	"cmp"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/store"
)

// compaction keeps a stream's log from growing for ever. When enough was
// committed since the last snapshot, the state is stored; the store keeps the one
// before it too, and the log is trimmed to that older one, a slice at a time. So
// quick reconnects and history have a base, and a crash anywhere in between
// leaves a log that is only longer than it has to be.
type compaction struct {
	ops    int            // committed since the newest snapshot
	bytes  int            // of those ops
	newest uint64         // offset of the newest snapshot; 0: none
	older  uint64         // of the one before it
	saving store.Position // of the snapshot being stored; without an offset: none is
	busy   bool           // a trim is under way
}

// trimSlice is the default of Config.TrimRecords.
const trimSlice = 512

// committed counts what may be compacted.
func (c *compaction) committed(e *store.Entry) {
	c.ops++
	c.bytes += len(e.Op) + entryOverhead
}

// compact stores a snapshot if one is due. It waits until nothing else is under
// way for the stream's founding or epoch.
func (s *Stream) compact(fx *Effects) {
	c := &s.compaction
	due := c.ops >= s.cfg.CompactOps || c.bytes >= s.cfg.CompactBytes
	if !due || s.cfg.CompactOps == 0 || c.saving.Offset > 0 || c.busy || s.phase != live || s.rotating {
		return
	}
	c.saving, c.ops, c.bytes = s.head, 0, 0
	fx.Calls = append(fx.Calls, Call{
		Kind: CallSave, Snapshot: store.Snapshot{Rule: s.rule.Name(), Position: s.head}, State: s.state.Clone(),
	})
}

// saved goes on with the trim. A snapshot that could not be stored is tried
// again when as much was committed once more. An answer from before the stream
// was loaded anew is of no use.
func (s *Stream) saved(ev *Saved, fx *Effects) {
	c := &s.compaction
	at := ev.Snapshot.Position
	if at != c.saving {
		return
	}
	c.saving = store.Position{}
	if ev.Err != nil {
		return
	}
	if s.snap == nil || s.snapAt < at.Offset {
		s.snap, s.snapAt = ev.Snapshot.State, at.Offset // for those who join soon
	}
	c.older, c.newest = c.newest, at.Offset
	s.trim(fx)
}

// trim removes a slice of the log below the older snapshot. An append-log keeps
// its log: older entries are read by history.
func (s *Stream) trim(fx *Effects) {
	c := &s.compaction
	if c.older == 0 || s.rule.Name() == string(crdt.Log) {
		return
	}
	c.busy = true
	s.first = max(s.first, c.older+1) // from now on the log may begin there
	fx.Calls = append(fx.Calls, Call{Kind: CallTrim, After: c.older, Max: cmp.Or(s.cfg.TrimRecords, trimSlice)})
}

func (s *Stream) trimmed(ev *Trimmed, fx *Effects) {
	s.compaction.busy = false
	if ev.Err == nil && ev.More {
		s.trim(fx)
	}
}
