package flowsync_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/wavesiddhartha/flowsync"
	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/node"
)

var quiet = slog.New(slog.DiscardHandler)

// Mount the hub twice under net/http: with the second pattern alone, the mux
// answers ws://…/flowsync with a redirect that browsers do not follow.
func Example() {
	hub, err := flowsync.New(flowsync.Options{Auth: flowsync.Anonymous, Logger: quiet})
	if err != nil {
		log.Fatal(err)
	}
	hub.Stream("counter:value", flowsync.Counter, flowsync.Initial(40))

	mux := http.NewServeMux()
	mux.Handle("/flowsync", hub)
	mux.Handle("/flowsync/", hub)
	srv := httptest.NewServer(mux)
	defer srv.Close()
	defer hub.Shutdown(context.Background()) // the hub first, then the server

	resp, err := http.Post(srv.URL+"/flowsync/streams/counter:value/ops", "application/json",
		strings.NewReader(`{"op":"increment","amount":2}`))
	if err != nil {
		log.Fatal(err)
	}
	resp.Body.Close()

	resp, err = http.Get(srv.URL + "/flowsync/streams/counter:value")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	value, _ := io.ReadAll(resp.Body)
	fmt.Printf("%s", value)
	// Output: 42
}

// Under chi the hub is mounted like any other handler, behind any middleware.
func ExampleHub_chi() {
	hub, err := flowsync.New(flowsync.Options{Auth: flowsync.Anonymous, Logger: quiet})
	if err != nil {
		log.Fatal(err)
	}
	defer hub.Shutdown(context.Background())

	r := chi.NewRouter()
	r.Use(middleware.RequestID, middleware.Recoverer)
	r.Mount("/flowsync", hub)
	srv := httptest.NewServer(r)
	defer srv.Close()

	resp, err := http.Get(srv.URL + "/flowsync/healthz")
	if err != nil {
		log.Fatal(err)
	}
	resp.Body.Close()
	fmt.Println(resp.Status)
	// Output: 200 OK
}

// A hub and two nodes share a counter. Each node shows its own change at once
// and everyone's once it is committed.
func ExampleHub_Counter() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	hub, err := flowsync.New(flowsync.Options{Auth: flowsync.Anonymous, Logger: quiet})
	if err != nil {
		log.Fatal(err)
	}
	hub.Stream("counter:value", flowsync.Counter)
	srv := httptest.NewServer(hub)
	defer srv.Close()
	defer hub.Shutdown(ctx)
	url := "ws" + strings.TrimPrefix(srv.URL, "http")

	for _, name := range []string{"sensor-1", "sensor-2"} {
		n, err := node.Dial(ctx, url, node.Options{Client: name, Logger: quiet})
		if err != nil {
			log.Fatal(err)
		}
		defer n.Close()
		if err := n.Counter("counter:value").Add(ctx, 20); err != nil {
			log.Fatal(err)
		}
		if err := n.Flush(ctx); err != nil { // wait for the commit
			log.Fatal(err)
		}
	}
	if err := hub.Counter("counter:value").Add(ctx, 2); err != nil {
		log.Fatal(err)
	}
	sum, err := hub.Counter("counter:value").Value(ctx)
	fmt.Println(sum, err)
	// Output: 42 <nil>
}

// A rule of one's own works on the hub and in nodes alike: here a stream that
// holds the highest bid.
func ExampleHub_Stream_customRule() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	hub, err := flowsync.New(flowsync.Options{Auth: flowsync.Anonymous, Logger: quiet})
	if err != nil {
		log.Fatal(err)
	}
	hub.Stream("auction:*", highest{})
	srv := httptest.NewServer(hub)
	defer srv.Close()
	defer hub.Shutdown(ctx)

	n, err := node.Dial(ctx, "ws"+strings.TrimPrefix(srv.URL, "http"),
		node.Options{Client: "bidder", Rules: []flowsync.Rule{highest{}}, Logger: quiet})
	if err != nil {
		log.Fatal(err)
	}
	defer n.Close()
	for _, bid := range []int{120, 90, 150} {
		if err := n.Push(ctx, "auction:lamp", map[string]any{"op": "bid", "bid": bid}); err != nil {
			log.Fatal(err)
		}
	}
	if err := n.Flush(ctx); err != nil {
		log.Fatal(err)
	}
	value, err := hub.Get(ctx, "auction:lamp")
	fmt.Println(string(value), err)
	err = hub.Push(ctx, "auction:lamp", map[string]any{"op": "bid", "bid": -1})
	fmt.Println(err)
	// Output:
	// 150 <nil>
	// bad_op: a bid is an integer from 1 to 2^53-1
}

// highest is a rule: its one op is {"bid":n,"op":"bid"}, its value the greatest n.
type highest struct{}

func (highest) Name() string    { return "highest-bid" }
func (highest) New() crdt.State { return new(bid) }
func (highest) Decode(encoded []byte) (crdt.State, error) {
	n, err := strconv.ParseUint(string(encoded), 10, 53)
	if err != nil || strconv.FormatUint(n, 10) != string(encoded) {
		return nil, fmt.Errorf("highest-bid: the encoding is not an integer")
	}
	b := bid(n)
	return &b, nil
}

type bid uint64

func (b *bid) read(op crdt.Op) (bid, error) {
	var in struct {
		Op  string `json:"op"`
		Bid uint64 `json:"bid"`
	}
	if json.Unmarshal(op.Body, &in) != nil || in.Op != "bid" || in.Bid < 1 || in.Bid >= 1<<53 {
		return 0, crdt.Errorf(crdt.BadOp, "a bid is an integer from 1 to 2^53-1")
	}
	return bid(in.Bid), nil
}

func (b *bid) Check(op crdt.Op) (grow int, err error) {
	_, err = b.read(op)
	return 16, err
}

func (b *bid) Apply(op crdt.Op) {
	if n, err := b.read(op); err == nil {
		*b = max(*b, n)
	}
}

func (b *bid) Clone() crdt.State            { c := *b; return &c }
func (b *bid) AppendState(to []byte) []byte { return strconv.AppendUint(to, uint64(*b), 10) }
func (b *bid) AppendValue(to []byte) []byte { return strconv.AppendUint(to, uint64(*b), 10) }
func (b *bid) Size() int                    { return 16 }
