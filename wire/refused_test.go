package wire

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// refusal is a line that must not be accepted, and what the error names.
type refusal struct {
	from   string
	name   string
	line   string
	code   Code
	ref    string
	stream string
	seq    uint64
}

// nest returns an object that nests depth levels deep, itself included.
func nest(depth int) string {
	return `{"a":` + strings.Repeat("[", depth-1) + strings.Repeat("]", depth-1) + `}`
}

func pushOf(ops string) string {
	return `{"ops":[` + ops + `],"seq":5,"stream":"a:b","t":"push"}`
}

func openOf(fields string) string {
	return `{"client":"c","inc":"00000000000000a1","streams":[{` + fields + `}],"t":"hello","v":[1,1]}`
}

func refusals() []refusal {
	all := append(syntaxRefusals(), messageRefusals()...)
	return append(append(all, opRefusals()...), hubRefusals()...)
}

// syntaxRefusals are lines that are no message at all.
func syntaxRefusals() []refusal {
	var all []refusal
	add := func(name, line string, code Code) {
		all = append(all, refusal{from: "client", name: name, line: line, code: code})
	}
	add("empty line", ``, BadJSON)
	add("white space", " \t", BadJSON)
	add("not JSON", `hello`, BadJSON)
	add("cut off", `{"n":1,"t":"ping"`, BadJSON)
	add("cut off in a string", `{"n":1,"t":"pin`, BadJSON)
	add("cut off in an escape", `{"n":1,"t":"pin\u00`, BadJSON)
	add("two documents", `{"n":1,"t":"ping"}{"n":2,"t":"ping"}`, BadJSON)
	add("two documents with a space", `{"n":1,"t":"ping"} {}`, BadJSON)
	add("trailing comma", `{"n":1,"t":"ping",}`, BadJSON)
	add("missing comma", `{"n":1 "t":"ping"}`, BadJSON)
	add("missing colon", `{"n" 1,"t":"ping"}`, BadJSON)
	add("key without quotes", `{n:1,"t":"ping"}`, BadJSON)
	add("single quotes", `{'n':1,'t':'ping'}`, BadJSON)
	add("comment", `{"n":1,/* */"t":"ping"}`, BadJSON)
	add("NaN", `{"n":NaN,"t":"ping"}`, BadJSON)
	add("Infinity", `{"n":-Infinity,"t":"ping"}`, BadJSON)
	add("leading zero", `{"n":01,"t":"ping"}`, BadJSON)
	add("leading plus", `{"n":+1,"t":"ping"}`, BadJSON)
	add("bare minus", `{"n":-,"t":"ping"}`, BadJSON)
	add("point without digits", `{"n":1.,"t":"ping"}`, BadJSON)
	add("exponent without digits", `{"n":1e,"t":"ping"}`, BadJSON)
	add("hex number", `{"n":0x1,"t":"ping"}`, BadJSON)
	add("word in capitals", `{"data":True,"event":"e","stream":"a","t":"emit"}`, BadJSON)
	add("word cut off", `{"data":tru,"event":"e","stream":"a","t":"emit"}`, BadJSON)
	add("control character in a string", "{\"data\":\"a\x01\",\"event\":\"e\",\"stream\":\"a\",\"t\":\"emit\"}", BadJSON)
	add("tab in a string", "{\"data\":\"a\t\",\"event\":\"e\",\"stream\":\"a\",\"t\":\"emit\"}", BadJSON)
	add("unknown escape", `{"data":"\x41","event":"e","stream":"a","t":"emit"}`, BadJSON)
	add("escape with a bad digit", `{"data":"\u00g1","event":"e","stream":"a","t":"emit"}`, BadJSON)
	add("byte order mark", "\ufeff"+`{"n":1,"t":"ping"}`, BadJSON)
	add("duplicate field", `{"n":1,"n":1,"t":"ping"}`, BadJSON)
	add("duplicate type", `{"n":1,"t":"ping","t":"ping"}`, BadJSON)
	add("duplicate field, escaped", `{"n":1,"\u006e":1,"t":"ping"}`, BadJSON)
	add("duplicate key in data", `{"data":{"a":1,"a":2},"event":"e","stream":"a","t":"emit"}`, BadJSON)
	add("duplicate key in data, apart", `{"data":[{"a":1,"b":2,"a":3}],"event":"e","stream":"a","t":"emit"}`, BadJSON)
	add("duplicate key in data, escaped", `{"data":{"a":1,"\u0061":2},"event":"e","stream":"a","t":"emit"}`, BadJSON)
	add("duplicate key in an open", openOf(`"as":"state","mode":"r","mode":"rw","stream":"a"`), BadJSON)
	add("duplicate key in an op", pushOf(`{"op":"a"},{"op":"a","op":"b"}`), BadJSON)
	add("nesting 33 deep", `{"data":`+nest(32)+`,"event":"e","stream":"a","t":"emit"}`, BadJSON)
	add("nesting 33 deep in an op", pushOf(nest(31)), BadJSON)
	add("nesting without end", strings.Repeat("[", 1000), BadJSON)
	add("null", `null`, BadMessage)
	add("array", `[{"n":1,"t":"ping"}]`, BadMessage)
	add("string", `"ping"`, BadMessage)
	add("number", `1`, BadMessage)
	add("no type", `{"n":1}`, BadMessage)
	add("empty object", `{}`, BadMessage)
	add("type is a number", `{"n":1,"t":1}`, BadMessage)
	add("unknown type", `{"n":1,"t":"pingpong"}`, UnknownType)
	add("type in another case", `{"n":1,"t":"Ping"}`, UnknownType)
	add("a hub's type", `{"n":1,"t":"pong"}`, UnknownType)
	return all
}

