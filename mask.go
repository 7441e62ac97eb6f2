package flowsync

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"regexp"
	"strings"
)

// discreet is a [slog.Handler] that hides whose addresses records hold, wherever in
// a text or an error they are: net.OpError and others put them into theirs.
type discreet struct{ slog.Handler }

func (d discreet) Handle(ctx context.Context, r slog.Record) error {
	out := slog.NewRecord(r.Time, r.Level, maskText(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		out.AddAttrs(maskAttr(a))
		return true
	})
	return d.Handler.Handle(ctx, out)
}

func (d discreet) WithAttrs(attrs []slog.Attr) slog.Handler {
	out := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		out[i] = maskAttr(a)
	}
	return discreet{d.Handler.WithAttrs(out)}
}

func (d discreet) WithGroup(name string) slog.Handler { return discreet{d.Handler.WithGroup(name)} }

func maskAttr(a slog.Attr) slog.Attr {
	switch v := a.Value.Resolve(); v.Kind() {
	case slog.KindAny:
		if m, ok := v.Any().(maskedAddr); ok {
			return slog.String(a.Key, string(m))
		}
		return slog.String(a.Key, maskText(fmt.Sprint(v.Any())))
	case slog.KindString:
		return slog.String(a.Key, maskText(v.String()))
	case slog.KindGroup:
		inner := make([]any, 0, len(v.Group()))
		for _, g := range v.Group() {
			inner = append(inner, maskAttr(g))
		}
		return slog.Group(a.Key, inner...)
	}
	return a
}

// addresses finds what may be an IP address, of version 4 or 6, among other text.
var addresses = regexp.MustCompile(`[0-9A-Fa-f:.]*[0-9A-Fa-f][.:][0-9A-Fa-f:.]*[0-9A-Fa-f]|::[0-9A-Fa-f]+`)

// maskText masks the addresses in a text, and leaves the rest as it is.
func maskText(text string) string {
	if !strings.ContainsAny(text, ".:") {
		return text
	}
	return addresses.ReplaceAllStringFunc(text, func(found string) string {
		if a, err := netip.ParseAddr(found); err == nil {
			return maskIP(a)
		}
		// An address of version 4 and its port; that of version 6 stands in
		// brackets, which are no part of what was found.
		if host, port, err := net.SplitHostPort(found); err == nil {
			if a, err := netip.ParseAddr(host); err == nil {
				return maskIP(a) + ":" + port
			}
		}
		return found
	})
}

// maskedAddr is an address that shows nobody any more.
type maskedAddr string

// maskAddr masks the address of a connection.
func maskAddr(a netip.Addr) maskedAddr {
	if !a.IsValid() {
		return "unknown"
	}
	return maskedAddr(maskIP(a))
}

// maskIP hides who an address belongs to: the first two bytes of an IPv4 address
// and the first 48 bits of an IPv6 address stay.
func maskIP(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	if a.Is4() {
		b := a.As4()
		return fmt.Sprintf("%d.%d.***.***", b[0], b[1])
	}
	p, _ := a.Prefix(48) // fails for no IPv6 address
	return p.String()
}
