package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func openNull(t *testing.T) *os.File {
	t.Helper()
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestListenStaysOnThisMachine(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", "[::]:0", "192.168.1.4:0", "example.com:0", "127.0.0.1", "localhost:http", ":70000", ":-1"} {
		t.Run(addr, func(t *testing.T) {
			l, err := listenLoopback("dev", addr)
			if err == nil {
				l.close()
				t.Fatal("listens")
			}
			var f *fault
			if !errors.As(err, &f) || f.exit != exitUsage || f.try == "" {
				t.Errorf("want a usage error with something to try, got %#v", err)
			}
		})
	}
}

func TestListenOnBothAddresses(t *testing.T) {
	for _, addr := range []string{":0", "localhost:0"} {
		t.Run(addr, func(t *testing.T) {
			l, err := listenLoopback("dev", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer l.close()
			for _, host := range []string{"127.0.0.1", "::1"} {
				if host == "::1" && len(l.listeners) == 1 {
					cannotRun(t, "this machine has no IPv6")
				}
				conn, err := net.Dial("tcp", net.JoinHostPort(host, strconv.Itoa(l.port)))
				if err != nil {
					t.Errorf("nobody answers on %s: %v", host, err)
					continue
				}
				conn.Close()
			}
		})
	}
}

func TestListenNamesTheOwnerOfThePort(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "[::1]"} {
		t.Run(host, func(t *testing.T) {
			taken, err := net.Listen("tcp", host+":0")
			if err != nil {
				cannotRun(t, "cannot listen on %s: %v", host, err)
			}
			defer taken.Close()
			port := taken.Addr().(*net.TCPAddr).Port
			_, err = listenLoopback("dev", fmt.Sprintf("localhost:%d", port))
			var f *fault
			if !errors.As(err, &f) {
				t.Fatalf("got %v, want a fault", err)
			}
			if want := fmt.Sprintf("cannot listen on %s:%d: address already in use", host, port); f.what != want {
				t.Errorf("what: %q, want %q", f.what, want)
			}
			if runtime.GOOS == "linux" && !strings.Contains(f.why, fmt.Sprintf("pid %d (", os.Getpid())) {
				t.Errorf("why does not name this process: %q", f.why)
			}
			if !strings.Contains(f.try, "--addr :0") {
				t.Errorf("try: %q", f.try)
			}
		})
	}
}

func TestLocalHosts(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost:8765": true, "LOCALHOST": true, "127.0.0.1:1": true, "127.8.8.8:1": true, "[::1]:8765": true, "[::1]": true,
		"evil.example:8765": false, "localhost.evil.example": false, "192.168.0.1:8765": false, "": false, "0.0.0.0:8765": false,
	} {
		if isLocal(host) != want {
			t.Errorf("isLocal(%q) is %v", host, !want)
		}
	}
}

// listenSilently takes connections and says nothing.
func listenSilently(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String() // the kernel accepts for it
}

// freePort returns a port that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}
