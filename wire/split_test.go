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
	}{
		{"one", ` {"op":"increment", "amount":2} `, []string{`{"amount":2,"op":"increment"}`}, ""},
		{"array", `[{"b":1,"a":2}, {"x":"é"}]`, []string{`{"a":2,"b":1}`, `{"x":"é"}`}, ""},
		{"canonical array", `[{"a":2},{}]`, []string{`{"a":2}`, `{}`}, ""},
		{"deepest", `[` + nest(MaxOpDepth) + `]`, []string{nest(MaxOpDepth)}, ""},
		{"empty body", ``, nil, BadJSON},
		{"cut off", `[{}`, nil, BadJSON},
		{"two bodies", `{}{}`, nil, BadJSON},
		{"duplicate key", `[{"a":1,"a":1}]`, nil, BadJSON},
		{"empty array", `[ ]`, nil, BadOp},
		{"number", `5`, nil, BadOp},
		{"array of numbers", `[{},5]`, nil, BadOp},
		{"array in the array", `[[{}]]`, nil, BadOp},
		{"large integer", `[{"a":9007199254740992}]`, nil, BadOp},
		{"too deep", `[` + nest(MaxOpDepth+1) + `]`, nil, BadOp},
		{"half of a pair", `{"a":"\ud83d"}`, nil, BadText},
		{"1001 ops", `[` + strings.Repeat(`{},`, MaxBatch) + `{}]`, nil, TooLarge},
		{"large and not canonical", `{"z":"` + strings.Repeat("x", maxRewrite) + `","a":1}`, nil, TooLarge},
	} {
		got, err := SplitOps([]byte(c.body))
		if c.code != "" {
			var e *Error
			if !errors.As(err, &e) || e.Code != c.code || got != nil {
				t.Errorf("%s: %q, %v; want %s", c.name, got, err, c.code)
			}
			continue
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
