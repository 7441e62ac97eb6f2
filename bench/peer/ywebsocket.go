package peer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/wavesiddhartha/flowsync/bench/raw"
)

// HasYWebsocket reports, as an error that says what to do, whether Node and the
// packages of folder are there.
func HasYWebsocket(folder string) error {
	if _, err := exec.LookPath("node"); err != nil {
		return errors.New("no Node is installed")
	}
	if _, err := os.Stat(filepath.Join(folder, "node_modules", "y-websocket")); err != nil {
		return fmt.Errorf("y-websocket is not installed (npm ci --prefix bench/%s)", folder)
	}
	return nil
}

// YWebsocket is the protocol of y-websocket, for one document a connection.
type YWebsocket struct{}

// Kinds of messages.
const (
	ySync       = 0
	yStep1      = 0 // a state vector: send me what I lack
	yStep2      = 1 // the answer
	yUpdate     = 2
	yAwareness  = 1
	yEmptyState = 0 // a state vector of no clients is the byte 0
)

// Dial implements [Dialect] for connections that stay idle on one document.
func (y YWebsocket) Dial(addr string) (*raw.Conn, error) { return y.DialText(addr, "idle") }

// DialText implements [TextDialect].
func (YWebsocket) DialText(addr, stream string) (*raw.Conn, error) {
	return raw.Dial(addr, "/"+stream, "")
}

// Join implements [Dialect]: the document is named when dialling.
func (y YWebsocket) Join(c *raw.Conn, j Join, _ func([]byte)) ([]Position, error) {
	if _, err := y.JoinText(c, j.Client, ""); err != nil {
		return nil, err
	}
	return make([]Position, len(j.Streams)), nil
}

// JoinText implements [TextDialect].
func (YWebsocket) JoinText(c *raw.Conn, _, _ string) ([][]byte, error) {
	ask := []byte{ySync, yStep1, 1, yEmptyState}
	if err := c.Write(raw.AppendFrame(nil, raw.Binary, ask)); err != nil {
		return nil, err
	}
	for {
		payload, err := c.Next()
		if err != nil {
			return nil, err
		}
		if len(payload) > 2 && payload[0] == ySync && payload[1] == yStep2 {
			n, size := binary.Uvarint(payload[2:])
			if size <= 0 || int(n) != len(payload)-2-size {
				return nil, errors.New("the length of y-websocket's document is wrong")
			}
			return [][]byte{bytes.Clone(payload[2+size:])}, nil
		}
	}
}

// AppendPush implements [Dialect]: the body becomes an update, which the peer
// would refuse. Only texts are pushed to it.
func (y YWebsocket) AppendPush(b []byte, stream string, seq uint64, body []byte) []byte {
	return y.AppendEdit(b, stream, seq, body)
}

// AppendEdit implements [TextDialect].
func (YWebsocket) AppendEdit(b []byte, _ string, _ uint64, update []byte) []byte {
	m := append(make([]byte, 0, 16+len(update)), ySync, yUpdate)
	m = binary.AppendUvarint(m, uint64(len(update)))
	return raw.AppendFrame(b, raw.Binary, append(m, update...))
}

// Edits implements [TextDialect]: each update is a message of its own.
func (YWebsocket) Edits(payload []byte, got func(n uint64)) error {
	if len(payload) > 2 && payload[0] == ySync && payload[1] == yUpdate {
		got(0)
	}
	return nil
}

// Acked implements [Dialect]: the peer acknowledges nothing.
func (YWebsocket) Acked([]byte) (uint64, error) { return 0, nil }

// Answer implements [Dialect].
func (YWebsocket) Answer([]byte) []byte { return nil }

// after returns what follows the first name in b.
func after(b []byte, name string) ([]byte, bool) {
	_, rest, ok := bytes.Cut(b, []byte(name))
	return rest, ok
}
