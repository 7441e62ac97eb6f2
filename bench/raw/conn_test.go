package raw_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/wavesiddhartha/flowsync/bench/raw"
)

// Frames of every length arrive whole and in order, also when several share a
// read or one takes many.
func TestConnReadsWhatAServerSends(t *testing.T) {
	const seed = 1
	rng := rand.New(rand.NewPCG(seed, 0))
	var want [][]byte
	for _, n := range []int{0, 1, 125, 126, 127, 2047, 2048, 65535, 65536, 300_000} {
		want = append(want, bytes.Repeat([]byte("x"), n))
	}
	for range 500 {
		want = append(want, bytes.Repeat([]byte("y"), rng.IntN(3000)))
	}
	c := dial(t, func(conn *websocket.Conn) {
		for _, msg := range want {
			if conn.Write(context.Background(), websocket.MessageText, msg) != nil {
				return
			}
		}
		_ = conn.Close(4400, "enough")
	})
	for i, w := range want {
		got, err := c.Next()
		if err != nil {
			t.Fatalf("seed %d, frame %d: %v", seed, i, err)
		}
		if !bytes.Equal(got, w) {
			t.Fatalf("seed %d, frame %d has %d bytes, want %d", seed, i, len(got), len(w))
		}
	}
	_, err := c.Next()
	var closed *raw.Closed
	if !errors.As(err, &closed) || closed.Code != 4400 || closed.Reason != "enough" {
		t.Errorf("the end is %v, want the close frame 4400", err)
	}
}

// A server reads what the client frames, of every length.
func TestServerReadsWhatAConnWrites(t *testing.T) {
	lengths := []int{0, 1, 125, 126, 65535, 65536}
	c := dial(t, func(conn *websocket.Conn) {
		conn.SetReadLimit(-1)
		for {
			_, msg, err := conn.Read(context.Background())
			if err != nil {
				return
			}
			if conn.Write(context.Background(), websocket.MessageText, fmt.Append(nil, len(msg))) != nil {
				return
			}
		}
	})
	for _, n := range lengths {
		if err := c.Write(raw.AppendFrame(nil, raw.Text, bytes.Repeat([]byte("z"), n))); err != nil {
			t.Fatal(err)
		}
		got, err := c.Next()
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != fmt.Sprint(n) {
			t.Errorf("the server read %s bytes, want %d", got, n)
		}
	}
}

// A ping is answered while the reader waits.
func TestConnAnswersPings(t *testing.T) {
	c := dial(t, func(conn *websocket.Conn) {
		ctx := conn.CloseRead(context.Background())
		if err := conn.Ping(ctx); err != nil {
			t.Errorf("the ping was not answered: %v", err)
		}
		_ = conn.Write(ctx, websocket.MessageText, []byte("done"))
	})
	if got, err := c.Next(); err != nil || string(got) != "done" {
		t.Errorf("got %q, %v", got, err)
	}
}

// A refused upgrade is an error that says what came.
func TestDialSaysWhatRefusedIt(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	defer srv.Close()
	_, err := raw.Dial(strings.TrimPrefix(srv.URL, "http://"), "/", "")
	if err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("the error is %v, want one with 404", err)
	}
}

func dial(t *testing.T, serve func(*websocket.Conn)) *raw.Conn {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer conn.CloseNow()
		serve(conn)
	}))
	t.Cleanup(srv.Close)
	c, err := raw.Dial(strings.TrimPrefix(srv.URL, "http://"), "/", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}
