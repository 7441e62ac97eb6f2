package wire

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/vectors instead of comparing with it")

// requireVectors compares v with a file of testdata/vectors, which the
// TypeScript client is tested against too.
func requireVectors(t *testing.T, name string, v any) {
	t.Helper()
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "\t")
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("..", "testdata", "vectors", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, buf.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(buf.Bytes(), want) {
		t.Fatalf("%s differs from what this code does. Clients and hubs of other versions and languages follow the file: "+
			"if the protocol is meant to change, run go test ./wire -update and change them with it.", path)
	}
}

type messageVector struct {
	From string `json:"from"`
	Name string `json:"name"`
	JSON string `json:"json"`
}

type refusedVector struct {
	From   string `json:"from"`
	Name   string `json:"name"`
	JSON   string `json:"json"`
	Code   Code   `json:"code"`
	Ref    string `json:"ref,omitempty"`
	Stream string `json:"stream,omitempty"`
	Seq    uint64 `json:"seq,omitempty"`
}

func TestMessageVectors(t *testing.T) {
	var file struct {
		Messages []messageVector `json:"messages"`
		Refused  []refusedVector `json:"refused"`
	}
	for _, s := range clientSamples() {
		file.Messages = append(file.Messages, messageVector{"client", s.name, s.line})
	}
	for _, s := range hubSamples() {
		file.Messages = append(file.Messages, messageVector{"hub", s.name, s.line})
	}
	for _, r := range refusals() {
		file.Refused = append(file.Refused, refusedVector{r.from, r.name, r.line, r.code, r.ref, r.stream, r.seq})
	}
	requireVectors(t, "messages.json", file)
}

func TestCodeVectors(t *testing.T) {
	type code struct {
		Code  Code `json:"code"`
		Retry bool `json:"retry"`
	}
	type closing struct {
		Code      CloseCode `json:"code"`
		Text      string    `json:"text"`
		Reconnect bool      `json:"reconnect"`
	}
	var file struct {
		Codes      []code    `json:"codes"`
		CloseCodes []closing `json:"close_codes"`
	}
	for _, c := range Codes() {
		file.Codes = append(file.Codes, code{c, Retryable(c)})
	}
	for _, c := range CloseCodes() {
		file.CloseCodes = append(file.CloseCodes, closing{c, c.Text(), c.Reconnect()})
	}
	requireVectors(t, "codes.json", file)
}
