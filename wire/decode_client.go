package wire

import "strings"

func (d *Decoder) readHello() ClientMessage {
	m := &Hello{}
	for i := range d.fields {
		switch f := &d.fields[i]; string(f.key) {
		case "t":
		case "v":
			m.V = d.versions(f)
		case "client":
			m.Client = d.client(f)
		case "inc":
			m.Inc = string(d.hash(f))
		case "token":
			m.Token = d.token(f)
		case "streams":
			for l := d.list(f.value); l.next() && d.err == nil; {
				m.Streams = append(m.Streams, d.open(l.v))
			}
		default:
			d.unknown()
		}
	}
	d.need("v", "client", "inc")
	return m
}

// versions reads [lowest, highest].
func (d *Decoder) versions(f *field) (v [2]int) {
	n := 0
	for l := d.list(f.value); l.next(); n++ {
		if n < len(v) {
			v[n] = d.int(&field{value: l.v})
		}
	}
	if n != len(v) || v[0] < 1 || v[0] > v[1] {
		d.fail(BadMessage, `"v" is the lowest and the highest protocol version, for example [1,1]`)
	}
	return v
}

func (d *Decoder) client(f *field) string {
	s := string(d.bytes(f))
	if !ValidClient(s) {
		d.fail(BadMessage, "a client id is 1 to 128 letters, digits, '_', '.' and '-'")
	}
	return s
}

func (d *Decoder) token(f *field) string {
	s := d.str(f)
	if s == "" {
		d.fail(BadMessage, "the token is empty: leave the field out, or send one")
	}
	return s
}

// open reads one of hello's streams.
func (d *Decoder) open(v value) Open {
	var o Open
	fields := d.object(v, "stream", "mode", "as")
	for i := range fields {
		if !d.openField(&o, &fields[i]) {
			d.unknown()
		}
	}
	return o
}

// openField reads a field of an open and reports whether it is one.
func (d *Decoder) openField(o *Open, f *field) bool {
	switch string(f.key) {
	case "stream":
		o.Stream = d.stream(f)
	case "inc":
		o.Inc = string(d.hash(f))
	case "mode":
		o.Mode = d.mode(f)
	case "as":
		o.As = d.as(f)
	case "cursor":
		o.Cursor = string(d.some(f, maxID))
	case "acked":
		o.Acked = d.uint(f)
	case "hash":
		o.Hash = string(d.hash(f))
	case "unacked":
		o.Unacked = d.int(f)
	default:
		return false
	}
	return true
}

func (d *Decoder) mode(f *field) Mode {
	switch string(d.bytes(f)) {
	case "r":
		return Read
	case "w":
		return Write
	case "rw":
		return ReadWrite
	}
	d.fail(BadMessage, `"mode" is "r", "w" or "rw"`)
	return ""
}

func (d *Decoder) as(f *field) As {
	switch string(d.bytes(f)) {
	case "state":
		return AsState
	case "value":
		return AsValue
	}
	d.fail(BadMessage, `"as" is "state" or "value"`)
	return ""
}

func (d *Decoder) readSub() ClientMessage {
	m := &Sub{}
	for i := range d.fields {
		switch f := &d.fields[i]; string(f.key) {
		case "t":
		case "ref":
			m.Ref = d.ref(f)
		default:
			if !d.openField(&m.Open, f) {
				d.unknown()
			}
		}
	}
	d.need("ref", "stream", "mode", "as")
	return m
}

func (d *Decoder) readUnsub() ClientMessage {
	m := &Unsub{}
	for i := range d.fields {
		switch f := &d.fields[i]; string(f.key) {
		case "t":
		case "ref":
			m.Ref = d.ref(f)
		case "stream":
			m.Stream = d.stream(f)
		default:
			d.unknown()
		}
	}
	d.need("stream")
	return m
}