// messageRefusals are well-formed lines that are not messages of a client.
func messageRefusals() []refusal {
	var all []refusal
	add := func(name, line string, code Code) {
		all = append(all, refusal{from: "client", name: name, line: line, code: code})
	}
	about := func(ref, stream string, seq uint64) {
		r := &all[len(all)-1]
		r.ref, r.stream, r.seq = ref, stream, seq
	}
	add("unknown field", `{"m":1,"n":1,"t":"ping"}`, BadMessage)
	add("field in another case", `{"N":1,"t":"ping"}`, BadMessage)
	add("field folded by Unicode", `{"ref":"1","ſtream":"a","t":"unsub"}`, BadMessage)
	about("1", "", 0)
	add("field __proto__", `{"__proto__":{},"n":1,"t":"ping"}`, BadMessage)
	add("empty field name", `{"":1,"n":1,"t":"ping"}`, BadMessage)
	add("thirty unknown fields", `{`+manyFields(30)+`"t":"ping"}`, BadMessage)
	add("half of a pair in a field name", `{"\ud83d":1,"n":1,"t":"ping"}`, BadText)
	add("n missing", `{"t":"ping"}`, BadMessage)
	add("n null", `{"n":null,"t":"ping"}`, BadMessage)
	add("n negative", `{"n":-1,"t":"ping"}`, BadMessage)
	add("n fractional", `{"n":1.5,"t":"ping"}`, BadMessage)
	add("n with exponent", `{"n":1e3,"t":"ping"}`, BadMessage)
	add("n beyond 2^53-1", `{"n":9007199254740992,"t":"ping"}`, BadMessage)
	add("n a string", `{"n":"1","t":"ping"}`, BadMessage)
	add("ref a number", `{"ref":1,"stream":"a","t":"unsub"}`, BadMessage)
	about("", "a", 0)
	add("ref empty", `{"ref":"","stream":"a","t":"unsub"}`, BadMessage)
	about("", "a", 0)
	add("ref over 128 bytes", `{"ref":"`+strings.Repeat("r", 129)+`","stream":"a","t":"unsub"}`, BadMessage)
	about("", "a", 0)
	add("ref with half of a pair", `{"ref":"\udc00","stream":"a","t":"unsub"}`, BadText)
	about("", "a", 0)
	for _, bad := range []struct{ name, stream string }{
		{"empty", ``}, {"empty segment", `a::b`}, {"leading colon", `:a`}, {"trailing colon", `a:`}, {"pattern", `a:*`},
		{"space", `a b`}, {"slash", `a/b`}, {"look-alike letter", `chаt`}, {"NUL", `a\u0000`}, {"line break", `a\n`},
		{"nine segments", `a:b:c:d:e:f:g:h:i`}, {"segment of 65", strings.Repeat("a", 65)}, {"over 256 bytes", strings.Repeat("a", 300)},
	} {
		add("stream name: "+bad.name, `{"ref":"7","stream":"`+bad.stream+`","t":"unsub"}`, BadStream)
		about("7", "", 0)
	}
	add("stream a number", `{"ref":"7","stream":7,"t":"unsub"}`, BadMessage)
	about("7", "", 0)
	add("stream missing", `{"ref":"7","t":"unsub"}`, BadMessage)
	about("7", "", 0)

	add("hello without client", `{"inc":"00000000000000a1","t":"hello","v":[1,1]}`, BadMessage)
	add("hello without inc", `{"client":"c","t":"hello","v":[1,1]}`, BadMessage)
	add("hello without v", `{"client":"c","inc":"00000000000000a1","t":"hello"}`, BadMessage)
	add("client with colon", `{"client":"hub:x","inc":"00000000000000a1","t":"hello","v":[1,1]}`, BadMessage)
	add("client empty", `{"client":"","inc":"00000000000000a1","t":"hello","v":[1,1]}`, BadMessage)
	add("client over 128 bytes", `{"client":"`+strings.Repeat("c", 129)+`","inc":"00000000000000a1","t":"hello","v":[1,1]}`, BadMessage)
	add("inc in capitals", `{"client":"c","inc":"00000000000000A1","t":"hello","v":[1,1]}`, BadMessage)
	add("inc too short", `{"client":"c","inc":"a1","t":"hello","v":[1,1]}`, BadMessage)
	add("v a number", `{"client":"c","inc":"00000000000000a1","t":"hello","v":1}`, BadMessage)
	add("v of one", `{"client":"c","inc":"00000000000000a1","t":"hello","v":[1]}`, BadMessage)
	add("v of three", `{"client":"c","inc":"00000000000000a1","t":"hello","v":[1,1,1]}`, BadMessage)
	add("v descending", `{"client":"c","inc":"00000000000000a1","t":"hello","v":[2,1]}`, BadMessage)
	add("v from 0", `{"client":"c","inc":"00000000000000a1","t":"hello","v":[0,1]}`, BadMessage)
	add("token empty", `{"client":"c","inc":"00000000000000a1","t":"hello","token":"","v":[1,1]}`, BadMessage)
	add("streams an object", `{"client":"c","inc":"00000000000000a1","streams":{},"t":"hello","v":[1,1]}`, BadMessage)
	add("streams of names", `{"client":"c","inc":"00000000000000a1","streams":["a"],"t":"hello","v":[1,1]}`, BadMessage)
	add("open without stream", openOf(`"as":"state","mode":"r"`), BadMessage)
	add("open without mode", openOf(`"as":"state","stream":"a"`), BadMessage)
	add("open without as", openOf(`"mode":"r","stream":"a"`), BadMessage)
	add("open with ref", openOf(`"as":"state","mode":"r","ref":"1","stream":"a"`), BadMessage)
	add("open of a bad stream", openOf(`"as":"state","mode":"r","stream":"a b"`), BadStream)

	add("sub without ref", `{"as":"state","mode":"r","stream":"a","t":"sub"}`, BadMessage)
	about("", "a", 0)
	add("mode unknown", `{"as":"state","mode":"x","ref":"1","stream":"a","t":"sub"}`, BadMessage)
	about("1", "a", 0)
	add("as unknown", `{"as":"states","mode":"r","ref":"1","stream":"a","t":"sub"}`, BadMessage)
	about("1", "a", 0)
	add("hash in capitals", `{"acked":1,"as":"state","hash":"AA22334455667788","mode":"w","ref":"1","stream":"a","t":"sub"}`, BadMessage)
	about("1", "a", 0)
	add("acked negative", `{"acked":-1,"as":"state","mode":"w","ref":"1","stream":"a","t":"sub"}`, BadMessage)
	about("1", "a", 0)
	add("unacked a string", `{"as":"state","mode":"w","ref":"1","stream":"a","t":"sub","unacked":"1"}`, BadMessage)
	about("1", "a", 0)
	add("cursor null", `{"as":"state","cursor":null,"mode":"r","ref":"1","stream":"a","t":"sub"}`, BadMessage)
	about("1", "a", 0)

	add("presence without state", `{"stream":"a","t":"presence"}`, BadMessage)
	about("", "a", 0)
	add("presence with half of a pair", `{"state":"\ud83d","stream":"a","t":"presence"}`, BadText)
	about("", "a", 0)
	add("presence with a large integer", `{"state":9007199254740992,"stream":"a","t":"presence"}`, BadMessage)
	about("", "a", 0)
	add("presence nesting 29 deep", `{"state":`+nest(29)+`,"stream":"a","t":"presence"}`, BadMessage)
	about("", "a", 0)
	add("emit without data", `{"event":"e","ref":"1","stream":"a","t":"emit"}`, BadMessage)
	about("1", "a", 0)
	add("event empty", `{"data":1,"event":"","stream":"a","t":"emit"}`, BadMessage)
	about("", "a", 0)
	add("event over 128 bytes", `{"data":1,"event":"`+strings.Repeat("e", 129)+`","stream":"a","t":"emit"}`, BadMessage)
	about("", "a", 0)
	add("history without limit", `{"before":0,"ref":"1","stream":"a","t":"history"}`, BadMessage)
	about("1", "a", 0)
	add("history without ref", `{"before":0,"limit":1,"stream":"a","t":"history"}`, BadMessage)
	about("", "a", 0)
	add("auth without token", `{"ref":"1","t":"auth"}`, BadMessage)
	about("1", "", 0)
	return all
}

