package flowsync

import (
	"errors"
	"sync/atomic"

	"github.com/wavesiddhartha/flowsync/internal/hubcore"
	"github.com/wavesiddhartha/flowsync/store"
)

// writable is whether the store takes writes, judged by what becomes of the
// appends. While it does not, clients are told to keep their queues, so nothing
// would be appended that could show that it does again: the hub then writes an op
// of its own each second, on a stream that has no name a client could say.
type writable struct {
	hub     *Hub
	probe   *stream
	changed chan struct{} // holds one token when readonly changed

	readonly atomic.Bool

	// Owned by the sweeper.
	answer chan hubcore.Settled // of the probe under way; nil: none is
}

// probeStream is not a name of the protocol: no registration or client can meet it.
const probeStream = "hub/probe"

func newWritable(h *Hub) *writable {
	return &writable{
		hub: h, changed: make(chan struct{}, 1),
		probe: &stream{hub: h, name: probeStream, rule: ruleLabel(LWW), core: hubcore.NewStream(&h.core, probeStream, LWW, nil, nil)},
	}
}

// saw judges by the results of one append. A store that commits any of it can be
// written; what else fails is the matter of its stream.
func (w *writable) saw(results []store.Result) {
	var failed error
	for i := range results {
		switch r := &results[i]; {
		case r.Err == nil && !r.Lost && len(r.Fenced) == 0:
			w.set(false, nil)
			return
		case errors.Is(r.Err, store.ErrReadonly), errors.Is(r.Err, store.ErrUnavailable), errors.Is(r.Err, store.ErrFailed):
			failed = r.Err
		}
	}
	if failed != nil {
		w.set(true, failed)
	}
}

func (w *writable) set(readonly bool, why error) {
	if !w.readonly.CompareAndSwap(!readonly, readonly) {
		return
	}
	if readonly {
		w.hub.log.Error("the store takes no writes; clients keep their queues until it does", "err", why)
	} else {
		w.hub.log.Info("the store takes writes again")
	}
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

// try writes the hub's own op if the store took none lately. It waits for
// nothing; the committer hears what becomes of it.
func (w *writable) try() {
	select {
	case <-w.answer:
		w.answer = nil
	default:
	}
	if w.answer != nil || !w.readonly.Load() {
		return
	}
	w.answer = make(chan hubcore.Settled, 1)
	w.probe.step(&hubcore.Local{Token: w.answer, Client: localClient, Inc: w.hub.core.Inc, Body: []byte(`{"op":"set","value":true}`)})
}
