package wire

import "strconv"

func (*Welcome) hubMessage()   {}
func (*Synced) hubMessage()    {}
func (*Ops) hubMessage()       {}
func (*Value) hubMessage()     {}
func (*Ack) hubMessage()       {}
func (*Reject) hubMessage()    {}
func (*Error) hubMessage()     {}
func (*HubStatus) hubMessage() {}
func (*Presence) hubMessage()  {}
func (*Event) hubMessage()     {}
func (*History) hubMessage()   {}
func (*Expiring) hubMessage()  {}
func (*Authed) hubMessage()    {}
func (*Drain) hubMessage()     {}
func (*Pong) hubMessage()      {}

// Append implements [HubMessage].
func (m *Welcome) Append(b []byte) []byte {
	start := len(b)
	b = appendText(b, "durability", m.Durability)
	b = appendText(b, "hub", m.Hub)
	b = m.Limits.append(appendKey(b, "limits"))
	b = appendUint(b, "session", m.Session)
	b = appendType(b, "welcome")
	b = appendInt(b, "v", m.V)
	return closeObject(appendBool(b, "writable", m.Writable), start)
}

func (l *Limits) append(b []byte) []byte {
	start := len(b)
	b = appendInt(b, "batch_ops", l.BatchOps)
	b = appendInt(b, "inflight_ops", l.InflightOps)
	b = appendInt(b, "message_bytes", l.MessageBytes)
	return closeObject(appendInt(b, "streams", l.Streams), start)
}

// Append implements [HubMessage].
func (m *Synced) Append(b []byte) []byte {
	start := len(b)
	if m.State != nil {
		b = appendUint(b, "base", m.Base)
	}
	b = appendTextIf(b, "cursor", m.Cursor)
	if len(m.Entries) > 0 {
		b = appendEntries(b, m.Entries)
	}
	b = appendTextIf(b, "mode", string(m.Mode))
	if m.Options != nil {
		b = appendRaw(b, "options", m.Options)
	}
	b = appendText(b, "outcome", string(m.Outcome))
	b = appendTextIf(b, "ref", m.Ref)
	b = appendTextIf(b, "rule", m.Rule)
	if m.State != nil {
		b = appendRaw(b, "state", m.State)
	}
	b = appendText(b, "stream", m.Stream)
	b = appendType(b, "synced")
	if m.Value != nil {
		b = appendRaw(b, "value", m.Value)
	}
	if m.Yours != nil {
		b = m.Yours.append(appendKey(b, "yours"))
	}
	return closeObject(b, start)
}

func (y *Yours) append(b []byte) []byte {
	start := len(b)
	b = appendHash(b, "hash", y.Hash)
	b = appendUint(b, "seq", y.Seq)
	if len(y.Trail) == 0 {
		return closeObject(b, start)
	}
	b = append(appendKey(b, "trail"), '[')
	for i, mark := range y.Trail {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(append(b, '['), mark.Seq, 10)
		b = append(b, ',')
		b = append(appendString(b, mark.Hash), ']')
	}
	return closeObject(append(b, ']'), start)
}

// Append implements [HubMessage].
func (m *Ops) Append(b []byte) []byte {
	start := len(b)
	b = appendTextIf(b, "cursor", m.Cursor)
	b = appendEntries(b, m.Entries)
	if m.Cursor != "" {
		b = appendUint(b, "from", m.From)
	}
	b = appendText(b, "stream", m.Stream)
	return closeObject(appendType(b, "ops"), start)
}

func appendEntries(b []byte, entries []Entry) []byte {
	b = append(appendKey(b, "entries"), '[')
	for i := range entries {
		if i > 0 {
			b = append(b, ',')
		}
		b = entries[i].append(b)
	}
	return append(b, ']')
}

func (e *Entry) append(b []byte) []byte {
	start := len(b)
	if e.Off == 0 {
		b = appendText(b, "client", e.Client)
		b = appendText(b, "hub", e.Hub)
		b = appendUint(b, "n", e.N)
		return closeObject(appendRaw(b, "op", e.Op), start)
	}
	b = appendUint(b, "at", e.At)
	b = appendText(b, "client", e.Client)
	b = appendText(b, "inc", e.Inc)
	b = appendUint(b, "off", e.Off)
	b = appendRaw(b, "op", e.Op)
	return closeObject(appendUint(b, "seq", e.Seq), start)
}

