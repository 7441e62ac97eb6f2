package wire

import "strconv"

func (*Hello) clientMessage()       {}
func (*Sub) clientMessage()         {}
func (*Unsub) clientMessage()       {}
func (*Push) clientMessage()        {}
func (*SetPresence) clientMessage() {}
func (*Emit) clientMessage()        {}
func (*GetHistory) clientMessage()  {}
func (*Auth) clientMessage()        {}
func (*Ping) clientMessage()        {}

// Append implements [ClientMessage].
func (m *Hello) Append(b []byte) []byte {
	start := len(b)
	b = appendText(b, "client", m.Client)
	b = appendText(b, "inc", m.Inc)
	if len(m.Streams) > 0 {
		b = append(appendKey(b, "streams"), '[')
		for i := range m.Streams {
			if i > 0 {
				b = append(b, ',')
			}
			b = m.Streams[i].append(b)
		}
		b = append(b, ']')
	}
	b = appendType(b, "hello")
	b = appendTextIf(b, "token", m.Token)
	b = append(appendKey(b, "v"), '[')
	b = strconv.AppendInt(b, int64(m.V[0]), 10)
	b = append(b, ',')
	b = strconv.AppendInt(b, int64(m.V[1]), 10)
	return closeObject(append(b, ']'), start)
}

// append appends the open as an object of its own, as in hello.
func (o *Open) append(b []byte) []byte {
	start := len(b)
	b = o.appendHead(b)
	b = appendText(b, "stream", o.Stream)
	b = appendIntIf(b, "unacked", o.Unacked)
	return closeObject(b, start)
}

// appendHead appends the fields that sort before "ref".
func (o *Open) appendHead(b []byte) []byte {
	b = appendUintIf(b, "acked", o.Acked)
	b = appendText(b, "as", string(o.As))
	b = appendTextIf(b, "cursor", o.Cursor)
	b = appendTextIf(b, "hash", o.Hash)
	b = appendTextIf(b, "inc", o.Inc)
	return appendText(b, "mode", string(o.Mode))
}

// Append implements [ClientMessage].
func (m *Sub) Append(b []byte) []byte {
	start := len(b)
	b = m.Open.appendHead(b)
	b = appendText(b, "ref", m.Ref)
	b = appendText(b, "stream", m.Stream)
	b = appendType(b, "sub")
	b = appendIntIf(b, "unacked", m.Unacked)
	return closeObject(b, start)
}

// Append implements [ClientMessage].
func (m *Unsub) Append(b []byte) []byte {
	start := len(b)
	b = appendTextIf(b, "ref", m.Ref)
	b = appendText(b, "stream", m.Stream)
	return closeObject(appendType(b, "unsub"), start)
}

// Append implements [ClientMessage].
func (m *Push) Append(b []byte) []byte {
	start := len(b)
	if m.At != nil {
		b = appendUint(b, "at", *m.At)
	}
	b = append(appendKey(b, "ops"), '[')
	for i, op := range m.Ops {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, op...)
	}
	b = append(b, ']')
	if m.Prev != nil {
		b = appendUint(b, "prev", *m.Prev)
	}
	b = appendUintIf(b, "seq", m.Seq)
	b = appendText(b, "stream", m.Stream)
	return closeObject(appendType(b, "push"), start)
}

// Append implements [ClientMessage].
func (m *SetPresence) Append(b []byte) []byte {
	start := len(b)
	b = appendRaw(b, "state", m.State)
	b = appendText(b, "stream", m.Stream)
	return closeObject(appendType(b, "presence"), start)
}

// Append implements [ClientMessage].
func (m *Emit) Append(b []byte) []byte {
	start := len(b)
	b = appendRaw(b, "data", m.Data)
	b = appendText(b, "event", m.Event)
	b = appendTextIf(b, "ref", m.Ref)
	b = appendText(b, "stream", m.Stream)
	return closeObject(appendType(b, "emit"), start)
}

// Append implements [ClientMessage].
func (m *GetHistory) Append(b []byte) []byte {
	start := len(b)
	b = appendUint(b, "before", m.Before)
	b = appendInt(b, "limit", m.Limit)
	b = appendText(b, "ref", m.Ref)
	b = appendText(b, "stream", m.Stream)
	return closeObject(appendType(b, "history"), start)
}

// Append implements [ClientMessage].
func (m *Auth) Append(b []byte) []byte {
	start := len(b)
	b = appendText(b, "ref", m.Ref)
	b = appendType(b, "auth")
	return closeObject(appendText(b, "token", m.Token), start)
}

// Append implements [ClientMessage].
func (m *Ping) Append(b []byte) []byte {
	start := len(b)
	return closeObject(appendType(appendUint(b, "n", m.N), "ping"), start)
}
