package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// panel is what a hub says when it is ready. Every address on it works.
type panel struct {
	ready time.Duration // since the command started
	at    *loopback

	storage string // where the streams are
	auth    string // who may do what
	token   string // for everything; empty: none is shown
	help    string // the command whose help tells more
	keys    bool   // single keys, with Enter, are listened to
}

// write prints the panel, at most 78 columns wide.
func (p panel) write(w io.Writer, paint palette) {
	row := func(name, url string) {
		fmt.Fprintf(w, "  %s %-11s %s\n", paint.accent("➜"), name, paint.bold(url))
	}
	http := p.at.url("http")
	fmt.Fprintf(w, "\n  %s %s   ready in %d ms\n\n", paint.accent("◇"), paint.bold("FlowSync "+version()), p.ready.Milliseconds())
	row("WebSocket", p.at.url("ws"))
	row("HTTP API", http+"/streams/")
	row("Health", http+"/healthz")
	row("Metrics", http+"/metrics")
	fmt.Fprintln(w)

	var streams []string
	for _, name := range wellKnown() {
		streams = append(streams, fmt.Sprintf("%s (%s)", name, ruleOf(name).Name()))
	}
	for i, line := range wrap(streams, " · ", 66) {
		label := "       "
		if i == 0 {
			label = "streams"
		}
		fmt.Fprintf(w, "  %s  %s\n", paint.dim(label), line)
	}
	fmt.Fprintf(w, "           others on first use; which rule: flowsync %s --help\n", p.help)
	fmt.Fprintf(w, "  %s  %s\n", paint.dim("storage"), p.storage)
	fmt.Fprintf(w, "  %s  %s\n", paint.dim("auth   "), p.auth)
	if p.token != "" {
		fmt.Fprintf(w, "\n  export FLOWSYNC_TOKEN=%s\n\n", p.token)
	}
	start := "flowsync watch counter:value"
	if url := p.at.url("ws"); url != defaultURL {
		start += " --url " + url
	}
	fmt.Fprintf(w, "  %s  %s\n\n", paint.dim("start  "), paint.accent(start))
	if p.keys {
		fmt.Fprintf(w, "  %s\n\n", paint.dim("? + Enter help · q + Enter quit"))
	}
}

// wrap joins items into lines of at most width bytes.
func wrap(items []string, between string, width int) []string {
	var lines []string
	line := ""
	for _, item := range items {
		if line != "" && len(line)+len(between)+len(item) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += between
		}
		line += item
	}
	return append(lines, strings.TrimSpace(line))
}
