package crdt

import (
	"fmt"
	"testing"
)

// textVectors are histories of texts. Their ops are what replicas make of edits,
// so they are computed: each author edits what it has seen of the log.
func textVectors(t *testing.T) []script {
	t.Helper()
	type step struct {
		author string
		at     int // ops of the script that the author has seen
		body   string
	}
	build := func(name string, steps ...step) script {
		sc := script{rule: Text, name: name}
		var log []Op
		made := map[string][]int{} // indices in log, by author
		for i, st := range steps {
			view := Text.New()
			seen := map[int]bool{}
			for k := range st.at {
				seen[k] = true
			}
			for _, k := range made[st.author] {
				seen[k] = true
			}
			for k := range log {
				if seen[k] {
					view.Apply(log[k])
				}
			}
			id := uint64(1000)
			for _, c := range st.author {
				id = id*31 + uint64(c)
			}
			w := Writer{Client: st.author, Inc: "00000000000000a1"}
			op := Op{Offset: uint64(i) + 1, Writer: w, Seq: uint64(len(made[st.author])) + 1, Body: []byte(st.body)}
			body, err := view.(Editor).Edit(op, nil, id%(1<<32))
			if err != nil {
				t.Fatalf("%s, step %d: %v", name, i, err)
			}
			op.Body = body
			made[st.author] = append(made[st.author], i)
			log = append(log, op)
			sc.ops = append(sc.ops, fmt.Sprintf("%s %d %s", st.author, st.at, body))
		}
		return sc
	}
	return []script{
		{Text, "empty", nil},
		build("one author types and deletes",
			step{"alice", 0, `{"op":"insert","pos":0,"text":"hello wrold"}`},
			step{"alice", 1, `{"count":2,"op":"delete","pos":7}`},
			step{"alice", 2, `{"op":"insert","pos":7,"text":"or"}`},
			step{"alice", 3, `{"op":"insert","pos":11,"text":" 👋 é"}`},
			step{"alice", 3, `{"count":2,"op":"delete","pos":12}`},
		),
		build("two insert at one spot, neither knowing of the other",
			step{"alice", 0, `{"op":"insert","pos":0,"text":"[]"}`},
			step{"alice", 1, `{"op":"insert","pos":1,"text":"alice"}`},
			step{"bob", 1, `{"op":"insert","pos":1,"text":"bob"}`},
			step{"bob", 1, `{"op":"insert","pos":4,"text":"by"}`},
		),
		build("an insert into what another deletes",
			step{"alice", 0, `{"op":"insert","pos":0,"text":"abcdef"}`},
			step{"bob", 1, `{"count":4,"op":"delete","pos":1}`},
			step{"alice", 1, `{"op":"insert","pos":3,"text":"X"}`},
			step{"carol", 3, `{"count":2,"op":"replace","pos":0,"text":"👍"}`},
		),
		{Text, "founded by the hub", []string{
			`hub:initial 0 {"op":"initial","value":"line\n"}`,
			`hub:options 1 {"op":"options","root":"body"}`,
			`alice 2 {"op":"insert","pos":0,"text":"positions are made into updates first"}`,
			`alice 2 {"op":"update","update":"AAA="}`,
			`alice 2 {"op":"update","update":"AAA"}`,
			`alice 2 {"op":"increment"}`,
		}},
	}
}
