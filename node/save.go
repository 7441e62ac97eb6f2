package node

import (
	"errors"
	"fmt"
	"slices"

	"github.com/wavesiddhartha/flowsync/internal/clientcore"
	"github.com/wavesiddhartha/flowsync/node/queue"
	"github.com/wavesiddhartha/flowsync/wire"
)

// retryEvery is the time between two attempts to write a file that takes nothing.
const retryEvery clientcore.Instant = 500

// QueueError says why a queue file cannot be used: it is in use, belongs to
// another client id, is of a newer version, or cannot be written. Nothing in the
// file was changed.
type QueueError struct {
	File string
	Err  error
}

func (e *QueueError) Error() string { return fmt.Sprintf("node: queue file %s: %v", e.File, e.Err) }

func (e *QueueError) Unwrap() error { return e.Err }

// openQueue opens the queue file, if there is to be one.
func (n *Node) openQueue() (saved clientcore.Saved, err error) {
	if n.opts.Queue == "" {
		return saved, nil
	}
	file, found, err := queue.Open(n.opts.Queue, n.opts.Client)
	if err != nil {
		return saved, &QueueError{n.opts.Queue, err}
	}
	n.file = file
	if found.Aside != "" {
		n.damaged(queue.Damage{Msg: "it was damaged or no queue at all, and was kept as " + found.Aside + "; a new queue was begun"})
	}
	for _, d := range found.Damage {
		n.damaged(d)
	}
	return found.Saved, nil
}

// damaged keeps a finding for everyone who listens, now or later.
func (n *Node) damaged(d queue.Damage) {
	n.log.Error("the queue file was damaged", "file", n.opts.Queue, "stream", d.Stream, "damage", d.Msg)
	n.found = append(n.found, Event{Kind: DamagedEvent, Stream: d.Stream, Err: &Error{
		Code: wire.StoreCorrupt, Stream: d.Stream, Msg: fmt.Sprintf("queue file %s: %s", n.opts.Queue, d.Msg),
	}})
}

// closeQueue closes the file. The driver has ended.
func (n *Node) closeQueue() error {
	err := n.file.Close()
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.trouble != nil && slices.ContainsFunc(n.unsaved, saves) {
		err = n.trouble // nothing is lost: the next Dial asks the hub again
	}
	if err != nil {
		return &QueueError{n.opts.Queue, err}
	}
	return nil
}

// saves reports whether an effect is for the queue file.
func saves(e clientcore.Effect) bool {
	switch e.(type) {
	case clientcore.SaveStream, clientcore.SaveHead, clientcore.SaveOp, clientcore.DropOps,
		clientcore.SaveDead, clientcore.DropDead, clientcore.SaveState:
		return true
	}
	return false
}

// follows reports whether an effect must wait for the saves before it. The
// others tell of what is in memory.
func follows(e clientcore.Effect) bool {
	switch e.(type) {
	case clientcore.Send, clientcore.Dial, clientcore.Hangup, clientcore.NeedToken,
		clientcore.Acked, clientcore.Rejected, clientcore.Recovered, clientcore.Discontinuity:
		return true
	}
	return false
}

// save writes what is unsaved, with what more steps on, in one transaction. If
// it fails, what came with more is given up and the rest stays for the next
// time. answer, which more returns, hears how it went. Called with turn held.
func (n *Node) save(more func() (answer func(error))) {
	n.mu.Lock()
	must := len(n.unsaved)
	answer := more()
	batch := n.unsaved
	n.mu.Unlock()
	var err error
	if len(batch) > 0 {
		err = n.file.Do(batch)
	}
	n.mu.Lock()
	n.wrote(must, len(batch), err)
	n.mu.Unlock()
	answer(err)
}

// wrote takes how a transaction of the first of unsaved went. Called with mu and
// turn held.
func (n *Node) wrote(must, all int, err error) {
	if err != nil {
		given := slices.Clone(n.unsaved[must:all])
		n.unsaved = slices.Delete(n.unsaved, must, all)
		if must == 0 {
			n.releaseAll()
		}
		n.step(clientcore.Unsaved{Effects: given})
		if n.trouble == nil {
			n.log.Error("the queue file cannot be written: pushes fail until it can", "file", n.opts.Queue, "err", err)
		}
		n.trouble = err
		return
	}
	if all == 0 {
		return
	}
	n.releaseAll()
	if n.trouble != nil {
		n.log.Info("the queue file can be written again", "file", n.opts.Queue)
		n.trouble = nil
	}
	n.settled = n.core.SettledTo()
	n.progressed()
}

// releaseAll lets go of what waited for saves that are done. Nothing was stepped
// on that saves since. Called with mu and turn held.
func (n *Node) releaseAll() {
	waited := n.unsaved
	n.unsaved = nil
	for _, e := range waited {
		if !saves(e) {
			n.release(e)
		}
	}
}

// settledTo is the greatest number up to which every op is settled, and its
// rejection told. Called with mu held.
func (n *Node) settledTo() uint64 {
	if len(n.unsaved) == 0 {
		n.settled = n.core.SettledTo()
	}
	return n.settled
}

// storeError is what a push answers when the file does not take its op.
func (n *Node) storeError(stream string, err error) error {
	e := &Error{Code: wire.StoreReadonly, Stream: stream, Msg: fmt.Sprintf("the op was not accepted: queue file %s: %v", n.opts.Queue, err)}
	if errors.Is(err, queue.ErrFailed) {
		e.Code = wire.Unavailable
		e.Msg += "; close the node and dial again"
	}
	return e
}
