package load

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/wavesiddhartha/flowsync/bench/peer"
	"github.com/wavesiddhartha/flowsync/bench/raw"
)

// A server that loses, repeats, swaps or misdirects one message fails the run,
// whatever its figures are. The same server without a fault passes.
func TestFaultsAreNotSpeed(t *testing.T) {
	for name, fault := range map[string]func(n int, msg []byte) [][]byte{
		"none": nil,
		"lost": func(n int, msg []byte) [][]byte {
			if n == 100 {
				return nil
			}
			return [][]byte{msg}
		},
		"the last lost": func(n int, msg []byte) [][]byte {
			if n > 100 {
				return nil
			}
			return [][]byte{msg}
		},
		"repeated": func(n int, msg []byte) [][]byte {
			if n == 100 {
				return [][]byte{msg, msg}
			}
			return [][]byte{msg}
		},
		"swapped": func() func(n int, msg []byte) [][]byte {
			var held []byte
			return func(n int, msg []byte) [][]byte {
				switch n {
				case 100:
					held = msg
					return nil
				case 101:
					return [][]byte{msg, held}
				}
				return [][]byte{msg}
			}
		}(),
		"of another room": func(n int, msg []byte) [][]byte {
			if n == 100 {
				return [][]byte{msg, appendBody(nil, 99, 1, 0)}
			}
			return [][]byte{msg}
		},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "the last lost" && testing.Short() {
				t.Skip("SKIP with -short: it waits until nothing more can come")
			}
			sv := faultyServer(t, fault)
			l := Rooms{Rooms: 1, Members: 2, Apart: true, Rate: 2000, Warm: 50 * time.Millisecond, Measure: 400 * time.Millisecond}
			v, err := l.Run(sv)
			var faults Faults
			switch {
			case fault == nil && err != nil:
				t.Errorf("without a fault: %v", err)
			case fault != nil && !errors.As(err, &faults):
				t.Errorf("the fault was not seen: %v, %v", v, err)
			}
		})
	}
}

// A server that acknowledges what it has not stored fails the run.
func TestAcksAreAudited(t *testing.T) {
	sv := faultyServer(t, nil)
	sv.Peer.Dialect = countsOne{sv.Peer.Dialect}
	_, err := Push{Writers: 2, Streams: 1, Warm: 10 * time.Millisecond, Measure: 50 * time.Millisecond}.Run(sv)
	if err == nil || !strings.Contains(err.Error(), "were acked") {
		t.Errorf("the error is %v, want one about acks", err)
	}
}

// countsOne claims that each stream has one message more than before at most.
type countsOne struct{ peer.Dialect }

func (c countsOne) Join(_ *raw.Conn, j peer.Join, _ func([]byte)) ([]peer.Position, error) {
	positions := make([]peer.Position, len(j.Streams))
	for i := range positions {
		positions[i].Offset = 1
	}
	return positions, nil
}

// faultyServer is the usual chat server in this process; what the members of a
// room get goes through fault.
func faultyServer(t *testing.T, fault func(n int, msg []byte) [][]byte) *Server {
	p, err := peer.Find("common")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	members := make(map[*websocket.Conn]bool)
	pushes := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer conn.CloseNow()
		ctx := context.Background()
		for {
			_, msg, err := conn.Read(ctx)
			if err != nil {
				return
			}
			mu.Lock()
			if verb, rest, _ := strings.Cut(string(msg), " "); verb == "join" {
				members[conn] = true
				_ = conn.Write(ctx, websocket.MessageText, []byte("joined"))
			} else {
				pushes++
				fields := strings.Fields(rest)
				out := [][]byte{[]byte(fields[2])}
				if fault != nil {
					out = fault(pushes, out[0])
				}
				for member := range members {
					for _, msg := range out {
						_ = member.Write(ctx, websocket.MessageText, msg)
					}
				}
				_ = conn.Write(ctx, websocket.MessageText, []byte("ok "+fields[1]))
			}
			mu.Unlock()
		}
	}))
	t.Cleanup(srv.Close)
	return &Server{Peer: p, Addr: strings.TrimPrefix(srv.URL, "http://"), PID: os.Getpid()}
}
