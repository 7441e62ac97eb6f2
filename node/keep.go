package node

import "github.com/wavesiddhartha/flowsync/internal/clientcore"

// States are kept in the queue file so that an offline start shows content. A
// stream's state is kept soon after it changed, but no faster than keepRate: a
// large state that changes all the time must not wear the disk out.
const (
	keepSoonest clientcore.Instant = 1_000
	keepLatest  clientcore.Instant = 60_000
	keepRate                       = 64 << 10 // bytes a second and stream
)

// keep is when a stream's state is kept.
type keep struct {
	due  clientcore.Instant // 0: it has not changed
	span clientcore.Instant // from a change to the next keeping
}

// keepLater plans that a stream is kept. Called with mu held.
func (n *Node) keepLater(stream string) {
	if n.opts.Queue == "" {
		return
	}
	k := n.keeps[stream]
	if k == nil {
		k = &keep{span: keepSoonest}
		n.keeps[stream] = k
	}
	if k.due == 0 {
		k.due = n.now() + k.span
	}
}

// keepStates steps on the keeping of the states that are due, at the end of all
// that changed. After a failure they are due again later. Called with mu and turn
// held.
func (n *Node) keepStates() (answer func(error)) {
	var kept []*keep
	now := n.now()
	for stream, k := range n.keeps {
		if k.due == 0 || k.due > now && !n.closing {
			continue
		}
		from := len(n.unsaved)
		n.step(clientcore.Keep{Stream: stream})
		k.due = 0
		kept = append(kept, k)
		for _, e := range n.unsaved[from:] {
			if s, ok := e.(clientcore.SaveState); ok {
				size := clientcore.Instant(len(s.Kept.State))
				k.span = min(max(keepSoonest, size*1000/keepRate), keepLatest)
			}
		}
	}
	return func(err error) {
		if err == nil || len(kept) == 0 {
			return
		}
		n.mu.Lock()
		defer n.mu.Unlock()
		for _, k := range kept {
			k.due = n.now() + 10*k.span
		}
	}
}
