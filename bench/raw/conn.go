package raw

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"
)

// Sizes of the buffer that a connection reads into: it begins small, because
// thousands are idle, and doubles while reads fill it.
const (
	firstBuffer   = 2 << 10
	usualBuffer   = 64 << 10
	dialTimeout   = 20 * time.Second
	upgradeFormat = "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n"
)

// Conn is one connection. One goroutine may read while others write.
type Conn struct {
	conn net.Conn

	// Owned by the reader.
	buf        []byte
	start, end int // what of buf is not handed out yet

	mu sync.Mutex // guards writes to conn
}

// Dial connects to addr and upgrades. header has whole lines, each ended by
// CRLF, or is empty.
func Dial(addr, path, header string) (*Conn, error) {
	conn, err := net.DialTimeout("tcp", addr, dialTimeout)
	if err != nil {
		return nil, err
	}
	c := &Conn{conn: conn, buf: make([]byte, firstBuffer)}
	if err := c.upgrade(addr, path, header); err != nil {
		conn.Close()
		return nil, err
	}
	return c, nil
}

func (c *Conn) upgrade(addr, path, header string) error {
	if err := c.conn.SetDeadline(time.Now().Add(dialTimeout)); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(c.conn, upgradeFormat, path, addr, header); err != nil {
		return err
	}
	for {
		if i := bytes.Index(c.buf[:c.end], []byte("\r\n\r\n")); i >= 0 {
			answer := string(c.buf[:i])
			if !strings.HasPrefix(answer, "HTTP/1.1 101") {
				line, _, _ := strings.Cut(answer, "\r\n")
				return fmt.Errorf("the server did not upgrade: %s", line)
			}
			c.start = i + 4
			return c.conn.SetDeadline(time.Time{})
		}
		if c.end == len(c.buf) {
			return errors.New("the server's answer to the upgrade is too long")
		}
		n, err := c.conn.Read(c.buf[c.end:])
		if err != nil {
			return err
		}
		c.end += n
	}
}

// Next returns the payload of the next data frame; it is valid until the next
// call. Pings are answered. The error is a *Closed when the server said goodbye.
func (c *Conn) Next() ([]byte, error) {
	for {
		h, err := parseHeader(c.buf[c.start:c.end])
		if err == nil && c.end-c.start >= h.head+h.length {
			payload := c.buf[c.start+h.head : c.start+h.head+h.length]
			c.start += h.head + h.length
			switch h.opcode {
			case Text, Binary:
				return payload, nil
			case ping:
				if err := c.Write(AppendFrame(nil, pong, payload)); err != nil {
					return nil, err
				}
			case closes:
				return nil, closedBy(payload)
			}
			continue
		}
		if err != nil && !errors.Is(err, errShort) {
			return nil, err
		}
		if err := c.fill(h.head + h.length); err != nil {
			return nil, err
		}
	}
}

// fill reads once, and makes room for a frame of need bytes before.
func (c *Conn) fill(need int) error {
	if c.start == c.end {
		c.start, c.end = 0, 0
	}
	if c.start > 0 && (c.end == len(c.buf) || c.start+need > len(c.buf)) {
		copy(c.buf, c.buf[c.start:c.end])
		c.start, c.end = 0, c.end-c.start
	}
	if size := max(need, len(c.buf)); size > len(c.buf) || c.end == len(c.buf) {
		grown := make([]byte, max(2*len(c.buf), size))
		c.end = copy(grown, c.buf[c.start:c.end])
		c.start, c.buf = 0, grown
	}
	n, err := c.conn.Read(c.buf[c.end:])
	c.end += n
	if c.start == 0 && c.end == len(c.buf) && len(c.buf) < usualBuffer {
		grown := make([]byte, 2*len(c.buf))
		c.end = copy(grown, c.buf[:c.end])
		c.buf = grown
	}
	if n > 0 {
		return nil
	}
	return err
}

// Write sends whole frames.
func (c *Conn) Write(frames []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := c.conn.Write(frames)
	return err
}

// SetReadDeadline bounds how long Next may wait; the zero time takes the bound
// away.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.conn.SetReadDeadline(t) }

// Close cuts the connection, as a network does: without a close frame.
func (c *Conn) Close() error { return c.conn.Close() }

// Closed is the server's close frame.
type Closed struct {
	Code   int
	Reason string
}

func (c *Closed) Error() string {
	return fmt.Sprintf("the server closed the connection with %d: %s", c.Code, c.Reason)
}

func closedBy(payload []byte) error {
	if len(payload) < 2 {
		return io.EOF
	}
	return &Closed{int(payload[0])<<8 | int(payload[1]), string(payload[2:])}
}
