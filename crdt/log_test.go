package crdt

import (
	"fmt"
	"strings"
	"testing"
)

func TestLog(t *testing.T) {
	h := newHistory(t, Log)
	h.value(`[]`).encoding(`{"entries":[],"keep":1000,"v":1}`)
	h.push(alice, `{"op":"append","value":"one"}`)
	h.push(bob, `{"op":"append","value":null}`)
	h.push(alice, `{"op":"append","value":{"n":3}}`)
	h.value(`["one",null,{"n":3}]`).encoding(`{"entries":[[1,"one"],[2,null],[3,{"n":3}]],"keep":1000,"v":1}`)
	h.push(hub("options"), `{"keep":2,"op":"options"}`)
	h.value(`[null,{"n":3}]`)
	h.push(bob, `{"op":"append","value":5}`)
	h.value(`[{"n":3},5]`).encoding(`{"entries":[[3,{"n":3}],[5,5]],"keep":2,"v":1}`)
	h.push(hub("trim"), `{"before":5,"op":"trim"}`)
	h.value(`[5]`)
	h.push(hub("options"), `{"keep":3,"op":"options"}`)
	h.push(bob, `{"op":"append","value":8}`)
	h.push(bob, `{"op":"append","value":9}`)
	h.push(hub("redact"), `{"offset":8,"op":"redact"}`)
	h.push(hub("redact"), `{"offset":7,"op":"redact"}`) // never was an entry
	h.value(`[5,9]`).encoding(`{"entries":[[5,5],[9,9]],"keep":3,"v":1}`)
	if got := string(h.state.(Configurable).AppendOptions(nil)); got != `{"keep":3}` {
		t.Errorf("options %s", got)
	}
	h.push(hub("trim"), `{"before":99,"op":"trim"}`)
	h.value(`[]`)
}

func TestLogRefuses(t *testing.T) {
	h := newHistory(t, Log)
	h.refuse(alice, BadOp, `{"op":"append"}`)
	h.refuse(alice, BadOp, `{"key":"k","op":"append","value":1}`)
	h.refuse(alice, TooLarge, `{"op":"append","value":"`+strings.Repeat("x", MaxLogEntry-1)+`"}`)
	h.refuse(alice, WrongRule, `{"op":"add","value":"x"}`)
	for _, op := range []string{`{"before":1,"op":"trim"}`, `{"offset":1,"op":"redact"}`, `{"keep":5,"op":"options"}`, `{"op":"initial","value":[]}`} {
		h.refuse(alice, BadOp, op)
		h.refuse(hub("other"), BadOp, op)
	}
	for _, n := range []string{`0`, `-1`, `1.5`, `"1"`, `null`} {
		h.refuse(hub("trim"), BadOp, `{"before":`+n+`,"op":"trim"}`)
		h.refuse(hub("redact"), BadOp, `{"offset":`+n+`,"op":"redact"}`)
		h.refuse(hub("options"), BadOp, `{"keep":`+n+`,"op":"options"}`)
	}
	h.refuse(hub("options"), BadOp, fmt.Sprintf(`{"keep":%d,"op":"options"}`, MaxKeep+1))
	h.refuse(hub("options"), BadOp, `{"op":"options"}`)
	h.refuse(hub("trim"), BadOp, `{"op":"trim"}`)
	h.refuse(hub("redact"), BadOp, `{"before":1,"op":"redact"}`)
	h.refuse(hub("initial"), BadOp, `{"op":"initial","value":{}}`)
	h.refuse(hub("initial"), TooLarge, `{"op":"initial","value":["`+strings.Repeat("x", MaxLogEntry-1)+`"]}`)
}

