package flowsync

import (
	"fmt"
	"strings"

	"github.com/wavesiddhartha/flowsync/wire"
)

func identityInputs() []badInput {
	var rows []badInput
	add := func(name string, stands uint64, send func(*trial), want ...string) {
		rows = append(rows, badInput{group: "identity", name: name, stands: stands, send: send, want: want})
	}
	const good = `{"op":"increment"}`
	push := func(seq, more string) string {
		return fmt.Sprintf(`{"t":"push","stream":"counter:bad","seq":%s,"ops":[%s]%s}`, seq, good, more)
	}
	for _, seq := range []string{"0", "-1", "1.5", "1e3", "-0"} {
		add("seq "+seq, 0, lines(push(seq, "")), "error bad_op")
	}
	for _, seq := range []string{`"1"`, "null", "9007199254740992", "[1]"} {
		add("seq "+seq, 0, lines(push(seq, "")), "error bad_message")
	}
	add("no seq", 0, lines(`{"t":"push","stream":"counter:bad","ops":[{"op":"increment"}]}`), "error bad_op")

	add("a gap", 0, lines(push("2", "")), "error seq_gap 2 expected 1")
	add("a gap is told once, and nothing is applied until a push fits", 2,
		lines(push("5", ""), push("6", ""), push("7", ""), push("1", ""), push("2", "")), "error seq_gap 5 expected 1", "ack 2")
	add("prev that is not the watermark", 1, lines(push("1", ""), push("2", `,"prev":0`)), "ack 1", "error seq_gap 2 expected 2")
	add("prev beyond seq", 0, lines(push("1", `,"prev":7`)), "error seq_gap 1 expected 1")
	add("prev over a hole that the author did not make", 1, lines(push("1", ""), push("5", `,"prev":3`)), "ack 1", "error seq_gap 5 expected 2")
	add("what was sent behind a rejected op is ignored", 1, func(a *trial) {
		p := a.join()
		p.push(a.on, 1, `{"op":"x"}`)
		p.push(a.on, 2, good) // ignored: its prev was refused
		p.Text(push("2", `,"prev":0`))
	}, "reject bad_op 1", "ack 2")
	add("into a hole", 1, func(a *trial) {
		p := a.join()
		p.push(a.on, 1, `{"op":"x"}`)
		p.Text(push("2", `,"prev":0`))
		a.listen("reject bad_op 1", "ack 2")
		p.push(a.on, 1, good)
	}, "reject bad_op 1", "ack 2", "error op_conflict 1")

	add("a thousand duplicates", 1, thousandDuplicates)
	add("a thousand duplicates of a batch", 3, func(a *trial) {
		p := a.join()
		for range 1000 {
			p.push(a.on, 1, good, good, good)
		}
	}, "ack 3")
	add("the same seq with other content", 1, func(a *trial) {
		p := a.join()
		p.push(a.on, 1, good)
		p.push(a.on, 1, `{"amount":1000,"op":"increment"}`)
	}, "ack 1", "error op_conflict 1")
	add("a batch that agrees, then differs", 2, func(a *trial) {
		p := a.join()
		p.push(a.on, 1, good, good)
		p.push(a.on, 1, good, `{"op":"decrement"}`, good)
	}, "ack 2", "error op_conflict 2")

	add("another user's writer", 1, func(a *trial) {
		p := a.join()
		p.push(a.on, 1, good)
		p.acked(1)
		p.Conn.Conn.Close()
		p = a.connectAs("ann")
		p.say(&wire.Hello{V: [2]int{1, 1}, Client: a.client, Inc: incOf(a.client), Streams: []wire.Open{rw(a.on)}})
		p.welcome = await[*wire.Welcome](p)
		a.listen("error client_mismatch")
		p.push(a.on, 2, good)
	}, "error client_mismatch", "error not_ready 2")
	add("a client that the token does not allow", 0, func(a *trial) {
		p := a.connectAs("pinned")
		p.say(&wire.Hello{V: [2]int{1, 1}, Client: "pinned-2", Inc: incOf("x")})
	}, "error client_mismatch", "close 4403")
	add("the client that the token allows", 0, func(a *trial) {
		p := a.connectAs("pinned")
		p.say(&wire.Hello{V: [2]int{1, 1}, Client: "pinned-1", Inc: incOf("x")})
	}, "welcome")
	add("a push to a stream that is not open", 0, func(a *trial) {
		a.joinAs("all")
		a.p.push(a.on, 1, good)
	}, "error not_ready 1")
	add("a push to a stream that is open for reading", 0, func(a *trial) {
		a.joinAs("all", r(a.on))
		a.p.push(a.on, 1, good)
	}, "error not_ready 1")

	// What a client claims to have seen is believed only if the hub signed it.
	for name, forge := range map[string]func(string) string{
		"of nowhere":         func(string) string { return "0123456789abcdef.7.89abcdef.0011223344556677" },
		"with another mac":   func(c string) string { return c[:len(c)-4] + "0000" },
		"far ahead":          func(c string) string { return replaceOffset(c, "9007199254740991") },
		"at offset 0":        func(c string) string { return replaceOffset(c, "0") },
		"cut off":            func(c string) string { return c[:20] },
		"of garbage":         func(string) string { return "';DROP TABLE streams;--" },
		"with a huge offset": func(c string) string { return replaceOffset(c, strings.Repeat("9", 100)) },
	} {
		add("a cursor "+name, 0, func(a *trial) {
			p := a.joinAs("all")
			done, err := a.world.query(a.t.Context(), a.on)
			if err != nil {
				a.t.Fatal(err)
			}
			o := rw(a.on)
			o.Cursor = forge(done.Cursor)
			a.cheaply(func() {
				p.say(&wire.Sub{Ref: "1", Open: o})
				a.listen("synced snapshot")
			})
		}, "synced snapshot")
	}
	add("acks of ops that never were", 1, func(a *trial) {
		p := a.joinAs("all")
		o := rw(a.on)
		o.Acked, o.Hash, o.Unacked = 1<<53-1, "0123456789abcdef", 1<<53-1
		p.say(&wire.Sub{Ref: "1", Open: o})
		a.listen("synced snapshot")
		p.push(a.on, 1, good)
	}, "synced snapshot", "ack 1")
	return rows
}

func replaceOffset(cursor, offset string) string {
	parts := strings.Split(cursor, ".")
	parts[1] = offset
	return strings.Join(parts, ".")
}

// thousandDuplicates sends one op a thousand times: once it is committed, each
// is acknowledged for itself.
func thousandDuplicates(a *trial) {
	p := a.join()
	before := a.world.value(a.on)
	p.push(a.on, 1, `{"op":"increment"}`)
	p.acked(1)
	for range 999 {
		p.push(a.on, 1, `{"op":"increment"}`)
	}
	for acks := 1; acks < 1000; {
		if _, ok := p.next().(*wire.Ack); ok {
			acks++
		} else if p.closed != 0 {
			a.t.Fatalf("closed with %d after %d acks", p.closed, acks)
		}
	}
	var from, to int
	fmt.Sscan(before, &from)
	fmt.Sscan(a.world.value(a.on), &to)
	if to != from+1 {
		a.t.Errorf("a thousand copies of one op made %d of %d", to, from)
	}
}
