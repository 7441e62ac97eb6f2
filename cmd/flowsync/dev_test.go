package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

func TestDevIsReady(t *testing.T) {
	p := start(t, "dev", "--addr", ":0", "--json")
	ready := p.object()
	if ready["event"] != "ready" || ready["pid"] != float64(p.cmd.Process.Pid) || ready["version"] == "" {
		t.Fatalf("the first line: %v", ready)
	}
	urls := ready["urls"].(map[string]any)
	if want := "ws://" + ready["addr"].(string); urls["websocket"] != want {
		t.Errorf("websocket is %v, want %s", urls["websocket"], want)
	}
	for _, name := range []string{"health", "api"} {
		url := urls[name].(string)
		if name == "api" {
			url += "counter:value"
		}
		if status, body := fetch(t, url, nil); status != http.StatusOK {
			t.Errorf("%s: %d %s", url, status, body)
		}
	}
}

// Both loopback addresses, with and without /ws, and a page of a development
// server on another port.
func TestDevTakesWebSockets(t *testing.T) {
	_, url := dev(t)
	port := url[strings.LastIndex(url, ":")+1:]
	for _, target := range []string{"ws://127.0.0.1:" + port, "ws://[::1]:" + port, "ws://localhost:" + port + "/", "ws://localhost:" + port + "/ws"} {
		if strings.Contains(target, "[::1]") && !hasIPv6() {
			continue
		}
		conn, err := dialOrigin(t, target, "http://localhost:5173")
		if err != nil {
			t.Errorf("%s: %v", target, err)
			continue
		}
		conn.CloseNow()
	}
	for _, origin := range []string{"http://evil.example", "null", "http://localhost.evil.example"} {
		if conn, err := dialOrigin(t, url, origin); err == nil {
			conn.CloseNow()
			t.Errorf("a page of %s was let in", origin)
		}
	}
}

func TestDevAnswersABrowser(t *testing.T) {
	_, url := dev(t)
	page := "http" + strings.TrimPrefix(url, "ws")
	status, body := fetch(t, page, nil)
	if status != http.StatusOK || !strings.Contains(body, url) || !strings.Contains(body, "counter:*") {
		t.Errorf("GET /: %d\n%s", status, body)
	}
	if status, _ := fetch(t, page+"/streams/counter:value", http.Header{"Host": {"evil.example"}}); status != http.StatusForbidden {
		t.Errorf("a request under a foreign name is answered with %d", status)
	}
}

func TestDevRefusesATakenPort(t *testing.T) {
	p, url := dev(t)
	port := url[strings.LastIndex(url, ":")+1:]
	r := runCommand(t, "", "dev", "--addr", "localhost:"+port)
	if r.code != exitFailed || r.out != "" {
		t.Errorf("%+v", r)
	}
	lines := strings.Split(strings.TrimSpace(r.err), "\n")
	if len(lines) != 3 {
		t.Fatalf("%d lines, want what, why and try:\n%s", len(lines), r.err)
	}
	for i, want := range []string{
		"✗ cannot listen on 127.0.0.1:" + port + ": address already in use",
		fmt.Sprintf("  pid %d (flowsync) is using it", p.cmd.Process.Pid),
		"  try: flowsync dev --addr :",
	} {
		if !strings.HasPrefix(lines[i], want) {
			t.Errorf("line %d: %q, want %q", i+1, lines[i], want)
		}
	}
}

func TestDevDrains(t *testing.T) {
	p := start(t, "dev", "--addr", "localhost:0")
	url := ""
	for url == "" {
		if _, after, ok := strings.Cut(p.line(), "WebSocket   "); ok {
			url = after
		}
	}
	for i := range 2 {
		greet(t, url, fmt.Sprintf("client-%d", i))
	}
	for joined := 0; joined < 2; {
		if line := p.line(); strings.Contains(line, "  join   client-") {
			joined++
		}
	}
	p.interrupt()
	last := ""
	for line := range p.lines {
		if strings.ContainsRune(line, '\x1b') {
			t.Errorf("an escape sequence in a pipe: %q", line)
		}
		last = line
	}
	if code := p.wait(); code != exitDone || last != "2 clients drained, bye" {
		t.Errorf("exit status %d, last line %q", code, last)
	}
}

