package flowsync

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wavesiddhartha/flowsync/wire"
)

// hubServer is a hub behind a real server on a loopback port, and what it
// logged.
type hubServer struct {
	*Hub
	t   testing.TB
	srv *httptest.Server
	url string // of the hub's mount point
	log *logBook
}

// logBook keeps what was logged.
type logBook struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// newHub makes a hub that logs everything to a book.
func newHub(t testing.TB, o Options) (*Hub, *logBook) {
	t.Helper()
	book := &logBook{}
	o.Logger = slog.New(slog.NewTextHandler(book, &slog.HandlerOptions{Level: slog.LevelDebug}))
	hub, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return hub, book
}

// serveHub starts a hub on /flowsync of a server made by [Server]. When the test
// ends both shut down, and no goroutine may be left.
func serveHub(t testing.TB, o Options) *hubServer {
	t.Helper()
	noLeaks(t)
	hub, book := newHub(t, o)
	hs := &hubServer{Hub: hub, t: t, log: book}
	mux := http.NewServeMux()
	mux.Handle("/flowsync", hub)
	mux.Handle("/flowsync/", hub)
	hs.srv = newUnstarted(mux)
	hs.srv.Config.ErrorLog = slog.NewLogLogger(hub.log.Handler(), slog.LevelDebug)
	hs.srv.Start()
	hs.url = hs.srv.URL + "/flowsync"
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := hub.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		hs.srv.Close()
	})
	return hs
}

// newUnstarted is a test server with the limits of [Server].
func newUnstarted(h http.Handler) *httptest.Server {
	srv := httptest.NewUnstartedServer(nil)
	srv.Config = Server("", h)
	return srv
}

// cursorOf is where a stream's log ends, and the digest of its state there.
func (hs *hubServer) cursorOf(stream string) (wire.Cursor, [32]byte) {
	hs.t.Helper()
	done, err := hs.query(context.Background(), stream)
	if err != nil {
		hs.t.Fatalf("%s cannot be read: %v", stream, err)
	}
	cursor, _ := wire.ParseCursor(done.Cursor)
	return cursor, done.Digest
}

// value is a stream's value.
func (hs *hubServer) value(stream string) string {
	hs.t.Helper()
	v, err := hs.Get(context.Background(), stream)
	if err != nil {
		hs.t.Fatalf("%s cannot be read: %v", stream, err)
	}
	return string(v)
}

// call makes one HTTP request on a connection of its own.
func (hs *hubServer) call(method, path, body string, header ...string) *http.Response {
	hs.t.Helper()
	return callHTTP(hs.t, method, hs.url+path, body, header...)
}

func callHTTP(t testing.TB, method, url, body string, header ...string) *http.Response {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	resp, err := oneShot().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body = io.NopCloser(bytes.NewReader(b))
	return resp
}

// oneShot is an HTTP client that keeps no connection and follows no redirect.
func oneShot() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		Timeout:       10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func bodyOf(t testing.TB, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// fields decodes one JSON object.
func fields(t testing.TB, text string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatalf("%q is not an object: %v", text, err)
	}
	return m
}

// noLeaks requires that the goroutines that there are when the test ends were
// there when it began.
func noLeaks(t testing.TB) {
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		if err := goleak.Find(before); err != nil {
			t.Error(err)
		}
	})
}

// eventually waits until ok, for ten seconds.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for until := time.Now().Add(10 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("after 10 s: %s", what)
		}
	}
}
