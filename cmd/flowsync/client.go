package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/wavesiddhartha/flowsync/node"
	"github.com/wavesiddhartha/flowsync/wire"
)

// errTimeout is the cause of a context whose time was up.
var errTimeout = errors.New("time-out")

// client is the node of a command that needs the hub now. Its context ends with
// a signal, with the time-out, or when the hub will not have this client; explain
// tells which.
type client struct {
	*node.Node
	ctx  context.Context
	end  context.CancelCauseFunc
	url  string
	work sync.WaitGroup
}

// connect makes the client of a command on one stream. A time-out of 0 is none.
// note, if there is one, hears of each status of the connection.
func (h *hubFlags) connect(ctx context.Context, stream string, timeout time.Duration, note func(node.Status)) (*client, error) {
	if !wire.ValidStream(stream) {
		return nil, &fault{
			what: fmt.Sprintf("%q is not a stream name", stream),
			why:  "a name is 1 to 8 parts of letters, digits, '_', '.', '-', joined by ':'",
			try:  "counter:value", exit: exitUsage,
		}
	}
	n, err := h.node(ctx, "")
	if err != nil {
		return nil, err
	}
	c := &client{Node: n, url: h.URL}
	c.ctx, c.end = context.WithCancelCause(ctx)
	if timeout > 0 {
		timer := time.AfterFunc(timeout, func() { c.end(errTimeout) })
		context.AfterFunc(c.ctx, func() { timer.Stop() })
	}
	if err := h.knock(c.ctx); err != nil {
		c.close()
		return nil, err
	}
	c.work.Go(func() { c.attend(note) })
	return c, nil
}

// close ends the client. What is lost with the queue was said by then.
func (c *client) close() {
	c.end(nil)
	_ = c.Node.Close()
	c.work.Wait()
}

// node makes a node, whether the hub answers or not. queue is a file, or empty.
func (h *hubFlags) node(ctx context.Context, queue string) (*node.Node, error) {
	if h.Client == "" {
		h.Client = "cli-" + strings.ToLower(rand.Text()[:10])
	}
	n, err := node.Dial(ctx, h.URL, node.Options{Client: h.Client, Token: h.Token, Queue: queue, Logger: slog.New(slog.DiscardHandler)})
	if err == nil {
		return n, nil
	}
	var file *node.QueueError
	if errors.As(err, &file) {
		return nil, &fault{
			what: fmt.Sprintf("the queue file %s cannot be used: %v", file.File, file.Err),
			try:  "--queue with another file", exit: exitConfig,
		}
	}
	f := &fault{what: strings.TrimPrefix(err.Error(), "node: "), try: "--url " + defaultURL, exit: exitUsage}
	if !wire.ValidClient(h.Client) {
		f.what, f.try = "--client must be 1 to 128 letters, digits, '_', '.' or '-'", "--client sensor-1"
	}
	return nil, f
}

// knock tries the hub's port. A node would go on trying, which is what programs
// want; a person wants to hear at once that nobody is there.
func (h *hubFlags) knock(ctx context.Context) error {
	u, err := url.Parse(h.URL)
	if err != nil {
		return err
	}
	secure := u.Scheme == "wss"
	asHTTP := *u
	asHTTP.Scheme = map[bool]string{false: "http", true: "https"}[secure]
	if proxy, err := http.ProxyFromEnvironment(&http.Request{URL: &asHTTP}); proxy != nil || err != nil {
		return nil // the way there is not a direct one
	}
	port := u.Port()
	if port == "" {
		port = map[bool]string{false: "80", true: "443"}[secure]
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err == nil {
		return conn.Close()
	}
	return &fault{
		what: fmt.Sprintf("no hub answers at %s: %v", h.URL, cause(err)),
		why:  "none is running there, or it listens on another address",
		try:  "flowsync dev     or: --url ws://HOST:PORT",
	}
}

// attend listens to what becomes of the connection, and tells note about it,
// until the client's context ends. When the hub will not have this client it
// ends the context with the reason.
func (c *client) attend(note func(node.Status)) {
	for e := range c.Events(c.ctx) {
		switch {
		case e.Kind == node.ReplacedEvent:
			c.end(&fault{what: "another connection took over this client's id", try: "--client with an id of its own"})
		case e.Kind != node.StatusEvent:
		case e.Status.Name == node.Denied || e.Status.Name == node.NeedsAuth:
			c.end(&fault{
				what: fmt.Sprintf("the hub at %s refuses this client", c.url),
				why:  e.Status.Reason,
				try:  "--token with a token that is valid now",
			})
		case note != nil:
			note(e.Status)
		}
	}
}

// explain makes a fault of what ended a command. doing says what it did.
func (c *client) explain(err error, doing string) error {
	var f *fault
	var e *wire.Error
	switch reason := context.Cause(c.ctx); {
	case errors.As(err, &e):
		return explainCode(e)
	case errors.As(reason, &f):
		return f
	case errors.Is(reason, errTimeout):
		s := c.Status()
		f = &fault{what: fmt.Sprintf("time-out while %s", doing), why: fmt.Sprintf("connection: %s", s.Name), try: "a longer --timeout"}
		if s.Reason != "" {
			f.why += ", " + s.Reason
		}
		return f
	case reason != nil:
		return errInterrupted
	}
	return err
}

// explainCode says what can be done about an error of the hub.
func explainCode(e *wire.Error) error {
	f := &fault{what: fmt.Sprintf("the hub answers %s: %s", e.Code, e.Msg)}
	switch e.Code {
	case wire.BadOp, wire.WrongRule, wire.BadText:
		f.try = "the ops of each rule are in docs/protocol.md, section 9"
	case wire.AccessDenied, wire.StreamUnknown:
		f.try = "a stream that the hub registers, with a token that grants it"
	case wire.RemovedForever:
		f.try = "a stream with the rule crdt-orset, where an element may return"
	}
	return f
}

// untilSignal returns a context that ends with SIGINT or SIGTERM.
func untilSignal() (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
}
