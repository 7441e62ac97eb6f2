package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"syscall"
)

// loopback is where a hub listens.
type loopback struct {
	listeners []net.Listener
	host      string // as URLs name it: localhost, or the address that was asked for
	port      int
}

// listenLoopback listens on HOST:PORT, where HOST must be of this machine alone.
// No host, or localhost, stands for 127.0.0.1 and [::1] both, because browsers
// and resolvers disagree about which of them localhost is.
//
// command is named in what there is to try.
func listenLoopback(command, addr string) (*loopback, error) {
	host, portText, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, &fault{what: fmt.Sprintf("--addr %q is not HOST:PORT", addr), try: "flowsync " + command + " --addr :8766", exit: exitUsage}
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return nil, &fault{what: fmt.Sprintf("--addr %q: the port must be a number from 0 to 65535", addr), try: "flowsync " + command + " --addr :0", exit: exitUsage}
	}
	if host == "" || host == "localhost" {
		return listenBoth(command, int(port))
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || !ip.IsLoopback() {
		return nil, &fault{
			what: fmt.Sprintf("%s does not listen on %q: it has no authentication, so it stays on this machine", command, host),
			why:  "allowed are localhost, 127.0.0.1 and [::1]; to serve others: flowsync serve --jwt-secret-file FILE",
			try:  "flowsync " + command + " --addr :" + portText, exit: exitUsage,
		}
	}
	l, err := net.Listen("tcp", net.JoinHostPort(host, portText))
	if err != nil {
		return nil, cannotListen(command, host, int(port), err)
	}
	shown := host
	if ip.Is6() {
		shown = "[" + host + "]"
	}
	return &loopback{[]net.Listener{l}, shown, l.Addr().(*net.TCPAddr).Port}, nil
}

// listenAnywhere listens on HOST:PORT, whatever the host is. No host, or
// localhost, is this machine alone, as for a hub without authentication.
func listenAnywhere(command, addr string) (*loopback, error) {
	host, _, err := net.SplitHostPort(addr)
	ip, ipErr := netip.ParseAddr(host)
	if err != nil || ipErr != nil || ip.IsLoopback() {
		return listenLoopback(command, addr)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		_, text, _ := net.SplitHostPort(addr)
		port, _ := strconv.ParseUint(text, 10, 16) // what is none was the error
		return nil, cannotListen(command, host, int(port), err)
	}
	shown := host
	switch {
	case ip.IsUnspecified():
		shown = "localhost"
	case ip.Is6():
		shown = "[" + host + "]"
	}
	return &loopback{[]net.Listener{l}, shown, l.Addr().(*net.TCPAddr).Port}, nil
}

// listenBoth listens on both loopback addresses with one port. A machine without
// IPv6 is served on the other alone.
func listenBoth(command string, port int) (*loopback, error) {
	const tries = 16 // a free port of one family may be taken in the other
	for range tries {
		four, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			return nil, cannotListen(command, "127.0.0.1", port, err)
		}
		chosen := four.Addr().(*net.TCPAddr).Port
		six, err := net.Listen("tcp6", fmt.Sprintf("[::1]:%d", chosen))
		if err == nil {
			return &loopback{[]net.Listener{four, six}, "localhost", chosen}, nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			return &loopback{[]net.Listener{four}, "localhost", chosen}, nil
		}
		four.Close()
		if port != 0 {
			return nil, cannotListen(command, "[::1]", port, err)
		}
	}
	return nil, &fault{what: "found no port that is free on 127.0.0.1 and [::1]", try: "flowsync " + command + " --addr 127.0.0.1:0"}
}

// cannotListen explains a failed listen, with the owner of the port where the
// system tells.
func cannotListen(command, host string, port int, err error) error {
	f := &fault{what: fmt.Sprintf("cannot listen on %s:%d: %v", host, port, cause(err))}
	if errors.Is(err, syscall.EADDRINUSE) {
		f.what = fmt.Sprintf("cannot listen on %s:%d: address already in use", host, port)
		f.why = "another program is using it"
		if pid, name, ok := portOwner(port); ok {
			f.why = fmt.Sprintf("pid %d (%s) is using it", pid, name)
		}
		f.try = fmt.Sprintf("flowsync %[1]s --addr :%[2]d     or: flowsync %[1]s --addr :0 (any free port)", command, port+1)
		if port == 65535 {
			f.try = "flowsync " + command + " --addr :0 (any free port)"
		}
	}
	return f
}

// cause strips what net wraps around the system's error, which repeats the
// address.
func cause(err error) error {
	var call syscall.Errno
	if errors.As(err, &call) {
		return call
	}
	return err
}

func (l *loopback) url(scheme string) string {
	return fmt.Sprintf("%s://%s:%d", scheme, l.host, l.port)
}

func (l *loopback) close() {
	for _, ln := range l.listeners {
		ln.Close()
	}
}
