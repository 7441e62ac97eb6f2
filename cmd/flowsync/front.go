package main

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// front stands before a hub. Without authentication it refuses requests that reach the
// machine under a name that is not its own, and answers a browser that opens
// the bare address.
//
// The first matters because everyone may do everything: a page of any site can
// let its own name point to 127.0.0.1 (DNS rebinding), and would then be of the
// same origin as the hub.
//
// A guarded hub asks for tokens, which such a page does not have.
func front(hub http.Handler, at *loopback, guarded bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !guarded && !isLocal(r.Host) {
			http.Error(w, "This hub has no authentication and answers only to localhost, 127.0.0.1 and [::1].", http.StatusForbidden)
			return
		}
		if r.Method == http.MethodGet && r.URL.Path == "/" && r.Header.Get("Upgrade") == "" {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			welcome(w, at)
			return
		}
		hub.ServeHTTP(w, r)
	})
}

// welcome says what is where, and what to try first.
func welcome(w http.ResponseWriter, at *loopback) {
	api := at.url("http")
	fmt.Fprintf(w, `FlowSync %s, a hub.

WebSocket   %s (or /ws), subprotocol flowsync.v1
HTTP API    %s/streams/{name}
Health      %s/healthz
Metrics     %s/metrics

Try:

  curl %s/streams/counter:value
  curl -d '{"op":"increment","amount":5}' %s/streams/counter:value/ops
  curl -N %s/streams/counter:value/events

%s`, version(), at.url("ws"), api, api, api, api, api, api, namespaceHelp())
}

// isLocal reports whether a Host header names this machine's loopback.
func isLocal(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport // without a port
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
