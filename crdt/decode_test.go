package crdt

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

var encodedStates = map[Builtin][]string{
	Counter: {
		`{"base":["0","0"],"dec":{},"inc":{},"v":1}`,
		`{"base":["12","99999999999999999999999999999999999999"],"dec":{"a":"1"},"inc":{"a":"5","b":"18446744073709551616"},"v":1}`,
	},
	Set: {
		`{"live":[],"removed":[],"v":1}`,
		"{\"live\":[\"\",\"a\",\"\U0001F600\",\"ﬀ\"],\"removed\":[\"\\n\",\"b\"],\"v\":1}",
	},
	ORSet: {
		`{"adds":{},"v":1}`,
		`{"adds":{"":[[1,"a","i"]],"x":[[2,"a","i"],[3,"a","j"],[9007199254740991,"b","i"]]},"v":1}`,
	},
	Map: {
		`{"keys":{},"v":1}`,
		`{"keys":{"":[0,"","",0,null],"a":[3,"alice","i",7,{"x":[1]}],"b":[3,"alice","i",8]},"v":1}`,
	},
	LWW: {
		`{"v":1}`,
		`{"stamp":[0,"","",0],"v":1,"value":null}`,
		`{"stamp":[9007199254740991,"alice","i",9007199254740991],"v":1,"value":[1,{"a":1.5}]}`,
	},
	Log: {
		`{"entries":[],"keep":1000,"v":1}`,
		`{"entries":[[1,"a"],[1,"b"],[2,null],[5,null,77],[9,{}]],"keep":5,"v":1}`,
	},
	Ephemeral: {
		`{"keys":{},"v":1}`,
		`{"keys":{"a":[1,"hub","alice",null],"b":[1,"hub","bob"],"c":[7,"","",[]]},"v":1}`,
	},
}

func TestDecode(t *testing.T) {
	for _, rule := range builtins {
		for _, encoded := range encodedStates[rule] {
			s, err := rule.Decode([]byte(encoded))
			if err != nil {
				t.Errorf("%s: %s: %v", rule, encoded, err)
				continue
			}
			if got := string(s.AppendState(nil)); got != encoded {
				t.Errorf("%s: decoded\n%s, encodes as\n%s", rule, encoded, got)
			}
			requireSound(t, rule, s)
		}
	}
}

// Decode keeps nothing of its input, and a state keeps nothing of an op's body.
func TestInputIsCopied(t *testing.T) {
	for _, rule := range builtins {
		for _, encoded := range encodedStates[rule] {
			input := []byte(encoded)
			s := must(rule.Decode(input))
			clear(input)
			if got := string(s.AppendState(nil)); got != encoded {
				t.Errorf("%s: the state changed with its input: %s", rule, got)
			}
		}
	}
	for rule, body := range map[Builtin]string{
		Set: `{"op":"add","value":"x"}`, ORSet: `{"op":"add","value":"x"}`, LWW: `{"op":"set","value":"x"}`,
		Map: `{"key":"k","op":"set","value":"x"}`, Log: `{"op":"append","value":"x"}`, Ephemeral: `{"key":"k","op":"set","value":"x"}`,
	} {
		s := rule.New()
		op := Op{Offset: 1, Writer: alice, Seq: 1, Body: []byte(body)}
		s.Apply(op)
		before := string(s.AppendState(nil))
		clear(op.Body)
		if after := string(s.AppendState(nil)); after != before {
			t.Errorf("%s: the state changed with the op's body: %s", rule, after)
		}
	}
}

func must(s State, err error) State {
	if err != nil {
		panic(err)
	}
	return s
}

