package wire

func (d *Decoder) readWelcome() HubMessage {
	m := &Welcome{}
	for i := range d.fields {
		switch f := &d.fields[i]; string(f.key) {
		case "t":
		case "v":
			m.V = d.int(f)
		case "session":
			m.Session = d.uint(f)
		case "hub":
			m.Hub = d.name(f)
		case "durability":
			m.Durability = d.name(f)
		case "writable":
			m.Writable = d.bool(f)
		case "limits":
			m.Limits = d.limits(f)
		default:
			d.unknown()
		}
	}
	d.need("v", "session", "hub", "durability", "writable", "limits")
	return m
}

func (d *Decoder) limits(f *field) (l Limits) {
	fields := d.object(f.value, "batch_ops", "inflight_ops", "message_bytes", "streams")
	for i := range fields {
		switch f := &fields[i]; string(f.key) {
		case "batch_ops":
			l.BatchOps = d.int(f)
		case "inflight_ops":
			l.InflightOps = d.int(f)
		case "message_bytes":
			l.MessageBytes = d.int(f)
		case "streams":
			l.Streams = d.int(f)
		default:
			d.unknown()
		}
	}
	return l
}

func (d *Decoder) readOps() HubMessage {
	m := &d.committed
	*m = Ops{}
	for i := range d.fields {
		switch f := &d.fields[i]; string(f.key) {
		case "t":
		case "stream":
			m.Stream = d.stream(f)
		case "from":
			m.From = d.uint(f)
		case "cursor":
			m.Cursor = string(d.some(f, maxID))
		case "entries":
			m.Entries = d.entriesOf(f)
		default:
			d.unknown()
		}
	}
	d.need("stream", "entries")
	if m.Cursor != "" || m.From > 0 {
		d.need("from", "cursor")
	}
	return m
}

func (d *Decoder) entriesOf(f *field) []Entry {
	for l := d.list(f.value); l.next() && d.err == nil; {
		d.entries = append(d.entries, d.entry(l.v))
	}
	return d.entries
}

func (d *Decoder) entry(v value) (e Entry) {
	fields := d.object(v, "client", "op")
	for i := range fields {
		switch f := &fields[i]; string(f.key) {
		case "off":
			e.Off = d.uint(f)
		case "client":
			e.Client = d.name(f)
		case "inc":
			e.Inc = d.intern(d.hash(f))
		case "seq":
			e.Seq = d.uint(f)
		case "at":
			e.At = d.uint(f)
		case "op":
			e.Op = d.op(f)
		case "n":
			e.N = d.uint(f)
		case "hub":
			e.Hub = d.name(f)
		default:
			d.unknown()
		}
	}
	if e.Off > 0 && len(fields) == 6 {
		d.require(fields, []string{"off", "inc", "seq", "at"})
		return e
	}
	d.require(fields, []string{"n", "hub"})
	if len(fields) != 4 {
		d.fail(BadMessage, "an entry has the fields of a log or those of an ephemeral stream")
	}
	return e
}

// op reads an entry's op.
func (d *Decoder) op(f *field) []byte {
	if f.raw[0] != '{' {
		d.fail(BadMessage, "an op is a JSON object")
		return nil
	}
	return d.json(f)
}

func (d *Decoder) readValue() HubMessage {
	m := &Value{}
	for i := range d.fields {
		switch f := &d.fields[i]; string(f.key) {
		case "t":
		case "stream":
			m.Stream = d.stream(f)
		case "cursor":
			m.Cursor = string(d.some(f, maxID))
		case "value":
			m.Value = d.json(f)
		default:
			d.unknown()
		}
	}
	d.need("stream", "value")
	return m
}

func (d *Decoder) readAck() HubMessage {
	m := &d.ack
	*m = Ack{}
	for i := range d.fields {
		switch f := &d.fields[i]; string(f.key) {
		case "t":
		case "stream":
			m.Stream = d.stream(f)
		case "seq":
			m.Seq = d.uint(f)
		case "hash":
			m.Hash = string(d.hash(f))
		default:
			d.unknown()
		}
	}
	d.need("stream", "seq", "hash")
	return m
}

func (d *Decoder) readReject() HubMessage {
	m := &Reject{}
	for i := range d.fields {
		switch f := &d.fields[i]; string(f.key) {
		case "t":
		case "stream":
			m.Stream = d.stream(f)
		case "seq":
			m.Seq = d.uint(f)
		case "code":
			m.Code = Code(d.name(f))
		case "msg":
			m.Msg = d.str(f)
		default:
			d.unknown()
		}
	}
	d.need("stream", "seq", "code", "msg")
	return m
}

