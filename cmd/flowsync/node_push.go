package main

import (
	"encoding/json"

	"github.com/wavesiddhartha/flowsync/node"
)

// pushesAtOnce is how many pushes may wait for one transaction.
const pushesAtOnce = 256

// pushing is a push that is not answered.
type pushing struct {
	id      json.RawMessage
	stream  string
	receipt *node.Receipt // nil: err says what is wrong with the command
	err     error
}

// push hands an op in.
func (l *loop) push(c *command) {
	p := pushing{id: c.id, stream: c.stream()}
	op := c.raw("op")
	if p.err = c.done(); p.err == nil {
		p.receipt = l.node.Submit(l.ctx, p.stream, op)
	}
	l.pushing = append(l.pushing, p)
}

// settle answers the pushes that were handed in.
func (l *loop) settle() error {
	for _, p := range l.pushing {
		if p.receipt != nil {
			p.err = p.receipt.Wait()
		}
		a := answer{}
		if p.err != nil {
			a = failed(p.err)
		} else {
			a.Pending = new(l.node.Pending(p.stream))
		}
		a.OK, a.ID = a.Error == nil, p.id
		if err := l.write(a); err != nil {
			return err
		}
	}
	l.pushing = l.pushing[:0]
	return nil
}
