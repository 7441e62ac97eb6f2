package peer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/coder/websocket"

	"github.com/wavesiddhartha/flowsync/bench/raw"
)

// common is coder/websocket as it is usually used: each connection has a queue
// and a goroutine that writes it, a room is a set of queues under a lock, and
// who lets its queue fill is thrown out. Messages are relayed as they came; no
// history is kept. It stands for a chat server of a hundred lines.
func common(Place) (*Server, error) {
	rooms := &commonRooms{rooms: make(map[string]map[*commonClient]bool)}
	return &Server{Handler: rooms, Close: func() error { return nil }}, nil
}

type commonRooms struct {
	mu    sync.RWMutex
	rooms map[string]map[*commonClient]bool
}

type commonClient struct {
	queue chan []byte
	slow  context.CancelFunc
}

// commonQueue is above the load: nobody is thrown out.
const commonQueue = 1024

// ServeHTTP reads a connection's lines: "join ROOM", answered with "joined", and
// "push ROOM SEQ BODY", answered with "ok SEQ" once it is in all queues.
func (rs *commonRooms) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer "+Token {
		http.Error(w, "a token is required", http.StatusUnauthorized)
		return
	}
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer conn.CloseNow()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	c := &commonClient{queue: make(chan []byte, commonQueue), slow: cancel}
	go func() {
		defer cancel()
		for {
			select {
			case <-ctx.Done():
				return
			case msg := <-c.queue:
				if conn.Write(ctx, websocket.MessageText, msg) != nil {
					return
				}
			}
		}
	}()
	defer rs.leave(c)
	for {
		_, msg, err := conn.Read(ctx)
		if err != nil {
			return
		}
		verb, rest, _ := bytes.Cut(msg, []byte(" "))
		switch string(verb) {
		case "join":
			rs.join(string(rest), c)
			c.offer([]byte("joined"))
		case "push":
			room, rest, _ := bytes.Cut(rest, []byte(" "))
			seq, body, _ := bytes.Cut(rest, []byte(" "))
			rs.push(string(room), body)
			c.offer(append([]byte("ok "), seq...))
		default:
			return
		}
	}
}

func (rs *commonRooms) join(room string, c *commonClient) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if rs.rooms[room] == nil {
		rs.rooms[room] = make(map[*commonClient]bool)
	}
	rs.rooms[room][c] = true
}

func (rs *commonRooms) leave(c *commonClient) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	for _, members := range rs.rooms {
		delete(members, c)
	}
}

func (rs *commonRooms) push(room string, body []byte) {
	rs.mu.RLock()
	defer rs.mu.RUnlock()
	for c := range rs.rooms[room] {
		c.offer(body)
	}
}

func (c *commonClient) offer(msg []byte) {
	select {
	case c.queue <- msg:
	default:
		c.slow()
	}
}

// Common is the protocol of that server.
type Common struct{}

// Dial implements [Dialect].
func (Common) Dial(addr string) (*raw.Conn, error) {
	return raw.Dial(addr, "/", "Authorization: Bearer "+Token+"\r\n")
}

// Join implements [Dialect]. There is nothing to come back to.
func (Common) Join(c *raw.Conn, j Join, seen func([]byte)) ([]Position, error) {
	if j.From != nil {
		return nil, errors.New("this peer keeps no history to recover from")
	}
	positions := make([]Position, len(j.Streams))
	if j.Mode == Pushes {
		return positions, nil
	}
	var frames []byte
	for _, stream := range j.Streams {
		frames = raw.AppendFrame(frames, raw.Text, []byte("join "+stream))
	}
	if err := c.Write(frames); err != nil {
		return nil, err
	}
	for range j.Streams {
		payload, err := c.Next()
		if err != nil {
			return nil, err
		}
		if string(payload) != "joined" {
			return nil, fmt.Errorf("the answer to a join is %q", payload)
		}
	}
	return positions, nil
}

// AppendPush implements [Dialect].
func (Common) AppendPush(b []byte, stream string, seq uint64, body []byte) []byte {
	var msg [512]byte
	m := append(msg[:0], "push "...)
	m = append(m, stream...)
	m = append(m, ' ')
	m = strconv.AppendUint(m, seq, 10)
	m = append(m, ' ')
	return raw.AppendFrame(b, raw.Text, append(m, body...))
}

// Acked implements [Dialect].
func (Common) Acked(payload []byte) (uint64, error) {
	seq, ok := strings.CutPrefix(string(payload), "ok ")
	if !ok {
		return 0, fmt.Errorf("the server sent %q", payload)
	}
	return strconv.ParseUint(seq, 10, 64)
}

// Answer implements [Dialect].
func (Common) Answer([]byte) []byte { return nil }
