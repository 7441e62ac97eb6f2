package node_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"

	"github.com/wavesiddhartha/flowsync"
	"github.com/wavesiddhartha/flowsync/node"
)

// exampleHub serves a hub for the examples and returns its URL.
func exampleHub() (url string, stop func()) {
	hub, err := flowsync.New(flowsync.Options{Auth: flowsync.Anonymous, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		panic(err)
	}
	hub.Stream("counter:value", flowsync.Counter)
	hub.Stream("guests", flowsync.ORSet)
	server := httptest.NewServer(hub)
	return "ws" + strings.TrimPrefix(server.URL, "http"), func() {
		_ = hub.Shutdown(context.Background())
		server.Close()
	}
}

func ExampleDial() {
	url, stop := exampleHub()
	defer stop()
	ctx := context.Background()

	n, err := node.Dial(ctx, url, node.Options{Client: "sensor-1", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer n.Close()

	err = n.Push(ctx, "counter:value", map[string]any{"op": "increment", "amount": 5})
	if err != nil {
		fmt.Println(err)
		return
	}
	value, err := n.Get(ctx, "counter:value")
	fmt.Println(string(value), err)
	fmt.Println(n.Flush(ctx)) // wait until the hub has it
	// Output:
	// 5 <nil>
	// <nil>
}

func ExampleNode_SetOffline() {
	url, stop := exampleHub()
	defer stop()
	ctx := context.Background()

	n, err := node.Dial(ctx, url, node.Options{Client: "tablet", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer n.Close()

	guests := n.Set("guests")
	_, _ = guests.Values(ctx) // once synced, the set is at hand offline too
	n.SetOffline(true)
	_ = guests.Add(ctx, "Ada")
	names, _ := guests.Values(ctx)
	fmt.Println(names, n.Pending("guests"))

	n.SetOffline(false)
	_ = n.Flush(ctx)
	fmt.Println(n.Pending("guests"))
	// Output:
	// [Ada] 1
	// 0
}
