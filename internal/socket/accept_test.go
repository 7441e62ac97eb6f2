package socket

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wavesiddhartha/flowsync/internal/socket/sockettest"
)

// badUpgrades are requests that get an answer in HTTP.
var badUpgrades = []struct {
	name   string
	method string
	change func(http.Header)
	status int
	header [2]string // that the answer must have
}{
	{"no upgrade", "GET", func(h http.Header) { clear(h) }, 426, [2]string{"Upgrade", "websocket"}},
	{"no Upgrade header", "GET", func(h http.Header) { h.Del("Upgrade") }, 426, [2]string{"Upgrade", "websocket"}},
	{"no Connection header", "GET", func(h http.Header) { h.Del("Connection") }, 426, [2]string{"Connection", "Upgrade"}},
	{"another protocol", "GET", func(h http.Header) { h.Set("Upgrade", "h2c") }, 426, [2]string{"Upgrade", "websocket"}},
	{"POST", "POST", func(http.Header) {}, 405, [2]string{"Allow", "GET"}},
	{"POST without upgrade", "POST", func(h http.Header) { clear(h) }, 405, [2]string{"Allow", "GET"}},
	{"HEAD", "HEAD", func(http.Header) {}, 405, [2]string{"Allow", "GET"}},
	{"no key", "GET", func(h http.Header) { h.Del("Sec-Websocket-Key") }, 400, [2]string{}},
	{"empty key", "GET", func(h http.Header) { h.Set("Sec-Websocket-Key", "") }, 400, [2]string{}},
	{"short key", "GET", func(h http.Header) { h.Set("Sec-Websocket-Key", "c2hvcnQ=") }, 400, [2]string{}},
	{"long key", "GET", func(h http.Header) { h.Set("Sec-Websocket-Key", "dGhlIHNhbXBsZSBub25jZSBpcyBsb25n") }, 400, [2]string{}},
	{"key that is no base64", "GET", func(h http.Header) { h.Set("Sec-Websocket-Key", "!!!!!!!!!!!!!!!!!!!!!!==") }, 400, [2]string{}},
	{"two keys", "GET", func(h http.Header) { h.Add("Sec-Websocket-Key", "dGhlIHNhbXBsZSBub25jZQ==") }, 400, [2]string{}},
	{"no version", "GET", func(h http.Header) { h.Del("Sec-Websocket-Version") }, 426, [2]string{"Sec-Websocket-Version", "13"}},
	{"version 8", "GET", func(h http.Header) { h.Set("Sec-Websocket-Version", "8") }, 426, [2]string{"Sec-Websocket-Version", "13"}},
	{"version 14", "GET", func(h http.Header) { h.Set("Sec-Websocket-Version", "14") }, 426, [2]string{"Sec-Websocket-Version", "13"}},
	{"foreign origin", "GET", func(h http.Header) { h.Set("Origin", "https://evil.example") }, 403, [2]string{}},
	{"null origin", "GET", func(h http.Header) { h.Set("Origin", "null") }, 403, [2]string{}},
}

func TestRefusesBadUpgrades(t *testing.T) {
	plainAndTLS(t, func(t *testing.T, sv *socketServer) {
		for _, row := range badUpgrades {
			t.Run(row.name, func(t *testing.T) {
				header := sockettest.ValidUpgrade()
				row.change(header)
				resp := sockettest.DialTCP(t, sv.URL).Request(row.method, sv.URL+"/", header)
				if resp.StatusCode != row.status {
					t.Errorf("answered %s, want %d", resp.Status, row.status)
				}
				if row.header[0] != "" && resp.Header.Get(row.header[0]) != row.header[1] {
					t.Errorf("%s is %q, want %q", row.header[0], resp.Header.Get(row.header[0]), row.header[1])
				}
				body, _ := io.ReadAll(resp.Body)
				if row.method != "HEAD" && len(strings.TrimSpace(string(body))) == 0 {
					t.Error("the answer does not say what is wrong")
				}
				if strings.Contains(string(body), "evil") {
					t.Errorf("the answer repeats input: %s", body)
				}
			})
		}
	})
}

func TestRefusesHTTP10(t *testing.T) {
	sv := serveSockets(t)
	c := sockettest.DialTCP(t, sv.URL)
	var b strings.Builder
	b.WriteString("GET / HTTP/1.0\r\nHost: hub\r\n")
	_ = sockettest.ValidUpgrade().Write(&b)
	b.WriteString("\r\n")
	c.Write([]byte(b.String()))
	c.Deadline()
	resp, err := http.ReadResponse(c.Reader, nil)
	if err != nil || resp.StatusCode != http.StatusUpgradeRequired {
		t.Fatalf("answered %v %v, want 426", resp, err)
	}
}

