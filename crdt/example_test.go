package crdt_test

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/wavesiddhartha/flowsync/crdt"
)

// Max is a rule of one's own: a stream that holds the greatest number anyone
// reported, such as a high score.
type Max struct{}

func (Max) Name() string { return "max" }

func (Max) New() crdt.State { return &high{} }

func (Max) Decode(encoded []byte) (crdt.State, error) {
	n, err := strconv.ParseUint(string(encoded), 10, 53)
	if err != nil || strconv.FormatUint(n, 10) != string(encoded) {
		return nil, fmt.Errorf("decode max: not an integer in canonical form")
	}
	return &high{n}, nil
}

type high struct{ n uint64 }

// report is the rule's one op: {"n":42,"op":"report"}.
func (m *high) report(op crdt.Op) (uint64, error) {
	var report struct {
		Op string
		N  uint64
	}
	if err := json.Unmarshal(op.Body, &report); err != nil || report.Op != "report" || report.N >= 1<<53 {
		return 0, crdt.Errorf(crdt.BadOp, `an op of max is {"n":…,"op":"report"} with an integer from 0 to 2^53−1`)
	}
	return report.N, nil
}

func (m *high) Check(op crdt.Op) (grow int, err error) {
	n, err := m.report(op)
	if err != nil || n <= m.n {
		return 0, err
	}
	return len(strconv.FormatUint(n, 10)) - m.Size(), nil
}

func (m *high) Apply(op crdt.Op) {
	if n, err := m.report(op); err == nil && n > m.n {
		m.n = n
	}
}

func (m *high) Clone() crdt.State           { return &high{m.n} }
func (m *high) AppendState(b []byte) []byte { return strconv.AppendUint(b, m.n, 10) }
func (m *high) AppendValue(b []byte) []byte { return strconv.AppendUint(b, m.n, 10) }
func (m *high) Size() int                   { return len(strconv.FormatUint(m.n, 10)) }

// A rule is two small types: what the rule is, and the state of one stream.
func Example_customRule() {
	var rule crdt.Rule = Max{}
	state := rule.New()
	for i, body := range []string{`{"n":120,"op":"report"}`, `{"n":90,"op":"report"}`, `{"n":-1,"op":"report"}`} {
		op := crdt.Op{Offset: uint64(i + 1), Writer: crdt.Writer{Client: "alice"}, Seq: uint64(i + 1), Body: []byte(body)}
		if _, err := state.Check(op); err != nil {
			fmt.Println(err)
			continue
		}
		state.Apply(op)
	}
	fmt.Printf("%s\n", state.AppendValue(nil))
	// Output:
	// bad_op: an op of max is {"n":…,"op":"report"} with an integer from 0 to 2^53−1
	// 120
}

// Two devices edit a guest list at the same time: one removes a guest whom the
// other adds anew. The add wins, since the remove did not know of it.
func ExampleRule() {
	rule, _ := crdt.Lookup("crdt-orset")
	guests := rule.New()
	log := []crdt.Op{
		{Offset: 1, At: 0, Writer: crdt.Writer{Client: "alice"}, Seq: 1, Body: []byte(`{"op":"add","value":"Zoe"}`)},
		{Offset: 2, At: 1, Writer: crdt.Writer{Client: "bob"}, Seq: 1, Body: []byte(`{"op":"add","value":"Zoe"}`)},
		{Offset: 3, At: 1, Writer: crdt.Writer{Client: "alice"}, Seq: 2, Body: []byte(`{"op":"remove","value":"Zoe"}`)},
	}
	for _, op := range log {
		guests.Apply(op)
	}
	fmt.Printf("%s\n", guests.AppendValue(nil))
	// Output: ["Zoe"]
}

// Counters that grew apart, without a hub, join by the greater total of each
// client.
func ExampleMerge() {
	add := func(client, body string) crdt.State {
		s := crdt.Counter.New()
		s.Apply(crdt.Op{Offset: 1, Writer: crdt.Writer{Client: client}, Seq: 1, Body: []byte(body)})
		return s
	}
	a := add("alice", `{"amount":5,"op":"increment"}`)
	b := add("bob", `{"amount":2,"op":"decrement"}`)
	both, err := crdt.Merge(a, b)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s\n", both.AppendValue(nil))
	// Output: 3
}