func manyFields(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"x%d":0,`, i)
	}
	return b.String()
}

// opRefusals are pushes that are refused as a whole or from their first op.
func opRefusals() []refusal {
	var all []refusal
	add := func(name, line string, code Code, seq uint64) {
		all = append(all, refusal{from: "client", name: name, line: line, code: code, stream: "a:b", seq: seq})
	}
	add("push without ops", `{"seq":5,"stream":"a:b","t":"push"}`, BadMessage, 5)
	add("ops empty", pushOf(``), BadMessage, 5)
	add("ops an object", `{"ops":{},"seq":5,"stream":"a:b","t":"push"}`, BadMessage, 5)
	add("1001 ops", pushOf(strings.Repeat(`{},`, 1000)+`{}`), TooLarge, 5)
	add("seq 0", `{"ops":[{}],"seq":0,"stream":"a:b","t":"push"}`, BadOp, 0)
	add("seq negative", `{"ops":[{}],"seq":-1,"stream":"a:b","t":"push"}`, BadOp, 0)
	add("seq fractional", `{"ops":[{}],"seq":1.5,"stream":"a:b","t":"push"}`, BadOp, 0)
	add("seq a string", `{"ops":[{}],"seq":"5","stream":"a:b","t":"push"}`, BadMessage, 0)
	add("seq beyond 2^53-1", `{"ops":[{}],"seq":9007199254740992,"stream":"a:b","t":"push"}`, BadMessage, 0)
	add("last seq beyond 2^53-1", `{"ops":[{},{}],"seq":9007199254740991,"stream":"a:b","t":"push"}`, BadMessage, MaxSafeInt)
	add("prev without seq", `{"ops":[{}],"prev":0,"stream":"a:b","t":"push"}`, BadMessage, 0)
	add("at without seq", `{"at":0,"ops":[{}],"stream":"a:b","t":"push"}`, BadMessage, 0)
	add("prev negative", `{"ops":[{}],"prev":-1,"seq":5,"stream":"a:b","t":"push"}`, BadMessage, 5)
	add("at fractional", `{"at":0.5,"ops":[{}],"seq":5,"stream":"a:b","t":"push"}`, BadMessage, 5)
	for _, op := range []struct {
		name, op string
		code     Code
	}{
		{"null", `null`, BadOp}, {"array", `[]`, BadOp}, {"string", `"increment"`, BadOp}, {"number", `5`, BadOp},
		{"integer beyond 2^53-1", `{"amount":9007199254740992}`, BadOp},
		{"integer below -(2^53-1)", `{"amount":-9007199254740992}`, BadOp},
		{"integer of a hundred digits", `{"amount":` + strings.Repeat("9", 100) + `}`, BadOp},
		{"integer written with a point", `{"amount":9007199254740993.0}`, BadOp},
		{"integer written with an exponent", `{"amount":1e20}`, BadOp},
		{"infinity by exponent", `{"amount":1e400}`, BadOp},
		{"half of a pair", `{"op":"insert","text":"\ud83d"}`, BadText},
		{"second half alone", `{"op":"insert","text":"\ude00"}`, BadText},
		{"halves in the wrong order", `{"op":"insert","text":"\ude00\ud83d"}`, BadText},
		{"half of a pair in a key", `{"\ud83d":1}`, BadText},
		{"nesting 29 deep", nest(29), BadOp},
		{"amount with an exponent", `{"amount":1e3,"op":"increment"}`, BadOp},
		{"amount with an exponent that hides a fraction", `{"amount":1.5e1,"op":"increment"}`, BadOp},
		{"amount with a point", `{"op":"increment","amount":5.0}`, BadOp},
		{"amount that rounds to an integer", `{"amount":4.99999999999999999,"op":"increment"}`, BadOp},
		{"amount beyond digits", `{"amount":1e21,"op":"increment"}`, BadOp},
		{"amount, escaped", `{"\u0061mount":1e0,"op":"increment"}`, BadOp},
		{"pos with a point", `{"op":"insert","pos":-0.0,"text":"a"}`, BadOp},
		{"count with an exponent", `{"count":20E-1,"op":"delete","pos":0}`, BadOp},
	} {
		add("op: "+op.name, pushOf(op.op), op.code, 5)
	}
	return all
}

// hubRefusals are lines that a client must not accept.
func hubRefusals() []refusal {
	const entry = `{"at":41,"client":"c","inc":"00000000000000a1","off":42,"op":{},"seq":8}`
	var all []refusal
	add := func(name, line string, code Code) {
		all = append(all, refusal{from: "hub", name: name, line: line, code: code})
	}
	about := func(ref, stream string, seq uint64) {
		r := &all[len(all)-1]
		r.ref, r.stream, r.seq = ref, stream, seq
	}
	add("a client's type", `{"n":1,"t":"ping"}`, UnknownType)
	add("pong with another field", `{"m":1,"n":1,"t":"pong"}`, BadMessage)
	add("pong with trailing text", `{"n":1,"t":"pong"}x`, BadJSON)
	add("welcome without limits", `{"durability":"disk","hub":"h","session":1,"t":"welcome","v":1,"writable":true}`, BadMessage)
	add("limits incomplete", `{"durability":"disk","hub":"h","limits":{"streams":1},"session":1,"t":"welcome","v":1,"writable":true}`, BadMessage)
	add("writable a number", `{"t":"hub","writable":1}`, BadMessage)
	add("ops without entries", `{"cursor":"x","from":41,"stream":"a","t":"ops"}`, BadMessage)
	about("", "a", 0)
	add("ops with from alone", `{"entries":[`+entry+`],"from":41,"stream":"a","t":"ops"}`, BadMessage)
	about("", "a", 0)
	add("ops with cursor alone", `{"cursor":"x","entries":[`+entry+`],"stream":"a","t":"ops"}`, BadMessage)
	about("", "a", 0)
	add("entry incomplete", `{"cursor":"x","entries":[{"at":41,"client":"c","inc":"00000000000000a1","off":42,"op":{}}],"from":41,"stream":"a","t":"ops"}`, BadMessage)
	about("", "a", 0)
	add("entry at offset 0", `{"cursor":"x","entries":[{"at":0,"client":"c","inc":"00000000000000a1","off":0,"op":{},"seq":8}],"from":0,"stream":"a","t":"ops"}`, BadMessage)
	about("", "a", 0)
	add("entry of two kinds", `{"cursor":"x","entries":[{"at":41,"client":"c","hub":"h","inc":"00000000000000a1","n":1,"off":42,"op":{},"seq":8}],"from":41,"stream":"a","t":"ops"}`, BadMessage)
	about("", "a", 0)
	add("entry with a list as op", `{"cursor":"x","entries":[{"at":41,"client":"c","inc":"00000000000000a1","off":42,"op":[],"seq":8}],"from":41,"stream":"a","t":"ops"}`, BadMessage)
	about("", "a", 0)
	add("entry with half of a pair", `{"cursor":"x","entries":[{"at":41,"client":"c","inc":"00000000000000a1","off":42,"op":{"a":"\ud83d"},"seq":8}],"from":41,"stream":"a","t":"ops"}`, BadText)
	about("", "a", 0)
	add("entry with a large integer", `{"cursor":"x","entries":[{"at":41,"client":"c","inc":"00000000000000a1","off":42,"op":{"a":9007199254740992},"seq":8}],"from":41,"stream":"a","t":"ops"}`, BadMessage)
	about("", "a", 0)
	add("entry with a key twice", `{"cursor":"x","entries":[{"at":41,"at":41,"client":"c","inc":"00000000000000a1","off":42,"op":{},"seq":8}],"from":41,"stream":"a","t":"ops"}`, BadJSON)
	add("ack without hash", `{"seq":8,"stream":"a","t":"ack"}`, BadMessage)
	about("", "a", 8)
	add("reject without code", `{"msg":"","seq":8,"stream":"a","t":"reject"}`, BadMessage)
	about("", "a", 8)
	add("error without retry", `{"code":"busy","msg":"","ref":"1","t":"error"}`, BadMessage)
	about("1", "", 0)
	add("synced without mode", `{"cursor":"x","outcome":"resumed","ref":"1","rule":"lww","stream":"a","t":"synced"}`, BadMessage)
	about("1", "a", 0)
	add("synced without rule", `{"cursor":"x","mode":"r","outcome":"resumed","ref":"1","stream":"a","t":"synced"}`, BadMessage)
	about("1", "a", 0)
	add("synced denied with mode", `{"mode":"r","outcome":"denied","ref":"1","stream":"a","t":"synced"}`, BadMessage)
	about("1", "a", 0)
	add("outcome unknown", `{"mode":"r","outcome":"maybe","rule":"lww","stream":"a","t":"synced"}`, BadMessage)
	about("", "a", 0)
	add("state without base", `{"mode":"r","outcome":"snapshot","rule":"lww","state":{},"stream":"a","t":"synced"}`, BadMessage)
	about("", "a", 0)
	add("base without state", `{"base":3,"mode":"r","outcome":"snapshot","rule":"lww","stream":"a","t":"synced"}`, BadMessage)
	about("", "a", 0)
	add("state and value", `{"base":3,"mode":"r","outcome":"snapshot","rule":"lww","state":{},"stream":"a","t":"synced","value":1}`, BadMessage)
	about("", "a", 0)
	add("trail of objects", `{"mode":"w","outcome":"write","rule":"lww","stream":"a","t":"synced","yours":{"hash":"1122334455667788","seq":8,"trail":[{}]}}`, BadMessage)
	about("", "a", 0)
	add("mark of three", `{"mode":"w","outcome":"write","rule":"lww","stream":"a","t":"synced","yours":{"hash":"1122334455667788","seq":8,"trail":[[1,"1122334455667788",0]]}}`, BadMessage)
	about("", "a", 0)
	add("peer without session", `{"peers":[{"client":"c","state":1}],"stream":"a","t":"presence"}`, BadMessage)
	about("", "a", 0)
	add("left with state", `{"left":[{"client":"c","session":1,"state":1}],"stream":"a","t":"presence"}`, BadMessage)
	about("", "a", 0)
	return all
}

func TestRefusals(t *testing.T) {
	var d Decoder
	for _, r := range refusals() {
		t.Run(r.from+"/"+r.name, func(t *testing.T) {
			// What it names is of its own line, not of the one before, which may have
			// been another client's.
			_, _ = d.Client([]byte(`{"ref":"other","seq":9,"stream":"other:one","t":"unsub"}`))
			m, err := decode(&d, r.from, r.line)
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("accepted as %#v, error %v", m, err)
			}
			if e.Code != r.code || e.Ref != r.ref || e.Stream != r.stream || e.Seq != r.seq {
				t.Errorf("got  %s about ref %q stream %q seq %d (%s)\nwant %s about ref %q stream %q seq %d",
					e.Code, e.Ref, e.Stream, e.Seq, e.Msg, r.code, r.ref, r.stream, r.seq)
			}
			if e.Msg == "" {
				t.Error("the error says nothing")
			}
		})
	}
}

// TestInvalidUTF8 is apart from the vectors, which are UTF-8.
func TestInvalidUTF8(t *testing.T) {
	var d Decoder
	for _, bad := range []string{"\xff", "\xc3", "\xc3(", "\xc0\x80", "\xe2\x82", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "12345678\x80"} {
		for _, line := range []string{
			`{"data":"` + bad + `","event":"e","stream":"a","t":"emit"}`,
			`{"` + bad + `":1,"n":1,"t":"ping"}`,
			pushOf(`{"text":"` + bad + `"}`),
			bad,
		} {
			_, err := d.Client([]byte(line))
			var e *Error
			if !errors.As(err, &e) || e.Code != BadJSON {
				t.Errorf("%q: %v, want bad_json", line, err)
			}
		}
	}
}
