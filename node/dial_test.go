package node_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/wavesiddhartha/flowsync/node"
)

func TestDialRefuses(t *testing.T) {
	for _, c := range []struct {
		url, want string
		o         node.Options
	}{
		{"http://localhost:8765", "did you mean ws://localhost:8765", node.Options{Client: "a"}},
		{"https://h.example/x", "did you mean wss://h.example", node.Options{Client: "a"}},
		{"localhost:8765", "must begin with ws://", node.Options{Client: "a"}},
		{"ws://", "names no host", node.Options{Client: "a"}},
		{"ws://u:p@h", "password", node.Options{Client: "a"}},
		{"ws://h", "Client is empty", node.Options{}},
		{"ws://h", "letters", node.Options{Client: "a b"}},
		{"ws://h", "both set", node.Options{Client: "a", Token: "t", TokenSource: func(context.Context, node.TokenReason) (string, error) { return "", nil }}},
		{"ws://h", "Timeout", node.Options{Client: "a", HTTPClient: &http.Client{Timeout: 1}}},
	} {
		n, err := node.Dial(t.Context(), c.url, c.o)
		if err == nil {
			n.Close()
			t.Errorf("%s %+v was taken", c.url, c.o)
			continue
		}
		if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "u:p") {
			t.Errorf("%s: %v", c.url, err)
		}
	}
}
