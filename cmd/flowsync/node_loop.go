package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/wavesiddhartha/flowsync/node"
)

// maxLine bounds a command, in bytes.
const maxLine = 10 << 20

// loop drives one node by the commands of stdin; docs/node.md says what they
// mean. Commands run one after the other in the goroutine of run. The node's
// events and each subscription have a goroutine of their own, which ends with
// ctx or with the subscription.
type loop struct {
	// Set by Run, read-only after.
	node    *node.Node
	client  string
	timeout time.Duration
	ctx     context.Context // ends with a signal, or when run is done
	work    sync.WaitGroup

	// Owned by run.
	subs map[string]*subscription

	mu      sync.Mutex // guards what follows
	out     io.Writer
	present map[string]node.Presence // of the streams that were subscribed to
}

// Run serves until stdin ends.
func (n *nodeCommand) Run(c *console) error {
	if n.Queue != "" {
		return &fault{
			what: "--queue needs the durable queue, which this version does not have",
			why:  "leave it out: the queue is in memory",
			try:  "flowsync node", exit: exitUsage,
		}
	}
	ctx, stop := untilSignal()
	defer stop()
	client, err := n.node(context.Background()) // closed here, after the last flush
	if err != nil {
		return err
	}
	l := &loop{
		node: client, client: n.Client, timeout: n.Timeout, ctx: ctx, out: c.out,
		subs: make(map[string]*subscription), present: make(map[string]node.Presence),
	}
	l.work.Go(l.events)
	err = l.run(c.in)
	stop()
	_ = client.Close() // run has said what is lost
	l.work.Wait()
	return err
}

// run answers commands until there are no more, then waits for the hub to have
// everything.
func (l *loop) run(in io.Reader) error {
	lines := make(chan []byte)
	var tooLong error // read after lines is closed
	// The reader ends with its input, or with the process: a read from stdin
	// cannot be called off.
	go func() {
		defer close(lines)
		s := bufio.NewScanner(in)
		s.Buffer(nil, maxLine)
		for s.Scan() {
			select {
			case lines <- bytes.Clone(s.Bytes()):
			case <-l.ctx.Done():
				return
			}
		}
		tooLong = s.Err()
	}()
	for {
		select {
		case <-l.ctx.Done():
			return errInterrupted
		case line, more := <-lines:
			if !more {
				return errors.Join(tooLong, l.finish())
			}
			a := l.answer(line)
			err := l.write(a)
			if a.after != nil {
				a.after()
			}
			if err != nil {
				return err
			}
		}
	}
}

// finish waits for what is queued.
func (l *loop) finish() error {
	ctx, cancel := context.WithTimeout(l.ctx, l.timeout)
	defer cancel()
	_ = l.node.Flush(ctx) // a rejection was told as an event
	if l.ctx.Err() != nil {
		return errInterrupted
	}
	left := l.node.Pending()
	if left == 0 {
		return nil
	}
	return &fault{
		what: fmt.Sprintf("stdin ended and the hub has not acked %s: what it did not get is lost", plural(left, "op")),
		why:  fmt.Sprintf("connection: %s", l.node.Status().Name),
		try:  "a longer --timeout, or a flush that is answered before stdin ends",
	}
}

// write prints one line.
func (l *loop) write(line any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(line); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.out.Write(b.Bytes())
	return err
}
