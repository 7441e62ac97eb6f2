package wire

// SplitOps takes one op, or an array of ops, apart and makes each canonical, for
// bodies of HTTP requests. It refuses what a push refuses: bad_json for what is
// not JSON; bad_op for an empty array and for what is not an op; bad_text;
// too_large for more than [MaxBatch] ops. The ops are copies.
func SplitOps(body []byte) ([][]byte, error) {
	v, reason := scan(body)
	if reason != "" {
		return nil, Errorf(BadJSON, "%s", reason)
	}
	if v.raw[0] != '[' {
		op, err := v.op()
		if err != nil {
			return nil, err
		}
		return [][]byte{op}, nil
	}
	// Not trusted, even if it is canonical: the depth of each op must be known.
	l := list{s: scanner{b: v.raw, depth: 1}}
	l.inside = l.s.enter() && !l.s.empty(']')
	var ops [][]byte
	for l.next() {
		if len(ops) == MaxBatch {
			return nil, Errorf(TooLarge, "a request carries at most %d ops: send the rest in another", MaxBatch)
		}
		op, err := l.v.op()
		if err != nil {
			return nil, err
		}
		ops = append(ops, op)
	}
	if len(ops) == 0 {
		return nil, Errorf(BadOp, "there is no op in the array")
	}
	return ops, nil
}

// op returns the canonical form of an op.
func (v *value) op() ([]byte, error) {
	if e := v.refuseOp(); e != nil {
		return nil, e
	}
	return v.appendCanonical(nil)
}

// refuseOp says why a value cannot be an op, or nil.
func (v *value) refuseOp() *Error {
	switch {
	case v.flaw != sound || v.depth > MaxOpDepth:
		return v.refusal(BadOp)
	case v.raw[0] != '{':
		return Errorf(BadOp, "an op is a JSON object")
	case v.oversized():
		return Errorf(TooLarge, oversizedText)
	}
	return nil
}
