package flowsync

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/wavesiddhartha/flowsync/wire"
)

// badUpdates are document updates (https://github.com/yjs/yjs, format v1): the
// number of clients; for each its structs, id and clock; a struct begins with its
// kind; the deleted ranges come last.
var badUpdates = map[string]string{
	"of nothing":                "",
	"cut off":                   "\x01\x01\x07\x00\x04\x01\x04te",
	"of garbage":                "\xff\xfe\xfd" + payload,
	"with a huge count":         "\xff\xff\xff\xff\x0f",
	"with a huge string":        "\x01\x01\x07\x00\x04\x01\x04text\xff\xff\xff\xff\x0fa\x00",
	"with a huge deleted range": "\x00\xff\xff\xff\xff\x0f",
	"with a struct of no kind":  "\x01\x01\x07\x00\x1f\x01\x04text\x01a\x00",
	"of an unknown earlier op":  "\x01\x01\x07\x05\x04\x01\x04text\x01a\x00",
	"of an unknown neighbour":   "\x01\x01\x07\x00\x84\x09\x03\x01a\x00",
	"that refers to itself":     "\x01\x01\x07\x00\x84\x07\x00\x01a\x00",
	"that goes in a circle":     "\x02\x01\x08\x00\x84\x07\x00\x01a\x01\x07\x00\x84\x08\x00\x01b\x00",
}

