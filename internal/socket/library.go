package socket

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"

	"github.com/coder/websocket"

	"github.com/wavesiddhartha/flowsync/wire"
)

// subprotocol is what a client may ask for; one that asks for none speaks it too.
const subprotocol = "flowsync.v1"

// library is the WebSocket library behind a socket: handshake, assembling of
// messages, answers to control frames. It writes nothing but control frames.
type library struct {
	conn *websocket.Conn
}

// openLibrary answers a request that was found in order with 101 and takes its
// connection over.
func (s *Socket) openLibrary(w http.ResponseWriter, r *http.Request) error {
	c, err := websocket.Accept(&hijackWriter{ResponseWriter: w, s: s}, r, &websocket.AcceptOptions{
		Subprotocols:       []string{subprotocol},
		InsecureSkipVerify: true, // AllowedOrigin has judged it
	})
	if err != nil {
		return err
	}
	s.library.conn = c
	return nil
}

func (l library) limit(n int64) { l.conn.SetReadLimit(n) }

// next waits for a message. Its reader ends with io.EOF at the message's end.
func (l library) next() (text bool, r io.Reader, err error) {
	// A context that ends would end the connection with it and cost a timer.
	kind, r, err := l.conn.Reader(context.Background())
	return kind == websocket.MessageText, r, err
}

// end frees what the library holds. It waits for the library's calls to
// return, so the connection must be closed already.
func (l library) end() { _ = l.conn.CloseNow() }

// peerCloseCode is the code of the client's close frame, if that is what err
// tells of.
func peerCloseCode(err error) (wire.CloseCode, bool) {
	if code := websocket.CloseStatus(err); code != -1 {
		return wire.CloseCode(code), true
	}
	return 0, false
}

// hijackWriter hands the library our connection instead of the server's, with
// buffers that are small because hardly anything passes through them.
type hijackWriter struct {
	http.ResponseWriter
	s *Socket
}

// WriteHeader makes writers that put the header off, as gin's does, send it:
// it must be out before the connection is taken over.
func (h *hijackWriter) WriteHeader(status int) {
	h.ResponseWriter.WriteHeader(status)
	if w, ok := h.ResponseWriter.(interface{ WriteHeaderNow() }); ok {
		w.WriteHeaderNow()
	}
}

func (h *hijackWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	early, err := buffered.Reader.Peek(buffered.Reader.Buffered())
	if err != nil {
		return nil, nil, errors.Join(err, conn.Close())
	}
	h.s.adopt(conn, early)

	// The library reads frame headers through the first buffer, and past it
	// into ours where ours can be refilled without waiting. The second must
	// hold a whole control frame: in two writes, a data frame could slip
	// between its halves.
	size := 512
	if h.s.raw != nil {
		size = 16
	}
	lc := &libraryConn{Conn: conn, s: h.s}
	return lc, bufio.NewReadWriter(bufio.NewReaderSize(lc, size), bufio.NewWriterSize(lc, 2+maxControlBody)), nil
}

// libraryConn is the connection as the library sees it.
type libraryConn struct {
	net.Conn
	s *Socket
}

func (c *libraryConn) Read(p []byte) (int, error) { return c.s.readInput(p) }

// Write takes one control frame of the library's. It never waits.
func (c *libraryConn) Write(p []byte) (int, error) {
	if len(p) < 2 || len(p) != 2+int(p[1]) {
		return 0, errors.New("socket: the library wrote something else than one control frame")
	}
	switch p[0] & 0xF {
	case opPong:
		c.s.pong(p)
	case opClose:
		c.s.answerClose(p[2:])
	}
	return len(p), nil
}

// Close is the library giving up on a control frame that does not arrive in
// full. Otherwise the socket closes by itself, and is closing when the library
// comes to it.
func (c *libraryConn) Close() error {
	c.s.closeFor(wire.CloseTimeout, errSlowMessage)
	return nil
}
