package wire

import (
	"errors"
	"strings"
	"testing"
)

func TestSplitOps(t *testing.T) {
	for _, c := range []struct {
		name, body string
		want       []string
		code       Code
		seq        uint64
	}{
		{"one", ` {"op":"increment", "amount":2} `, []string{`{"amount":2,"op":"increment"}`}, "", 0},
		{"array", `[{"b":1,"a":2}, {"x":"é"}]`, []string{`{"a":2,"b":1}`, `{"x":"é"}`}, "", 0},
		{"canonical array", `[{"a":2},{}]`, []string{`{"a":2}`, `{}`}, "", 0},
		{"deepest", `[` + nest(MaxOpDepth) + `]`, []string{nest(MaxOpDepth)}, "", 0},
		{"empty body", ``, nil, BadJSON, 0},
		{"cut off", `[{}`, nil, BadJSON, 0},
		{"two bodies", `{}{}`, nil, BadJSON, 0},
		{"duplicate key", `[{"a":1,"a":1}]`, nil, BadJSON, 0},
		{"empty array", `[ ]`, nil, BadOp, 0},
		{"number", `5`, nil, BadOp, 1},
		{"array of numbers", `[{},5]`, []string{`{}`}, BadOp, 2},
		{"refused in the middle", `[{"b":1,"a":2},{"text":"\ud83d"},{},5]`, []string{`{"a":2,"b":1}`}, BadText, 2},
		{"exponent", `[{"amount":1},{"amount":1e3}]`, []string{`{"amount":1}`}, BadOp, 2},
		{"large in the middle", `[{},{"z":"` + strings.Repeat("x", maxRewrite) + `","a":1},{}]`, []string{`{}`}, TooLarge, 2},
		{"duplicate key behind a refused op", `[5,{"a":1,"b":1,"a":1}]`, nil, BadJSON, 0},
		{"1001 ops behind a refused op", `[5,` + strings.Repeat(`{},`, MaxBatch-1) + `{}]`, nil, TooLarge, 0},
		{"array in the array", `[[{}]]`, nil, BadOp, 1},
		{"large integer", `[{"a":9007199254740992}]`, nil, BadOp, 1},
		{"too deep", `[` + nest(MaxOpDepth+1) + `]`, nil, BadOp, 1},
		{"half of a pair", `{"a":"\ud83d"}`, nil, BadText, 1},
		{"1001 ops", `[` + strings.Repeat(`{},`, MaxBatch) + `{}]`, nil, TooLarge, 0},
		{"large and not canonical", `{"z":"` + strings.Repeat("x", maxRewrite) + `","a":1}`, nil, TooLarge, 1},
	} {
		got, err := SplitOps([]byte(c.body))
		if c.code != "" {
			var e *Error
			if !errors.As(err, &e) || e.Code != c.code || e.Seq != c.seq {
				t.Errorf("%s: %v about op %d; want %s about op %d", c.name, err, e.Seq, c.code, c.seq)
			}
			err = nil
		}
		if err != nil || len(got) != len(c.want) {
			t.Errorf("%s: %q, %v", c.name, got, err)
			continue
		}
		for i, op := range got {
			if string(op) != c.want[i] {
				t.Errorf("%s: op %d is %s, want %s", c.name, i, op, c.want[i])
			}
		}
	}
}
