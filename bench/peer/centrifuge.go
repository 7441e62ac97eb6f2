package peer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/centrifugal/centrifuge"
	"github.com/centrifugal/protocol"

	"github.com/wavesiddhartha/flowsync/bench/raw"
)

func centrifugeInMemory(Place) (*Server, error) { return centrifugeNode(nil) }

// centrifugeOnRedis keeps the history in a Redis of its own that syncs its file
// before it answers.
func centrifugeOnRedis(p Place) (*Server, error) {
	redis, err := startRedis(p.Dir)
	if err != nil {
		return nil, err
	}
	s, err := centrifugeNode(func(n *centrifuge.Node) (centrifuge.Broker, error) {
		shard, err := centrifuge.NewRedisShard(n, centrifuge.RedisShardConfig{Address: redis.addr})
		if err != nil {
			return nil, err
		}
		return centrifuge.NewRedisBroker(n, centrifuge.RedisBrokerConfig{Shards: []*centrifuge.RedisShard{shard}})
	})
	if err != nil {
		return nil, errors.Join(err, redis.stop())
	}
	stop := s.Close
	s.Close = func() error { return errors.Join(stop(), redis.stop()) }
	s.Store = redis.pid()
	return s, nil
}

// centrifugeNode is a node whose clients may publish and subscribe with a
// history to recover from. broker may be nil: the one in memory.
func centrifugeNode(broker func(*centrifuge.Node) (centrifuge.Broker, error)) (*Server, error) {
	node, err := centrifuge.New(centrifuge.Config{ClientQueueMaxSize: 64 << 20, ClientChannelLimit: 4096})
	if err != nil {
		return nil, err
	}
	if broker != nil {
		b, err := broker(node)
		if err != nil {
			return nil, err
		}
		node.SetBroker(b)
	}
	node.OnConnecting(func(_ context.Context, e centrifuge.ConnectEvent) (centrifuge.ConnectReply, error) {
		if e.Token != Token {
			return centrifuge.ConnectReply{}, centrifuge.DisconnectInvalidToken
		}
		return centrifuge.ConnectReply{Credentials: &centrifuge.Credentials{UserID: "bench"}}, nil
	})
	rights := namespaces{"bench"}
	node.OnConnect(func(c *centrifuge.Client) {
		c.OnSubscribe(func(e centrifuge.SubscribeEvent, answer centrifuge.SubscribeCallback) {
			if !rights.Allow("read", e.Channel) {
				answer(centrifuge.SubscribeReply{}, centrifuge.ErrorPermissionDenied)
				return
			}
			answer(centrifuge.SubscribeReply{Options: centrifuge.SubscribeOptions{EnableRecovery: true}}, nil)
		})
		c.OnPublish(func(e centrifuge.PublishEvent, answer centrifuge.PublishCallback) {
			if !rights.Allow("write", e.Channel) {
				answer(centrifuge.PublishReply{}, centrifuge.ErrorPermissionDenied)
				return
			}
			answer(centrifuge.PublishReply{Options: centrifuge.PublishOptions{HistorySize: historySize, HistoryTTL: time.Hour}}, nil)
		})
	})
	if err := node.Run(); err != nil {
		return nil, err
	}
	stop := func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		return node.Shutdown(ctx)
	}
	return &Server{Handler: centrifuge.NewWebsocketHandler(node, centrifuge.WebsocketConfig{}), Close: stop}, nil
}

// Centrifuge is centrifuge's bidirectional protocol, in JSON or Protobuf.
type Centrifuge struct{ Protobuf bool }

// Dial implements [Dialect].
func (p Centrifuge) Dial(addr string) (*raw.Conn, error) {
	if p.Protobuf {
		return raw.Dial(addr, "/", "Sec-WebSocket-Protocol: centrifuge-protobuf\r\n")
	}
	return raw.Dial(addr, "/", "")
}

// Commands are numbered: connect is 1, the n-th subscribe 1+n, and pushes go on
// after firstPush, so that the reply to one tells its seq.
const firstPush = 1 << 16

