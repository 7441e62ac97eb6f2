package main

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"
)

// lineOf makes the line of one record. Those that people look at all day have a
// form of their own; all is written out for the others, and for --verbose.
func lineOf(r record, paint palette, all bool) string {
	if !all {
		switch r.name {
		case "join":
			return fields(paint.good(tag("join")), r.text("client"), r.text("addr"), count(r, "clients", "client"))
		case "leave":
			return fields(paint.dim(tag("leave")), r.text("client"), r.text("reason"), count(r, "clients", "client"))
		case "op":
			return fields(paint.accent(tag("op")), r.text("stream"), r.text("client"), prefixed("v", r.text("offset")), count(r, "subscribers", "sub"), took(r))
		}
	}
	parts := []string{mark(r.level, paint), r.name}
	for _, a := range r.attrs {
		parts = append(parts, fmt.Sprintf("%s=%v", a.Key, a.Value))
	}
	return fields(parts...)
}

// summaryOf makes the line of a second's ops, stream → how many, the busiest
// named first. It fits a line of a terminal, so that the next can replace it.
func summaryOf(ops map[string]int, paint palette) string {
	const width = 48
	total, named, names := 0, 0, ""
	byCount := slices.SortedFunc(maps.Keys(ops), func(a, b string) int {
		if ops[a] != ops[b] {
			return ops[b] - ops[a]
		}
		return strings.Compare(a, b)
	})
	for _, stream := range byCount {
		total += ops[stream]
		next := fmt.Sprintf("%s %d", stream, ops[stream])
		if len(names)+len(next) > width {
			continue
		}
		if names != "" {
			names += " · "
		}
		names += next
		named++
	}
	more := ""
	if rest := len(byCount) - named; rest > 0 {
		more = "and " + plural(rest, "stream")
	}
	return fields(paint.accent(tag("ops")), fmt.Sprintf("%d/s", total), names, more)
}

// tag is the word that a line begins with, in a column of its own.
func tag(word string) string { return fmt.Sprintf("%-5s", word) }

func mark(level slog.Level, paint palette) string {
	switch {
	case level >= slog.LevelError:
		return paint.bad("✗ err")
	case level >= slog.LevelWarn:
		return paint.warn("▲ wrn")
	}
	return tag("log")
}

// fields joins what is there.
func fields(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), "  ")
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

// count shows an attribute as a number of things.
func count(r record, key, thing string) string {
	if r.text(key) == "" {
		return ""
	}
	return plural(r.number(key), thing)
}

func plural(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

// took is how long the op waited for its commit.
func took(r record) string {
	if v := r.get("took"); v.Kind() == slog.KindDuration {
		return fmt.Sprintf("%.1f ms", float64(v.Duration())/float64(time.Millisecond))
	}
	return ""
}