func TestAcceptsGoodUpgrades(t *testing.T) {
	sv := serveSockets(t)
	host := strings.TrimPrefix(sv.URL, "http://")
	rows := []struct {
		name   string
		change func(http.Header)
		sub    string
	}{
		{"plain", func(http.Header) {}, ""},
		{"own origin", func(h http.Header) { h.Set("Origin", "http://"+host) }, ""},
		{"tokens in lists and other case", func(h http.Header) {
			h.Set("Connection", "keep-alive, upGRADE")
			h.Set("Upgrade", "WebSocket")
		}, ""},
		{"our subprotocol", func(h http.Header) { h.Set("Sec-Websocket-Protocol", "flowsync.v1") }, "flowsync.v1"},
		{"a token as subprotocol is not echoed", func(h http.Header) { h.Set("Sec-Websocket-Protocol", "bearer.eyJhbGciOi, flowsync.v1") }, "flowsync.v1"},
		{"unknown subprotocols alone", func(h http.Header) { h.Set("Sec-Websocket-Protocol", "bearer.eyJhbGciOi") }, ""},
		{"compression is not agreed on", func(h http.Header) { h.Set("Sec-Websocket-Extensions", "permessage-deflate") }, ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			header := sockettest.ValidUpgrade()
			row.change(header)
			c := sockettest.DialTCP(t, sv.URL)
			resp := c.Request("GET", sv.URL+"/", header)
			if resp.StatusCode != http.StatusSwitchingProtocols {
				t.Fatalf("answered %s", resp.Status)
			}
			if got := resp.Header.Get("Sec-Websocket-Accept"); got != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" { // RFC 6455 section 1.3
				t.Errorf("accept is %q", got)
			}
			if got := resp.Header.Get("Sec-Websocket-Protocol"); got != row.sub {
				t.Errorf("subprotocol is %q, want %q", got, row.sub)
			}
			if got := resp.Header.Get("Sec-Websocket-Extensions"); got != "" {
				t.Errorf("extensions are %q", got)
			}
			c.Text("hello")
			c.ExpectText("hello")
		})
	}
}

// A writer that hides the connection, and HTTP/2, get an answer that says so.
func TestNeedsAConnection(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header = sockettest.ValidUpgrade()
	o := testOptions()
	w := httptest.NewRecorder()
	if _, err := Accept(w, r, &o, testOwner{}); err == nil || w.Code != http.StatusNotImplemented {
		t.Errorf("a writer without Hijack: %d %v, want 501", w.Code, err)
	}
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/2.0", 2, 0
	w = httptest.NewRecorder()
	if _, err := Accept(w, r, &o, testOwner{}); err == nil || w.Code != http.StatusHTTPVersionNotSupported {
		t.Errorf("HTTP/2: %d %v, want 505", w.Code, err)
	}
}

func TestWorksBehindMiddleware(t *testing.T) {
	sv := serveSockets(t)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sv.serve(wrappedWriter{w}, r)
	}))
	defer front.Close()
	c := sockettest.Dial(t, front.URL)
	c.Text("hello")
	c.ExpectText("hello")
}

// wrappedWriter hides everything but what http.ResponseController finds.
type wrappedWriter struct{ w http.ResponseWriter }

func (w wrappedWriter) Header() http.Header         { return w.w.Header() }
func (w wrappedWriter) Write(b []byte) (int, error) { return w.w.Write(b) }
func (w wrappedWriter) WriteHeader(status int)      { w.w.WriteHeader(status) }
func (w wrappedWriter) Unwrap() http.ResponseWriter { return w.w }

