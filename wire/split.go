package wire

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// SplitOps takes one op, or an array of ops, apart and makes each canonical. It
// refuses what [Canonical] refuses, what is not an object (bad_op), an empty
// array (bad_op) and more than [MaxBatch] ops (too_large).
func SplitOps(body []byte) ([][]byte, error) {
	canonical, err := Canonical(nil, body)
	if err != nil {
		return nil, err
	}
	if canonical[0] != '[' {
		return checkOps([][]byte{canonical})
	}
	var list []jsontext.Value
	if err := json.Unmarshal(canonical, &list); err != nil {
		return nil, Errorf(BadJSON, "the body is not a JSON array")
	}
	ops := make([][]byte, len(list))
	for i, op := range list {
		ops[i] = op
	}
	return checkOps(ops)
}

func checkOps(ops [][]byte) ([][]byte, error) {
	if len(ops) == 0 {
		return nil, Errorf(BadOp, "there is no op in the array")
	}
	if len(ops) > MaxBatch {
		return nil, Errorf(TooLarge, "a request carries at most %d ops: send the rest in another", MaxBatch)
	}
	for _, op := range ops {
		if op[0] != '{' {
			return nil, Errorf(BadOp, "an op is a JSON object")
		}
	}
	return ops, nil
}
