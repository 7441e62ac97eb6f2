package wire

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestPage holds the appendix of docs/protocol.md to the code: each line in it
// is canonical, decodes, and encodes to itself; each type of message has one.
func TestPage(t *testing.T) {
	page, err := os.ReadFile("../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	_, appendix, ok := strings.Cut(string(page), "Golden messages\n")
	appendix, _, _ = strings.Cut(appendix, "\n## ")
	if !ok {
		t.Fatal(`docs/protocol.md has no appendix "Golden messages"`)
	}
	want := map[string]bool{}
	for _, s := range clientSamples() {
		want[fmt.Sprintf("client %T", s.m)] = true
	}
	for _, s := range hubSamples() {
		want[fmt.Sprintf("hub %T", s.m)] = true
	}
	var d Decoder
	from := ""
	for line := range strings.Lines(appendix) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "Client to hub"):
			from = "client"
		case strings.HasPrefix(line, "Hub to client"):
			from = "hub"
		case strings.HasPrefix(line, "{"):
			m, err := decode(&d, from, line)
			if err != nil {
				t.Errorf("%v\nin %s", err, line)
				continue
			}
			if got := string(m.(interface{ Append([]byte) []byte }).Append(nil)); got != line {
				t.Errorf("the page has %s\nthe code  %s", line, got)
			}
			delete(want, fmt.Sprintf("%s %T", from, m))
		}
	}
	for kind := range want {
		t.Errorf("the page has no example of %s", kind)
	}
}
