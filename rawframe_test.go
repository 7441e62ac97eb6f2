package flowsync

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

// rawConn is a WebSocket client that does what it is told, right or wrong:
// headers and frames are written by hand. Every read gives up after its
// patience.
type rawConn struct {
	t        testing.TB
	conn     net.Conn
	r        *bufio.Reader
	patience time.Duration
}

// validUpgrade is a request that a hub accepts, but for its request line and
// Host.
func validUpgrade() http.Header {
	return http.Header{
		"Connection":            {"Upgrade"},
		"Upgrade":               {"websocket"},
		"Sec-Websocket-Version": {"13"},
		"Sec-Websocket-Key":     {"dGhlIHNhbXBsZSBub25jZQ=="},
	}
}

// dialTCP connects to an http:// or https:// address without a request.
func dialTCP(t testing.TB, url string) *rawConn {
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
	return &rawConn{t: t, conn: conn, r: bufio.NewReader(conn), patience: 10 * time.Second}
}

// request sends method and header to the path of url and reads the answer,
// whose body is read unless it is an upgrade.
func (c *rawConn) request(method, url string, header http.Header) *http.Response {
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
	c.write(b.Bytes())
	c.deadline()
	resp, err := http.ReadResponse(c.r, req)
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

// dialRaw connects to url and upgrades, with extra headers as key, value pairs.
func dialRaw(t testing.TB, url string, extra ...string) *rawConn {
	t.Helper()
	header := validUpgrade()
	for i := 0; i < len(extra); i += 2 {
		header.Set(extra[i], extra[i+1])
	}
	c := dialTCP(t, url)
	if resp := c.request(http.MethodGet, url, header); resp.StatusCode != http.StatusSwitchingProtocols {
		body, _ := io.ReadAll(resp.Body)
		t.Fatalf("the upgrade was answered %s: %s", resp.Status, body)
	}
	return c
}

func (c *rawConn) deadline() {
	if err := c.conn.SetReadDeadline(time.Now().Add(c.patience)); err != nil {
		c.t.Fatal(err)
	}
}

// write sends bytes as they are. What the hub does not take any more is no
// failure: it may have closed.
func (c *rawConn) write(b []byte) {
	_ = c.conn.SetWriteDeadline(time.Now().Add(5 * time.Second))
	_, _ = c.conn.Write(b)
}

// text sends a whole, masked text message.
func (c *rawConn) text(s string) { c.write(rawFrame(bitFin|opText, []byte(s))) }

// rawFrame is a masked frame whose first byte is head.
func rawFrame(head byte, payload []byte) []byte {
	key := [4]byte{0x12, 0x9a, 0x55, 0xf0}
	b := append(rawHeader(head, bitMask, uint64(len(payload))), key[:]...)
	for i, p := range payload {
		b = append(b, p^key[i%4])
	}
	return b
}

// unmaskedFrame is what only a server may send.
func unmaskedFrame(head byte, payload []byte) []byte {
	return append(rawHeader(head, 0, uint64(len(payload))), payload...)
}

// rawHeader is a header without mask key that claims length.
func rawHeader(head, mask byte, length uint64) []byte {
	switch {
	case length <= 125:
		return []byte{head, mask | byte(length)}
	case length < 1<<16:
		return binary.BigEndian.AppendUint16([]byte{head, mask | 126}, uint16(length))
	}
	return binary.BigEndian.AppendUint64([]byte{head, mask | 127}, length)
}

// rawClose is a masked close frame.
func rawClose(code wire.CloseCode, reason string) []byte {
	return rawFrame(bitFin|opClose, append(binary.BigEndian.AppendUint16(nil, uint16(code)), reason...))
}

// frame reads the next frame.
func (c *rawConn) frame() (head byte, payload []byte, err error) {
	c.deadline()
	var h [2]byte
	if _, err := io.ReadFull(c.r, h[:]); err != nil {
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
	if _, err := io.ReadFull(c.r, ext); err != nil {
		return 0, nil, err
	}
	switch len(ext) {
	case 2:
		length = uint64(binary.BigEndian.Uint16(ext))
	case 8:
		length = binary.BigEndian.Uint64(ext)
	}
	payload = make([]byte, length)
	_, err = io.ReadFull(c.r, payload)
	return h[0], payload, err
}

// expectText reads the next frame and requires it to be this text.
func (c *rawConn) expectText(want string) {
	c.t.Helper()
	head, payload, err := c.frame()
	if err != nil {
		c.t.Fatalf("no message: %v", err)
	}
	if head != bitFin|opText {
		c.t.Fatalf("a frame of kind %#x came instead of a text message: %q", head, payload)
	}
	if got := string(payload); got != want {
		c.t.Fatalf("the message is %.200q, want %.200q", got, want)
	}
}

// expectClose reads, past other frames, the close frame and then the end of
// the connection, which must not be a reset.
func (c *rawConn) expectClose(want wire.CloseCode) (reason string) {
	c.t.Helper()
	for {
		head, payload, err := c.frame()
		if err != nil {
			c.t.Fatalf("the connection ended without a close frame (want %d): %v", want, err)
		}
		if head&0xF != opClose {
			continue
		}
		if head != bitFin|opClose {
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
		c.expectEnd()
		return reason
	}
}

// expectEnd requires the hub to close its side in order, without data.
func (c *rawConn) expectEnd() {
	c.t.Helper()
	c.deadline()
	rest, err := io.ReadAll(c.r)
	if err != nil && !errors.Is(err, io.EOF) {
		c.t.Fatalf("the connection did not end in order: %v", err)
	}
	if len(rest) > 0 {
		c.t.Fatalf("%d bytes came after the close frame: % x", len(rest), rest[:min(len(rest), 32)])
	}
}
