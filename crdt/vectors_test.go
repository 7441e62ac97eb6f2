package crdt

import "strings"

// vectors are the histories of testdata/vectors/rules.json.
var vectors = []script{
	{Counter, "empty", nil},
	{Counter, "two clients, an incarnation does not count", []string{
		`alice 0 {"amount":5,"op":"increment"}`,
		`bob 0 {"op":"decrement"}`,
		`alice/00000000000000a2 1 {"op":"increment"}`,
		`bob 3 {"amount":10,"op":"decrement"}`,
	}},
	{Counter, "beyond 2^53 the value is a string", []string{
		`alice 0 {"amount":9007199254740991,"op":"increment"}`,
		`alice 0 {"amount":9007199254740991,"op":"increment"}`,
		`bob 0 {"op":"decrement"}`,
	}},
	{Counter, "refused amounts and ops", []string{
		`alice 0 {"amount":0,"op":"increment"}`,
		`alice 0 {"amount":-1,"op":"increment"}`,
		`alice 0 {"amount":1.5,"op":"increment"}`,
		`alice 0 {"amount":"5","op":"increment"}`,
		`alice 0 {"amount":null,"op":"increment"}`,
		`alice 0 {"by":1,"op":"increment"}`,
		`alice 0 {"op":"reset"}`,
		`alice 0 {"op":"add","value":"x"}`,
		`alice 0 {"op":"initial","value":5}`,
		`alice 0 {"clients":["alice"],"op":"fold"}`,
		`hub:fold 0 {"before":1,"op":"trim"}`,
		`alice 0 {"amount":2,"op":"decrement"}`,
	}},
	{Counter, "overflow at 10^38", []string{
		`hub:initial 0 {"op":"initial","value":{"decrements":{},"increments":{"zoe":"99999999999999999999999999999999999999"}}}`,
		`alice 1 {"amount":2,"op":"increment"}`,
		`alice 1 {"op":"increment"}`,
		`alice 1 {"op":"increment"}`,
		`bob 1 {"amount":7,"op":"decrement"}`,
	}},
	{Counter, "fold", []string{
		`alice 0 {"amount":5,"op":"increment"}`,
		`bob 0 {"amount":3,"op":"decrement"}`,
		`bob 0 {"amount":2,"op":"increment"}`,
		`hub:fold 3 {"clients":["bob","nobody"],"op":"fold"}`,
		`bob 4 {"op":"increment"}`,
	}},
	{Counter, "initial number", []string{`hub:initial 0 {"op":"initial","value":-12}`, `alice 1 {"op":"increment"}`}},
	{Counter, "initial totals", []string{`hub:initial 0 {"op":"initial","value":{"decrements":{"b":1},"increments":{"a":"18446744073709551616","z":0}}}`}},

	{Set, "empty", nil},
	{Set, "removed forever", []string{
		`alice 0 {"op":"add","value":"a"}`,
		`bob 0 {"op":"add","value":"b"}`,
		`bob 0 {"op":"remove","value":"never added"}`,
		`bob 0 {"op":"remove","value":"a"}`,
		`alice 0 {"op":"add","value":"a"}`,
		`alice 0 {"op":"add","value":"never added"}`,
	}},
	{Set, "order by UTF-16 code units", unicodeAdds},
	{Set, "refused", []string{
		`alice 0 {"op":"add"}`, `alice 0 {"op":"add","value":1}`, `alice 0 {"key":"k","op":"add","value":"v"}`,
		`alice 0 {"op":"set","value":1}`, `alice 0 {"op":"clear"}`, `alice 0 {"op":"initial","value":[]}`,
		`alice 0 {"op":"add","value":"` + strings.Repeat("é", MaxElement/2) + `x"}`,
	}},
	{Set, "initial", []string{`hub:initial 0 {"op":"initial","value":["b","a","b"]}`, `alice 1 {"op":"remove","value":"b"}`}},

	{ORSet, "empty", nil},
	{ORSet, "add wins over a remove that did not see it", []string{
		`alice 0 {"op":"add","value":"x"}`,
		`bob 0 {"op":"add","value":"x"}`,
		`carol 1 {"op":"remove","value":"x"}`,
	}},
	{ORSet, "a writer sees its own adds", []string{
		`alice 0 {"op":"add","value":"x"}`,
		`bob 0 {"op":"add","value":"x"}`,
		`bob 0 {"op":"add","value":"y"}`,
		`bob 0 {"op":"remove","value":"x"}`,
		`bob 0 {"op":"remove","value":"y"}`,
	}},
	{ORSet, "one add per writer; another incarnation is another writer", []string{
		`alice 0 {"op":"add","value":"x"}`,
		`alice 1 {"op":"add","value":"x"}`,
		`alice/00000000000000a2 1 {"op":"add","value":"x"}`,
		`alice/00000000000000a2 1 {"op":"remove","value":"x"}`,
	}},
	{ORSet, "what was removed returns", []string{
		`alice 0 {"op":"add","value":"x"}`, `bob 1 {"op":"remove","value":"x"}`, `bob 1 {"op":"remove","value":"x"}`, `alice 3 {"op":"add","value":"x"}`,
	}},
	{ORSet, "order by UTF-16 code units", unicodeAdds},
	{ORSet, "initial", []string{`hub:initial 0 {"op":"initial","value":["b","a","b"]}`, `alice 0 {"op":"remove","value":"b"}`, `alice 1 {"op":"remove","value":"a"}`}},

	{LWW, "empty", nil},
	{LWW, "the write that knew more wins", []string{
		`bob 0 {"op":"set","value":"bob"}`,
		`alice 0 {"op":"set","value":"same at, lesser client"}`,
		`alice 1 {"op":"set","value":"knew more"}`,
		`bob 0 {"op":"set","value":"knew less"}`,
	}},
	{LWW, "then client, incarnation and seq decide", []string{
		`alice/00000000000000a2 0 {"op":"set","value":1}`,
		`alice/00000000000000a1 0 {"op":"set","value":2}`,
		`alice/00000000000000a2 0 {"op":"set","value":{"a":[1.5,1e-7,1e+21,null,true]}}`,
	}},
	{LWW, "an initial value loses against every write", []string{
		`hub:initial 0 {"op":"initial","value":"initial"}`, `alice 0 {"op":"set","value":"alice"}`,
	}},
	{LWW, "initial", []string{`hub:initial 0 {"op":"initial","value":[]}`}},
	{LWW, "refused", []string{
		`alice 0 {"op":"set"}`, `alice 0 {"key":"k","op":"set","value":1}`, `alice 0 {"key":"k","op":"delete"}`, `alice 0 {"op":"initial","value":1}`,
		`alice 0 {"op":"set","value":` + strings.Repeat("[", MaxDepth+1) + strings.Repeat("]", MaxDepth+1) + `}`,
		`alice 0 {"op":"set","value":` + strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth) + `}`,
	}},

	{Map, "empty", nil},
	{Map, "set and delete", []string{
		`alice 0 {"key":"k","op":"set","value":1}`,
		`bob 0 {"key":"__proto__","op":"set","value":{"x":true}}`,
		`bob 2 {"key":"k","op":"delete"}`,
		`alice 1 {"key":"k","op":"set","value":"knew less"}`,
		`alice 1 {"key":"other","op":"delete"}`,
	}},
	{Map, "a later delete takes over the stamp", []string{
		`alice 0 {"key":"k","op":"set","value":1}`,
		`bob 1 {"key":"k","op":"delete"}`,
		`alice 3 {"key":"k","op":"delete"}`,
		`bob 2 {"key":"k","op":"set","value":2}`,
	}},
	{Map, "a deleted key returns", []string{
		`alice 0 {"key":"k","op":"set","value":1}`, `bob 1 {"key":"k","op":"delete"}`, `alice 2 {"key":"k","op":"set","value":null}`,
	}},
	{Map, "order of keys", []string{
		`alice 0 {"key":"ﬀ","op":"set","value":1}`, "alice 0 {\"key\":\"\U0001F600\",\"op\":\"set\",\"value\":2}", `alice 0 {"key":"\n","op":"set","value":3}`, `alice 0 {"key":"","op":"set","value":4}`,
	}},
	{Map, "initial", []string{
		`hub:initial 0 {"op":"initial","value":{"k":1,"l":2}}`, `alice 0 {"key":"k","op":"set","value":3}`, `alice 0 {"key":"l","op":"delete"}`,
	}},
	{Map, "refused", []string{
		`alice 0 {"op":"set","value":1}`, `alice 0 {"key":1,"op":"set","value":1}`, `alice 0 {"count":1,"op":"delete","pos":1}`,
		`alice 0 {"op":"append","value":1}`, `alice 0 {"key":"` + strings.Repeat("k", MaxElement+1) + `","op":"set","value":1}`,
	}},

	{Log, "empty", nil},
	{Log, "append", []string{
		`alice 0 {"op":"append","value":"one"}`, `bob 0 {"op":"append","value":null}`, `alice 1 {"op":"append","value":{"n":3}}`,
	}},
	{Log, "keep", []string{
		`alice 0 {"op":"append","value":1}`, `alice 0 {"op":"append","value":2}`, `alice 0 {"op":"append","value":3}`,
		`hub:options 3 {"keep":2,"op":"options"}`, `alice 0 {"op":"append","value":4}`, `hub:options 5 {"keep":3,"op":"options"}`, `alice 0 {"op":"append","value":5}`,
	}},
	{Log, "trim and redact", []string{
		`hub:initial 0 {"op":"initial","value":["a","b"]}`, `alice 0 {"op":"append","value":2}`, `alice 0 {"op":"append","value":3}`,
		`alice 0 {"op":"append","value":4}`, `hub:trim 4 {"before":2,"op":"trim"}`, `hub:redact 5 {"offset":3,"op":"redact"}`, `hub:redact 6 {"offset":99,"op":"redact"}`,
	}},
	{Log, "initial", []string{`hub:initial 0 {"op":"initial","value":["a","b"]}`, `alice 0 {"op":"append","value":"c"}`}},
	{Log, "refused", []string{
		`alice 0 {"op":"append"}`, `alice 0 {"op":"append","redacted":5}`, `alice 0 {"before":1,"op":"trim"}`, `hub:trim 0 {"offset":1,"op":"redact"}`,
		`hub:options 0 {"keep":0,"op":"options"}`, `hub:options 0 {"keep":100001,"op":"options"}`, `alice 0 {"op":"increment"}`,
	}},

	{Ephemeral, "empty", nil},
	{Ephemeral, "the greatest n wins, then the hub", []string{
		`alice/h1 5 {"key":"a","op":"set","value":[1,2]}`,
		`bob/h2 3 {"key":"a","op":"set","value":"older"}`,
		`bob/h2 5 {"key":"a","op":"set","value":"greater hub"}`,
		`alice/h1 5 {"key":"a","op":"set","value":[1,2]}`,
		`carol/h1 1 {"key":"b","op":"set","value":null}`,
	}},
	{Ephemeral, "a delete is remembered", []string{
		`alice/h1 5 {"key":"a","op":"set","value":1}`,
		`alice/h1 6 {"key":"a","op":"delete"}`,
		`alice/h2 4 {"key":"a","op":"set","value":"late"}`,
		`bob/h1 9 {"key":"b","op":"delete"}`,
		`bob/h1 8 {"key":"b","op":"set","value":"late"}`,
		`bob/h1 10 {"key":"b","op":"set","value":"back"}`,
	}},
	{Ephemeral, "refused", []string{
		`alice/h1 1 {"op":"set","value":1}`, `alice/h1 1 {"key":"a","op":"delete","value":1}`, `hub:initial/h1 1 {"op":"initial","value":{}}`,
	}},
}

var unicodeAdds = []string{
	`alice 0 {"op":"add","value":"ﬀ"}`,
	"alice 0 {\"op\":\"add\",\"value\":\"\U0001F600\"}",
	`alice 0 {"op":"add","value":"€"}`,
	`alice 0 {"op":"add","value":"ö"}`,
	`alice 0 {"op":"add","value":"\r"}`,
	`alice 0 {"op":"add","value":"1"}`,
	`alice 0 {"op":"add","value":"\u0000\u001f\"\\/<"}`,
	`alice 0 {"op":"add","value":"__proto__"}`,
	`alice 0 {"op":"add","value":""}`,
}
