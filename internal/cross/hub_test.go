package cross

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wavesiddhartha/flowsync"
	"github.com/wavesiddhartha/flowsync/acl"
	"github.com/wavesiddhartha/flowsync/auth"
	"github.com/wavesiddhartha/flowsync/store"
	"github.com/wavesiddhartha/flowsync/store/sqlite"
)

// auditor is the token of the tests' own look at the hub.
const auditor = "auditor"

// hub is a real hub on a loopback port, which can be restarted, lose the end of
// its log, and change its mind about who may do what.
type hub struct {
	t      *testing.T
	dir    string // of the SQLite store; empty: the store is in memory
	limits flowsync.Limits
	expiry time.Duration // of grants; 0: never
	addr   string

	memory store.Store
	hub    *flowsync.Hub
	server *http.Server

	mu     sync.Mutex // guards what follows
	conns  map[net.Conn]struct{}
	denied map[string]map[string]string // by token, then stream: the rule that denies it
}

// overflowing is a counter's value that a few increments take beyond its bound.
const overflowing = "99999999999999999999999999999999999997"

// up starts the hub, at the address that it had before.
func (h *hub) up() {
	h.t.Helper()
	o := flowsync.Options{Auth: auth.Func(h.authenticate), Limits: h.limits, Logger: slog.New(slog.DiscardHandler), Store: lasting{h.memory}}
	if h.dir != "" {
		s, err := sqlite.Open(filepath.Join(h.dir, "hub.db"))
		if err != nil {
			h.t.Fatal(err)
		}
		o.Store = s
	}
	var err error
	if h.hub, err = flowsync.New(o); err != nil {
		h.t.Fatal(err)
	}
	for _, k := range kinds {
		h.hub.Stream(k.stream, k.rule, k.options...)
	}
	l := h.listen()
	h.addr = l.Addr().String()
	h.server = &http.Server{Handler: h.hub, ReadHeaderTimeout: 5 * time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)}
	h.server.ConnState = func(c net.Conn, s http.ConnState) {
		if s == http.StateNew {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.conns[c] = struct{}{}
		}
	}
	go h.server.Serve(l) // ends with server.Close
}

// listen takes the hub's port again; a dial may hold it for a moment as its own.
func (h *hub) listen() net.Listener {
	h.t.Helper()
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		l, err := net.Listen("tcp", h.addr)
		if err == nil {
			return l
		}
		if time.Now().After(end) {
			h.t.Fatal(err)
		}
	}
}

// cut breaks every connection without a goodbye.
func (h *hub) cut() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.conns {
		c.Close()
	}
	clear(h.conns)
}

// down ends the hub. Connections break first, so that nobody is told to stay
// away for a second.
func (h *hub) down() {
	h.t.Helper()
	if h.hub == nil {
		return
	}
	h.server.Close()
	h.cut()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := h.hub.Shutdown(ctx); err != nil {
		h.t.Errorf("shutdown: %v", err)
	}
	h.hub = nil
}

// files are those of the store.
func (h *hub) files() []string {
	files, err := filepath.Glob(filepath.Join(h.dir, "hub.db*"))
	if err != nil {
		h.t.Fatal(err)
	}
	return files
}

// backup copies the store of a hub that is down; restore puts the copy back, so
// that what was committed since is lost.
func (h *hub) backup() {
	for _, file := range h.files() {
		h.copy(file, filepath.Join(h.dir, "backup-"+filepath.Base(file)))
	}
}

func (h *hub) restore() {
	for _, file := range h.files() {
		if err := os.Remove(file); err != nil {
			h.t.Fatal(err)
		}
	}
	copies, err := filepath.Glob(filepath.Join(h.dir, "backup-hub.db*"))
	if err != nil || len(copies) == 0 {
		h.t.Fatalf("there is no backup: %v", err)
	}
	for _, file := range copies {
		h.copy(file, filepath.Join(h.dir, filepath.Base(file)[len("backup-"):]))
	}
}

func (h *hub) copy(from, to string) {
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, b, 0o600)
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

// authenticate takes a client's id for its token.
func (h *hub) authenticate(_ context.Context, token string, _ *http.Request) (*auth.Grant, error) {
	if token == "" {
		return nil, auth.ErrRequired
	}
	h.mu.Lock()
	rules := []string{"*:*"}
	for _, rule := range h.denied[token] {
		rules = append(rules, rule)
	}
	h.mu.Unlock()
	rights, err := acl.Parse(rules...)
	if err != nil {
		return nil, err
	}
	g := &auth.Grant{Subject: "the user of " + token, Rights: rights}
	if h.expiry > 0 && token != auditor {
		g.Expires = time.Now().Add(h.expiry)
	}
	return g, nil
}

// deny takes a right on a stream from a client, from its next authentication on;
// an empty rule gives all back.
func (h *hub) deny(token, stream, rule string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.denied[token] == nil {
		h.denied[token] = map[string]string{}
	}
	if delete(h.denied[token], stream); rule != "" {
		h.denied[token][stream] = rule
	}
}

// read asks the hub over HTTP.
func (h *hub) read(stream string) (shown, error) {
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodGet, "http://"+h.addr+"/streams/"+stream, nil)
	if err != nil {
		return shown{}, err
	}
	req.Header.Set("Authorization", "Bearer "+auditor)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return shown{}, err
	}
	defer resp.Body.Close()
	value, err := io.ReadAll(resp.Body)
	return shown{strings.TrimSuffix(string(value), "\n"), resp.Header.Get("Flowsync-Digest"), resp.Header.Get("Flowsync-Cursor")}, err
}

// lasting keeps a store open when its hub closes it.
type lasting struct{ store.Store }

func (lasting) Close() error { return nil }