// A request that does not end holds up the drain for its three seconds, and not
// beyond; who does not want to wait interrupts again.
func TestDevIsNotHeldUp(t *testing.T) {
	for _, c := range []struct {
		signals, code int
		within        time.Duration
	}{{1, exitDone, drainTime + 2*time.Second}, {2, exitInterrupted, drainTime - time.Second}} {
		t.Run(fmt.Sprintf("signals=%d", c.signals), func(t *testing.T) {
			t.Parallel()
			p, url := dev(t)
			conn, err := net.Dial("tcp", strings.TrimPrefix(url, "ws://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			fmt.Fprintf(conn, "POST /streams/counter:value/ops HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n[")
			if status, _ := fetch(t, "http"+strings.TrimPrefix(url, "ws")+"/healthz", nil); status != http.StatusOK {
				t.Fatal(status) // by now the half request was read too
			}
			begun := time.Now()
			p.interrupt()
			if c.signals == 2 {
				time.Sleep(200 * time.Millisecond) // two signals at once would arrive as one
				p.interrupt()
			}
			if code := p.wait(); code != c.code {
				t.Errorf("exit status %d, want %d", code, c.code)
			}
			if took := time.Since(begun); took > c.within {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestDevIsQuiet(t *testing.T) {
	p := start(t, "dev", "--addr", ":0", "--quiet", "--json")
	url := p.object()["urls"].(map[string]any)["websocket"].(string)
	greet(t, url, "alice")
	if join := p.object(); join["event"] != "join" || join["client"] != "alice" {
		t.Errorf("programs are told with --quiet too, got %v", join)
	}
	p.interrupt()
	p.wait()
	if p.stderr.Len() > 0 {
		t.Errorf("stderr: %s", p.stderr)
	}
}

// Every line of --json is an object, with --verbose too.
func TestDevJSONIsJSON(t *testing.T) {
	p, url := dev(t, "-v")
	for i := range 3 {
		greet(t, url, fmt.Sprintf("client-%d", i)).CloseNow()
	}
	left := 0
	for left < 3 {
		if p.object()["event"] == "leave" {
			left++
		}
	}
	p.interrupt()
	for line := range p.lines {
		if !json.Valid([]byte(line)) {
			t.Errorf("not JSON: %s", line)
		}
	}
	if code := p.wait(); code != exitDone {
		t.Errorf("exit status %d", code)
	}
}

// greet connects a client and says hello.
func greet(t *testing.T, url, client string) *websocket.Conn {
	t.Helper()
	conn, err := dialOrigin(t, url, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.CloseNow() })
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	hello := fmt.Sprintf(`{"t":"hello","v":[1,1],"client":%q,"inc":"0000000000000001"}`, client)
	if err := conn.Write(ctx, websocket.MessageText, []byte(hello)); err != nil {
		t.Fatal(err)
	}
	if _, welcome, err := conn.Read(ctx); err != nil || !strings.Contains(string(welcome), `"welcome"`) {
		t.Fatalf("answer to hello: %s, %v", welcome, err)
	}
	return conn
}

func dialOrigin(t *testing.T, url, origin string) (*websocket.Conn, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	header := http.Header{}
	if origin != "" {
		header.Set("Origin", origin)
	}
	conn, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPHeader: header, Subprotocols: []string{"flowsync.v1"}})
	return conn, err
}

func fetch(t *testing.T, url string, header http.Header) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = header.Get("Host")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func hasIPv6() bool {
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		return false
	}
	l.Close()
	return true
}
