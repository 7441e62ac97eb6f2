package socket

import (
	"crypto/tls"
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"
)

// ErrOrigin is what Accept fails with when a page may not connect.
var ErrOrigin = errors.New("pages of this origin may not connect: add it to the allowed origins")

// Accept upgrades the request. When it fails it has answered the request
// in HTTP. o is shared and not changed any more.
func Accept(w http.ResponseWriter, r *http.Request, o *Options, owner Owner) (*Socket, error) {
	if status, err := checkUpgrade(w, r, o); err != nil {
		http.Error(w, err.Error(), status)
		return nil, err
	}
	s := &Socket{o: o, owner: owner, start: time.Now(), closed: make(chan struct{}), done: make(chan struct{})}
	if err := s.openLibrary(w, r); err != nil {
		return nil, err
	}
	s.library.limit(o.MaxMessage)
	return s, nil
}

// checkUpgrade judges a request before anything is done for it. It sets the
// headers that belong to the status of its answer.
func checkUpgrade(w http.ResponseWriter, r *http.Request, o *Options) (int, error) {
	h := w.Header()
	if r.ProtoMajor > 1 {
		return http.StatusHTTPVersionNotSupported, errors.New("WebSocket connections need HTTP/1.1")
	}
	if r.Method != http.MethodGet {
		h.Set("Allow", http.MethodGet)
		return http.StatusMethodNotAllowed, errors.New("a WebSocket connection begins with GET")
	}
	if !r.ProtoAtLeast(1, 1) || !hasToken(r.Header, "Connection", "upgrade") || !hasToken(r.Header, "Upgrade", "websocket") {
		h.Set("Connection", "Upgrade")
		h.Set("Upgrade", "websocket")
		return http.StatusUpgradeRequired, errors.New("this is a WebSocket endpoint: ask for an upgrade, over HTTP/1.1")
	}
	if r.Header.Get("Sec-Websocket-Version") != "13" {
		h.Set("Sec-Websocket-Version", "13")
		return http.StatusUpgradeRequired, errors.New("only version 13 of the WebSocket protocol is spoken here")
	}
	if keys := r.Header.Values("Sec-Websocket-Key"); len(keys) != 1 || !validKey(keys[0]) {
		return http.StatusBadRequest, errors.New("Sec-WebSocket-Key must come once and be 16 bytes in base64")
	}
	if !AllowedOrigin(r, o) {
		return http.StatusForbidden, ErrOrigin
	}
	if !canHijack(w) {
		return http.StatusNotImplemented, errors.New("a middleware in front of the hub hides the connection: its ResponseWriter needs Hijack or Unwrap")
	}
	return 0, nil
}

func hasToken(h http.Header, key, token string) bool {
	for _, line := range h.Values(key) {
		for part := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(part), token) {
				return true
			}
		}
	}
	return false
}

func validKey(key string) bool {
	b, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSpace(key))
	return err == nil && len(b) == 16
}

func canHijack(w http.ResponseWriter) bool {
	for {
		if _, ok := w.(http.Hijacker); ok {
			return true
		}
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return false
		}
		w = u.Unwrap()
	}
}

// adopt takes the connection over, with what the server had read of it
// already.
func (s *Socket) adopt(conn net.Conn, early []byte) {
	s.conn = conn
	_ = conn.SetDeadline(time.Time{}) // the server's deadlines end here
	s.input.early = append([]byte(nil), early...)

	if t, ok := plainConn(conn).(*net.TCPConn); ok {
		// Hints: what matters is bounded anyway.
		if s.o.SendBuffer > 0 {
			_ = t.SetWriteBuffer(s.o.SendBuffer)
		}
		if s.o.ReceiveBuffer > 0 {
			_ = t.SetReadBuffer(s.o.ReceiveBuffer)
		}
	}
	// Only these types are known to put nothing between us and the kernel; a
	// type that embeds one of them may well do.
	switch c := conn.(type) {
	case *net.TCPConn:
		s.raw = descriptor(c)
	case *net.UnixConn:
		s.raw = descriptor(c)
	}
	s.attempt.run = s.attempt.once
	s.input.fill = s.fillInput
}

// plainConn is the connection under TLS, or conn itself.
func plainConn(conn net.Conn) net.Conn {
	if t, ok := conn.(*tls.Conn); ok {
		return t.NetConn()
	}
	return conn
}