func TestDecodeRefuses(t *testing.T) {
	long := strings.Repeat("x", MaxElement+1)
	longID := strings.Repeat("x", maxID+1)
	for rule, refused := range map[Builtin][]string{
		Counter: {
			`{"base":["0"],"dec":{},"inc":{},"v":1}`,
			`{"dec":{},"inc":{},"v":1}`,
			`{"base":["0","0"],"inc":{},"dec":{},"v":1}`,
			`{"base":[0,0],"dec":{},"inc":{},"v":1}`,
			`{"base":["00","0"],"dec":{},"inc":{},"v":1}`,
			`{"base":["-1","0"],"dec":{},"inc":{},"v":1}`,
			`{"base":["0","0"],"dec":{"a":"0"},"inc":{},"v":1}`,
			`{"base":["0","0"],"dec":{"a":"01"},"inc":{},"v":1}`,
			`{"base":["0","0"],"dec":{"a":5},"inc":{},"v":1}`,
			`{"base":["0","0"],"dec":{"b":"1","a":"1"},"inc":{},"v":1}`,
			`{"base":["0","0"],"dec":{"a":"1","a":"1"},"inc":{},"v":1}`,
			`{"base":["0","0"],"dec":{"` + longID + `":"1"},"inc":{},"v":1}`,
			`{"base":["100000000000000000000000000000000000001","0"],"dec":{},"inc":{},"v":1}`,
			`{"base":["100000000000000000000000000000000000000","0"],"dec":{},"inc":{"a":"1"},"v":1}`,
			`{"base":["0","0"],"dec":{"a":"100000000000000000000000000000000000000","b":"1"},"inc":{},"v":1}`,
		},
		Set: {
			`{"live":["b","a"],"removed":[],"v":1}`,
			`{"live":["a","a"],"removed":[],"v":1}`,
			`{"live":["a"],"removed":["a"],"v":1}`,
			"{\"live\":[\"ﬀ\",\"\U0001F600\"],\"removed\":[],\"v\":1}",
			`{"live":[1],"removed":[],"v":1}`,
			`{"live":["\u0041"],"removed":[],"v":1}`,
			`{"live":["` + long + `"],"removed":[],"v":1}`,
			`{"live":[` + numbered(MaxElements+1) + `],"removed":[],"v":1}`,
			`{"live":["a"],"removed":[` + numbered(MaxElements) + `],"v":1}`,
		},
		ORSet: {
			`{"adds":{"a":[]},"v":1}`,
			`{"adds":{"b":[[1,"a","i"]],"a":[[1,"a","i"]]},"v":1}`,
			`{"adds":{"a":[[0,"a","i"]]},"v":1}`,
			`{"adds":{"a":[[2,"a","i"],[1,"b","i"]]},"v":1}`,
			`{"adds":{"a":[[2,"a","i"],[2,"b","i"]]},"v":1}`,
			`{"adds":{"a":[[1,"a","i"],[2,"a","i"]]},"v":1}`,
			`{"adds":{"a":[[1,"a"]]},"v":1}`,
			`{"adds":{"a":[[9007199254740992,"a","i"]]},"v":1}`,
			`{"adds":{"` + long + `":[[1,"a","i"]]},"v":1}`,
			`{"adds":{"a":[[1,"` + longID + `","i"]]},"v":1}`,
		},
		Map: {
			`{"keys":{"a":[1,"a","i"]},"v":1}`,
			`{"keys":{"a":[1,"a","i",1,2,3]},"v":1}`,
			`{"keys":{"a":[1,"a","i",1,01]},"v":1}`,
			`{"keys":{"b":[1,"a","i",1],"a":[1,"a","i",1]},"v":1}`,
			`{"keys":{"a":[-1,"a","i",1]},"v":1}`,
			`{"keys":{"a":[1,"a","i",1,` + strings.Repeat("[", MaxDepth+1) + strings.Repeat("]", MaxDepth+1) + `]},"v":1}`,
			`{"keys":{"` + long + `":[1,"a","i",1]},"v":1}`,
		},
		LWW: {
			`{"v":1,"value":1}`,
			`{"stamp":[1,"a","i",1],"v":1}`,
			`{"stamp":[1,"a","i",1],"v":1,"value":1.0}`,
			`{"stamp":[1,"a","i",-1],"v":1,"value":1}`,
			`{"stamp":[1,"a","i"],"v":1,"value":1}`,
		},
		Log: {
			`{"entries":[],"v":1}`,
			`{"entries":[],"keep":0,"v":1}`,
			`{"entries":[],"keep":100001,"v":1}`,
			`{"entries":[[0,1]],"keep":5,"v":1}`,
			`{"entries":[[2,1],[2,1]],"keep":5,"v":1}`,
			`{"entries":[[3,1],[2,1]],"keep":5,"v":1}`,
			`{"entries":[[1,1],[2,1]],"keep":1,"v":1}`,
			`{"entries":[[1]],"keep":1,"v":1}`,
			`{"entries":[[1,5,7]],"keep":1,"v":1}`,
			`{"entries":[[1,null,0]],"keep":1,"v":1}`,
			`{"entries":[[1,null,1048577]],"keep":1,"v":1}`,
			`{"entries":[[1,null,1048576],[2,null,1048576],[3,null,1048576],[4,null,1048576],[5,1]],"keep":9,"v":1}`,
			`{"entries":[[1,"` + strings.Repeat("x", MaxLogEntry) + `"]],"keep":9,"v":1}`,
		},
		Ephemeral: {
			`{"keys":{"a":[0,"h","c",1]},"v":1}`,
			`{"keys":{"a":[1,"h"]},"v":1}`,
			`{"keys":{"b":[1,"h","c"],"a":[1,"h","c"]},"v":1}`,
			`{"keys":{` + strings.TrimSuffix(marks(maxDeleted+1), ",") + `},"v":1}`,
		},
	} {
		refused = append(refused, ``, ` `, `null`, `{}`, `[]`, `{"v":1,"x":2}`, `{"v":`, strings.Repeat("[", 1<<20), strings.Repeat(`{"a":`, 1<<18))
		for _, encoded := range encodedStates[rule] {
			refused = append(refused, encoded+" ", " "+encoded, encoded[:len(encoded)-1], encoded+encoded,
				strings.Replace(encoded, ":", ": ", 1), strings.Replace(encoded, `"v":1`, `"v":1.0`, 1), strings.Replace(encoded, `"v":1`, `"v":"1"`, 1))
		}
		for _, encoded := range refused {
			s, err := rule.Decode([]byte(encoded))
			if err == nil || s != nil {
				t.Errorf("%s: took %.100s", rule, encoded)
			}
			if errors.Is(err, ErrNewer) {
				t.Errorf("%s: %.100s: is not newer: %v", rule, encoded, err)
			}
		}
	}
}

