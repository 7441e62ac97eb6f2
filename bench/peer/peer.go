// Package peer has what is measured: FlowSync and the servers beside it. Each
// file is one peer, with both its sides: the server as its users would set it up,
// with its limits on and above the load, and how a raw client speaks to it.
package peer

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/wavesiddhartha/flowsync/bench/raw"
)

// Token is what every client of a peer with authentication presents.
const Token = "a-token-of-the-benchmark"

// historySize is how many messages of a stream are kept, by every peer that
// keeps any.
const historySize = 1000

// Peer is one server and how to speak to it.
type Peer struct {
	Name string
	// Serve sets the server up. Nil: the peer is a process of its own, Command.
	Serve   func(Place) (*Server, error)
	Command []string
	Dialect Dialect
}

// Place is where a server may keep things.
type Place struct {
	Dir string // a folder that is empty, or that a server of the same peer left
}

// Server is a server in this process.
type Server struct {
	Handler http.Handler
	Close   func() error
	Store   int // the process that stores for it; 0: none
}

// Mode is what a client wants of the streams that it joins.
type Mode int

const (
	Reads  Mode = iota // gets what others push
	Pushes             // pushes, and reads nothing
	Both
)

// Join is what a client asks for at the beginning.
type Join struct {
	Client  string // unique
	Streams []string
	Mode    Mode
	From    []Position // where a returning client was, for each stream; nil: new
}

// Position is how far a client has read a stream.
type Position struct {
	Offset uint64 // of the newest message; 0: the peer numbers none
	Cursor string // the peer's own
}

// Dialect is how a raw client speaks to a peer. Implementations keep no state
// and are safe for concurrent use.
type Dialect interface {
	// Dial opens a connection.
	Dial(addr string) (*raw.Conn, error)

	// Join asks for streams and returns when the server has confirmed all of
	// them. Payloads read meanwhile go to seen, which may be nil.
	Join(c *raw.Conn, j Join, seen func(payload []byte)) ([]Position, error)

	// AppendPush appends the frame that pushes body, the seq-th of its writer
	// on the stream, counted from 1.
	AppendPush(b []byte, stream string, seq uint64, body []byte) []byte

	// Acked returns the highest seq that the payload acknowledges, 0 if none,
	// and an error if the payload tells of one.
	Acked(payload []byte) (uint64, error)

	// Answer returns the frame that the payload asks for at once, such as the
	// answer to a ping of the peer's own, or nil.
	Answer(payload []byte) []byte
}

// All returns the peers by their names.
func All() []Peer {
	return []Peer{
		{Name: "flowsync", Serve: flowSyncInMemory, Dialect: FlowSync{}},
		{Name: "flowsync-sqlite", Serve: flowSyncInFile, Dialect: FlowSync{}},
		{Name: "centrifuge", Serve: centrifugeInMemory, Dialect: Centrifuge{Protobuf: true}},
		{Name: "centrifuge-json", Serve: centrifugeInMemory, Dialect: Centrifuge{}},
		{Name: "centrifuge-redis", Serve: centrifugeOnRedis, Dialect: Centrifuge{Protobuf: true}},
		{Name: "common", Serve: common, Dialect: Common{}},
		{Name: "echo", Serve: echo, Dialect: Echo{}},
		{Name: "y-websocket", Command: []string{"node", "node/server.mjs"}, Dialect: YWebsocket{}},
	}
}

// Find returns a peer.
func Find(name string) (Peer, error) {
	var names []string
	for _, p := range All() {
		if p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return Peer{}, fmt.Errorf("there is no peer %q; there are %s", name, strings.Join(names, ", "))
}
