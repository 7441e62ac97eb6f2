package cross

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/wavesiddhartha/flowsync/node"
)

// goNode is a replica in Go, in this process.
type goNode struct {
	t      *testing.T
	url    string
	client string
	file   string
	used   []string
	node   *node.Node
}

func newGoNode(t *testing.T, url, client, file string) *goNode {
	g := &goNode{t: t, url: url, client: client, file: file}
	g.dial()
	return g
}

func (g *goNode) dial() {
	n, err := node.Dial(g.t.Context(), g.url, node.Options{
		Client: g.client, Queue: g.file, Logger: slog.New(slog.DiscardHandler),
		TokenSource: func(context.Context, node.TokenReason) (string, error) { return g.client, nil },
		BackoffMin:  5 * time.Millisecond, BackoffMax: 100 * time.Millisecond,
	})
	if err != nil {
		g.t.Fatal(err)
	}
	g.node = n
	for _, stream := range g.used {
		g.open(stream)
	}
}

func (g *goNode) open(stream string) {
	if err := g.node.Open(stream, node.OpenOptions{}); err != nil {
		g.t.Fatal(err)
	}
}

func (g *goNode) name() string { return g.client }

func (g *goNode) use(stream string) {
	g.used = append(g.used, stream)
	g.open(stream)
}

func (g *goNode) push(stream string, ops []string) []verdict {
	var receipts []*node.Receipt
	for _, op := range ops {
		receipts = append(receipts, g.node.Submit(g.t.Context(), stream, json.RawMessage(op)))
	}
	verdicts := make([]verdict, len(ops))
	for i, r := range receipts {
		if r.Wait() != nil {
			verdicts[i] = refused
		}
	}
	return verdicts
}

func (g *goNode) setOffline(offline bool) {
	g.node.SetOffline(offline)
	if !offline {
		g.node.Connect()
	}
}

func (g *goNode) look(stream string) (shown, bool) {
	before := g.node.Cursor(stream)
	digest, ok := g.node.Digest(stream)
	s := shown{digest: hex.EncodeToString(digest[:]), cursor: g.node.Cursor(stream)}
	return s, ok && s.cursor == before
}

func (g *goNode) value(stream string) (string, error) {
	ctx, cancel := context.WithTimeout(g.t.Context(), patience)
	defer cancel()
	value, err := g.node.Get(ctx, stream)
	return string(value), err
}

func (g *goNode) flush() error {
	ctx, cancel := context.WithTimeout(g.t.Context(), patience)
	defer cancel()
	err := g.node.Flush(ctx)
	if ctx.Err() == nil {
		return nil // an error is a rejection
	}
	return err
}

func (g *goNode) status() string {
	s := g.node.Status()
	return fmt.Sprintf("%s %d %s", s.Name, s.Code, s.Reason)
}

func (g *goNode) pending() int { return g.node.Pending() }

func (g *goNode) rejected() []letter {
	var letters []letter
	for _, d := range g.node.Rejected() {
		letters = append(letters, letter{d.Stream, string(d.Code), d.Op})
	}
	return letters
}

func (g *goNode) restart() {
	g.close()
	g.dial()
}

func (g *goNode) close() {
	if err := g.node.Close(); err != nil {
		g.t.Errorf("%s: %v", g.client, err)
	}
}
