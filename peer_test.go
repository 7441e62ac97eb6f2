package flowsync

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"strings"
	"testing"

	"github.com/wavesiddhartha/flowsync/internal/socket/sockettest"
	"github.com/wavesiddhartha/flowsync/wire"
)

// peer is a client that speaks the protocol by hand over a raw connection, so
// that it can also speak it wrong.
type peer struct {
	*sockettest.Conn
	t       testing.TB
	lines   []string       // received and not looked at
	closed  wire.CloseCode // what the hub closed with
	welcome *wire.Welcome
}

// dial connects to the hub and says nothing.
func (hs *hubServer) dial(header ...string) *peer {
	hs.t.Helper()
	return &peer{t: hs.t, Conn: sockettest.Dial(hs.t, hs.url, header...)}
}

// join connects as a client and opens streams; their synced are in the answer,
// in order.
func (hs *hubServer) join(client string, opens ...wire.Open) (*peer, []*wire.Synced) {
	hs.t.Helper()
	return hs.joinWith(&wire.Hello{V: [2]int{1, 1}, Client: client, Inc: incOf(client), Streams: opens})
}

func (hs *hubServer) joinWith(hello *wire.Hello) (*peer, []*wire.Synced) {
	hs.t.Helper()
	p := hs.dial()
	p.say(hello)
	p.welcome = await[*wire.Welcome](p)
	var synced []*wire.Synced
	for range hello.Streams {
		synced = append(synced, await[*wire.Synced](p))
	}
	return p, synced
}

// incOf is an incarnation for a client id.
func incOf(client string) string {
	h := fnv.New64a()
	h.Write([]byte(client))
	return fmt.Sprintf("%016x", h.Sum64())
}

func rw(stream string) wire.Open {
	return wire.Open{Stream: stream, Mode: wire.ReadWrite, As: wire.AsState}
}

func r(stream string) wire.Open {
	return wire.Open{Stream: stream, Mode: wire.Read, As: wire.AsState}
}

// say sends messages as one WebSocket message.
func (p *peer) say(msgs ...wire.ClientMessage) {
	var b []byte
	for _, m := range msgs {
		b = appendLine(b, m.Append(nil))
	}
	p.Text(string(b))
}

// push sends ops from seq on.
func (p *peer) push(stream string, seq uint64, ops ...string) {
	m := &wire.Push{Stream: stream, Seq: seq}
	for _, op := range ops {
		m.Ops = append(m.Ops, []byte(op))
	}
	p.say(m)
}

// line returns the next line that the hub sent; ok is false when it closed or
// the connection ended.
func (p *peer) line() (string, bool) {
	p.t.Helper()
	for len(p.lines) == 0 {
		if p.closed != 0 {
			return "", false
		}
		head, payload, err := p.Frame()
		switch {
		case err != nil:
			p.closed = 1006
			return "", false
		case head == sockettest.Fin|sockettest.Text:
			p.lines = strings.Split(string(payload), "\n")
		case head == sockettest.Fin|sockettest.Close:
			p.closed = 1005
			if len(payload) >= 2 {
				p.closed = wire.CloseCode(binary.BigEndian.Uint16(payload))
			}
		}
	}
	line := p.lines[0]
	p.lines = p.lines[1:]
	return line, true
}

// next returns the next message, nil when there is none any more.
func (p *peer) next() wire.HubMessage {
	p.t.Helper()
	line, ok := p.line()
	if !ok {
		return nil
	}
	var d wire.Decoder // a message is valid until its decoder's next
	m, err := d.Hub([]byte(line))
	if err != nil {
		p.t.Fatalf("the hub sent %.300q: %v", line, err)
	}
	return m
}

// await returns the next message of a type that all conditions hold for,
// skipping others. Refusals that nobody waits for fail the test.
func await[M wire.HubMessage](p *peer, conditions ...func(M) bool) M {
	p.t.Helper()
	var want M
	for {
		msg := p.next()
		if msg == nil {
			p.t.Fatalf("the connection ended with %d; a %T is missing", p.closed, want)
		}
		if m, ok := msg.(M); ok && all(conditions, m) {
			return m
		}
		switch msg := msg.(type) {
		case *wire.Error, *wire.Reject:
			p.t.Fatalf("while waiting for a %T: %s", want, msg.Append(nil))
		}
	}
}

func all[M any](conditions []func(M) bool, m M) bool {
	for _, ok := range conditions {
		if !ok(m) {
			return false
		}
	}
	return true
}

// awaitClose reads to the end and requires the close code.
func (p *peer) awaitClose(want wire.CloseCode) {
	p.t.Helper()
	for p.next() != nil {
	}
	if p.closed != want {
		p.t.Fatalf("closed with %d, want %d", p.closed, want)
	}
}

// acked waits until seq is acknowledged.
func (p *peer) acked(seq uint64) *wire.Ack {
	p.t.Helper()
	return await(p, func(a *wire.Ack) bool { return a.Seq >= seq })
}

// quiet requires that the hub has nothing to say but what skip allows, up to the
// answer to a ping.
func (p *peer) quiet(skip ...func(wire.HubMessage) bool) {
	p.t.Helper()
	const n = 424242
	p.say(&wire.Ping{N: n})
	for {
		msg := p.next()
		if msg == nil {
			p.t.Fatalf("the connection ended with %d", p.closed)
		}
		if pong, ok := msg.(*wire.Pong); ok && pong.N == n {
			return
		}
		if len(skip) == 0 || !skip[0](msg) {
			p.t.Fatalf("the hub said %s", msg.Append(nil))
		}
	}
}