func (d *Decoder) readError() HubMessage {
	m := &Error{}
	for i := range d.fields {
		switch f := &d.fields[i]; string(f.key) {
		case "t":
		case "code":
			m.Code = Code(d.name(f))
		case "retry":
			d.bool(f)
		case "msg":
			m.Msg = d.str(f)
		case "ref":
			m.Ref = d.ref(f)
		case "stream":
			m.Stream = d.stream(f)
		case "seq":
			m.Seq = d.uint(f)
		case "expected":
			m.Expected = d.uint(f)
		case "scope":
			m.Scope = d.name(f)
		case "after_ms":
			m.AfterMS = d.int(f)
		default:
			d.unknown()
		}
	}
	d.need("code", "retry", "msg")
	return m
}

func (d *Decoder) readHubStatus() HubMessage {
	m := &HubStatus{}
	for i := range d.fields {
		switch f := &d.fields[i]; string(f.key) {
		case "t":
		case "writable":
			m.Writable = d.bool(f)
		case "after_ms":
			m.AfterMS = d.int(f)
		default:
			d.unknown()
		}
	}
	d.need("writable")
	return m
}

func (d *Decoder) readPresence() HubMessage {
	m := &Presence{}
	for i := range d.fields {
		switch f := &d.fields[i]; string(f.key) {
		case "t":
		case "stream":
			m.Stream = d.stream(f)
		case "peers":
			for l := d.list(f.value); l.next() && d.err == nil; {
				m.Peers = append(m.Peers, d.peer(l.v))
			}
		case "left":
			for l := d.list(f.value); l.next() && d.err == nil; {
				m.Left = append(m.Left, d.left(l.v))
			}
		case "full":
			m.Full = d.bool(f)
		default:
			d.unknown()
		}
	}
	d.need("stream")
	return m
}

func (d *Decoder) peer(v value) (p Peer) {
	fields := d.object(v, "client", "session", "state")
	for i := range fields {
		switch f := &fields[i]; string(f.key) {
		case "client":
			p.Client = d.name(f)
		case "session":
			p.Session = d.uint(f)
		case "state":
			p.State = d.json(f)
		default:
			d.unknown()
		}
	}
	return p
}

func (d *Decoder) left(v value) (l Left) {
	fields := d.object(v, "client", "session")
	for i := range fields {
		switch f := &fields[i]; string(f.key) {
		case "client":
			l.Client = d.name(f)
		case "session":
			l.Session = d.uint(f)
		default:
			d.unknown()
		}
	}
	return l
}

func (d *Decoder) readEvent() HubMessage {
	m := &Event{}
	for i := range d.fields {
		switch f := &d.fields[i]; string(f.key) {
		case "t":
		case "stream":
			m.Stream = d.stream(f)
		case "client":
			m.Client = d.name(f)
		case "event":
			m.Event = d.name(f)
		case "data":
			m.Data = d.json(f)
		default:
			d.unknown()
		}
	}
	d.need("stream", "client", "event", "data")
	return m
}

func (d *Decoder) readHistory() HubMessage {
	m := &History{}
	for i := range d.fields {
		switch f := &d.fields[i]; string(f.key) {
		case "t":
		case "ref":
			m.Ref = d.ref(f)
		case "stream":
			m.Stream = d.stream(f)
		case "entries":
			m.Entries = d.entriesOf(f)
		case "more":
			m.More = d.bool(f)
		default:
			d.unknown()
		}
	}
	d.need("ref", "stream", "entries", "more")
	return m
}

func (d *Decoder) readExpiring() HubMessage {
	m := &Expiring{}
	for i := range d.fields {
		switch f := &d.fields[i]; string(f.key) {
		case "t":
		case "in_ms":
			m.InMS = d.int(f)
		default:
			d.unknown()
		}
	}
	d.need("in_ms")
	return m
}

func (d *Decoder) readAuthed() HubMessage {
	m := &Authed{}
	for i := range d.fields {
		switch f := &d.fields[i]; string(f.key) {
		case "t":
		case "ref":
			m.Ref = d.ref(f)
		default:
			d.unknown()
		}
	}
	d.need("ref")
	return m
}

func (d *Decoder) readDrain() HubMessage {
	m := &Drain{}
	for i := range d.fields {
		switch f := &d.fields[i]; string(f.key) {
		case "t":
		case "after_ms":
			m.AfterMS = d.int(f)
		default:
			d.unknown()
		}
	}
	d.need("after_ms")
	return m
}

func (d *Decoder) readPong() HubMessage { return &Pong{N: d.readN()} }
