package flowsync_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/wavesiddhartha/flowsync"
	"github.com/wavesiddhartha/flowsync/node"
)

// TestTextConverges: nodes that edit one text, some of them offline for a while,
// a plain client over HTTP and the program around the hub end with the same text.
func TestTextConverges(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	hub, err := flowsync.New(flowsync.Options{Auth: flowsync.Anonymous, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	hub.Stream("text:*", flowsync.Text, flowsync.Initial("héllo 👋\n"))
	srv := httptest.NewServer(hub)
	defer srv.Close()
	defer hub.Shutdown(ctx)
	url := "ws" + strings.TrimPrefix(srv.URL, "http")

	var nodes []*node.Node
	for i := range 3 {
		n, err := node.Dial(ctx, url, node.Options{Client: fmt.Sprintf("n%d", i), Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		defer n.Close()
		nodes = append(nodes, n)
		if _, err := n.Text("text:doc").String(ctx); err != nil {
			t.Fatal(err)
		}
	}
	r := rand.New(rand.NewPCG(1, 1))
	for step := range 300 {
		n := nodes[r.IntN(len(nodes))]
		if step%40 == 20 {
			nodes[step/40%3].SetOffline(true)
		}
		if step%40 == 0 {
			for _, n := range nodes {
				n.SetOffline(false)
			}
		}
		text := n.Text("text:doc")
		now, err := text.String(ctx)
		if err != nil {
			t.Fatal(err)
		}
		length := len([]rune(now)) // every non-BMP character is two units, so this is never too far
		pos := r.IntN(length + 1)
		if length-pos > 2 && r.IntN(3) == 0 {
			err = text.Delete(ctx, pos, 1+r.IntN(2))
		} else {
			err = text.Insert(ctx, pos, fmt.Sprintf("%d ", step))
		}
		if err != nil {
			t.Fatal(err)
		}
		if step%50 == 0 {
			if err := hub.Text("text:doc").Insert(ctx, 0, "hub "); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, n := range nodes {
		n.SetOffline(false)
		if err := n.Flush(ctx); err != nil {
			t.Fatal(err)
		}
	}
	want, err := hub.Text("text:doc").String(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range nodes {
		for ctx.Err() == nil {
			if got, _ := n.Text("text:doc").String(ctx); got == want && n.Pending() == 0 {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
		if got, _ := n.Text("text:doc").String(ctx); got != want {
			t.Fatalf("node %d shows\n%q, the hub\n%q", i, got, want)
		}
		if len(n.Rejected()) > 0 {
			t.Fatalf("node %d has dead letters: %v", i, n.Rejected()[0].Code)
		}
	}
	if strings.Count(want, "hub ") == 0 {
		t.Fatal("what the hub wrote is gone")
	}
}

// TestTextRejected: an edit that the hub refuses leaves the author's view, and
// the edits after it, which refer to what it had inserted, stay.
func TestTextRejected(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	hub, err := flowsync.New(flowsync.Options{Auth: flowsync.Anonymous, Logger: quiet, Limits: flowsync.Limits{StateBytes: 4000}})
	if err != nil {
		t.Fatal(err)
	}
	hub.Stream("text:*", flowsync.Text)
	srv := httptest.NewServer(hub)
	defer srv.Close()
	defer hub.Shutdown(ctx)
	n, err := node.Dial(ctx, "ws"+strings.TrimPrefix(srv.URL, "http"), node.Options{Client: "author", Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	text := n.Text("text:doc")
	if err := text.Insert(ctx, 0, "start. "); err != nil {
		t.Fatal(err)
	}
	if err := n.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	n.SetOffline(true)
	if err := text.Insert(ctx, 7, strings.Repeat("far too much ", 400)); err != nil {
		t.Fatal(err)
	}
	if err := text.Insert(ctx, 7+13, "in the middle "); err != nil {
		t.Fatal(err)
	}
	if err := text.Insert(ctx, 0, "The "); err != nil {
		t.Fatal(err)
	}
	n.SetOffline(false)
	_ = n.Flush(ctx) // tells of the rejection
	if dead := n.Rejected(); len(dead) != 1 || dead[0].Code != "stream_full" {
		t.Fatalf("dead letters: %v", dead)
	}
	const want = "The start. in the middle "
	if got, err := hub.Text("text:doc").String(ctx); err != nil || got != want {
		t.Fatalf("the hub shows %q, %v", got, err)
	}
	if got, err := text.String(ctx); err != nil || got != want {
		t.Fatalf("the author shows %q, %v", got, err)
	}
	if err := text.Insert(ctx, 4, "new "); err != nil {
		t.Fatal(err)
	}
	if err := n.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if got, err := hub.Text("text:doc").String(ctx); err != nil || got != "The new start. in the middle " {
		t.Fatalf("the hub shows %q, %v", got, err)
	}
}
