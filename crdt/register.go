package crdt

import "bytes"

// register is the state of lww: one value and the stamp of the write that made
// it. A value is never changed in place, so clones share it.
type register struct {
	stamp stamp
	value []byte // canonical JSON; nil when never set
}

func (g *register) Check(op Op) (int, error) {
	var o object
	if err := o.read(op); err != nil {
		return 0, err
	}
	next, err := g.next(&o, op)
	if err != nil {
		return 0, err
	}
	return next.Size() - g.Size(), nil
}

func (g *register) Apply(op Op) {
	var o object
	if o.read(op) != nil {
		return
	}
	next, err := g.next(&o, op)
	if err != nil || next.stamp == g.stamp && g.value != nil {
		return
	}
	g.stamp, g.value = next.stamp.kept(&g.stamp), bytes.Clone(next.value)
}

// next is the register after the op, with a value that is part of the op.
func (g *register) next(o *object, op Op) (register, error) {
	switch string(o.name) {
	case "set", "initial":
	default:
		return register{}, o.unknown()
	}
	if !o.exactly("value") {
		return register{}, Errorf(BadOp, `the only field of this op is "value"`)
	}
	next := register{value: o.get("value")}
	if string(o.name) == "set" {
		next.stamp = op.stamp()
	}
	if g.value != nil && next.stamp.compare(&g.stamp) <= 0 {
		return *g, nil
	}
	return next, nil
}

func (g *register) Clone() State {
	c := *g
	return &c
}

func (g *register) AppendState(b []byte) []byte {
	if g.value == nil {
		return append(b, `{"v":1}`...)
	}
	b = append(b, `{"stamp":[`...)
	b = g.stamp.append(b)
	b = append(b, `],"v":1,"value":`...)
	b = append(b, g.value...)
	return append(b, '}')
}

func (g *register) AppendValue(b []byte) []byte {
	if g.value == nil {
		return append(b, "null"...)
	}
	return append(b, g.value...)
}

func (g *register) Size() int {
	if g.value == nil {
		return len(`{"v":1}`)
	}
	return len(`{"stamp":[],"v":1,"value":}`) + g.stamp.len() + len(g.value)
}

func decodeRegister(encoded []byte) (State, error) {
	g := &register{}
	if string(encoded) == `{"v":1}` {
		return g, nil
	}
	r := reader{rest: encoded}
	r.want(`{"stamp":[`)
	g.stamp = r.stamp(&stamp{})
	r.want(`],"v":1,"value":`)
	g.value = bytes.Clone(r.value())
	r.want("}")
	if err := r.err(LWW, encoded); err != nil {
		return nil, err
	}
	return g, nil
}
