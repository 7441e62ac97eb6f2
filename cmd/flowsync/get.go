package main

import "fmt"

// Run prints a stream's value.
func (g *getCommand) Run(c *console) error {
	ctx, stop := untilSignal()
	defer stop()
	n, err := g.connect(ctx, g.Stream, g.Timeout, nil)
	if err != nil {
		return err
	}
	defer n.close()
	value, err := n.Get(n.ctx, g.Stream)
	if err != nil {
		return n.explain(err, "reading the stream")
	}
	_, err = fmt.Fprintf(c.out, "%s\n", value)
	return err
}