func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"%06d"`, i)
	}
	return b.String()
}

func marks(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"%06d":[1,"h","c"],`, i)
	}
	return b.String()
}

// A state of a later version is named as such, whatever else it looks like.
func TestDecodeNewer(t *testing.T) {
	for _, rule := range builtins {
		for _, encoded := range encodedStates[rule] {
			for _, version := range []string{`0`, `2`, `17`} {
				newer := strings.Replace(encoded, `"v":1`, `"v":`+version, 1)
				if _, err := rule.Decode([]byte(newer)); !errors.Is(err, ErrNewer) {
					t.Errorf("%s: %s: %v", rule, newer, err)
				}
			}
		}
		if _, err := rule.Decode([]byte(`{"layers":[[1]],"v":2,"w":{}}`)); !errors.Is(err, ErrNewer) {
			t.Errorf("%s: another shape: %v", rule, err)
		}
	}
}

// Decoding allocates a small multiple of its input, also of the worst: many
// small things.
func TestDecodeAllocates(t *testing.T) {
	const n, most = 10_000, 48
	many := func(member string) string {
		return strings.ReplaceAll(numbered(n)+",", ",", member+",") + `"z"` + member
	}
	for rule, encoded := range map[Builtin]string{
		Counter:   `{"base":["0","0"],"dec":{},"inc":{` + many(`:"1"`) + `},"v":1}`,
		Set:       `{"live":[` + many(``) + `],"removed":[],"v":1}`,
		ORSet:     `{"adds":{` + many(`:[[1,"",""]]`) + `},"v":1}`,
		Map:       `{"keys":{` + many(`:[1,"","",1,1]`) + `},"v":1}`,
		Log:       `{"entries":[` + strings.Repeat(`[1,0],`, n) + `[1,0]],"keep":100000,"v":1}`,
		LWW:       `{"stamp":[1,"","",1],"v":1,"value":[` + many(``) + `]}`,
		Ephemeral: `{"keys":{` + many(`:[1,"","",1]`) + `},"v":1}`,
	} {
		var before, after runtime.MemStats
		input := []byte(encoded)
		runtime.ReadMemStats(&before)
		_, err := rule.Decode(input)
		runtime.ReadMemStats(&after)
		if err != nil {
			t.Errorf("%s: %v", rule, err)
		}
		ratio := float64(after.TotalAlloc-before.TotalAlloc) / float64(len(encoded))
		if ratio > most {
			t.Errorf("%s: %.1f bytes allocated a byte of input, at most %d", rule, ratio, most)
		}
	}
}
