package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/wavesiddhartha/flowsync/wire"
)

// answer is the line that answers a command.
type answer struct {
	OK    bool            `json:"ok,omitzero"`
	Error *problem        `json:"error,omitzero"`
	ID    json.RawMessage `json:"id,omitzero"`

	Value    json.RawMessage `json:"value,omitzero"`
	Entries  *[]entry        `json:"entries,omitzero"`
	More     *bool           `json:"more,omitzero"`
	Status   string          `json:"status,omitzero"`
	Client   string          `json:"client,omitzero"`
	Digest   string          `json:"digest,omitzero"`
	Cursor   string          `json:"cursor,omitzero"`
	Pending  *int            `json:"pending,omitzero"`
	Rejected any             `json:"rejected,omitzero"` // how many, or which

	after func() // run once the line is written
}

// problem is why a command failed.
type problem struct {
	Code wire.Code `json:"code"`
	Msg  string    `json:"msg"`
}

// entry is a committed op.
type entry struct {
	Off    uint64          `json:"off"`
	Client string          `json:"client"`
	Inc    string          `json:"inc"`
	Seq    uint64          `json:"seq"`
	At     uint64          `json:"at"`
	Op     json.RawMessage `json:"op"`
}

// codeTimeout is the code of a command whose time was up. The hub never sends it.
const codeTimeout wire.Code = "timeout"

func failed(err error) answer {
	p := &problem{Code: wire.Internal, Msg: strings.TrimPrefix(err.Error(), "node: ")}
	var e *wire.Error
	switch {
	case errors.As(err, &e):
		p.Code, p.Msg = e.Code, e.Msg
	case errors.Is(err, context.DeadlineExceeded):
		p.Code = codeTimeout
	}
	return answer{Error: p}
}

// answer carries out one command; err is what was wrong with its line.
func (l *loop) answer(c *command, err error) answer {
	if err != nil {
		a := failed(err)
		a.ID = c.id
		return a
	}
	a := l.do(c)
	a.OK, a.ID = a.Error == nil, c.id
	return a
}

func (l *loop) do(c *command) answer {
	switch c.do {
	case "get":
		return l.get(c)
	case "sub":
		return l.sub(c)
	case "unsub":
		return l.unsub(c)
	case "presence":
		return l.presence(c)
	case "emit":
		return l.emit(c)
	case "history":
		return l.history(c)
	case "offline", "online":
		return l.setOffline(c)
	case "flush":
		return l.flush(c)
	case "status":
		return l.status(c)
	case "digest":
		return l.digest(c)
	case "rejected":
		return l.rejected(c)
	}
	return failed(wire.Errorf(wire.UnknownType, "do is one of push get sub unsub presence emit history offline online flush status digest rejected"))
}

func (l *loop) get(c *command) answer {
	stream, timeout := c.stream(), c.timeout(l.timeout)
	if err := c.done(); err != nil {
		return failed(err)
	}
	return l.value(stream, timeout)
}

func (l *loop) value(stream string, timeout time.Duration) answer {
	ctx, cancel := context.WithTimeout(l.ctx, timeout)
	defer cancel()
	value, err := l.node.Get(ctx, stream)
	if err != nil {
		return failed(err)
	}
	return answer{Value: value}
}

func (l *loop) presence(c *command) answer {
	stream, state := c.stream(), c.raw("state")
	if err := c.done(); err != nil {
		return failed(err)
	}
	if err := l.attend(stream).Set(state); err != nil {
		return failed(err)
	}
	return answer{}
}

func (l *loop) emit(c *command) answer {
	stream, event, data := c.stream(), c.text("event"), c.raw("data")
	if err := c.done(); err != nil {
		return failed(err)
	}
	if err := l.node.Emit(stream, event, data); err != nil {
		return failed(err)
	}
	return answer{}
}

func (l *loop) history(c *command) answer {
	stream, before, limit, timeout := c.stream(), c.number("before", 0), c.number("limit", 100), c.timeout(l.timeout)
	if err := c.done(); err != nil {
		return failed(err)
	}
	ctx, cancel := context.WithTimeout(l.ctx, timeout)
	defer cancel()
	committed, more, err := l.node.History(ctx, stream, before, int(limit))
	if err != nil {
		return failed(err)
	}
	entries := make([]entry, len(committed))
	for i, e := range committed {
		entries[i] = entry{e.Off, e.Client, e.Inc, e.Seq, e.At, e.Op}
	}
	return answer{Entries: &entries, More: &more}
}

// setOffline serves offline and online. The latter also revives a node that was
// replaced or refused.
func (l *loop) setOffline(c *command) answer {
	if err := c.done(); err != nil {
		return failed(err)
	}
	l.node.SetOffline(c.do == "offline")
	if c.do == "online" {
		l.node.Connect()
	}
	return answer{}
}

func (l *loop) flush(c *command) answer {
	timeout := c.timeout(l.timeout)
	if err := c.done(); err != nil {
		return failed(err)
	}
	ctx, cancel := context.WithTimeout(l.ctx, timeout)
	defer cancel()
	a := answer{}
	var rejection *wire.Error // told as an event, and no failure of the flush
	if err := l.node.Flush(ctx); err != nil && !errors.As(err, &rejection) {
		a = failed(err)
	}
	a.Pending, a.Rejected = new(l.node.Pending()), len(l.node.Rejected())
	return a
}

func (l *loop) status(c *command) answer {
	if err := c.done(); err != nil {
		return failed(err)
	}
	return answer{
		Status: string(l.node.Status().Name), Client: l.client,
		Pending: new(l.node.Pending()), Rejected: len(l.node.Rejected()),
	}
}

func (l *loop) digest(c *command) answer {
	stream := c.stream()
	if err := c.done(); err != nil {
		return failed(err)
	}
	digest, ok := l.node.Digest(stream)
	if !ok {
		return failed(wire.Errorf(wire.NotReady, "there is no confirmed state of this stream here: sub or get it first"))
	}
	return answer{Digest: hex.EncodeToString(digest[:]), Cursor: l.node.Cursor(stream), Pending: new(l.node.Pending(stream))}
}

func (l *loop) rejected(c *command) answer {
	if err := c.done(); err != nil {
		return failed(err)
	}
	letters := []deadLetter{}
	for _, d := range l.node.Rejected() {
		letters = append(letters, letterOf(d))
	}
	return answer{Rejected: letters}
}
