package node

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/coder/websocket"

	"github.com/wavesiddhartha/flowsync/internal/clientcore"
	"github.com/wavesiddhartha/flowsync/wire"
)

const (
	// readLimit bounds a message of the hub: a snapshot and what waits with it.
	readLimit = 64 << 20

	// sendBytes bounds what is joined into one WebSocket message.
	sendBytes = 1 << 20

	// writeWithin is how long the hub may take nothing of what is written.
	writeWithin = 10 * time.Second

	// byeWithin is how long a hub that is hung up on may take to say goodbye.
	byeWithin = time.Second
)

// link is one attempt to connect and the socket that comes of it. Its goroutine
// dials, reads, and ends with the socket.
type link struct {
	id     uint64
	ctx    context.Context // not below the node's: hanging up ends it, with a goodbye
	cancel context.CancelFunc
	conn   atomic.Pointer[websocket.Conn] // nil while dialing
}

// deliver carries out what the machine wants of the network. It ends when the node
// was closed and everything is hung up.
func (n *Node) deliver() {
	defer n.stop()
	for range n.ready {
		n.mu.Lock()
		todo, room, last := n.todo, min(sendBytes, n.core.MessageBytes()), n.ended
		n.todo = nil
		n.mu.Unlock()
		n.carryOut(todo, room)
		if last {
			return
		}
	}
}

// carryOut does what the machine wants, in order. What is sent in a row shares
// WebSocket messages of at most room bytes. It runs in the sender.
func (n *Node) carryOut(todo clientcore.Effects, room int) {
	var batch, line []byte
	for _, e := range todo {
		if s, ok := e.(clientcore.Send); ok {
			line = s.Msg.Append(line[:0])
			if len(batch)+1+len(line) > room {
				n.write(batch)
				batch = batch[:0]
			}
			if len(batch) > 0 {
				batch = append(batch, '\n')
			}
			batch = append(batch, line...)
			continue
		}
		n.write(batch)
		batch = batch[:0]
		switch e := e.(type) {
		case clientcore.Dial:
			n.dial(e.Link, e.Token)
		case clientcore.Hangup:
			n.hangup(e.Link, e.Code)
		case clientcore.NeedToken:
			n.needToken(e.Reason)
		}
	}
	n.write(batch)
}

// write sends one WebSocket message. An error needs no answer here: the library
// closes the socket after one, and the reader reports that.
func (n *Node) write(batch []byte) {
	if len(batch) == 0 || n.link == nil {
		return
	}
	conn := n.link.conn.Load()
	if conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(n.link.ctx, writeWithin)
	defer cancel()
	_ = conn.Write(ctx, websocket.MessageText, batch)
}

func (n *Node) dial(id uint64, token string) {
	l := &link{id: id}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	n.link = l
	n.work.Go(func() { n.run(l, token) })
}

// hangup gives a socket up. A silent one is cut; from others the hub gets a
// close frame, for which nobody here waits.
func (n *Node) hangup(id uint64, code wire.CloseCode) {
	l := n.link
	if l == nil || l.id != id {
		return
	}
	n.link = nil
	conn := l.conn.Load()
	if conn == nil || code == wire.CloseTimeout {
		l.cancel()
		return
	}
	n.work.Go(func() {
		late := time.AfterFunc(byeWithin, l.cancel)
		defer late.Stop()
		_ = conn.Close(websocket.StatusCode(code), "")
		l.cancel()
	})
}

