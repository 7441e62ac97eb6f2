package peer

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wavesiddhartha/flowsync"
	"github.com/wavesiddhartha/flowsync/acl"
	"github.com/wavesiddhartha/flowsync/auth"
	"github.com/wavesiddhartha/flowsync/bench/raw"
	"github.com/wavesiddhartha/flowsync/store"
	"github.com/wavesiddhartha/flowsync/store/sqlite"
	"github.com/wavesiddhartha/flowsync/wire"
)

func flowSyncInMemory(Place) (*Server, error) { return flowSync(store.NewMemory()) }

func flowSyncInFile(p Place) (*Server, error) {
	st, err := sqlite.Open(filepath.Join(p.Dir, "flowsync.db"))
	if err != nil {
		return nil, err
	}
	return flowSync(st)
}

// flowSync is a hub with authentication, rights, the log and all limits on.
func flowSync(st store.Store) (*Server, error) {
	hub, err := flowsync.New(flowsync.Options{
		Auth:   auth.Func(authenticate),
		Store:  st,
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), // formats every line, like one that is kept
		Limits: limits(),
	})
	if err != nil {
		return nil, err
	}
	hub.Stream("bench:*", flowsync.Log, flowsync.Keep(historySize))
	hub.Stream("text:*", flowsync.Text)
	hub.Stream("count:*", flowsync.Counter)
	stop := func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		return hub.Shutdown(ctx)
	}
	return &Server{Handler: hub, Close: stop}, nil
}

// limits are all on, and above the load: that one subject with one address does
// what it can is the benchmark's way, and no attack.
func limits() flowsync.Limits {
	ops := flowsync.Rate{PerSecond: 10_000_000}
	bytes := flowsync.Rate{PerSecond: 4 << 30}
	return flowsync.Limits{
		QueueMessages: 64 << 10, QueueBytes: 64 << 20, QueueTotal: 1 << 30, Streams: 4096,
		Ops: ops, OpsPerSubject: ops, OpsPerStream: ops,
		Bytes: bytes, BytesPerSubject: bytes, BytesPerStream: bytes,
		ConnsPerAddress: 100_000, ConnsPerSubject: 100_000,
	}
}

// namespaces are the rights of a benchmark's client.
type namespaces []string

func (n namespaces) Allow(_ acl.Verb, stream string) bool {
	namespace, _, _ := strings.Cut(stream, ":")
	return slices.Contains(n, namespace)
}

func authenticate(_ context.Context, got string, _ *http.Request) (*auth.Grant, error) {
	if got != Token {
		return nil, auth.ErrInvalid
	}
	return &auth.Grant{Subject: "bench", Rights: namespaces{"bench", "text", "count"}, Expires: time.Now().Add(24 * time.Hour)}, nil
}

// FlowSync is the hub's own protocol.
type FlowSync struct{}

// Dial implements [Dialect].
func (FlowSync) Dial(addr string) (*raw.Conn, error) {
	return raw.Dial(addr, "/flowsync", "Authorization: Bearer "+Token+"\r\nSec-WebSocket-Protocol: flowsync.v1\r\n")
}

// opensInHello is how many streams fit into the hub's bound on a first message.
const opensInHello = 50

// Join implements [Dialect]: the first streams are opened by hello, the others
// each by a sub.
func (FlowSync) Join(c *raw.Conn, j Join, seen func([]byte)) ([]Position, error) {
	opens := make([]wire.Open, len(j.Streams))
	modes := [...]wire.Mode{Reads: wire.Read, Pushes: wire.Write, Both: wire.ReadWrite}
	for i, stream := range j.Streams {
		opens[i] = wire.Open{Stream: stream, Mode: modes[j.Mode], As: wire.AsState}
		if j.From != nil {
			opens[i].Cursor = j.From[i].Cursor
		}
	}
	first := min(len(opens), opensInHello)
	hello := wire.Hello{V: [2]int{1, 1}, Client: j.Client, Inc: incarnation(j.Client), Streams: opens[:first]}
	if err := c.Write(raw.AppendFrame(nil, raw.Text, hello.Append(nil))); err != nil {
		return nil, err
	}
	index := make(map[string]int, len(opens))
	for i, stream := range j.Streams {
		index[stream] = i
	}
	positions := make([]Position, len(opens))
	if err := synced(c, first, index, positions, seen); err != nil {
		return nil, err
	}
	for rest := opens[first:]; len(rest) > 0; {
		n := min(len(rest), opensInHello)
		var frames []byte
		for i, o := range rest[:n] {
			sub := wire.Sub{Ref: strconv.Itoa(i), Open: o}
			frames = raw.AppendFrame(frames, raw.Text, sub.Append(nil))
		}
		if err := c.Write(frames); err != nil {
			return nil, err
		}
		if err := synced(c, n, index, positions, seen); err != nil {
			return nil, err
		}
		rest = rest[n:]
	}
	return positions, nil
}

