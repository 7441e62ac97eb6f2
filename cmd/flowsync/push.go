package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/wavesiddhartha/flowsync/wire"
)

// Run pushes one op and waits for its commit.
func (p *pushCommand) Run(c *console) error {
	op, err := c.op(p)
	if err != nil {
		return err
	}
	ctx, stop := untilSignal()
	defer stop()
	n, err := p.connect(ctx, p.Stream, p.Timeout, nil)
	if err != nil {
		return err
	}
	defer n.close()
	if err := n.Push(n.ctx, p.Stream, op); err != nil {
		return n.explain(err, "pushing")
	}
	if err := n.Flush(n.ctx); err != nil {
		return n.explain(err, "waiting for the commit; the op may or may not be committed later")
	}
	return nil
}

// op reads the op, from stdin if it is '-', and refuses what no hub would take.
func (c *console) op(p *pushCommand) (json.RawMessage, error) {
	text := []byte(p.Op)
	if p.Op == "-" {
		var err error
		if text, err = io.ReadAll(c.in); err != nil {
			return nil, err
		}
	}
	wrong := &fault{try: fmt.Sprintf(`flowsync push %s '{"op":"increment","amount":5}'`, p.Stream), exit: exitUsage}
	canonical, err := wire.Canonical(nil, bytes.TrimSpace(text))
	var e *wire.Error
	switch {
	case errors.As(err, &e):
		wrong.what, wrong.why = "the op is not JSON that a hub takes", e.Msg
		return nil, wrong
	case err != nil:
		return nil, err
	case canonical[0] != '{':
		wrong.what = "the op is not a JSON object"
		return nil, wrong
	}
	return canonical, nil
}
