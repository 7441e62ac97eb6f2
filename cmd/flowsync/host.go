package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/wavesiddhartha/flowsync"
)

// drainTime is how long a hub waits for connections to end. With what closing
// the store takes, it is well within the time that supervisors allow.
const drainTime = 3 * time.Second

// host runs a hub; the commands that do differ in what is in here.
type host struct {
	command string // dev or serve
	addr    string
	data    string // the file of the store; empty: memory
	say     sayFlags
	options flowsync.Options

	auth    string // what the panel says of it
	token   string // that it shows; empty: none
	guarded bool   // asks for tokens of keys that were given, so it may listen anywhere
}

// run serves until it is interrupted: once to drain, twice to end at once.
func (h *host) run(c *console) error {
	started := time.Now()
	at, err := h.listen()
	if err != nil {
		return err
	}
	defer at.close()

	v := newVoice(c, h.say)
	hub, storage, err := h.hub(slog.New(v))
	if err != nil {
		return err
	}
	stop := make(chan os.Signal, 2)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(stop)

	s := serve(front(hub, at, h.guarded), at)
	v.ready(panel{ready: time.Since(started), at: at, storage: storage, auth: h.auth, token: h.token, help: h.command, keys: c.listensToKeys()})
	if c.listensToKeys() {
		go readKeys(c.in, v.human, func() { stop <- os.Interrupt })
	}
	seconds := time.NewTicker(time.Second)
	defer seconds.Stop()
	for {
		select {
		case now := <-seconds.C:
			v.tick(now)
			continue
		case err := <-s.failed:
			return errors.Join(err, s.drain(hub))
		case <-stop:
		}
		break
	}

	drained := make(chan error, 1) // read once, or never when the second signal is quicker
	clients := v.stopping()
	go func() { drained <- s.drain(hub) }()
	select {
	case err := <-drained:
		v.bye(clients)
		return err
	case <-stop:
		return errInterrupted
	}
}

// listen opens the listeners: on this machine alone, unless tokens are asked for.
func (h *host) listen() (*loopback, error) {
	if h.guarded {
		return listenAnywhere(h.command, h.addr)
	}
	return listenLoopback(h.command, h.addr)
}

// hub makes the hub and says where it keeps its streams.
func (h *host) hub(log *slog.Logger) (hub *flowsync.Hub, storage string, err error) {
	options := h.options
	options.Logger = log
	if options.Store, storage, err = h.store(); err != nil {
		return nil, "", err
	}
	if hub, err = flowsync.New(options); err != nil {
		if options.Store != nil {
			err = errors.Join(err, options.Store.Close())
		}
		return nil, "", misfit("the hub does not start with this configuration", err.Error(), "flowsync "+h.command+" --help")
	}
	for _, s := range devStreams() {
		hub.Stream(s.pattern, s.rule)
	}
	return hub, storage, nil
}

// server is the http.Server of a hub and its goroutines, one a listener.
type server struct {
	http    *http.Server
	serving sync.WaitGroup
	failed  chan error // what ended a listener before its time
}

func serve(h http.Handler, at *loopback) *server {
	s := &server{http: flowsync.Server("", h), failed: make(chan error, len(at.listeners))}
	s.http.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug) // what browsers break off
	for _, l := range at.listeners {
		s.serving.Go(func() { // ends when the listener is closed
			if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				s.failed <- err
			}
		})
	}
	return s
}

// drain closes the listeners, lets the hub say good-bye, and waits for all of it.
func (s *server) drain(hub *flowsync.Hub) error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	hubErr := hub.Shutdown(ctx)
	httpErr := s.http.Shutdown(ctx)
	s.serving.Wait()
	if errors.Is(httpErr, context.DeadlineExceeded) {
		httpErr = s.http.Close() // a request that would not end
	}
	return errors.Join(hubErr, httpErr)
}
