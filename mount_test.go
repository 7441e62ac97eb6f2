package flowsync

import (
	"bufio"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/wavesiddhartha/flowsync/internal/socket/sockettest"
	"github.com/wavesiddhartha/flowsync/wire"
)

// statusWriter is what logging middlewares wrap a ResponseWriter in: it hides
// everything but what Unwrap leads to.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func logged(log *slog.Logger) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			sw := &statusWriter{ResponseWriter: w}
			next.ServeHTTP(sw, r)
			log.Info("request", "method", r.Method, "path", r.URL.Path, "status", sw.status)
		})
	}
}

// TestMount mounts the hub in every way that the documentation names, and uses
// every route below each.
func TestMount(t *testing.T) {
	for _, c := range []struct {
		name  string
		at    string   // before the routes
		paths []string // of the WebSocket
		mount func(hub *Hub) http.Handler
	}{
		{"chi", "/flowsync", []string{"/flowsync", "/flowsync/", "/flowsync/ws"}, func(hub *Hub) http.Handler {
			r := chi.NewRouter()
			r.Use(middleware.RequestID, logged(hub.log), middleware.Recoverer)
			r.Get("/streams/{name}", http.NotFound) // a route of the program's own
			r.Mount("/flowsync", hub)
			return r
		}},
		{"chi under a route", "/api/v1/live", []string{"/api/v1/live", "/api/v1/live/", "/api/v1/live/ws"}, func(hub *Hub) http.Handler {
			r := chi.NewRouter()
			r.Route("/api/{version}", func(r chi.Router) { r.Mount("/live", hub) })
			return r
		}},
		{"ServeMux", "/flowsync", []string{"/flowsync", "/flowsync/", "/flowsync/ws"}, func(hub *Hub) http.Handler {
			mux := http.NewServeMux()
			mux.Handle("/flowsync", hub)
			mux.Handle("/flowsync/", hub)
			return mux
		}},
		{"StripPrefix", "/flowsync", []string{"/flowsync", "/flowsync/", "/flowsync/ws"}, func(hub *Hub) http.Handler {
			mux := http.NewServeMux()
			mux.Handle("/flowsync", http.StripPrefix("/flowsync", hub))
			mux.Handle("/flowsync/", http.StripPrefix("/flowsync", hub))
			return mux
		}},
		{"root", "", []string{"", "/", "/ws"}, func(hub *Hub) http.Handler { return hub }},
	} {
		t.Run(c.name, func(t *testing.T) {
			noLeaks(t)
			hub, _ := newHub(t, Options{Auth: Anonymous})
			hub.Stream("counter:value", Counter, Initial(40))
			srv := httptest.NewServer(c.mount(hub))
			t.Cleanup(func() {
				if err := hub.Shutdown(t.Context()); err != nil && t.Context().Err() == nil {
					t.Error(err)
				}
				srv.Close()
			})
			for _, path := range c.paths {
				hs := &hubServer{Hub: hub, t: t, srv: srv, url: srv.URL + path}
				p, synced := hs.join("tab", r("counter:value"))
				if synced[0].Outcome != wire.Snapshot {
					t.Errorf("ws at %q: %s", path, synced[0].Outcome)
				}
				p.Conn.Conn.Close()
				if resp := hs.call("GET", "", ""); resp.StatusCode != http.StatusUpgradeRequired {
					t.Errorf("GET of %q: %s", path, resp.Status)
				}
			}
			requireRoutes(t, &hubServer{Hub: hub, t: t, srv: srv, url: srv.URL + c.at})
		})
	}
}

func requireRoutes(t *testing.T, hs *hubServer) {
	if resp := hs.call("GET", "/healthz", ""); resp.StatusCode != http.StatusOK || fields(t, bodyOf(t, resp))["status"] != "ok" {
		t.Errorf("healthz: %s", resp.Status)
	}
	if resp := hs.call("POST", "/streams/counter:value/ops", `{"op":"increment","amount":2}`); resp.StatusCode != http.StatusOK {
		t.Errorf("ops: %s %s", resp.Status, bodyOf(t, resp))
	}
	if resp := hs.call("GET", "/streams/counter:value", ""); resp.StatusCode != http.StatusOK || bodyOf(t, resp) != "42\n" {
		t.Errorf("value: %s", resp.Status)
	}
	resp, err := oneShot().Get(hs.url + "/streams/counter:value/events")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if kind := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || kind != "text/event-stream" {
		t.Errorf("events: %s, %s", resp.Status, kind)
	}
	var event strings.Builder
	for lines := bufio.NewScanner(resp.Body); lines.Scan() && lines.Text() != ""; {
		event.WriteString(lines.Text() + "\n")
	}
	if !strings.HasPrefix(event.String(), "event: value\nid: ") || !strings.HasSuffix(event.String(), "\ndata: 42\n") {
		t.Errorf("the first event is %q", event.String())
	}
	if resp := hs.call("GET", "/streams/counter:value/nothing", ""); resp.StatusCode != http.StatusNotFound {
		t.Errorf("an unknown route below a stream: %s", resp.Status)
	}
}

// A middleware that hides the connection is told of in plain words.
func TestMountBehindAWall(t *testing.T) {
	noLeaks(t)
	hub, _ := newHub(t, Options{Auth: Anonymous})
	t.Cleanup(func() { _ = hub.Shutdown(t.Context()) })
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hub.ServeHTTP(struct{ http.ResponseWriter }{w}, r)
	}))
	t.Cleanup(srv.Close)
	resp := sockettest.DialTCP(t, srv.URL).Request("GET", srv.URL, sockettest.ValidUpgrade())
	if text := bodyOf(t, resp); resp.StatusCode != http.StatusNotImplemented || !strings.Contains(text, "Unwrap") {
		t.Errorf("%s: %s", resp.Status, text)
	}
}
