package peer

import (
	"context"
	"net/http"
	"strconv"

	"github.com/coder/websocket"

	"github.com/wavesiddhartha/flowsync/bench/raw"
)

// echo sends back what it gets, with coder/websocket, and does nothing else: what
// a push and its ack cost before anything is done for them.
func echo(Place) (*Server, error) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer conn.CloseNow()
		ctx := context.Background()
		for {
			kind, msg, err := conn.Read(ctx)
			if err != nil {
				return
			}
			if conn.Write(ctx, kind, msg) != nil {
				return
			}
		}
	})
	return &Server{Handler: handler, Close: func() error { return nil }}, nil
}

// Echo is the protocol of that server: a message is its own ack.
type Echo struct{}

// Dial implements [Dialect].
func (Echo) Dial(addr string) (*raw.Conn, error) { return raw.Dial(addr, "/", "") }

// Join implements [Dialect]: there is nothing to join.
func (Echo) Join(_ *raw.Conn, j Join, _ func([]byte)) ([]Position, error) {
	return make([]Position, len(j.Streams)), nil
}

// AppendPush implements [Dialect]: a push looks like FlowSync's, so that both
// carry the same bytes.
func (Echo) AppendPush(b []byte, stream string, seq uint64, body []byte) []byte {
	return FlowSync{}.AppendPush(b, stream, seq, body)
}

// Acked implements [Dialect].
func (Echo) Acked(payload []byte) (uint64, error) {
	n := number(payload, `"seq":`)
	if n == 0 {
		return 0, strconv.ErrSyntax
	}
	return n, nil
}

// Answer implements [Dialect].
func (Echo) Answer([]byte) []byte { return nil }
