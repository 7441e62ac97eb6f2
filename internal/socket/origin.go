package socket

import (
	"net"
	"net/http"
	"net/url"
	"strings"
)

// AllowedOrigin reports whether the page that made the request may connect.
// Programs other than browsers send no Origin and pass: what the header
// protects is the cookies and the network position of a browser's user (RFC
// 6455 section 10.2).
func AllowedOrigin(r *http.Request, o *Options) bool {
	values := r.Header.Values("Origin")
	if len(values) == 0 {
		return true
	}
	if len(values) > 1 {
		return false
	}
	u, err := url.Parse(values[0])
	if err != nil || u.Host == "" || u.Scheme == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" {
		return false // "null" too
	}
	if sameOrigin(r, u) || o.AnyLocalOrigin && isLocal(u.Hostname()) {
		return true
	}
	for _, pattern := range o.Origins {
		if originMatches(pattern, u) {
			return true
		}
	}
	return false
}

// sameOrigin compares with the address that the request itself went to. Behind
// a proxy that ends TLS the hub cannot know its own scheme, and takes the page's.
func sameOrigin(r *http.Request, origin *url.URL) bool {
	if origin.Scheme != "http" && origin.Scheme != "https" || r.TLS != nil && origin.Scheme != "https" {
		return false
	}
	return strings.EqualFold(bareHost(origin.Scheme, origin.Host), bareHost(origin.Scheme, r.Host))
}

// bareHost is host without the port that its scheme implies.
func bareHost(scheme, host string) string {
	switch scheme {
	case "http":
		return strings.TrimSuffix(host, ":80")
	case "https":
		return strings.TrimSuffix(host, ":443")
	}
	return host
}

// originMatches compares with one pattern of Options.Origins. Wildcards
// stand for whole labels only, so that no look-alike suffix slips through.
func originMatches(pattern string, origin *url.URL) bool {
	if pattern == "*" {
		return true
	}
	pattern = strings.ToLower(strings.TrimSuffix(pattern, "/"))
	scheme, host, ok := strings.Cut(pattern, "://")
	if !ok {
		scheme, host = origin.Scheme, pattern
		if scheme != "http" && scheme != "https" {
			return false
		}
	}
	if scheme != origin.Scheme {
		return false
	}
	have, want := strings.ToLower(bareHost(scheme, origin.Host)), bareHost(scheme, host)
	if parent, ok := strings.CutPrefix(want, "*."); ok {
		return strings.HasSuffix(have, "."+parent) && len(have) > len(parent)+1
	}
	return have == want
}

func isLocal(host string) bool {
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback()
	}
	host = strings.ToLower(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}