// Append implements [HubMessage].
func (m *Value) Append(b []byte) []byte {
	start := len(b)
	b = appendTextIf(b, "cursor", m.Cursor)
	b = appendText(b, "stream", m.Stream)
	b = appendType(b, "value")
	return closeObject(appendRaw(b, "value", m.Value), start)
}

// Append implements [HubMessage].
func (m *Ack) Append(b []byte) []byte {
	start := len(b)
	b = appendHash(b, "hash", m.Hash)
	b = appendUint(b, "seq", m.Seq)
	b = appendText(b, "stream", m.Stream)
	return closeObject(appendType(b, "ack"), start)
}

// Append implements [HubMessage].
func (m *Reject) Append(b []byte) []byte {
	start := len(b)
	b = appendText(b, "code", string(m.Code))
	b = appendText(b, "msg", m.Msg)
	b = appendUint(b, "seq", m.Seq)
	b = appendText(b, "stream", m.Stream)
	return closeObject(appendType(b, "reject"), start)
}

// Append implements [HubMessage]. Whether a retry can help follows from Code.
func (e *Error) Append(b []byte) []byte {
	start := len(b)
	b = appendIntIf(b, "after_ms", e.AfterMS)
	b = appendText(b, "code", string(e.Code))
	b = appendUintIf(b, "expected", e.Expected)
	b = appendText(b, "msg", e.Msg)
	b = appendTextIf(b, "ref", e.Ref)
	b = appendBool(b, "retry", Retryable(e.Code))
	b = appendTextIf(b, "scope", e.Scope)
	b = appendUintIf(b, "seq", e.Seq)
	b = appendTextIf(b, "stream", e.Stream)
	return closeObject(appendType(b, "error"), start)
}

// Append implements [HubMessage].
func (m *HubStatus) Append(b []byte) []byte {
	start := len(b)
	b = appendIntIf(b, "after_ms", m.AfterMS)
	b = appendType(b, "hub")
	return closeObject(appendBool(b, "writable", m.Writable), start)
}

// Append implements [HubMessage].
func (m *Presence) Append(b []byte) []byte {
	start := len(b)
	if m.Full {
		b = appendBool(b, "full", true)
	}
	if len(m.Left) > 0 {
		b = append(appendKey(b, "left"), '[')
		for i := range m.Left {
			if i > 0 {
				b = append(b, ',')
			}
			at := len(b)
			b = appendText(b, "client", m.Left[i].Client)
			b = closeObject(appendUint(b, "session", m.Left[i].Session), at)
		}
		b = append(b, ']')
	}
	if len(m.Peers) > 0 {
		b = append(appendKey(b, "peers"), '[')
		for i := range m.Peers {
			if i > 0 {
				b = append(b, ',')
			}
			at := len(b)
			b = appendText(b, "client", m.Peers[i].Client)
			b = appendUint(b, "session", m.Peers[i].Session)
			b = closeObject(appendRaw(b, "state", m.Peers[i].State), at)
		}
		b = append(b, ']')
	}
	b = appendText(b, "stream", m.Stream)
	return closeObject(appendType(b, "presence"), start)
}

// Append implements [HubMessage].
func (m *Event) Append(b []byte) []byte {
	start := len(b)
	b = appendText(b, "client", m.Client)
	b = appendRaw(b, "data", m.Data)
	b = appendText(b, "event", m.Event)
	b = appendText(b, "stream", m.Stream)
	return closeObject(appendType(b, "event"), start)
}

// Append implements [HubMessage].
func (m *History) Append(b []byte) []byte {
	start := len(b)
	b = appendEntries(b, m.Entries)
	b = appendBool(b, "more", m.More)
	b = appendText(b, "ref", m.Ref)
	b = appendText(b, "stream", m.Stream)
	return closeObject(appendType(b, "history"), start)
}

// Append implements [HubMessage].
func (m *Expiring) Append(b []byte) []byte {
	start := len(b)
	return closeObject(appendType(appendInt(b, "in_ms", m.InMS), "expiring"), start)
}

// Append implements [HubMessage].
func (m *Authed) Append(b []byte) []byte {
	start := len(b)
	return closeObject(appendType(appendText(b, "ref", m.Ref), "authed"), start)
}

// Append implements [HubMessage].
func (m *Drain) Append(b []byte) []byte {
	start := len(b)
	return closeObject(appendType(appendInt(b, "after_ms", m.AfterMS), "drain"), start)
}

// Append implements [HubMessage].
func (m *Pong) Append(b []byte) []byte {
	start := len(b)
	return closeObject(appendType(appendUint(b, "n", m.N), "pong"), start)
}
