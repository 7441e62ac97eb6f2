package wire

// SplitOps takes one op, or an array of ops, apart and makes each canonical, for
// bodies of HTTP requests. It refuses what a push refuses: bad_json for what is
// not JSON; bad_op for an empty array; too_large for more than [MaxBatch] ops.
// The ops are copies.
//
// When one op is refused for itself (bad_op, bad_text, too_large), the ops before
// it stand: they are returned together with an *[Error] whose Seq is the place of
// the refused op, counted from 1. All other errors come without ops and with Seq
// 0.
func SplitOps(body []byte) ([][]byte, error) {
	v, reason := scan(body)
	if reason != "" {
		return nil, Errorf(BadJSON, "%s", reason)
	}
	var ops splitter
	if v.raw[0] != '[' {
		ops.add(v)
		return ops.split()
	}
	// Not trusted, even if it is canonical: the depth of each op must be known.
	l := list{s: scanner{b: v.raw, depth: 1}}
	l.inside = l.s.enter() && !l.s.empty(']')
	for l.next() && ops.err == nil {
		ops.add(l.v)
	}
	if ops.n == 0 {
		return nil, Errorf(BadOp, "there is no op in the array")
	}
	return ops.split()
}

// splitter collects the ops of a request up to the first that is refused. The
// rest is looked at nevertheless: a key twice anywhere refuses the request.
type splitter struct {
	n       int
	ops     [][]byte
	refused *Error
	err     error
}

func (s *splitter) add(v value) {
	if s.n++; s.n > MaxBatch {
		s.err = Errorf(TooLarge, "a request carries at most %d ops: send the rest in another", MaxBatch)
		return
	}
	if e := v.refuseOp(); e != nil && s.refused == nil {
		s.refused = e
		s.refused.Seq = uint64(s.n)
	}
	if v.flaw != sound || v.oversized() {
		return
	}
	op, err := v.appendCanonical(nil)
	if err != nil {
		s.err = err
		return
	}
	if s.refused == nil {
		s.ops = append(s.ops, op)
	}
}

func (s *splitter) split() ([][]byte, error) {
	switch {
	case s.err != nil:
		return nil, s.err
	case s.refused != nil:
		return s.ops, s.refused
	}
	return s.ops, nil
}