// Join implements [Dialect].
func (p Centrifuge) Join(c *raw.Conn, j Join, seen func([]byte)) ([]Position, error) {
	commands := []*protocol.Command{{Id: 1, Connect: &protocol.ConnectRequest{Token: Token, Name: j.Client}}}
	if j.Mode != Pushes {
		for i, stream := range j.Streams {
			s := &protocol.SubscribeRequest{Channel: stream, Recoverable: true, Positioned: true}
			if j.From != nil {
				s.Recover, s.Epoch, s.Offset = true, j.From[i].Cursor, j.From[i].Offset
			}
			commands = append(commands, &protocol.Command{Id: uint32(2 + i), Subscribe: s})
		}
	}
	var frames []byte
	for _, cmd := range commands {
		encoded, err := p.encode(cmd)
		if err != nil {
			return nil, err
		}
		frames = raw.AppendFrame(frames, p.opcode(), encoded)
	}
	if err := c.Write(frames); err != nil {
		return nil, err
	}
	positions := make([]Position, len(j.Streams))
	for left := len(commands); left > 0; {
		payload, err := c.Next()
		if err != nil {
			return nil, err
		}
		if seen != nil {
			seen(payload)
		}
		err = p.each(payload, func(r *protocol.Reply) error {
			if r.Error != nil {
				return fmt.Errorf("centrifuge answered with error %d: %s", r.Error.Code, r.Error.Message)
			}
			if s := r.Subscribe; s != nil {
				if j.From != nil && !s.Recovered {
					return errors.New("centrifuge could not recover")
				}
				positions[r.Id-2] = Position{s.Offset, s.Epoch}
			}
			if r.Id > 0 {
				left--
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return positions, nil
}

func (p Centrifuge) opcode() byte {
	if p.Protobuf {
		return raw.Binary
	}
	return raw.Text
}

func (p Centrifuge) encode(cmd *protocol.Command) ([]byte, error) {
	if p.Protobuf {
		return protocol.NewProtobufCommandEncoder().Encode(cmd)
	}
	return protocol.NewJSONCommandEncoder().Encode(cmd)
}

// each decodes the replies of a payload.
func (p Centrifuge) each(payload []byte, f func(*protocol.Reply) error) error {
	var d protocol.ReplyDecoder = protocol.NewProtobufReplyDecoder(payload)
	if !p.Protobuf {
		d = protocol.NewJSONReplyDecoder(payload)
	}
	for {
		r, err := d.Decode()
		if r != nil {
			if err := f(r); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// AppendPush implements [Dialect].
func (p Centrifuge) AppendPush(b []byte, stream string, seq uint64, body []byte) []byte {
	id := uint32(firstPush + seq)
	if !p.Protobuf {
		var msg [512]byte
		m := append(msg[:0], `{"id":`...)
		m = strconv.AppendUint(m, uint64(id), 10)
		m = append(m, `,"publish":{"channel":"`...)
		m = append(m, stream...)
		m = append(m, `","data":"`...)
		m = append(m, body...)
		m = append(m, `"}}`...)
		return raw.AppendFrame(b, raw.Text, m)
	}
	encoded, err := p.encode(&protocol.Command{Id: id, Publish: &protocol.PublishRequest{Channel: stream, Data: body}})
	if err != nil {
		panic(err) // cannot happen: every field is ours
	}
	return raw.AppendFrame(b, raw.Binary, encoded)
}

// Acked implements [Dialect].
func (p Centrifuge) Acked(payload []byte) (uint64, error) {
	var acked uint64
	if !p.Protobuf && !bytes.Contains(payload, []byte(`"error"`)) {
		for line := range bytes.Lines(payload) {
			if bytes.Contains(line, []byte(`"publish"`)) {
				acked = max(acked, number(line, `"id":`)-firstPush)
			}
		}
		return acked, nil
	}
	err := p.each(payload, func(r *protocol.Reply) error {
		if r.Error != nil {
			return fmt.Errorf("centrifuge answered with error %d: %s", r.Error.Code, r.Error.Message)
		}
		if r.Publish != nil && r.Id > firstPush {
			acked = max(acked, uint64(r.Id-firstPush))
		}
		return nil
	})
	return acked, err
}

// Answer implements [Dialect]: an empty reply is a ping, and an empty command
// its answer.
func (p Centrifuge) Answer(payload []byte) []byte {
	if len(payload) <= 2 {
		return raw.AppendFrame(nil, p.opcode(), payload)
	}
	return nil
}