// run dials and reads until the socket ends.
func (n *Node) run(l *link, token string) {
	defer l.cancel()
	o := &websocket.DialOptions{HTTPClient: n.opts.HTTPClient, Subprotocols: []string{wire.Subprotocol}}
	if token != "" {
		o.HTTPHeader = http.Header{"Authorization": {"Bearer " + token}}
	}
	conn, resp, err := websocket.Dial(l.ctx, n.url, o)
	if err != nil {
		code, reason := refusal(resp, err)
		n.do(clientcore.Disconnected{Link: l.id, Code: code, Reason: reason})
		return
	}
	defer conn.CloseNow()
	conn.SetReadLimit(readLimit)
	l.conn.Store(conn)
	n.do(clientcore.Connected{Link: l.id})
	code, reason := n.read(l, conn)
	n.do(clientcore.Disconnected{Link: l.id, Code: code, Reason: reason})
}

// read feeds the hub's messages to the machine until the socket ends, and says
// how it ended.
func (n *Node) read(l *link, conn *websocket.Conn) (wire.CloseCode, string) {
	var decoder wire.Decoder
	var buf bytes.Buffer
	for {
		kind, r, err := conn.Reader(l.ctx)
		if err == nil {
			buf.Reset()
			_, err = buf.ReadFrom(&reporting{r: r, n: n, link: l.id, last: time.Now()})
		}
		if err != nil {
			return ending(err)
		}
		if kind != websocket.MessageText {
			return 0, "the hub sent a binary message: is this a FlowSync hub?"
		}
		if err := n.receive(l, &decoder, buf.Bytes()); err != nil {
			n.log.Error("the hub sent what is no message of the protocol", "err", err)
			return 0, "the hub sent what is no message of the protocol"
		}
		if buf.Cap() > sendBytes {
			buf = bytes.Buffer{} // one large snapshot must not be paid for ever
		}
	}
}

// receive feeds the messages of one WebSocket message in one go, so that what
// follows from them leaves together too.
func (n *Node) receive(l *link, d *wire.Decoder, batch []byte) error {
	n.turn.Lock()
	defer n.turn.Unlock()
	n.mu.Lock()
	defer n.mu.Unlock()
	defer n.nudge()
	for line := range wire.Lines(batch) {
		m, err := d.Hub(line)
		if err != nil {
			return err
		}
		if n.closing {
			return nil
		}
		n.step(clientcore.Received{Link: l.id, Msg: m})
	}
	return nil
}

// reporting tells the machine, once a second, that a long message is under way.
type reporting struct {
	r    io.Reader
	n    *Node
	link uint64
	last time.Time
}

func (r *reporting) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	if now := time.Now(); now.Sub(r.last) > time.Second {
		r.last = now
		r.n.do(clientcore.Progress{Link: r.link})
	}
	return n, err
}

// refusal says why a dial failed. The texts of the standard library are not
// used: they hold addresses.
func refusal(resp *http.Response, err error) (wire.CloseCode, string) {
	if resp == nil {
		return 0, cause(err)
	}
	switch resp.StatusCode {
	case http.StatusSwitchingProtocols:
		return 0, "the answer to the upgrade is no WebSocket handshake"
	case http.StatusUnauthorized:
		return wire.CloseAuth, "the hub refused the token"
	case http.StatusForbidden:
		return wire.CloseForbidden, "the hub refuses this client"
	}
	return 0, "the server answered " + resp.Status + ": is a hub mounted at this URL?"
}

// ending says how a socket ended.
func ending(err error) (wire.CloseCode, string) {
	var closed websocket.CloseError
	if errors.As(err, &closed) {
		return wire.CloseCode(closed.Code), closed.Reason
	}
	return 0, cause(err)
}

// cause names what the network said.
func cause(err error) string {
	var dns *net.DNSError
	var errno syscall.Errno
	var timeout net.Error
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	switch {
	case errors.As(err, &dns):
		return "the host name is not known"
	case errors.As(err, &errno):
		return errno.Error()
	case errors.As(err, &authority):
		return "the hub's certificate is signed by an unknown authority"
	case errors.As(err, &host):
		return "the hub's certificate is for another host name"
	case errors.Is(err, context.Canceled):
		return "the connection was given up"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "the hub did not answer in time"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was cut"
	}
	return "the connection failed"
}
