// Package sockettest has a WebSocket client for tests that writes every byte
// itself, so that it can also write what no client should.
package sockettest

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wavesiddhartha/flowsync/wire"
)

// Bits and opcodes of a frame's first two bytes (RFC 6455 section 5.2).
const (
	Fin  = 0x80
	Mask = 0x80

	Continuation = 0x0
	Text         = 0x1
	Binary       = 0x2
	Close        = 0x8
	Ping         = 0x9
	Pong         = 0xA
)

// Conn is a WebSocket client that does what it is told, right or wrong:
// headers and frames are written by hand. Every read gives up after its
// patience.
type Conn struct {
	t        testing.TB
	Conn     net.Conn
	Reader   *bufio.Reader
	Patience time.Duration
}

// ValidUpgrade is a request that a hub accepts, but for its request line and
// Host.
func ValidUpgrade() http.Header {
	return http.Header{
		"Connection":            {"Upgrade"},
		"Upgrade":               {"websocket"},
		"Sec-Websocket-Version": {"13"},
		"Sec-Websocket-Key":     {"dGhlIHNhbXBsZSBub25jZQ=="},
	}
}

// DialTCP connects to an http:// or https:// address without a request.
func DialTCP(t testing.TB, url string) *Conn {
	t.Helper()
	scheme, host, _ := strings.Cut(url, "://")
	host, _, _ = strings.Cut(host, "/")
	conn, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	if scheme == "https" {
		conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
	}
	t.Cleanup(func() { conn.Close() })
	return &Conn{t: t, Conn: conn, Reader: bufio.NewReader(conn), Patience: 10 * time.Second}
}

// Request sends method and header to the path of url and reads the answer,
// whose body is read unless it is an upgrade.
func (c *Conn) Request(method, url string, header http.Header) *http.Response {
	c.t.Helper()
	req, err := http.NewRequest(method, url, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	var b bytes.Buffer
	b.WriteString(method + " " + req.URL.RequestURI() + " HTTP/1.1\r\nHost: " + req.Host + "\r\n")
	if err := header.Write(&b); err != nil {
		c.t.Fatal(err)
	}
	b.WriteString("\r\n")
	c.Write(b.Bytes())
	c.Deadline()
	resp, err := http.ReadResponse(c.Reader, req)
	if err != nil {
		c.t.Fatalf("no answer to the request: %v", err)
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return resp
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp
}

// Dial connects to url and upgrades, with extra headers as key, value pairs.
func Dial(t testing.TB, url string, extra ...string) *Conn {
	t.Helper()
	header := ValidUpgrade()
	for i := 0; i < len(extra); i += 2 {
		header.Set(extra[i], extra[i+1])
	}
	c := DialTCP(t, url)
	if resp := c.Request(http.MethodGet, url, header); resp.StatusCode != http.StatusSwitchingProtocols {
		body, _ := io.ReadAll(resp.Body)
		t.Fatalf("the upgrade was answered %s: %s", resp.Status, body)
	}
	return c
}

func (c *Conn) Deadline() {
	if err := c.Conn.SetReadDeadline(time.Now().Add(c.Patience)); err != nil {
		c.t.Fatal(err)
	}
}

// Write sends bytes as they are. What the hub does not take any more is no
// failure: it may have closed.
func (c *Conn) Write(b []byte) {
	_ = c.Conn.SetWriteDeadline(time.Now().Add(5 * time.Second))
	_, _ = c.Conn.Write(b)
}

// Text sends a whole, masked text message.
func (c *Conn) Text(s string) { c.Write(Frame(Fin|Text, []byte(s))) }

// Frame is a masked frame whose first byte is head.
func Frame(head byte, payload []byte) []byte {
	key := [4]byte{0x12, 0x9a, 0x55, 0xf0}
	b := append(Header(head, Mask, uint64(len(payload))), key[:]...)
	for i, p := range payload {
		b = append(b, p^key[i%4])
	}
	return b
}

// Unmasked is what only a server may send.
func Unmasked(head byte, payload []byte) []byte {
	return append(Header(head, 0, uint64(len(payload))), payload...)
}

// Header is a header without mask key that claims length.
func Header(head, mask byte, length uint64) []byte {
	switch {
	case length <= 125:
		return []byte{head, mask | byte(length)}
	case length < 1<<16:
		return binary.BigEndian.AppendUint16([]byte{head, mask | 126}, uint16(length))
	}
	return binary.BigEndian.AppendUint64([]byte{head, mask | 127}, length)
}

// CloseFrame is a masked close frame.
func CloseFrame(code wire.CloseCode, reason string) []byte {
	return Frame(Fin|Close, append(binary.BigEndian.AppendUint16(nil, uint16(code)), reason...))
}

// Frame reads the next frame.
func (c *Conn) Frame() (head byte, payload []byte, err error) {
	c.Deadline()
	var h [2]byte
	if _, err := io.ReadFull(c.Reader, h[:]); err != nil {
		return 0, nil, err
	}
	length := uint64(h[1])
	ext := make([]byte, 0, 8)
	switch length {
	case 126:
		ext = ext[:2]
	case 127:
		ext = ext[:8]
	}
	if _, err := io.ReadFull(c.Reader, ext); err != nil {
		return 0, nil, err
	}
	switch len(ext) {
	case 2:
		length = uint64(binary.BigEndian.Uint16(ext))
	case 8:
		length = binary.BigEndian.Uint64(ext)
	}
	payload = make([]byte, length)
	_, err = io.ReadFull(c.Reader, payload)
	return h[0], payload, err
}

// ExpectText reads the next frame and requires it to be this text.
func (c *Conn) ExpectText(want string) {
	c.t.Helper()
	head, payload, err := c.Frame()
	if err != nil {
		c.t.Fatalf("no message: %v", err)
	}
	if head != Fin|Text {
		c.t.Fatalf("a frame of kind %#x came instead of a text message: %q", head, payload)
	}
	if got := string(payload); got != want {
		c.t.Fatalf("the message is %.200q, want %.200q", got, want)
	}
}

// ExpectClose reads, past other frames, the close frame and then the end of
// the connection, which must not be a reset.
func (c *Conn) ExpectClose(want wire.CloseCode) (reason string) {
	c.t.Helper()
	for {
		head, payload, err := c.Frame()
		if err != nil {
			c.t.Fatalf("the connection ended without a close frame (want %d): %v", want, err)
		}
		if head&0xF != Close {
			continue
		}
		if head != Fin|Close {
			c.t.Fatalf("a close frame begins with %#x", head)
		}
		if len(payload) >= 2 {
			if got := wire.CloseCode(binary.BigEndian.Uint16(payload)); got != want {
				c.t.Fatalf("closed with %d %q, want %d", got, payload[2:], want)
			}
			reason = string(payload[2:])
		} else if want != 0 {
			c.t.Fatalf("closed without a code, want %d", want)
		}
		c.ExpectEnd()
		return reason
	}
}

// ExpectEnd requires the hub to close its side in order, without data.
func (c *Conn) ExpectEnd() {
	c.t.Helper()
	c.Deadline()
	rest, err := io.ReadAll(c.Reader)
	if err != nil && !errors.Is(err, io.EOF) {
		c.t.Fatalf("the connection did not end in order: %v", err)
	}
	if len(rest) > 0 {
		c.t.Fatalf("%d bytes came after the close frame: % x", len(rest), rest[:min(len(rest), 32)])
	}
}
