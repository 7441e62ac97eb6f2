package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"
)

// voice is all that a hub says: the panel, the feed of what happens, the good-bye,
// and the same as JSON for programs. It is the slog.Handler of the hub.
type voice struct {
	slog.Handler

	// Set by newVoice, read-only after.
	human   io.Writer // for people: stdout, or stderr when stdout is for programs
	machine io.Writer // for programs; nil without --json
	paint   palette
	feed    *feed
	least   slog.Level // what is shown

	mu      sync.Mutex // guards what follows and writes to machine
	phase   phase
	early   []record // from before ready
	clients int      // with a session now
}

func newVoice(c *console, d sayFlags) *voice {
	v := &voice{human: c.out, paint: c.outPalette()}
	if d.JSON {
		v.human, v.machine, v.paint = c.err, c.out, c.errPalette()
	}
	v.feed = newFeed(v.human, v.paint, c.rewrites(v.human), d.Verbose)
	switch {
	case d.Quiet:
		v.human, v.least = io.Discard, slog.LevelError
		v.feed = newFeed(c.err, c.errPalette(), false, false)
	case d.Verbose:
		v.least = slog.LevelDebug
	}
	v.Handler = &recorder{level: slog.LevelDebug, take: v.take}
	return v
}

// phase is where in its life the hub is. Outside of serving, the panel and the
// good-bye say it all, and the hub's own words about it are for --verbose.
type phase int

const (
	starting phase = iota
	serving
	stopping
)

// take shows a record of the hub's log, or keeps it until the hub is ready.
func (v *voice) take(r record) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.phase == starting {
		v.early = append(v.early, r)
		return
	}
	v.show(r)
}

// show prints a record: to programs whatever is Info and more, and ops, which
// are logged at Debug; to people the same, or errors alone with --quiet. Called
// with mu.
func (v *voice) show(r record) {
	if r.name == "join" || r.name == "leave" {
		v.clients = r.number("clients")
	}
	human, machine := v.least, min(v.least, slog.LevelInfo)
	if v.phase != serving && v.least > slog.LevelDebug {
		human, machine = slog.LevelError, slog.LevelError
	}
	level := r.level
	if r.name == "op" {
		level = max(level, slog.LevelInfo)
	}
	if v.machine != nil && level >= machine {
		v.machine.Write(append(r.AppendJSON(nil), '\n'))
	}
	if level >= human {
		v.feed.take(r)
	}
}

func (v *voice) tick(now time.Time) { v.feed.tick(now) }

// stopping begins the good-bye and returns how many clients are to be drained.
func (v *voice) stopping() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.phase = stopping
	return v.clients
}

// ready says where the hub is, and with --verbose how it got there.
func (v *voice) ready(p panel) {
	v.mu.Lock()
	defer v.mu.Unlock()
	p.write(v.human, v.paint)
	at := p.at
	ready := map[string]any{
		"event": "ready", "addr": fmt.Sprintf("%s:%d", at.host, at.port), "pid": os.Getpid(), "version": version(),
		"ready_ms": p.ready.Milliseconds(), "storage": p.storage,
		"urls": map[string]string{
			"websocket": at.url("ws"), "api": at.url("http") + "/streams/", "health": at.url("http") + "/healthz", "metrics": at.url("http") + "/metrics",
		},
	}
	if p.token != "" {
		ready["token"] = p.token
	}
	v.say(ready)
	for _, r := range v.early {
		v.show(r)
	}
	v.early, v.phase = nil, serving
}

// bye ends what was said.
func (v *voice) bye(clients int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	fmt.Fprintf(v.human, "%s drained, bye\n", plural(clients, "client"))
	v.say(map[string]any{"event": "bye", "drained": clients})
}

// say writes a line for programs. Called with mu.
func (v *voice) say(line map[string]any) {
	if v.machine != nil {
		json.NewEncoder(v.machine).Encode(line)
	}
}