func TestAllowedOrigin(t *testing.T) {
	rows := []struct {
		origin, host string // host begins with the scheme if the hub itself has TLS
		patterns     string
		local        bool
		want         bool
	}{
		{origin: "http://app.example", host: "app.example", want: true},
		{origin: "https://app.example", host: "app.example", want: true}, // TLS ends at a proxy
		{origin: "https://app.example", host: "https://app.example", want: true},
		{origin: "http://app.example", host: "https://app.example"},
		{origin: "https://APP.example", host: "app.EXAMPLE", want: true},
		{origin: "https://app.example", host: "app.example:443", want: true},
		{origin: "http://app.example:80", host: "app.example", want: true},
		{origin: "http://app.example:8080", host: "app.example:8080", want: true},
		{origin: "http://app.example:8080", host: "app.example"},
		{origin: "http://app.example", host: "app.example:8080"},
		{origin: "http://app.example:8081", host: "app.example:8080"},
		{origin: "https://app.example", host: "app.example:80"},
		{origin: "http://[::1]:80", host: "[::1]", want: true},
		{origin: "http://[::1]:81", host: "[::1]"},
		{origin: "https://app.example.evil.test", host: "app.example"},
		{origin: "https://evilapp.example", host: "app.example"},
		{origin: "https://sub.app.example", host: "app.example"},
		{origin: "null", host: "app.example"},
		{origin: "", host: "app.example"},
		{origin: "https://", host: ""},
		{origin: "app.example", host: "app.example"},
		{origin: "//app.example", host: "app.example"},
		{origin: "file://", host: "app.example"},
		{origin: "https://user@app.example", host: "app.example"},
		{origin: "https://app.example/", host: "app.example"},
		{origin: "https://app.example?x", host: "app.example"},
		{origin: "https://app.example\\@evil.test", host: "app.example"},
		{origin: "ftp://app.example", host: "app.example"},

		{origin: "https://app.example", host: "hub", patterns: "https://app.example", want: true},
		{origin: "https://app.example", host: "hub", patterns: "https://other.example https://app.example", want: true},
		{origin: "https://app.example", host: "hub", patterns: "https://APP.example/", want: true},
		{origin: "http://app.example", host: "hub", patterns: "https://app.example"},
		{origin: "http://app.example", host: "hub", patterns: "app.example", want: true},
		{origin: "https://app.example:444", host: "hub", patterns: "app.example"},
		{origin: "https://app.example:444", host: "hub", patterns: "app.example:444", want: true},
		{origin: "https://app.example.evil.test", host: "hub", patterns: "https://app.example"},
		{origin: "https://evilapp.example", host: "hub", patterns: "app.example"},
		{origin: "https://a.app.example", host: "hub", patterns: "*.app.example", want: true},
		{origin: "https://a.b.app.example", host: "hub", patterns: "https://*.app.example", want: true},
		{origin: "https://app.example", host: "hub", patterns: "*.app.example"},
		{origin: "https://.app.example", host: "hub", patterns: "*.app.example"},
		{origin: "https://evilapp.example", host: "hub", patterns: "*.app.example"},
		{origin: "https://a.app.example.evil.test", host: "hub", patterns: "*.app.example"},
		{origin: "https://a.app.example:444", host: "hub", patterns: "*.app.example"},
		{origin: "https://anything.test", host: "hub", patterns: "*", want: true},
		{origin: "null", host: "hub", patterns: "*"},
		{origin: "capacitor://localhost", host: "hub", patterns: "capacitor://localhost", want: true},
		{origin: "capacitor://localhost", host: "hub", patterns: "localhost"},

		{origin: "http://localhost:5173", host: "localhost:8080", local: true, want: true},
		{origin: "http://127.0.0.1:5173", host: "localhost:8080", local: true, want: true},
		{origin: "http://[::1]:5173", host: "localhost:8080", local: true, want: true},
		{origin: "http://app.localhost:5173", host: "localhost:8080", local: true, want: true},
		{origin: "http://localhost:5173", host: "localhost:8080"},
		{origin: "http://localhost.evil.test", host: "localhost:8080", local: true},
		{origin: "http://192.168.0.7:5173", host: "localhost:8080", local: true},
		{origin: "http://evil.test", host: "evil.test.localhost", local: true},
	}
	for _, row := range rows {
		t.Run(row.origin+" at "+row.host+" with "+row.patterns, func(t *testing.T) {
			target := row.host
			if !strings.Contains(target, "://") {
				target = "http://" + target
			}
			r := httptest.NewRequest("GET", target, nil)
			r.Header["Origin"] = []string{row.origin}
			o := Options{Origins: strings.Fields(row.patterns), AnyLocalOrigin: row.local}
			if got := AllowedOrigin(r, &o); got != row.want {
				t.Errorf("allowed is %v", got)
			}
		})
	}
	r := httptest.NewRequest("GET", "http://hub", nil)
	if !AllowedOrigin(r, &Options{}) {
		t.Error("a program that sends no Origin is refused")
	}
	r.Header["Origin"] = []string{"http://hub", "http://hub"}
	if AllowedOrigin(r, &Options{}) {
		t.Error("two origins pass")
	}
}
