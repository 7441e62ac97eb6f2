package ydoc_test

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
)

// edit is one random edit. It names no position: whoever executes it takes
// its numbers modulo what it finds, so that equal documents execute it
// equally. oracle/edit.mjs explains the fields and is the twin of goBody.
type edit struct {
	Root   string            `json:"root"`
	Path   []int             `json:"path"`
	Pick   int               `json:"pick"`
	A      int               `json:"a"`
	B      int               `json:"b"`
	S      string            `json:"s"`
	Key    string            `json:"key"`
	Values []json.RawMessage `json:"values"`
	Attrs  json.RawMessage   `json:"attrs"`
	Embed  json.RawMessage   `json:"embed"`
	Nest   int               `json:"nest"`
}

// mode is what the edits of a round touch.
type mode struct {
	name  string
	roots []string
	rich  bool
	undo  bool
}

func modes() []mode {
	all := []string{"text", "map", "array", "xml"}
	return []mode{
		{name: "text", roots: []string{"text"}},
		{name: "rich", roots: []string{"text"}, rich: true},
		{name: "doc", roots: []string{"map", "array", "xml"}},
		{name: "all", roots: all, rich: true},
		{name: "undo-text", roots: []string{"text"}, undo: true},
		{name: "undo-all", roots: all, rich: true, undo: true},
	}
}

func randomEdit(rng *rand.Rand, m mode) edit {
	e := edit{
		Root:   choose(rng, m.roots),
		Path:   []int{},
		Pick:   rng.IntN(1 << 20),
		A:      rng.IntN(1 << 20),
		B:      rng.IntN(1 << 20),
		S:      randomText(rng),
		Key:    choose(rng, []string{"a", "b", "c", "key", "é", ""}),
		Attrs:  choose(rng, attributes()),
		Embed:  choose(rng, []json.RawMessage{[]byte(`{"image":"a.png"}`), []byte(`{"n":1}`), []byte(`{}`)}),
		Nest:   rng.IntN(1 << 20),
		Values: []json.RawMessage{},
	}
	for range rng.IntN(4) {
		e.Path = append(e.Path, rng.IntN(1<<20))
	}
	for range 1 + rng.IntN(3) {
		e.Values = append(e.Values, choose(rng, values()))
	}
	return e
}

func choose[T any](rng *rand.Rand, from []T) T { return from[rng.IntN(len(from))] }

func randomText(rng *rand.Rand) string {
	if rng.IntN(3) > 0 {
		return string("abcdefgh \n"[rng.IntN(10)])
	}
	var b strings.Builder
	for range 1 + rng.IntN(6) {
		b.WriteString(choose(rng, []string{"x", "yz", "é", "日本", "🙂", "👩‍👧", "\U0010FFFF", "\"", "\\", "\u2028", "\x00", "<b>"}))
	}
	return b.String()
}

func attributes() []json.RawMessage {
	return []json.RawMessage{
		[]byte(`{"bold":true}`),
		[]byte(`{"bold":null}`),
		[]byte(`{"em":true}`),
		[]byte(`{"em":null}`),
		[]byte(`{"bold":true,"em":true}`),
		[]byte(`{"link":"https://example.com/é"}`),
		[]byte(`{"link":null}`),
		[]byte(`{"size":{"px":12}}`),
		[]byte(`{}`),
	}
}

// values are JSON; oracle/edit.mjs explains those with "$".
func values() []json.RawMessage {
	return []json.RawMessage{
		[]byte(`null`), []byte(`true`), []byte(`false`),
		[]byte(`0`), []byte(`1`), []byte(`-1`), []byte(`63`), []byte(`64`), []byte(`-64`),
		[]byte(`2147483647`), []byte(`2147483648`), []byte(`-2147483648`), []byte(`9007199254740991`), []byte(`1e21`),
		[]byte(`0.5`), []byte(`0.1`), []byte(`-1.25e-7`), []byte(`3.4028234663852886e38`),
		[]byte(`""`), []byte(`"word"`), []byte(`"🙂é"`),
		[]byte(`[]`), []byte(`[1,[2,"x"],null]`),
		[]byte(`{}`), []byte(`{"a":1,"b":{"c":[true]}}`),
		[]byte(`[{"$":"undefined"}]`), // yjs takes undefined and big integers in an array only inside of a value
		[]byte(`{"$":"bytes","base64":"AAEC/w=="}`),
		[]byte(`{"big":{"$":"bigint","digits":"-9007199254740993"}}`),
	}
}
