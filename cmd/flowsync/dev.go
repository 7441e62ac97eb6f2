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

// drainTime is how long dev waits for connections to end.
const drainTime = 3 * time.Second

// Help lists which names make which streams.
func (d *devCommand) Help() string { return namespaceHelp() }

// Run serves until it is interrupted: once to drain, twice to end at once.
func (d *devCommand) Run(c *console) error {
	started := time.Now()
	at, err := listenLoopback(d.Addr)
	if err != nil {
		return err
	}
	defer at.close()

	v := newVoice(c, d)
	hub, err := newDevHub(slog.New(v))
	if err != nil {
		return err
	}
	stop := make(chan os.Signal, 2)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(stop)

	s := serve(front(hub, at), at)
	v.ready(at, time.Since(started), c.listensToKeys())
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
			return err
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

// newDevHub makes a hub that keeps everything in memory and admits everyone:
// front and the listeners see to it that everyone is on this machine.
func newDevHub(log *slog.Logger) (*flowsync.Hub, error) {
	hub, err := flowsync.New(flowsync.Options{Auth: flowsync.Anonymous, LocalOrigins: true, Logger: log})
	if err != nil {
		return nil, err
	}
	for _, s := range devStreams() {
		hub.Stream(s.pattern, s.rule)
	}
	return hub, nil
}

// server is the http.Server of dev and its goroutines, one a listener.
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
