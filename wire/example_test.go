package wire_test

import (
	"errors"
	"fmt"

	"github.com/wavesiddhartha/flowsync/wire"
)

func ExampleDecoder_Client() {
	var d wire.Decoder
	for line := range wire.Lines([]byte(`{"n":1,"t":"ping"}` + "\n" + `{"ref":"7","t":"sub"}`)) {
		m, err := d.Client(line)
		var refused *wire.Error
		if errors.As(err, &refused) {
			fmt.Println("refused:", refused.Code, "about", refused.Ref)
			continue
		}
		fmt.Printf("%T\n", m)
	}
	// Output:
	// *wire.Ping
	// refused: bad_message about 7
}

func ExamplePush_Append() {
	op, err := wire.Marshal(map[string]any{"op": "increment", "amount": 5})
	if err != nil {
		fmt.Println(err)
		return
	}
	push := wire.Push{Stream: "counter:value", Seq: 1, Ops: [][]byte{op}}
	fmt.Printf("%s\n", push.Append(nil))
	// Output: {"ops":[{"amount":5,"op":"increment"}],"seq":1,"stream":"counter:value","t":"push"}
}

func ExampleCanonical() {
	text, err := wire.Canonical(nil, []byte(`{ "b": 1E2, "a": "\u00e9" }`))
	fmt.Printf("%s %v\n", text, err)
	_, err = wire.Canonical(nil, []byte(`{"a":1,"a":2}`))
	fmt.Println(err)
	// Output:
	// {"a":"é","b":100} <nil>
	// bad_json: an object has the same key twice
}

func ExampleMatchPattern() {
	fmt.Println(wire.MatchPattern("chat:*", "chat:general"))
	fmt.Println(wire.MatchPattern("*:log", "chat:general"))
	// Output:
	// true
	// false
}

func ExampleSignCursor() {
	key, chain := [32]byte{1}, [32]byte{2}
	text := wire.SignCursor(key, "counter:value", "0123456789abcdef", 42, chain).String()
	cursor, ok := wire.ParseCursor(text)
	fmt.Println(ok, cursor.Offset, cursor.Verify(key, "counter:value"), cursor.Verify(key, "counter:other"))
	// Output: true 42 true false
}
