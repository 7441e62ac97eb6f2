package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 23, 12, 3, 11, 0, time.UTC)

func op(stream string, offset int) record {
	return record{at: noon, level: slog.LevelDebug, name: "op", attrs: []slog.Attr{
		slog.String("stream", stream), slog.String("client", "alice"), slog.Int("offset", offset),
		slog.Int("subscribers", 2), slog.Duration("took", 300*time.Microsecond),
	}}
}

func TestFeedShowsEachRecord(t *testing.T) {
	var out bytes.Buffer
	f := newFeed(&out, palette{}, false, false)
	f.take(record{at: noon, name: "join", attrs: []slog.Attr{slog.String("client", "alice"), slog.String("addr", "127.0.*.*"), slog.Int("clients", 1)}})
	f.take(op("text:doc", 42))
	f.take(record{at: noon, name: "leave", attrs: []slog.Attr{slog.String("client", "alice"), slog.Int("clients", 0)}})
	f.take(record{at: noon, level: slog.LevelWarn, name: "store is slow", attrs: []slog.Attr{slog.Int("waiting", 7)}})
	want := "12:03:11  join   alice  127.0.*.*  1 client\n" +
		"12:03:11  op     text:doc  alice  v42  2 subs  0.3 ms\n" +
		"12:03:11  leave  alice  0 clients\n" +
		"12:03:11  ▲ wrn  store is slow  waiting=7\n"
	if out.String() != want {
		t.Errorf("got:\n%swant:\n%s", out.String(), want)
	}
}

// Five ops of a second get a line each, the others one together; while it stays
// busy, all of a second share one line, which on a terminal replaces the last.
func TestFeedSumsUpABusySecond(t *testing.T) {
	for _, rewrites := range []bool{false, true} {
		t.Run(fmt.Sprintf("rewrites=%v", rewrites), func(t *testing.T) {
			var out bytes.Buffer
			f := newFeed(&out, palette{}, rewrites, false)
			for i := range 12 {
				f.take(op("text:doc", i))
			}
			f.tick(noon)
			if n := strings.Count(out.String(), "  op "); n != manyOps {
				t.Errorf("%d lines of single ops in the first second, want %d", n, manyOps)
			}
			if !strings.Contains(out.String(), "ops    7/s  text:doc 7\n") {
				t.Errorf("the other 7 are not summed up:\n%s", out.String())
			}
			out.Reset()
			for i := range 30 {
				f.take(op([]string{"text:doc", "counter:value"}[i/20], i))
			}
			f.tick(noon.Add(time.Second))
			want := "12:03:12  ops    30/s  text:doc 20 · counter:value 10\n"
			if rewrites {
				want = "\x1b[1A\x1b[2K" + want
			}
			if out.String() != want {
				t.Errorf("second second: got %q, want %q", out.String(), want)
			}
			out.Reset()
			f.tick(noon.Add(2 * time.Second)) // nothing happened
			f.take(op("text:doc", 43))
			if !strings.Contains(out.String(), "v43") || strings.Contains(out.String(), "\x1b") {
				t.Errorf("after a quiet second an op gets its line, and nothing is replaced: %q", out.String())
			}
		})
	}
}

func TestFeedSummaryFitsATerminal(t *testing.T) {
	ops := make(map[string]int)
	for i := range 100 {
		ops[fmt.Sprintf("chat:room-%03d", i)] = i
	}
	line := summaryOf(ops, palette{})
	if n := len([]rune("12:03:11  " + line)); n > 80 {
		t.Errorf("%d columns: %s", n, line)
	}
	if !strings.Contains(line, "chat:room-099 99") || !strings.Contains(line, "4950/s") || !strings.Contains(line, "streams") {
		t.Errorf("the busiest, the total and the rest are missing: %s", line)
	}
}

func TestRecordAsJSON(t *testing.T) {
	var got record
	log := slog.New(&recorder{level: slog.LevelDebug, take: func(r record) { got = r }})
	log.With("stream", "a:b").WithGroup("peer").With("client", "x").Debug("op",
		slog.Duration("took", 1500*time.Microsecond), slog.Any("err", errors.New("no\nway")), slog.Any("f", func() {}),
		slog.Group("g", slog.Int("n", 3)))
	var m map[string]any
	if err := json.Unmarshal(got.AppendJSON(nil), &m); err != nil {
		t.Fatalf("%v in %s", err, got.AppendJSON(nil))
	}
	for key, want := range map[string]any{
		"event": "op", "level": "DEBUG", "stream": "a:b", "peer.client": "x",
		"peer.took_ms": 1.5, "peer.err": "no\nway", "peer.g.n": 3.0,
	} {
		if m[key] != want {
			t.Errorf("%s: got %v, want %v", key, m[key], want)
		}
	}
	clear(m)
	log.Warn("the store is slow")
	if err := json.Unmarshal(got.AppendJSON(nil), &m); err != nil || m["event"] != "log" || m["msg"] != "the store is slow" {
		t.Errorf("a sentence: %s, %v", got.AppendJSON(nil), err)
	}
	if bytes.ContainsRune(got.AppendJSON(nil), '\n') {
		t.Error("more than one line")
	}
}

func TestRecorderDerivesWithoutSharing(t *testing.T) {
	var got []record
	base := slog.New(&recorder{take: func(r record) { got = append(got, r) }}).With("a", 1)
	one, two := base.With("b", 2), base.With("c", 3)
	one.Info("x")
	two.Info("x")
	if s := fmt.Sprint(got[0].attrs, got[1].attrs); s != "[a=1 b=2] [a=1 c=3]" {
		t.Errorf("attributes got mixed: %s", s)
	}
}