func opInputs() []badInput {
	var rows []badInput
	add := func(on, name string, stands uint64, send func(*trial), want ...string) {
		rows = append(rows, badInput{group: "ops", name: strings.TrimSuffix(on, ":bad") + ", " + name, on: on, stands: stands, send: send, want: want})
	}
	refused := func(on, code, name, op string) { add(on, name, 0, ops(op), "reject "+code+" 1") }
	long := strings.Repeat("x", 4097)

	for _, n := range []string{`0`, `-1`, `1.5`, `"5"`, `9007199254740992`, `9007199254740993.0`, `1e3`, `5.0`, `1e400`, `1e21`, `null`, `true`, `[1]`, `{}`, `""`} {
		refused("counter:bad", "bad_op", "amount "+n, `{"op":"increment","amount":`+n+`}`)
	}
	for _, n := range []string{`NaN`, `Infinity`, `0x10`, `01`, `+1`, `.5`} {
		add("counter:bad", "amount "+n, 0, ops(`{"op":"increment","amount":`+n+`}`), "error bad_json")
	}
	refused("counter:bad", "bad_op", "no op", `{"amount":1}`)
	refused("counter:bad", "bad_op", "unknown op", `{"op":"multiply","amount":2}`)
	refused("counter:bad", "bad_op", "op in another case", `{"op":"Increment"}`)
	refused("counter:bad", "bad_op", "op a number", `{"op":1}`)
	refused("counter:bad", "bad_op", "an unknown field", `{"op":"increment","by":1}`)
	refused("counter:bad", "bad_op", "__proto__ as a field", `{"op":"increment","__proto__":{"amount":5}}`)
	refused("counter:bad", "bad_op", "no fields", `{}`)
	refused("counter:bad", "bad_op", "an array", `[{"op":"increment"}]`)
	refused("counter:bad", "bad_op", "a string", `"increment"`)
	refused("counter:bad", "bad_op", "null", `null`)
	refused("counter:bad", "wrong_rule", "an op of a log", `{"op":"append","value":1}`)
	refused("counter:bad", "wrong_rule", "an op of a map", `{"key":"a","op":"set","value":1}`)
	for name, op := range map[string]string{
		"initial": `{"op":"initial","value":1000}`, "options": `{"keep":1,"op":"options"}`, "fold": `{"clients":["witness-same"],"op":"fold"}`,
		"trim": `{"before":99,"op":"trim"}`, "redact": `{"offset":1,"op":"redact"}`,
	} {
		on := "log:bad"
		if name == "fold" {
			on = "counter:bad"
		}
		refused(on, "bad_op", "the hub's "+name, op)
	}
	add("high:bad", "beyond 10^38", 0, ops(`{"op":"increment","amount":1}`), "reject overflow 1")

	refused("set:bad", "bad_op", "element a number", `{"op":"add","value":1}`)
	refused("set:bad", "bad_op", "element missing", `{"op":"add"}`)
	refused("set:bad", "too_large", "element of 4,097 bytes", `{"op":"add","value":"`+long+`"}`)
	refused("set:bad", "wrong_rule", "increment", `{"op":"increment"}`)
	add("set:bad", "removed for ever", 2, ops(`{"op":"add","value":"gone"}`, `{"op":"remove","value":"gone"}`, `{"op":"add","value":"gone"}`), "ack 2", "reject removed_forever 3")
	refused("orset:bad", "bad_text", "half an emoji", `{"op":"add","value":"\ud83d"}`)
	refused("orset:bad", "bad_text", "halves the wrong way round", `{"op":"add","value":"\ude00\ud83d"}`)
	refused("orset:bad", "too_large", "element of 4,097 bytes", `{"op":"remove","value":"`+long+`"}`)
	refused("lww:bad", "bad_op", "no value", `{"op":"set"}`)
	refused("lww:bad", "bad_op", "a key too", `{"key":"a","op":"set","value":1,"x":1}`)
	refused("lww:bad", "bad_op", "25 deep", `{"op":"set","value":`+strings.Repeat("[", 25)+strings.Repeat("]", 25)+`}`)
	refused("lww:bad", "bad_op", "29 deep", `{"op":"set","value":`+strings.Repeat("[", 28)+strings.Repeat("]", 28)+`}`)
	refused("lww:bad", "bad_op", "an integer that would not survive", `{"op":"set","value":9007199254740993}`)
	refused("lww:bad", "bad_text", "half an emoji in a key", `{"op":"set","value":{"\ud83d":1}}`)
	refused("lww:bad", "stream_full", "a value larger than the state may be", `{"op":"set","value":"`+payload+strings.Repeat("x", 70<<10)+`"}`)
	refused("map:bad", "bad_op", "no key", `{"op":"set","value":1}`)
	refused("map:bad", "bad_op", "key a number", `{"key":1,"op":"set","value":1}`)
	refused("map:bad", "bad_op", "delete with a value", `{"key":"a","op":"delete","value":1}`)
	refused("map:bad", "too_large", "key of 4,097 bytes", `{"key":"`+long+`","op":"set","value":1}`)
	refused("map:bad", "stream_full", "a value larger than the state may be", `{"key":"a","op":"set","value":"`+strings.Repeat("x", 70<<10)+`"}`)
	refused("log:bad", "too_large", "value over 1 MiB", `{"op":"append","value":"`+strings.Repeat("x", 1<<20)+`"}`)
	refused("log:bad", "bad_op", "a redacted value", `{"op":"append","redacted":3}`)
	refused("log:bad", "too_large", "over 1 MiB and not canonical", `{"value":"`+strings.Repeat("x", 1<<20)+`","op":"append"}`)

	for _, pos := range []string{`-1`, `1.5`, `"0"`, `null`, `2.0`, `0e0`, `999999`, `9007199254740991`} {
		refused("text:bad", "bad_op", "insert at "+pos, `{"op":"insert","pos":`+pos+`,"text":"a"}`)
	}
	for _, count := range []string{`0`, `-1`, `1.5`, `"1"`, `1e0`, `999999`} {
		refused("text:bad", "bad_op", "delete of "+count, `{"count":`+count+`,"op":"delete","pos":0}`)
	}
	refused("text:bad", "bad_op", "no position", `{"op":"insert","text":"a"}`)
	refused("text:bad", "bad_op", "no text", `{"op":"insert","pos":0}`)
	refused("text:bad", "bad_text", "half an emoji", `{"op":"insert","pos":0,"text":"\ud83d"}`)
	refused("text:bad", "too_large", "over 64 KiB at once", `{"op":"insert","pos":0,"text":"`+strings.Repeat("x", 64<<10+1)+`"}`)
	refused("text:bad", "wrong_rule", "increment", `{"op":"increment"}`)
	for name, update := range badUpdates {
		code := "bad_op"
		if strings.HasPrefix(name, "of an unknown") {
			code = "missing_dependency"
		}
		refused("text:bad", code, "an update "+name, `{"op":"update","update":"`+base64.StdEncoding.EncodeToString([]byte(update))+`"}`)
	}
	refused("text:bad", "bad_op", "an update that is not base64", `{"op":"update","update":"!"}`)
	refused("text:bad", "bad_op", "an update that is a number", `{"op":"update","update":7}`)

	ephemeral := func(code, name, push string) {
		add("eph:bad", name, 0, lines(`{"t":"push","stream":"eph:bad",`+push+`}`), "error "+code)
	}
	ephemeral("bad_op 1", "with a seq", `"seq":1,"ops":[{"key":"a","op":"set","value":1}]`)
	ephemeral("bad_message", "with an at", `"at":1,"ops":[{"key":"a","op":"set","value":1}]`)
	ephemeral("too_large", "key of 4,097 bytes", `"ops":[{"key":"`+long+`","op":"set","value":1}]`)
	ephemeral("bad_op", "no value", `"ops":[{"key":"a","op":"set"}]`)
	ephemeral("bad_text", "half an emoji", `"ops":[{"key":"a","op":"set","value":"\ud83d"}]`)
	ephemeral("wrong_rule", "increment", `"ops":[{"op":"increment"}]`)

	const good = `{"op":"increment"}`
	batch := func(n int) string { return strings.TrimSuffix(strings.Repeat(good+",", n), ",") }
	add("counter:bad", "a batch with a bad op in it", 2, ops(good, good, `{"op":"increment","amount":0}`, good), "ack 2", "reject bad_op 3")
	add("counter:bad", "a batch with a malformed op in it", 2, ops(good, good, `{"op":"increment","amount":1e3}`, good), "ack 2", "reject bad_op 3")
	add("counter:bad", "a batch that begins badly", 0, ops(`5`, good, good), "reject bad_op 1")
	add("counter:bad", "1,000 ops", 1000, ops(batch(1000)), "ack 1000")
	add("counter:bad", "1,001 ops", 0, ops(batch(1001)), "error too_large 1")
	add("counter:bad", "no ops", 0, ops(), "error bad_message 1")
	add("counter:bad", "ops an object", 0, lines(`{"t":"push","stream":"counter:bad","seq":1,"ops":{"op":"increment"}}`), "error bad_message 1")

	at := func(list string) string {
		return fmt.Sprintf(`{"t":"push","stream":"counter:bad","seq":1,"at":%s,"ops":[%s]}`, list, good)
	}
	add("counter:bad", "at beyond the head", 0, lines(at("9007199254740991")), "reject bad_op 1")
	add("counter:bad", "at negative", 0, lines(at("-1")), "error bad_message 1")
	add("counter:bad", "at fractional", 0, lines(at("0.5")), "error bad_message 1")
	add("counter:bad", "at that falls", 1, func(a *trial) {
		p := a.join()
		one := uint64(1)
		p.push(a.on, 1, good)
		p.acked(1)
		a.heard = append(a.heard, "ack 1")
		p.say(&wire.Push{Stream: a.on, Seq: 2, At: &one, Ops: [][]byte{[]byte(good)}})
	}, "ack 1", "reject bad_op 2")
	return rows
}
