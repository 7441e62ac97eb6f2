package wire

import (
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// refuseOp says why a value cannot be an op, or nil.
func (v *value) refuseOp() *Error {
	switch {
	case v.flaw != sound || v.depth > MaxOpDepth:
		return v.refusal(BadOp)
	case v.raw[0] != '{':
		return Errorf(BadOp, "an op is a JSON object")
	case v.oversized():
		return Errorf(TooLarge, oversizedText)
	case v.pointed && disguised(v.raw):
		return Errorf(BadOp, "amount, pos and count are written in digits alone: 1000, not 1e3 or 1000.0")
	}
	return nil
}

// disguised reports whether an op counts with an integer that is written with a
// point or an exponent. Rules take such members as integer literals alone, and
// the canonical form would hide from them how the author wrote it. Numbers with
// a fraction are left to the rule.
func disguised(op []byte) bool {
	s := scanner{b: op}
	for more := s.enter() && !s.empty('}'); more; more, _ = s.more('}') {
		key, _ := s.key()
		if v, _ := s.take(); v.pointed && counts(key) && whole(v.raw) {
			return true
		}
	}
	return false
}

// counts reports whether a key, as written, is one that rules count with.
func counts(key []byte) bool {
	var room [16]byte
	name, err := jsontext.AppendUnquote(room[:0], `"`+string(key)+`"`)
	if err != nil {
		return false
	}
	switch string(name) {
	case "amount", "pos", "count":
		return true
	}
	return false
}

// whole reports whether a JSON value is a number without a fraction.
func whole(raw []byte) bool {
	f, err := strconv.ParseFloat(string(raw), 64)
	return err == nil && f == math.Trunc(f)
}
