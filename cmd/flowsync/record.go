package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"time"
)

// record is one record of the hub's log, its attributes flat: a group's name
// stands before its members, with a dot.
type record struct {
	at    time.Time
	level slog.Level
	name  string // the message: join, leave, op or a sentence
	attrs []slog.Attr
}

// get returns an attribute; its Kind is Any with nil if there is none.
func (r *record) get(key string) slog.Value {
	for _, a := range r.attrs {
		if a.Key == key {
			return a.Value
		}
	}
	return slog.AnyValue(nil)
}

// text returns an attribute as text, empty if there is none.
func (r *record) text(key string) string {
	if v := r.get(key); !v.Equal(slog.AnyValue(nil)) {
		return v.String()
	}
	return ""
}

// number returns an attribute as a number, 0 if it is none.
func (r *record) number(key string) int {
	switch v := r.get(key); v.Kind() {
	case slog.KindInt64:
		return int(v.Int64())
	case slog.KindUint64:
		return int(v.Uint64())
	}
	return 0
}

// isNews reports whether the record tells of clients and their ops, and is not a
// sentence about the hub.
func (r *record) isNews() bool { return r.name == "join" || r.name == "leave" || r.name == "op" }

// AppendJSON appends the record as one JSON object: what happened is an event of
// that name, a sentence the msg of the event log. A duration is a number of
// milliseconds, and its key says so.
func (r *record) AppendJSON(b []byte) []byte {
	b = append(b, `{"event":`...)
	if r.isNews() {
		b = appendJSON(b, r.name)
	} else {
		b = append(b, `"log","msg":`...)
		b = appendJSON(b, r.name)
	}
	b = append(b, `,"time":`...)
	b = appendJSON(b, r.at.Format(time.RFC3339Nano))
	b = append(b, `,"level":`...)
	b = appendJSON(b, r.level.String())
	for _, a := range r.attrs {
		key, value := a.Key, a.Value.Any()
		switch v := value.(type) {
		case time.Duration:
			key, value = key+"_ms", float64(v)/float64(time.Millisecond)
		case error:
			value = v.Error()
		}
		b = append(b, ',')
		b = appendJSON(b, key)
		b = append(b, ':')
		b = appendJSON(b, value)
	}
	return append(b, '}')
}

// appendJSON appends a value as JSON, and what cannot be expressed as its name
// in the log.
func appendJSON(b []byte, value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		text, _ = json.Marshal(slog.AnyValue(value).String())
	}
	return append(b, text...)
}

// recorder is a slog.Handler that hands each record to a function.
type recorder struct {
	level slog.Level
	take  func(record) // called from any goroutine
	attrs []slog.Attr
	group string
}

func (h *recorder) Enabled(_ context.Context, level slog.Level) bool { return level >= h.level }

func (h *recorder) Handle(_ context.Context, r slog.Record) error {
	out := record{at: r.Time, level: r.Level, name: r.Message, attrs: slices.Clone(h.attrs)}
	r.Attrs(func(a slog.Attr) bool {
		out.attrs = flatten(out.attrs, h.group, a)
		return true
	})
	h.take(out)
	return nil
}

func (h *recorder) WithAttrs(attrs []slog.Attr) slog.Handler {
	next := *h
	next.attrs = slices.Clone(h.attrs)
	for _, a := range attrs {
		next.attrs = flatten(next.attrs, h.group, a)
	}
	return &next
}

func (h *recorder) WithGroup(name string) slog.Handler {
	next := *h
	next.group = h.group + name + "."
	return &next
}

func flatten(attrs []slog.Attr, group string, a slog.Attr) []slog.Attr {
	value := a.Value.Resolve()
	if value.Kind() != slog.KindGroup {
		return append(attrs, slog.Attr{Key: group + a.Key, Value: value})
	}
	if a.Key != "" {
		group += a.Key + "."
	}
	for _, member := range value.Group() {
		attrs = flatten(attrs, group, member)
	}
	return attrs
}
