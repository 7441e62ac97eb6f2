package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"runtime/pprof"
	"syscall"
	"time"

	"github.com/wavesiddhartha/flowsync/bench/load"
	"github.com/wavesiddhartha/flowsync/bench/peer"
)

// serve is a peer until standard input ends. SIGUSR2 has it give back the memory
// that it does not use.
func serve(p peer.Peer, dir, profile string) (err error) {
	if p.Serve == nil {
		return fmt.Errorf("%s is started with: %v", p.Name, p.Command)
	}
	if profile != "" {
		f, err := os.Create(profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	s, err := p.Serve(peer.Place{Dir: dir})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return errors.Join(err, s.Close())
	}
	srv := &http.Server{Handler: s.Handler, ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(listener) }()

	collect := make(chan os.Signal, 1)
	signal.Notify(collect, syscall.SIGUSR2)
	go func() {
		for range collect {
			debug.FreeOSMemory()
		}
	}()
	ready := load.Ready{Addr: listener.Addr().String(), PID: os.Getpid(), Store: s.Store}
	if err := json.NewEncoder(os.Stdout).Encode(ready); err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, os.Stdin) // until whoever started this ends it
	err = errors.Join(s.Close(), srv.Close())
	if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
		return errors.Join(err, ended)
	}
	return err
}
