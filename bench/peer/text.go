package peer

import (
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/wavesiddhartha/flowsync/bench/raw"
	"github.com/wavesiddhartha/flowsync/wire"
)

// TextDialect is a peer that has documents in the format of Yjs.
type TextDialect interface {
	// DialText opens a connection for one document.
	DialText(addr, stream string) (*raw.Conn, error)

	// JoinText asks for a document and returns it, as updates in the format of
	// Yjs whose sum it is.
	JoinText(c *raw.Conn, client, stream string) ([][]byte, error)

	// AppendEdit appends the frame that pushes an update.
	AppendEdit(b []byte, stream string, seq uint64, update []byte) []byte

	// Edits calls got with the number of each edit that the payload brings,
	// or with 0 where the peer numbers none.
	Edits(payload []byte, got func(n uint64)) error
}

func appendBase64(b, data []byte) []byte { return base64.StdEncoding.AppendEncode(b, data) }

// DialText implements [TextDialect].
func (f FlowSync) DialText(addr, _ string) (*raw.Conn, error) { return f.Dial(addr) }

// JoinText implements [TextDialect].
func (FlowSync) JoinText(c *raw.Conn, client, stream string) ([][]byte, error) {
	hello := wire.Hello{V: [2]int{1, 1}, Client: client, Inc: incarnation(client),
		Streams: []wire.Open{{Stream: stream, Mode: wire.ReadWrite, As: wire.AsState}}}
	if err := c.Write(raw.AppendFrame(nil, raw.Text, hello.Append(nil))); err != nil {
		return nil, err
	}
	var d wire.Decoder
	for {
		payload, err := c.Next()
		if err != nil {
			return nil, err
		}
		for line := range wire.Lines(payload) {
			m, err := d.Hub(line)
			if err != nil {
				return nil, err
			}
			switch m := m.(type) {
			case *wire.Error:
				return nil, m
			case *wire.Synced:
				return updatesOf(m)
			}
		}
	}
}

// updatesOf takes the document out of the answer to an open: the state, and the
// entries after it.
func updatesOf(m *wire.Synced) ([][]byte, error) {
	if m.Outcome != wire.Snapshot {
		return nil, fmt.Errorf("a new client was answered with %s", m.Outcome)
	}
	var updates [][]byte
	parts := [][]byte{m.State}
	for _, e := range m.Entries {
		parts = append(parts, e.Op)
	}
	for _, part := range parts {
		var holder struct {
			Update []byte `json:"update"` // base64
		}
		if err := json.Unmarshal(part, &holder); err != nil {
			return nil, err
		}
		updates = append(updates, holder.Update)
	}
	return updates, nil
}

// Edits implements [TextDialect]: each entry has its offset.
func (f FlowSync) Edits(payload []byte, got func(n uint64)) error {
	found := false
	for rest := payload; ; {
		var ok bool
		if rest, ok = after(rest, `,"off":`); !ok {
			break
		}
		found = true
		got(number(rest, ""))
	}
	if found {
		return nil
	}
	_, err := f.Acked(payload)
	return err
}