func (d *Decoder) readPush() (ClientMessage, error) {
	m := &d.push
	*m = Push{Ops: m.Ops[:0]}
	for i := range d.fields {
		switch f := &d.fields[i]; string(f.key) {
		case "t":
		case "stream":
			m.Stream = d.stream(f)
		case "seq":
			m.Seq = d.opSeq(f)
		case "prev":
			d.prev = d.uint(f)
			m.Prev = &d.prev
		case "at":
			d.at = d.uint(f)
			m.At = &d.at
		case "ops":
			if f.raw[0] != '[' || len(d.ops) == 0 {
				d.fail(BadMessage, `"ops" is a list of one or more ops`)
			}
		default:
			d.unknown()
		}
	}
	d.need("stream", "ops")
	if len(d.ops) > MaxBatch {
		d.fail(TooLarge, "a push carries at most 1000 ops: send the rest in another")
	}
	if m.Seq == 0 && (m.Prev != nil || m.At != nil) {
		d.fail(BadMessage, `"prev" and "at" need "seq"`)
	}
	if m.Seq+uint64(len(d.ops))-1 > MaxSafeInt && m.Seq > 0 {
		d.fail(BadMessage, "the seqs of the ops would leave 2^53-1")
	}
	if d.err != nil {
		return nil, d.fault()
	}
	return d.readOpsOf(m)
}

// opSeq reads a push's seq. What is a number, but not one that an op can have,
// is the op's fault and not the message's.
func (d *Decoder) opSeq(f *field) uint64 {
	n, ok := parseUint(f.raw)
	if ok && n > 0 {
		return n
	}
	if f.flaw == lostNumber || !strings.ContainsRune("-0123456789", rune(f.raw[0])) {
		d.fail(BadMessage, `"seq" is an integer from 1 to 2^53-1`)
		return 0
	}
	d.fail(BadOp, `"seq" is an integer from 1: leave it out on an ephemeral stream`)
	return 0
}

// readOpsOf makes the ops canonical, up to the first that is refused. The rest
// is looked at nevertheless: JSON that is broken anywhere refuses the message.
func (d *Decoder) readOpsOf(m *Push) (ClientMessage, error) {
	var refused *Error
	for i := range d.ops {
		op := &field{value: d.ops[i]}
		e := op.refuseOp()
		if e != nil && refused == nil {
			refused = e
			if m.Seq > 0 {
				refused.Seq = m.Seq + uint64(i)
			}
		}
		if op.flaw != sound || op.oversized() {
			continue
		}
		raw := d.json(op)
		if refused == nil {
			m.Ops = append(m.Ops, raw)
		}
	}
	if d.err != nil {
		return nil, d.fault()
	}
	if refused == nil {
		return m, nil
	}
	d.err = refused
	return m, d.fault()
}

func (d *Decoder) readSetPresence() ClientMessage {
	m := &SetPresence{}
	for i := range d.fields {
		switch f := &d.fields[i]; string(f.key) {
		case "t":
		case "stream":
			m.Stream = d.stream(f)
		case "state":
			m.State = d.shallow(f)
		default:
			d.unknown()
		}
	}
	d.need("stream", "state")
	return m
}

func (d *Decoder) readEmit() ClientMessage {
	m := &Emit{}
	for i := range d.fields {
		switch f := &d.fields[i]; string(f.key) {
		case "t":
		case "ref":
			m.Ref = d.ref(f)
		case "stream":
			m.Stream = d.stream(f)
		case "event":
			m.Event = d.intern(d.some(f, maxEvent))
		case "data":
			m.Data = d.shallow(f)
		default:
			d.unknown()
		}
	}
	d.need("stream", "event", "data")
	return m
}

func (d *Decoder) readGetHistory() ClientMessage {
	m := &GetHistory{}
	for i := range d.fields {
		switch f := &d.fields[i]; string(f.key) {
		case "t":
		case "ref":
			m.Ref = d.ref(f)
		case "stream":
			m.Stream = d.stream(f)
		case "before":
			m.Before = d.uint(f)
		case "limit":
			m.Limit = d.int(f)
		default:
			d.unknown()
		}
	}
	d.need("ref", "stream", "before", "limit")
	return m
}

func (d *Decoder) readAuth() ClientMessage {
	m := &Auth{}
	for i := range d.fields {
		switch f := &d.fields[i]; string(f.key) {
		case "t":
		case "ref":
			m.Ref = d.ref(f)
		case "token":
			m.Token = d.token(f)
		default:
			d.unknown()
		}
	}
	d.need("ref", "token")
	return m
}

func (d *Decoder) readPing() ClientMessage { return &Ping{N: d.readN()} }

// readN reads the only field of ping and pong.
func (d *Decoder) readN() (n uint64) {
	for i := range d.fields {
		switch f := &d.fields[i]; string(f.key) {
		case "t":
		case "n":
			n = d.uint(f)
		default:
			d.unknown()
		}
	}
	d.need("n")
	return n
}
