package wire

func (d *Decoder) readSynced() HubMessage {
	m := &Synced{}
	for i := range d.fields {
		switch f := &d.fields[i]; string(f.key) {
		case "t":
		case "ref":
			m.Ref = d.ref(f)
		case "stream":
			m.Stream = d.stream(f)
		case "rule":
			m.Rule = d.name(f)
		case "options":
			m.Options = d.json(f)
		case "mode":
			m.Mode = d.mode(f)
		case "outcome":
			m.Outcome = d.outcome(f)
		case "cursor":
			m.Cursor = string(d.some(f, maxID))
		case "state":
			m.State = d.json(f)
		case "base":
			m.Base = d.uint(f)
		case "value":
			m.Value = d.json(f)
		case "entries":
			m.Entries = d.entriesOf(f)
		case "yours":
			m.Yours = d.yours(f)
		default:
			d.unknown()
		}
	}
	d.need("stream", "outcome")
	switch {
	case m.Outcome != Denied && m.Outcome != Gone:
		d.need("rule", "mode")
	case m.Mode != "":
		d.fail(BadMessage, `nothing is granted with this outcome, so there is no "mode"`)
	}
	if m.State != nil {
		d.need("base")
	} else if m.Base != 0 {
		d.need("state")
	}
	if m.State != nil && m.Value != nil {
		d.fail(BadMessage, `"state" and "value" exclude each other`)
	}
	return m
}

func (d *Decoder) outcome(f *field) Outcome {
	switch o := Outcome(d.bytes(f)); o {
	case Resumed, Delta, Snapshot, WriteOnly, Denied, Gone:
		return o
	}
	d.fail(BadMessage, `"outcome" is none of the six`)
	return ""
}

func (d *Decoder) yours(f *field) *Yours {
	y := &Yours{}
	fields := d.object(f.value, "hash", "seq")
	for i := range fields {
		switch f := &fields[i]; string(f.key) {
		case "seq":
			y.Seq = d.uint(f)
		case "hash":
			y.Hash = string(d.hash(f))
		case "trail":
			for l := d.list(f.value); l.next() && d.err == nil; {
				y.Trail = append(y.Trail, d.mark(l.v))
			}
		default:
			d.unknown()
		}
	}
	return y
}

// mark reads [seq, hash].
func (d *Decoder) mark(v value) (m Mark) {
	n := 0
	for l := d.list(v); l.next(); n++ {
		switch n {
		case 0:
			m.Seq = d.uint(&field{value: l.v})
		case 1:
			m.Hash = string(d.hash(&field{value: l.v}))
		}
	}
	if n != 2 {
		d.fail(BadMessage, `"trail" is a list of [seq, hash]`)
	}
	return m
}
