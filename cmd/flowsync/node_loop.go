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
	queue   string // file; empty: in memory
	timeout time.Duration
	ctx     context.Context // ends with a signal, or when run is done
	work    sync.WaitGroup

	// Owned by run.
	subs    map[string]*subscription
	pushing []pushing // submitted and not answered, in order

	mu      sync.Mutex // guards what follows
	out     io.Writer
	present map[string]node.Presence // of the streams that were subscribed to
}

// Run serves until stdin ends.
func (n *nodeCommand) Run(c *console) error {
	if n.Queue != "" && n.Client == "" {
		return &fault{
			what: "--queue needs --client",
			why:  "a queue file belongs to one client id, and without the flag each run takes a new one",
			try:  "flowsync node --client sensor-1 --queue " + n.Queue, exit: exitUsage,
		}
	}
	ctx, stop := untilSignal()
	defer stop()
	client, err := n.node(context.Background(), n.Queue) // closed here, after the last flush
	if err != nil {
		return err
	}
	l := &loop{
		node: client, client: n.Client, queue: n.Queue, timeout: n.Timeout, ctx: ctx, out: c.out,
		subs: make(map[string]*subscription), present: make(map[string]node.Presence),
	}
	l.work.Go(l.events)
	err = l.run(c.in)
	stop()
	closed := client.Close()
	l.work.Wait()
	if n.Queue == "" {
		return err // which says what is lost with the queue in memory
	}
	return errors.Join(err, closed)
}

// run answers commands until there are no more, then waits for the hub to have
// everything.
func (l *loop) run(in io.Reader) error {
	lines := make(chan []byte, pushesAtOnce)
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
		// Pushes that came together share a transaction of the queue file.
		if len(lines) == 0 || len(l.pushing) >= pushesAtOnce {
			if err := l.settle(); err != nil {
				return err
			}
		}
		select {
		case <-l.ctx.Done():
			return errInterrupted
		case line, more := <-lines:
			if !more {
				return errors.Join(l.settle(), tooLong, l.finish())
			}
			if err := l.serve(line); err != nil {
				return err
			}
		}
	}
}

// serve carries out one command. A push is answered later, by settle; all others
// after the pushes before them.
func (l *loop) serve(line []byte) error {
	c, err := parseCommand(line)
	if err == nil && c.do == "push" {
		l.push(c)
		return nil
	}
	if err := l.settle(); err != nil {
		return err
	}
	a := l.answer(c, err)
	err = l.write(a)
	if a.after != nil {
		a.after()
	}
	return err
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
	f := &fault{
		what: fmt.Sprintf("stdin ended and the hub has not acked %s: what it did not get is lost", plural(left, "op")),
		why:  fmt.Sprintf("connection: %s", l.node.Status().Name),
		try:  "a longer --timeout, or a flush that is answered before stdin ends",
	}
	if l.queue != "" {
		f.what = fmt.Sprintf("stdin ended and the hub has not acked %s: they stay in %s", plural(left, "op"), l.queue)
		f.try = "the same command again, which sends them"
	}
	return f
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
