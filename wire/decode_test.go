package wire

import (
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLines(t *testing.T) {
	for msg, want := range map[string][]string{
		"":         {""},
		"\n":       {""},
		"a":        {"a"},
		"a\n":      {"a"},
		"a\nb":     {"a", "b"},
		"a\nb\n":   {"a", "b"},
		"a\n\nb":   {"a", "", "b"},
		"a\n\n":    {"a", ""},
		"\na":      {"", "a"},
		"a\r\nb\n": {"a\r", "b"},
	} {
		var got []string
		for line := range Lines([]byte(msg)) {
			got = append(got, string(line))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", msg, got, want)
		}
	}
	for range Lines([]byte("a\nb")) {
		break
	}
}

// TestForms decodes what peers may write that this package never would.
func TestForms(t *testing.T) {
	want := &Push{Stream: "a:b", Seq: 5, Prev: u64(3), Ops: [][]byte{[]byte(`{"amount":1,"op":"increment"}`), []byte(`{"x":"é"}`)}}
	var d Decoder
	for name, line := range map[string]string{
		"canonical":       `{"ops":[{"amount":1,"op":"increment"},{"x":"é"}],"prev":3,"seq":5,"stream":"a:b","t":"push"}`,
		"any order":       `{"t":"push","stream":"a:b","seq":5,"prev":3,"ops":[{"op":"increment","amount":1},{"x":"\u00e9"}]}`,
		"white space":     " { \"t\" : \"push\" ,\t\"stream\" : \"a:b\" , \"seq\" : 5 , \"prev\" : 3 , \"ops\" : [ { \"amount\" : 1 , \"op\" : \"increment\" } , { \"x\" : \"é\" } ] } \r",
		"escaped":         `{"\u0074":"pu\u0073h","stream":"a\u003ab","seq":5,"prev":3,"ops":[{"amount":1,"op":"\u0069ncrement"},{"x":"é"}]}`,
		"only one is not": `{"ops":[{"amount":1,"op":"increment"},{"x": "é"}],"prev":3,"seq":5,"stream":"a:b","t":"push"}`,
	} {
		got, err := d.Client([]byte(line))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(ClientMessage(want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestFractionsAreForTheRule: only integers in disguise are refused, and only
// where rules count with them.
func TestFractionsAreForTheRule(t *testing.T) {
	var d Decoder
	for op, want := range map[string]string{
		`{"amount":1.5}`:                  `{"amount":1.5}`,
		`{"pos":15e-1}`:                   `{"pos":1.5}`,
		`{"amount":"1e3"}`:                `{"amount":"1e3"}`,
		`{"count":[1e3]}`:                 `{"count":[1000]}`,
		`{"value":{"amount":1e3}}`:        `{"value":{"amount":1000}}`,
		`{"amounts":5.0,"Count":1e1}`:     `{"Count":10,"amounts":5}`,
		`{"amount":-0}`:                   `{"amount":0}`,
		`{"x":5.0,"amount":5,"pos":2}`:    `{"amount":5,"pos":2,"x":5}`,
		`{"pos\u0000":5.0,"count\"":1e0}`: `{"count\"":1,"pos\u0000":5}`,
	} {
		m, err := d.Client([]byte(pushOf(op)))
		if err != nil {
			t.Errorf("%s: %v", op, err)
			continue
		}
		if got := string(m.(*Push).Ops[0]); got != want {
			t.Errorf("%s became %s, want %s", op, got, want)
		}
	}
}

// TestPrefixStands: the ops before a refused one are handed out with the error.
func TestPrefixStands(t *testing.T) {
	const good = `{"amount":1,"op":"increment"}`
	var d Decoder
	for _, c := range []struct {
		name, ops string
		stand     int // -1: there is no push
		code      Code
		seq       uint64
	}{
		{"refused in the middle", good + `,` + good + `,{"amount":9007199254740992},` + good, 2, BadOp, 7},
		{"refused at the end", good + `,5`, 1, BadOp, 6},
		{"two refused", good + `,{"text":"\ud83d"},null`, 1, BadText, 6},
		{"refused and not canonical", `{"op":"increment","amount":1},[ ]`, 1, BadOp, 6},
		{"refused first", `null,` + good, 0, BadOp, 5},
		{"not JSON behind it", good + `,null,{"a":1,"a":1}`, -1, BadJSON, 0},
		{"not JSON in it", good + `,[{"a":1,"a":1}]`, -1, BadJSON, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := d.Client([]byte(pushOf(c.ops)))
			var e *Error
			if !errors.As(err, &e) || e.Code != c.code || e.Seq != c.seq {
				t.Fatalf("got %+v, want %s about seq %d", e, c.code, c.seq)
			}
			if c.stand < 0 {
				if m != nil {
					t.Fatalf("got %+v with the error", m)
				}
				return
			}
			p := m.(*Push)
			if p.Seq != 5 || p.Stream != "a:b" || len(p.Ops) != c.stand {
				t.Fatalf("got %+v, want %d ops from seq 5", p, c.stand)
			}
			for _, op := range p.Ops {
				if string(op) != good {
					t.Errorf("op is %s", op)
				}
			}
		})
	}
}

func TestLargestBatch(t *testing.T) {
	var d Decoder
	m, err := d.Client([]byte(pushOf(strings.Repeat(`{},`, MaxBatch-1) + `{}`)))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(m.(*Push).Ops); n != MaxBatch {
		t.Errorf("%d ops", n)
	}
}

// TestEveryPushTravelsOn: what a client may nest, the messages that carry it on
// may hold too.
func TestEveryPushTravelsOn(t *testing.T) {
	var d Decoder
	m, err := d.Client([]byte(pushOf(nest(MaxOpDepth))))
	if err != nil {
		t.Fatal(err)
	}
	op := slices.Clone(m.(*Push).Ops[0])
	for _, m := range []HubMessage{
		&Ops{Stream: "a:b", Cursor: "x", Entries: []Entry{{Off: 1, Client: "c", Inc: "00000000000000a1", Seq: 1, Op: op}}},
		&Presence{Stream: "a:b", Peers: []Peer{{Client: "c", Session: 1, State: op}}},
		&Event{Stream: "a:b", Client: "c", Event: "e", Data: op},
		&Synced{Stream: "a:b", Rule: "lww", Mode: Read, Outcome: Snapshot, State: []byte(`{"keys":{"k":[1,"c","i",1,` + string(op) + `]},"v":1}`)},
	} {
		if _, err := d.Hub(m.Append(nil)); err != nil {
			t.Errorf("%T: %v", m, err)
		}
	}
}

// TestLargeValues: sorting is bounded, size alone is not what is refused.
func TestLargeValues(t *testing.T) {
	long := strings.Repeat("x", maxRewrite)
	var d Decoder
	if _, err := d.Client([]byte(pushOf(`{"a":1,"z":"` + long + `"}`))); err != nil {
		t.Errorf("canonical: %v", err)
	}
	m, err := d.Client([]byte(pushOf(`{"op":"a"},{"z":"` + long + `","a":1}`)))
	var e *Error
	if !errors.As(err, &e) || e.Code != TooLarge || e.Seq != 6 || len(m.(*Push).Ops) != 1 {
		t.Errorf("not canonical: %+v with %v", e, m)
	}
	_, err = d.Client([]byte(`{"data":{"z":"` + long + `","a":1},"event":"e","stream":"a","t":"emit"}`))
	if !errors.As(err, &e) || e.Code != TooLarge {
		t.Errorf("not canonical, in an event: %v", err)
	}
}

// TestDecoderLetsGo: one large message leaves little behind.
func TestDecoderLetsGo(t *testing.T) {
	var d Decoder
	if _, err := d.Client([]byte(pushOf(`{"z":"` + strings.Repeat("x", 1<<19) + `","a":1},` + strings.Repeat(`{},`, 900) + `{}`))); err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		line := `{"data":1,"event":"e` + strings.Repeat("x", i%100) + string(rune('a'+i%26)) + `","stream":"a","t":"emit"}`
		if _, err := d.Client([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	if cap(d.scratch) > keepScratch || cap(d.ops) > keepItems || cap(d.push.Ops) > keepItems || len(d.names) > keepNames {
		t.Errorf("kept %d bytes, %d values, %d ops, %d names", cap(d.scratch), cap(d.ops), cap(d.push.Ops), len(d.names))
	}
}

// TestHostileLinesCostLittle: memory stays in proportion to the line, whatever
// it claims.
func TestHostileLinesCostLittle(t *testing.T) {
	var d Decoder
	for name, line := range map[string]string{
		"a million ops":   pushOf(strings.Repeat(`0,`, 1<<20) + `0`),
		"many fields":     `{` + manyFields(100_000) + `"t":"ping"}`,
		"a long number":   `{"n":` + strings.Repeat("9", 1<<20) + `,"t":"ping"}`,
		"a long fraction": `{"n":0.` + strings.Repeat("9", 1<<20) + `,"t":"ping"}`,
	} {
		raw := []byte(line)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := d.Client(raw); err == nil {
			t.Errorf("%s: accepted", name)
		}
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > uint64(2*len(raw)) {
			t.Errorf("%s: %d bytes for a line of %d", name, got, len(raw))
		}
	}
}

func TestAllocations(t *testing.T) {
	var d Decoder
	push := []byte(pushLine)
	ops := &Ops{Stream: "counter:value", From: 41, Cursor: "0123456789abcdef.42.89abcdef.0011223344556677", Entries: []Entry{
		{Off: 42, Client: "tab-1", Inc: "00000000000000a1", Seq: 8, At: 41, Op: []byte(`{"amount":5,"op":"increment"}`)},
		{Off: 43, Client: "tab-2", Inc: "00000000000000a2", Seq: 1, At: 41, Op: []byte(`{"amount":6,"op":"increment"}`)},
	}}
	ack := &Ack{Stream: "counter:value", Seq: 8, Hash: "1122334455667788"}
	pushed := &Push{Stream: "counter:value", Seq: 8, Prev: u64(7), At: u64(41), Ops: [][]byte{[]byte(`{"amount":5,"op":"increment"}`)}}
	opsLine, ackLine := ops.Append(nil), ack.Append(nil)
	room := make([]byte, 0, 4096)
	var key, chain [32]byte
	cursor := SignCursor(key, "counter:value", "0123456789abcdef", 42, chain)
	text := cursor.String()
	decodeHub := func(line []byte) func() {
		return func() {
			if _, err := d.Hub(line); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		name string
		most float64
		f    func()
	}{
		{"decode a push", 0, func() {
			if _, err := d.Client(push); err != nil {
				t.Fatal(err)
			}
		}},
		{"decode ops", 1, decodeHub(opsLine)}, // its cursor
		{"decode an ack", 1, decodeHub(ackLine)},
		{"encode a push", 0, func() { pushed.Append(room) }},
		{"encode ops", 0, func() { ops.Append(room) }},
		{"encode an ack", 0, func() { ack.Append(room) }},
		{"canonical already", 0, func() {
			if _, err := Canonical(room, pushed.Ops[0]); err != nil {
				t.Fatal(err)
			}
		}},
		{"writer hash", 0, func() { WriterHash([8]byte{}, 8, pushed.Ops[0]) }},
		{"op hash", 0, func() { OpHash("tab-1", "00000000000000a1", 8, 41, pushed.Ops[0]) }},
		{"sign a cursor", 0, func() { SignCursor(key, "counter:value", "0123456789abcdef", 42, chain) }},
		{"verify a cursor", 0, func() { cursor.Verify(key, "counter:value") }},
		{"parse a cursor", 0, func() { ParseCursor(text) }},
		{"append a cursor", 0, func() { cursor.Append(room) }},
		{"match a pattern", 0, func() { MatchPattern("chat:*:log", "chat:general:log") }},
	} {
		if got := testing.AllocsPerRun(100, c.f); got > c.most {
			t.Errorf("%s: %v allocations, want at most %v", c.name, got, c.most)
		}
	}
}