func TestLogInitial(t *testing.T) {
	h := newHistory(t, Log)
	h.push(hub("initial"), `{"op":"initial","value":["a","b"]}`)
	h.push(alice, `{"op":"append","value":"c"}`)
	h.value(`["a","b","c"]`).encoding(`{"entries":[[1,"a"],[1,"b"],[2,"c"]],"keep":1000,"v":1}`)

	h = newHistory(t, Log)
	h.push(hub("initial"), `{"op":"initial","value":[0`+strings.Repeat(",1", DefaultKeep)+`]}`)
	h.value(`[1` + strings.Repeat(",1", DefaultKeep-1) + `]`)
}

// The log's state never exceeds its bounds, and an append never is stream_full.
func TestLogBytes(t *testing.T) {
	h := newHistory(t, Log)
	count := func(want int) {
		t.Helper()
		if l := h.state.(*appendLog); len(l.entries) != want || l.bytes > MaxLogBytes {
			t.Fatalf("%d entries of %d bytes, want %d within %d", len(l.entries), l.bytes, want, MaxLogBytes)
		}
	}
	big := `{"op":"append","value":"` + strings.Repeat("x", MaxLogEntry-2) + `"}`
	h.push(alice, `{"op":"append","value":"first"}`)
	for range 3 {
		h.push(alice, big)
	}
	h.push(alice, `{"op":"append","value":"last"}`)
	count(5)
	h.push(alice, big)
	count(4) // two big ones, "last", a third
	h.push(alice, big).push(alice, big)
	count(4) // "last" and three big ones
	h.push(alice, big)
	count(4) // four big ones, which is the limit to the byte
	recode(t, Log, h.state)
	h.push(alice, `{"op":"append","value":1}`)
	count(4)
}

// A replica that reads the log after an entry was cleaned out of it drops the
// same older entries as one that saw the value.
func TestLogRedactedReplay(t *testing.T) {
	big := `{"op":"append","value":"` + strings.Repeat("x", MaxLogEntry-2) + `"}`
	secret := `{"op":"append","value":"` + strings.Repeat("s", 1000) + `"}`
	cleaned, ok := RedactAppend([]byte(secret))
	if !ok || string(cleaned) != `{"op":"append","redacted":1002}` {
		t.Fatalf("redacted: %s %v", cleaned, ok)
	}
	live, later := Log.New(), Log.New()
	for i, body := range []string{`{"op":"append","value":"first"}`, secret, big, big, big, big, `{"op":"append","value":1}`} {
		op := Op{Offset: uint64(i + 1), Writer: alice, Seq: uint64(i + 1), Body: []byte(body)}
		live.Apply(op)
		if body == secret {
			op.Body = cleaned
		}
		later.Apply(op)
		if a, b := live.(*appendLog), later.(*appendLog); a.bytes != b.bytes || len(a.entries) != len(b.entries) {
			t.Fatalf("after op %d: kept %d entries of %d bytes live, %d of %d later", i+1, len(a.entries), a.bytes, len(b.entries), b.bytes)
		}
	}

	// Between the entry and its redaction the cleaned one shows no value.
	h := newHistory(t, Log)
	h.push(alice, `{"op":"append","value":1}`)
	h.refuse(alice, BadOp, `{"op":"append","redacted":-1}`)
	op := h.op(alice, 1, string(cleaned))
	if _, err := h.state.Check(op); codeOf(err) != BadOp {
		t.Errorf("a redacted append may be committed: %v", err)
	}
	h.state.Apply(op)
	h.head++
	h.value(`[1]`).encoding(`{"entries":[[1,1],[2,null,1002]],"keep":1000,"v":1}`)
	if s, err := Log.Decode(h.state.AppendState(nil)); err != nil || s.Size() != h.state.Size() {
		t.Errorf("decode: %v", err)
	}
	h.push(hub("redact"), `{"offset":2,"op":"redact"}`)
	h.encoding(`{"entries":[[1,1]],"keep":1000,"v":1}`)

	for _, body := range []string{``, `{}`, `{"op":"append"}`, string(cleaned), `{"op":"trim"}`, `{"op":"append","value":1,"x":1}`} {
		if _, ok := RedactAppend([]byte(body)); ok {
			t.Errorf("redacted %q", body)
		}
	}
}
