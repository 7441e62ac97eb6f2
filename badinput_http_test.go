package flowsync

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/wavesiddhartha/flowsync/internal/socket/sockettest"
)

// upgrade asks for a WebSocket connection with every right. Headers are added;
// one whose value is "-" is left out.
func upgrade(header ...string) func(*trial) {
	return func(a *trial) { a.upgrade("/", header...) }
}

func (a *trial) upgrade(path string, header ...string) *http.Response {
	all := []string{"Authorization", "Bearer all", "Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}
	for i := 0; i < len(header); i += 2 {
		for at := 0; at < len(all); at += 2 {
			if all[at] == header[i] {
				all = slices.Delete(all, at, at+2)
				break
			}
		}
	}
	for i := 0; i < len(header); i += 2 {
		if header[i+1] != "-" {
			all = append(all, header[i], header[i+1])
		}
	}
	return a.request("GET", path, "", all...)
}

func request(method, path, body string, header ...string) func(*trial) {
	return func(a *trial) {
		a.request(method, path, body, append([]string{"Authorization", "Bearer all"}, header...)...)
	}
}

func httpInputs() []badInput {
	rows := slices.Concat(upgradeInputs(), originInputs(), apiInputs(), slowHTTPInputs())
	for i := range rows {
		rows[i].group = "http"
	}
	return rows
}

func upgradeInputs() []badInput {
	return []badInput{
		{name: "no upgrade", send: request("GET", "/", ""), want: []string{"426"}},
		{name: "no upgrade, unknown path", send: request("GET", "/../../etc/passwd", ""), want: []string{"307"}},
		{name: "POST", send: request("POST", "/", "{}"), want: []string{"405"}},
		{name: "PUT to upgrade", send: func(a *trial) {
			resp := a.request("PUT", "/", "", "Authorization", "Bearer all", "Connection", "Upgrade", "Upgrade", "websocket")
			if allow := resp.Header.Get("Allow"); allow != "GET" {
				a.t.Errorf("Allow is %q", allow)
			}
		}, want: []string{"405"}},
		{name: "CONNECT", send: request("CONNECT", "/", ""), want: []string{"405"}},
		{name: "no such method", send: request("BREW", "/", ""), want: []string{"405"}},
		{name: "upgrade to something else", send: upgrade("Upgrade", "h2c"), want: []string{"426"}},
		{name: "no connection header", send: upgrade("Connection", "-"), want: []string{"426"}},
		{name: "HTTP/1.0", send: func(a *trial) {
			a.raw("GET /flowsync HTTP/1.0\r\nHost: hub\r\nAuthorization: Bearer all\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
		}, want: []string{"426"}},
		{name: "key missing", send: upgrade("Sec-WebSocket-Key", "-"), want: []string{"400"}},
		{name: "key empty", send: upgrade("Sec-WebSocket-Key", ""), want: []string{"400"}},
		{name: "key too short", send: upgrade("Sec-WebSocket-Key", "dGhlIHNhbXBsZQ=="), want: []string{"400"}},
		{name: "key not base64", send: upgrade("Sec-WebSocket-Key", "not base64 at all!!!!!!="), want: []string{"400"}},
		{name: "two keys", send: upgrade("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="), want: []string{"400"}},
		{name: "version 8", send: func(a *trial) { requireVersion13(a, a.upgrade("/", "Sec-WebSocket-Version", "8")) }, want: []string{"426"}},
		{name: "version missing", send: func(a *trial) { requireVersion13(a, a.upgrade("/", "Sec-WebSocket-Version", "-")) }, want: []string{"426"}},
		{name: "version a word", send: upgrade("Sec-WebSocket-Version", "thirteen"), want: []string{"426"}},
		{name: "headers over 40 KiB", slow: true, send: upgrade("Cookie", strings.Repeat("c", 41<<10)), want: []string{"431"}},
		{name: "headers of 30 KiB", send: upgrade("Cookie", strings.Repeat("c", 30<<10)), want: []string{"101"}},
		{name: "a thousand headers", slow: true, send: func(a *trial) {
			var many []string
			for i := range 2000 {
				many = append(many, fmt.Sprintf("X-%d", i), strings.Repeat("v", 20))
			}
			a.upgrade("/", many...)
		}, want: []string{"431"}},
		{name: "token in a subprotocol", send: func(a *trial) {
			resp := a.upgrade("/", "Sec-WebSocket-Protocol", "flowsync.v1, bearer."+secret)
			if got := resp.Header.Get("Sec-WebSocket-Protocol"); got != "flowsync.v1" {
				a.t.Errorf("the subprotocol is %q", got)
			}
			requireNoEcho(a, resp)
		}, want: []string{"101"}},
		{name: "token as the only subprotocol", send: func(a *trial) {
			resp := a.upgrade("/", "Sec-WebSocket-Protocol", "bearer."+secret)
			if got, ok := resp.Header["Sec-Websocket-Protocol"]; ok {
				a.t.Errorf("the subprotocol is %q", got)
			}
		}, want: []string{"101"}},
		{name: "token in the URL", send: func(a *trial) {
			requireNoEcho(a, a.upgrade("/?token="+secret, "Authorization", "-"))
		}, want: []string{"401 auth_invalid"}},
		{name: "token in the URL of the API", send: func(a *trial) {
			requireNoEcho(a, a.request("GET", "/streams/counter:bad?token="+secret, ""))
		}, want: []string{"401 auth_invalid"}},
		{name: "compression", send: func(a *trial) {
			resp := a.upgrade("/", "Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")
			if got := resp.Header.Get("Sec-WebSocket-Extensions"); got != "" {
				a.t.Errorf("extensions %q were agreed on", got)
			}
		}, want: []string{"101"}},
	}
}

func requireVersion13(a *trial, resp *http.Response) {
	if got := resp.Header.Get("Sec-WebSocket-Version"); got != "13" {
		a.t.Errorf("Sec-WebSocket-Version is %q", got)
	}
}

// requireNoEcho requires that an answer does not repeat the secret.
func requireNoEcho(a *trial, resp *http.Response) {
	for key, values := range resp.Header {
		if strings.Contains(strings.Join(values, ""), secret) {
			a.t.Errorf("header %s repeats the token", key)
		}
	}
	if resp.StatusCode != http.StatusSwitchingProtocols && strings.Contains(bodyOf(a.t, resp), secret) {
		a.t.Error("the body repeats the token")
	}
}

// originInputs are pages that may not connect. The hub is at 127.0.0.1:port.
func originInputs() []badInput {
	origin := func(pattern string, more ...string) func(*trial) {
		return func(a *trial) {
			host := strings.TrimPrefix(a.world.srv.URL, "http://")
			a.upgrade("/", append([]string{"Origin", strings.ReplaceAll(pattern, "HOST", host)}, more...)...)
		}
	}
	return []badInput{
		{name: "foreign origin", send: origin("https://evil.example"), want: []string{"403"}},
		{name: "origin null", send: origin("null"), want: []string{"403"}},
		{name: "origin empty", send: origin(""), want: []string{"403"}},
		{name: "look-alike suffix", send: origin("http://HOST.evil.example"), want: []string{"403"}},
		{name: "look-alike prefix", send: origin("http://evil-HOST"), want: []string{"403"}},
		{name: "other port", send: origin("http://127.0.0.1:1"), want: []string{"403"}},
		{name: "no port", send: origin("http://127.0.0.1"), want: []string{"403"}},
		{name: "other scheme", send: origin("ftp://HOST"), want: []string{"403"}},
		{name: "user in the origin", send: origin("http://HOST@evil.example"), want: []string{"403"}},
		{name: "path in the origin", send: origin("http://HOST/"), want: []string{"403"}},
		{name: "two origins", send: origin("http://HOST", "Origin", "http://HOST"), want: []string{"403"}},
		{name: "not a URL", send: origin("http://%zz"), want: []string{"403"}},
		{name: "own origin", send: origin("http://HOST"), want: []string{"101"}},
		{name: "no origin, valid token", send: upgrade(), want: []string{"101"}},
		{name: "foreign origin on the API", send: request("GET", "/streams/counter:bad", "", "Origin", "https://evil.example"), want: []string{"403 origin_denied"}},
		{name: "foreign origin posts", send: request("POST", "/streams/counter:bad/ops", `{"op":"increment"}`, "Origin", "https://evil.example"), want: []string{"403 origin_denied"}},
		{name: "foreign origin on the events", send: request("GET", "/streams/counter:bad/events", "", "Origin", "null"), want: []string{"403 origin_denied"}},
	}
}

func apiInputs() []badInput {
	post := func(body string, header ...string) func(*trial) {
		return request("POST", "/streams/counter:bad/ops", body, header...)
	}
	return []badInput{
		{name: "stream not registered", send: request("GET", "/streams/nothing:here", ""), want: []string{"404 stream_unknown"}},
		{name: "DELETE of a stream", send: request("DELETE", "/streams/counter:bad", ""), want: []string{"405"}},
		{name: "PUT of ops", send: request("PUT", "/streams/counter:bad/ops", "{}"), want: []string{"405"}},
		{name: "GET of ops", send: request("GET", "/streams/counter:bad/ops", ""), want: []string{"405"}},
		{name: "body empty", send: post(""), want: []string{"400 bad_json"}},
		{name: "body not JSON", send: post(payload), want: []string{"400 bad_json"}},
		{name: "body cut off", send: post(`[{"op":"increment"}`), want: []string{"400 bad_json"}},
		{name: "two bodies", send: post(`{"op":"increment"}{"op":"increment"}`), want: []string{"400 bad_json"}},
		{name: "key twice", send: post(`[{"op":"increment"},{"op":"increment","op":"decrement"}]`), want: []string{"400 bad_json"}},
		{name: "NaN", send: post(`{"op":"increment","amount":NaN}`), want: []string{"400 bad_json"}},
		{name: "not UTF-8", send: post("{\"op\":\"\xff\"}"), want: []string{"400 bad_json"}},
		{name: "too deep", send: post(strings.Repeat("[", 100_000)), want: []string{"400 bad_json"}},
		{name: "no ops", send: post(`[]`), want: []string{"422 bad_op"}},
		{name: "1001 ops", send: post(`[` + strings.Repeat(`{"op":"increment"},`, 1000) + `{"op":"increment"}]`), want: []string{"413 too_large"}},
		{name: "body a number", send: post(`5`), want: []string{"422 rejected bad_op 1"}},
		{name: "op of another rule", send: post(`{"op":"append","value":"` + payload + `"}`), want: []string{"422 rejected wrong_rule 1"}},
		{name: "amount 1e3", send: post(`[{"op":"increment"},{"op":"increment","amount":1e3},{"op":"increment"}]`), stands: 1, want: []string{"422 rejected bad_op 2"}},
		{name: "half an emoji", send: post(`{"op":"\ud83d"}`), want: []string{"422 rejected bad_text 1"}},
		{name: "a hub's op", send: post(`{"op":"initial","value":9}`), want: []string{"422 rejected bad_op 1"}},
		{name: "ops for an ephemeral stream", on: "eph:bad", send: request("POST", "/streams/eph:bad/ops", `{"key":"k","op":"set","value":1}`), want: []string{"422 wrong_rule"}},
		{name: "body over 10 MiB", slow: true, send: post(strings.Repeat(" ", 10<<20) + `{}`), want: []string{"413 too_large"}},
		{name: "body over 10 MiB in chunks", slow: true, send: func(a *trial) {
			chunk := fmt.Sprintf("%x\r\n%s\r\n", 1<<20, strings.Repeat(" ", 1<<20))
			a.raw("POST /flowsync/streams/counter:bad/ops HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer all\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat(chunk, 11) + "0\r\n\r\n")
		}, want: []string{"413 too_large"}},
		{name: "length and chunks", send: post(`{"op":"increment"}`, "Transfer-Encoding", "gzip"), want: []string{"501"}},
		{name: "two lengths", send: post(`{"op":"increment"}`, "Content-Length", "5"), want: []string{"400"}},
		{name: "negative length", send: request("POST", "/streams/counter:bad/ops", "", "Content-Length", "-5"), want: []string{"400"}},
		{name: "NUL in the path", send: request("GET", "/streams/counter:bad\x00", ""), want: []string{"400"}},
	}
}

// slowHTTPInputs are requests that do not come to their end.
func slowHTTPInputs() []badInput {
	slowly := func(within time.Duration, head string) func(*trial) {
		return func(a *trial) {
			c := sockettest.DialTCP(a.t, a.world.srv.URL)
			began := time.Now()
			c.Write([]byte(head))
			if resp := a.answered(c, "POST"); resp != nil {
				bodyOf(a.t, resp)
			}
			if took := time.Since(began); took > within {
				a.t.Errorf("the hub waited %v", took)
			}
			c.ExpectEnd()
		}
	}
	const post = "POST /flowsync/streams/counter:bad/ops HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n"
	return []badInput{
		{name: "slow headers", slow: true, send: slowly(6*time.Second, "GET /flowsync HTTP/1.1\r\nHost: h\r\nX-Slow"), want: []string{"400"}},
		{name: "nothing at all", slow: true, send: slowly(6*time.Second, ""), want: []string{"no answer"}},
		{name: "body that does not come", slow: true, send: slowly(4*time.Second, post+"Authorization: Bearer all\r\n\r\n["), want: []string{"503 unavailable"}},
		{name: "body of a stranger that does not come", slow: true, send: slowly(6*time.Second, post+"\r\n["), want: []string{"401 auth_required"}},
		{name: "body for an upgrade that does not come", slow: true, send: slowly(6*time.Second, "GET /flowsync HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n"), want: []string{"426"}},
	}
}
