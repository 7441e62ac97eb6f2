package flowsync

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"time"
)

// TestTTL: a key of an ephemeral stream ends when it was not written for its
// time to live, and one that is written goes on.
func TestTTL(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	hub, err := New(Options{Auth: Anonymous, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer hub.Shutdown(ctx)
	hub.Stream("cursor:*", Ephemeral, TTL(time.Second))
	set := func(key string) {
		t.Helper()
		if err := hub.Map("cursor:page").Set(ctx, key, 1); err != nil {
			t.Fatal(err)
		}
	}
	set("once")
	set("often")
	gone := false
	for value, err := range hub.Watch(ctx, "cursor:page") {
		if err != nil {
			t.Fatal(err)
		}
		var keys map[string]int
		if err := json.Unmarshal(value, &keys); err != nil {
			t.Fatal(err)
		}
		if _, ok := keys["often"]; !ok {
			t.Fatal("a key that is written goes away")
		}
		if _, ok := keys["once"]; !ok {
			gone = true
			break
		}
		time.Sleep(300 * time.Millisecond)
		set("often")
	}
	if !gone {
		t.Fatal("a key outlived its time")
	}
}
