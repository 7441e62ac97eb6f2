package crdt

import (
	"errors"
	"testing"
)

var builtins = []Builtin{Counter, Set, ORSet, Map, LWW, Log, Ephemeral}

// alice, bob and hub are writers of the tests.
var (
	alice = Writer{"alice", "a1"}
	bob   = Writer{"bob", "b1"}
)

func hub(name string) Writer { return Writer{"hub:" + name, "h1"} }

// history applies ops in order to a state, numbering offsets and seqs.
type history struct {
	t     *testing.T
	rule  Rule
	state State
	head  uint64
	seq   map[Writer]uint64
}

func newHistory(t *testing.T, rule Rule) *history {
	return &history{t, rule, rule.New(), 0, map[Writer]uint64{}}
}

func (h *history) op(w Writer, at uint64, body string) Op {
	return Op{Offset: h.head + 1, At: at, Writer: w, Seq: h.seq[w] + 1, Body: []byte(body)}
}

// push checks and applies an op whose author has applied everything.
func (h *history) push(w Writer, body string) *history {
	h.t.Helper()
	return h.pushAt(w, h.head, body)
}

func (h *history) pushAt(w Writer, at uint64, body string) *history {
	h.t.Helper()
	op := h.op(w, at, body)
	if _, err := h.state.Check(op); err != nil {
		h.t.Fatalf("%s: op %s refused: %v", h.rule.Name(), body, err)
	}
	h.state.Apply(op)
	h.head++
	h.seq[w]++
	return h
}

// refuse requires that the next op is refused with code and changes nothing.
func (h *history) refuse(w Writer, code Code, body string) *history {
	h.t.Helper()
	op := h.op(w, h.head, body)
	before := string(h.state.AppendState(nil))
	_, err := h.state.Check(op)
	if got := codeOf(err); got != code {
		h.t.Errorf("%s: op %.80s: got %q (%v), want %q", h.rule.Name(), body, got, err, code)
	}
	h.state.Apply(op)
	if after := string(h.state.AppendState(nil)); after != before {
		h.t.Errorf("%s: refused op %.80s changed the state:\n%s\n%s", h.rule.Name(), body, before, after)
	}
	return h
}

func codeOf(err error) Code {
	var refused *Error
	if errors.As(err, &refused) {
		return refused.Code
	}
	return ""
}

func (h *history) value(want string) *history {
	h.t.Helper()
	if got := string(h.state.AppendValue(nil)); got != want {
		h.t.Errorf("%s: value %s, want %s", h.rule.Name(), got, want)
	}
	return h
}

func (h *history) encoding(want string) *history {
	h.t.Helper()
	if got := string(h.state.AppendState(nil)); got != want {
		h.t.Errorf("%s: state\n%s, want\n%s", h.rule.Name(), got, want)
	}
	return h
}
