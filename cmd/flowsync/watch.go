package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/wavesiddhartha/flowsync/node"
)

// Run prints a stream's value now and after each change, until it is interrupted
// or the time is up.
func (w *watchCommand) Run(c *console) error {
	ctx, stop := untilSignal()
	defer stop()
	n, err := w.connect(ctx, w.Stream, w.Timeout, c.connectionNotes())
	if err != nil {
		return err
	}
	defer n.close()
	for value, err := range n.Watch(n.ctx, w.Stream) {
		if err == nil {
			_, err = fmt.Fprintf(c.out, "%s\n", value)
		}
		if errors.Is(context.Cause(n.ctx), errTimeout) {
			return nil
		}
		if err != nil {
			return n.explain(err, "watching")
		}
	}
	return nil
}

// connectionNotes says on stderr when the connection is lost and when it is
// back, once each.
func (c *console) connectionNotes() func(node.Status) {
	lost, p := false, c.errPalette()
	return func(s node.Status) {
		switch {
		case s.Name == node.Offline && !lost:
			lost = true
			fmt.Fprintln(c.err, p.warn("▲")+" the connection is lost; trying again")
		case s.Name == node.Online && lost:
			lost = false
			fmt.Fprintln(c.err, p.good("✓")+" connected again")
		}
	}
}
