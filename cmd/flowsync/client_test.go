package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestPushGetWatch(t *testing.T) {
	_, url := dev(t)
	flags := []string{"--url", url}
	w := start(t, append([]string{"watch", "counter:value"}, flags...)...)
	if first := w.line(); first != "0" {
		t.Errorf("the present value: %s, want 0", first)
	}
	for i, op := range []string{`{"op":"increment","amount":5}`, `{"op":"decrement"}`} {
		r := runCommand(t, "", append([]string{"push", "counter:value", op}, flags...)...)
		if r != (result{}) {
			t.Errorf("push says something: %+v", r)
		}
		if want, got := []string{"5", "4"}[i], w.line(); got != want {
			t.Errorf("watch: %s, want %s", got, want)
		}
	}
	if r := runCommand(t, "", append([]string{"get", "counter:value"}, flags...)...); r != (result{out: "4\n"}) {
		t.Errorf("get: %+v", r)
	}
	w.interrupt()
	if code := w.wait(); code != exitInterrupted {
		t.Errorf("watch ends with %d after SIGINT, want %d", code, exitInterrupted)
	}
}

func TestPushFromStdin(t *testing.T) {
	_, url := dev(t)
	r := runCommand(t, "{\"op\": \"append\",\n \"value\": {\"text\": \"<b>&\"}}\n", "push", "chat:lobby", "-", "--url", url)
	if r != (result{}) {
		t.Fatalf("%+v", r)
	}
	if r := runCommand(t, "", "get", "chat:lobby", "--url", url); r != (result{out: "[{\"text\":\"<b>&\"}]\n"}) {
		t.Errorf("get: %+v", r)
	}
}

func TestPushText(t *testing.T) {
	_, url := dev(t)
	for _, op := range []string{`{"op":"insert","pos":0,"text":"hello"}`, `{"op":"insert","pos":5,"text":" wörld"}`, `{"op":"delete","pos":0,"count":1}`} {
		if r := runCommand(t, "", "push", "text:doc", op, "--url", url); r != (result{}) {
			t.Fatalf("%s: %+v", op, r)
		}
	}
	if r := runCommand(t, "", "get", "text:doc", "--url", url); r != (result{out: "\"ello wörld\"\n"}) {
		t.Errorf("get: %+v", r)
	}
}

func TestURLFromTheEnvironment(t *testing.T) {
	_, url := dev(t)
	r := finish(t, "", "env", "FLOWSYNC_URL="+url, program, "get", "set:guests")
	if r != (result{out: "[]\n"}) {
		t.Errorf("%+v", r)
	}
}