// synced reads until n streams are open.
func synced(c *raw.Conn, n int, index map[string]int, positions []Position, seen func([]byte)) error {
	var d wire.Decoder
	for n > 0 {
		payload, err := c.Next()
		if err != nil {
			return err
		}
		if seen != nil {
			seen(payload)
		}
		for line := range wire.Lines(payload) {
			m, err := d.Hub(line)
			if err != nil {
				return err
			}
			switch m := m.(type) {
			case *wire.Error:
				return m
			case *wire.Synced:
				if m.Outcome == wire.Denied || m.Outcome == wire.Gone {
					return fmt.Errorf("the open of %s was answered with %s", m.Stream, m.Outcome)
				}
				positions[index[m.Stream]] = Position{offsetOf(m.Cursor), m.Cursor}
				n--
			}
		}
	}
	return nil
}

// offsetOf reads the second part of a cursor.
func offsetOf(cursor string) uint64 {
	parts := strings.Split(cursor, ".")
	if len(parts) < 2 {
		return 0
	}
	n, _ := strconv.ParseUint(parts[1], 10, 64)
	return n
}

// incarnation is 16 hex digits made of a client's name.
func incarnation(client string) string {
	h := uint64(14695981039346656037) // FNV-1a
	for i := range len(client) {
		h = (h ^ uint64(client[i])) * 1099511628211
	}
	return fmt.Sprintf("%016x", h)
}

// AppendPush implements [Dialect].
func (FlowSync) AppendPush(b []byte, stream string, seq uint64, body []byte) []byte {
	var msg [512]byte
	m := append(msg[:0], `{"ops":[{"op":"append","value":"`...)
	m = append(m, body...)
	return appendPushEnd(b, m, stream, seq)
}

// AppendEdit implements [TextDialect].
func (FlowSync) AppendEdit(b []byte, stream string, seq uint64, update []byte) []byte {
	m := append(make([]byte, 0, 128+2*len(update)), `{"ops":[{"op":"update","update":"`...)
	m = appendBase64(m, update)
	return appendPushEnd(b, m, stream, seq)
}

// appendPushEnd completes a push whose op's last value is being written.
func appendPushEnd(b, m []byte, stream string, seq uint64) []byte {
	m = append(m, `"}],"seq":`...)
	m = strconv.AppendUint(m, seq, 10)
	m = append(m, `,"stream":"`...)
	m = append(m, stream...)
	m = append(m, `","t":"push"}`...)
	return raw.AppendFrame(b, raw.Text, m)
}

// Acked implements [Dialect]. Acks are cumulative: the last line that is one
// counts.
func (FlowSync) Acked(payload []byte) (uint64, error) {
	var acked uint64
	for line := range bytes.Lines(payload) {
		line = bytes.TrimRight(line, "\n")
		switch {
		case bytes.HasSuffix(line, []byte(`"t":"ack"}`)):
			acked = max(acked, number(line, `"seq":`))
		case bytes.Contains(line, []byte(`"t":"error"`)), bytes.Contains(line, []byte(`"t":"reject"`)):
			return 0, fmt.Errorf("the hub answered: %s", line)
		}
	}
	return acked, nil
}

// number reads the digits after name in line.
func number(line []byte, name string) uint64 {
	_, rest, _ := bytes.Cut(line, []byte(name))
	var n uint64
	for _, c := range rest {
		if c < '0' || c > '9' {
			break
		}
		n = n*10 + uint64(c-'0')
	}
	return n
}

// Answer implements [Dialect]: the hub asks nothing.
func (FlowSync) Answer([]byte) []byte { return nil }
