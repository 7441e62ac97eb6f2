package main

import (
	"encoding/json"
	"time"

	"github.com/wavesiddhartha/flowsync/wire"
)

// command is one line of stdin. Its fields are taken out one by one, by methods
// that remember the first thing wrong; done reports it, or a field that nobody
// took.
type command struct {
	do     string
	id     json.RawMessage // nil: none
	fields map[string]json.RawMessage
	err    error
}

// parseCommand reads a line. Whatever is wrong with the rest, do and id are
// filled in when they can be, so that the answer can name them.
func parseCommand(line []byte) (*command, error) {
	c := &command{}
	canonical, err := wire.Canonical(nil, line)
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(canonical, &c.fields); err != nil || c.fields == nil {
		return c, wire.Errorf(wire.BadMessage, "a command is a JSON object")
	}
	c.id = c.fields["id"]
	delete(c.fields, "id")
	c.do = c.text("do")
	return c, c.err
}

func (c *command) wrong(format string, args ...any) {
	if c.err == nil {
		c.err = wire.Errorf(wire.BadMessage, format, args...)
	}
}

// raw takes a required field of any type.
func (c *command) raw(key string) json.RawMessage {
	value, ok := c.fields[key]
	if !ok {
		c.wrong("the field %q is missing", key)
	}
	delete(c.fields, key)
	return value
}

// text takes a required string that is not empty.
func (c *command) text(key string) string {
	raw := c.raw(key)
	var s string
	if c.err == nil && (json.Unmarshal(raw, &s) != nil || s == "") {
		c.wrong("the field %q must be a string that is not empty", key)
	}
	return s
}

// stream takes the name of a stream.
func (c *command) stream() string {
	name := c.text("stream")
	if c.err == nil && !wire.ValidStream(name) {
		c.err = wire.Errorf(wire.BadStream, "not a stream name: 1 to 8 parts of letters, digits, '_', '.', '-', joined by ':'")
	}
	return name
}

// number takes a whole number from 0 that may be left out.
func (c *command) number(key string, absent uint64) uint64 {
	raw, ok := c.fields[key]
	if !ok {
		return absent
	}
	delete(c.fields, key)
	var n uint64
	if json.Unmarshal(raw, &n) != nil || n > wire.MaxSafeInt || raw[0] == 'n' {
		c.wrong("the field %q must be a whole number from 0 to 2^53-1", key)
	}
	return n
}

// timeout takes timeout_ms.
func (c *command) timeout(absent time.Duration) time.Duration {
	const most = 24 * time.Hour
	ms := c.number("timeout_ms", uint64(absent/time.Millisecond))
	return time.Duration(min(ms, uint64(most/time.Millisecond))) * time.Millisecond
}

// done reports what was wrong, once all fields are taken.
func (c *command) done() error {
	if c.err == nil && len(c.fields) > 0 {
		key := ""
		for k := range c.fields {
			if key == "" || k < key {
				key = k
			}
		}
		c.wrong("%s has no field %q", c.do, key)
	}
	return c.err
}