func TestClientsExplainTheirFailures(t *testing.T) {
	_, url := dev(t)
	for _, c := range []struct {
		name string
		args []string
		says []string
	}{
		{"nobody there", []string{"get", "a", "--url", "ws://127.0.0.1:1"},
			[]string{"✗ no hub answers at ws://127.0.0.1:1: connection refused", "try: flowsync dev"}},
		{"rejected op", []string{"push", "counter:value", `{"op":"increment","amount":0}`, "--url", url},
			[]string{"✗ the hub answers bad_op: ", "try: "}},
		{"op of another rule", []string{"push", "counter:value", `{"op":"append","value":1}`, "--url", url},
			[]string{"✗ the hub answers wrong_rule: "}},
	} {
		t.Run(c.name, func(t *testing.T) {
			begun := time.Now()
			r := runCommand(t, "", c.args...)
			if r.code != exitFailed || r.out != "" {
				t.Errorf("%+v", r)
			}
			for _, want := range c.says {
				if !strings.Contains(r.err, want) {
					t.Errorf("stderr lacks %q:\n%s", want, r.err)
				}
			}
			if took := time.Since(begun); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// A server that takes connections and never answers.
func TestTimeout(t *testing.T) {
	silent := listenSilently(t)
	for _, args := range [][]string{
		{"get", "a"}, {"push", "a", "{}"},
	} {
		t.Run(args[0], func(t *testing.T) {
			r := runCommand(t, "", append(args, "--url", "ws://"+silent, "--timeout", "300ms")...)
			if r.code != exitFailed || !strings.Contains(r.err, "✗ time-out while ") || !strings.Contains(r.err, "connection: connecting") {
				t.Errorf("%+v", r)
			}
		})
	}
	if r := runCommand(t, "", "watch", "a", "--url", "ws://"+silent, "--timeout", "300ms"); r.code != exitDone || r.err != "" {
		t.Errorf("the end of a watch is no failure: %+v", r)
	}
}

// A newer connection of the same client ends the older command.
func TestReplacedClient(t *testing.T) {
	_, url := dev(t)
	w := start(t, "watch", "counter:value", "--client", "me", "--url", url)
	w.line()
	if r := runCommand(t, "", "get", "counter:value", "--client", "me", "--url", url); r.code != exitDone {
		t.Fatalf("%+v", r)
	}
	if code := w.wait(); code != exitFailed || !strings.Contains(w.stderr.String(), "another connection took over") {
		t.Errorf("exit status %d, stderr %q", code, w.stderr)
	}
}

// A watch outlives its hub and goes on when it is back.
func TestWatchReconnects(t *testing.T) {
	hub, url := dev(t)
	w := start(t, "watch", "counter:value", "--url", url)
	w.line()
	hub.interrupt()
	hub.wait()
	start(t, "dev", "--addr", strings.TrimPrefix(url, "ws://"), "--json").object()
	if r := runCommand(t, "", "push", "counter:value", `{"op":"increment","amount":9}`, "--url", url); r.code != exitDone {
		t.Fatalf("%+v", r)
	}
	for w.line() != "9" {
	}
	w.interrupt()
	w.wait()
	if !strings.Contains(w.stderr.String(), "▲ the connection is lost; trying again\n✓ connected again\n") {
		t.Errorf("stderr: %q", w.stderr)
	}
}

// Every example of every command runs, as it stands, in a shell.
func TestExamplesRun(t *testing.T) {
	_, url := dev(t)
	file, _ := furnished(t, false)
	for _, command := range []string{"", "dev", "serve", "push", "get", "watch", "node", "inspect", "backup", "token", "version"} {
		for _, example := range examplesOf(command) {
			t.Run(example, func(t *testing.T) {
				if args := strings.Fields(example); args[1] == "dev" || args[1] == "serve" {
					runHubExample(t, args[1:])
					return
				}
				script := strings.ReplaceAll(example, defaultURL, url)
				if strings.HasPrefix(script, "flowsync watch") {
					script = strings.ReplaceAll(script, "--timeout 5s", "") + " --timeout 500ms"
				}
				script = fmt.Sprintf("cd %s; flowsync() { FLOWSYNC_URL=%s %s \"$@\"; }\n%s", filepath.Dir(file), url, program, script)
				r := finish(t, "", "bash", "-euo", "pipefail", "-c", script)
				if r.code != exitDone || r.err != "" {
					t.Errorf("%+v", r)
				}
				if command == "node" {
					for line := range strings.Lines(r.out) {
						if !json.Valid([]byte(line)) {
							t.Errorf("not JSON: %s", line)
						}
					}
				}
			})
		}
	}
}

// runHubExample starts a hub as the example says, but on a free port and with a
// file of its own, and ends it once it answers.
func runHubExample(t *testing.T, args []string) {
	t.Helper()
	port := freePort(t)
	if i := slices.Index(args, "--data"); i >= 0 {
		args[i+1] = filepath.Join(t.TempDir(), args[i+1])
	}
	if i := slices.Index(args, "--jwt-secret-file"); i >= 0 {
		args[i+1] = secretFile(t)
	}
	if i := slices.Index(args, "--addr"); i >= 0 {
		host, _, _ := strings.Cut(args[i+1], ":")
		args[i+1] = host + ":" + port
	} else {
		args = append(args, "--addr", ":"+port)
	}
	p := start(t, args...)
	until := time.Now().Add(patience)
	for {
		resp, err := http.Get("http://127.0.0.1:" + port + "/healthz")
		if err == nil {
			resp.Body.Close()
			break
		}
		if time.Now().After(until) {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
	p.interrupt()
	if code := p.wait(); code != exitDone {
		t.Errorf("exit status %d", code)
	}
}
