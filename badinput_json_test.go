package flowsync

import (
	"fmt"
	"strings"
)

func jsonInputs() []badInput {
	var rows []badInput
	add := func(name string, send func(*trial), want ...string) {
		rows = append(rows, badInput{group: "json", name: name, send: send, want: want})
	}
	is := func(code, name, line string) { add(name, lines(line), "error "+code) }
	hello := func(f string) string { return `{"t":"hello","inc":"00000000000000a1",` + f + `}` }

	is("bad_json", "broken", `{"t":"ping","n":`)
	is("bad_json", "empty", ``)
	is("bad_json", "not JSON", payload)
	is("bad_json", "two documents on one line", `{"t":"ping","n":1}{"t":"ping","n":2}`)
	is("bad_json", "two documents with a space", `{"t":"ping","n":1} {"t":"ping","n":2}`)
	is("bad_json", "key twice", `{"t":"ping","n":1,"n":2}`)
	is("bad_json", "key twice, once escaped", `{"t":"ping","n":1,"\u006e":2}`)
	is("bad_json", "key twice in an op", `{"t":"push","stream":"counter:bad","seq":1,"ops":[{"op":"increment","amount":1,"amount":9}]}`)
	is("bad_json", "NaN", `{"t":"ping","n":NaN}`)
	is("bad_json", "Infinity", `{"t":"ping","n":Infinity}`)
	is("bad_json", "33 deep", `{"t":"emit","stream":"counter:bad","event":"e","data":`+strings.Repeat("[", 32)+strings.Repeat("]", 32)+`}`)
	is("bad_json", "a million deep", `{"t":"emit","data":`+strings.Repeat("[", 1_000_000))
	is("bad_json", "comment", `{"t":"ping",/* n */"n":1}`)
	is("bad_json", "byte order mark", "\ufeff"+`{"t":"ping","n":1}`)
	is("bad_message", "null", `null`)
	is("bad_message", "array", `[{"t":"ping","n":1}]`)
	is("bad_message", "string", `"ping"`)
	is("bad_message", "number", `17`)
	is("bad_message", "no type", `{"n":1}`)
	is("bad_message", "key in another case", `{"t":"ping","N":1}`)
	is("bad_message", "unknown field", `{"t":"ping","n":1,"admin":true}`)
	is("bad_message", "__proto__ as a field", `{"t":"ping","n":1,"__proto__":{}}`)
	is("bad_message", "a field of the wrong type", `{"t":"ping","n":"1"}`)
	is("bad_message", "a field missing", `{"t":"ping"}`)
	is("bad_message", "integer with a point", `{"t":"ping","n":1.0}`)
	is("bad_message", "integer beyond 2^53-1", `{"t":"ping","n":9007199254740992}`)
	is("bad_message", "a second hello", hello(`"client":"x","v":[1,1]`))
	is("unknown_type", "unknown type", `{"t":"`+payload+`"}`)
	is("unknown_type", "a hub's type", `{"t":"pong","n":1}`)
	is("unknown_type", "type in another case", `{"t":"Ping","n":1}`)
	is("bad_text", "lone surrogate in an event", `{"t":"emit","stream":"counter:bad","event":"e","data":"\ud800"}`)
	is("bad_text", "lone surrogate in a presence", `{"t":"presence","stream":"counter:bad","state":"\udc00"}`)
	is("bad_message", "ref of 129 bytes", `{"t":"history","ref":"`+strings.Repeat("r", 129)+`","stream":"counter:bad","before":0,"limit":1}`)
	is("bad_message", "event without a name", `{"t":"emit","stream":"counter:bad","event":"","data":1}`)
	is("bad_message", "history before -1", `{"t":"history","ref":"1","stream":"counter:bad","before":-1,"limit":1}`)
	is("bad_message", "open in no mode", `{"t":"sub","ref":"1","stream":"counter:bad","mode":"x","as":"state"}`)

	add("what follows a bad line stands", lines("{\n"+`{"t":"ping","n":7}`), "error bad_json", "pong 7")
	add("an empty line between", lines(`{"t":"ping","n":1}`+"\n\n"+`{"t":"ping","n":2}`), "pong 1", "error bad_json", "pong 2")
	add("a newline at the end", lines(`{"t":"ping","n":1}`+"\n"), "pong 1")
	add("five bad messages", lines(`1`, `{`, `null`, `{"t":"x"}`, `{"t":"ping"}`, `{"t":"ping","n":1}`),
		"error bad_message", "error bad_json", "error bad_message", "error unknown_type", "error bad_message", "close 4400")
	add("ten bad ops are no bad messages", func(a *trial) {
		p := a.join()
		for range 10 {
			p.push(a.on, 1, `{"op":"x"}`)
		}
	}, "reject bad_op 1", "reject bad_op 1", "reject bad_op 1", "reject bad_op 1", "reject bad_op 1", "reject bad_op 1", "reject bad_op 1", "reject bad_op 1", "reject bad_op 1", "reject bad_op 1")

	add("push before hello", bare(`{"t":"push","stream":"counter:bad","seq":1,"ops":[{"op":"increment"}]}`), "error not_ready")
	add("sub before hello", bare(`{"t":"sub","ref":"1","stream":"counter:bad","mode":"r","as":"state"}`), "error not_ready")
	add("five messages before hello", bare(`{"t":"ping","n":1}`, `{"t":"ping","n":1}`, `{"t":"ping","n":1}`, `{"t":"ping","n":1}`, `{"t":"ping","n":1}`),
		"error not_ready", "error not_ready", "error not_ready", "error not_ready", "error not_ready", "close 4400")
	add("version 999", bare(hello(`"client":"x","v":[999,999]`)), "error bad_version", "close 4426")
	add("version 2 to 9", bare(hello(`"client":"x","v":[2,9]`)), "error bad_version", "close 4426")
	for _, v := range []string{`[0,1]`, `[2,1]`, `[1]`, `[1,1,1]`, `1`, `["1","1"]`, `[1.5,2]`, `[-1,1]`} {
		add("version "+v, bare(hello(`"client":"x","v":`+v)), "error bad_message")
	}
	for name, client := range map[string]string{"empty": ``, "of the hub": `hub:app`, "of the HTTP API": `http:0123`, "with a space": `a b`, "too long": strings.Repeat("c", 129), "not ASCII": `é`} {
		add("client id "+name, bare(hello(fmt.Sprintf(`"client":%q,"v":[1,1]`, client))), "error bad_message")
	}
	add("inc in capitals", bare(`{"t":"hello","client":"x","inc":"00000000000000A1","v":[1,1]}`), "error bad_message")

	// Data is data, whatever its name is elsewhere.
	for _, key := range []string{"__proto__", "constructor", "hasOwnProperty", "toString", "op", "$ne", "a\\u0000b", "../../x"} {
		rows = append(rows, badInput{
			group: "json", name: "the key " + key, on: "map:bad", stands: 1,
			send: ops(`{"op":"set","key":"` + key + `","value":{"__proto__":{"admin":true}}}`), want: []string{"ack 1"},
		})
	}
	rows = append(rows, badInput{group: "json", name: "no hello", slow: true, send: func(a *trial) {
		a.connect()
	}, want: []string{"error not_ready", "close 4400"}})
	return rows
}
