package main

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestUsageErrors(t *testing.T) {
	for _, c := range []struct {
		name, args string
		says       []string
	}{
		{"unknown command", "wacth counter:value", []string{"unexpected argument wacth", `did you mean "watch"?`, "try: flowsync --help"}},
		{"unknown flag", "dev --adr :0", []string{"unknown flag --adr", `did you mean "--addr"?`, "try: flowsync dev --help"}},
		{"missing argument", "push counter:value", []string{"<op>", "try: flowsync push --help"}},
		{"too many arguments", "get a b", []string{"unexpected argument b"}},
		{"bad duration", "get a --timeout soon", []string{"--timeout"}},
		{"bad colour", "--color=sometimes version", []string{"--color"}},
		{"foreign address", "dev --addr 0.0.0.0:8765", []string{"no authentication", "try: flowsync dev --addr :8765"}},
		{"serve to the world", "serve --data a.db --addr 0.0.0.0:8765", []string{"no authentication", "try: flowsync serve --addr :8765"}},
		{"serve without a file", "serve", []string{"--data", "try: flowsync serve --help"}},
		{"op is not JSON", "push counter:value increment", []string{"the op is not JSON", "try: flowsync push counter:value"}},
		{"bad stream name", "get counter::value", []string{"not a stream name"}},
		{"http address", "get counter:value --url http://localhost:8765", []string{"ws://localhost:8765"}},
		{"bad client id", "get counter:value --client a:b", []string{"client"}},
		{"queue without a client", "node --queue q.db", []string{"--queue needs --client", "one client id", "try: flowsync node --client sensor-1 --queue q.db"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := runCommand(t, "", strings.Fields(c.args)...)
			if r.code != exitUsage {
				t.Errorf("exit status %d, want %d", r.code, exitUsage)
			}
			if r.out != "" {
				t.Errorf("stdout: %q", r.out)
			}
			if !strings.HasPrefix(r.err, "✗ ") {
				t.Errorf("stderr does not begin with a cross: %q", r.err)
			}
			for _, want := range c.says {
				if !strings.Contains(r.err, want) {
					t.Errorf("stderr lacks %q:\n%s", want, r.err)
				}
			}
		})
	}
}

func TestNoArgumentsShowHelp(t *testing.T) {
	r := runCommand(t, "")
	if r.code != exitUsage || r.out != "" || !strings.Contains(r.err, "Examples:") {
		t.Errorf("%+v", r)
	}
}

// Help goes to stdout, needs no arguments, begins with examples and fits a
// terminal.
func TestHelp(t *testing.T) {
	for _, command := range []string{"", "dev", "serve", "push", "get", "watch", "node", "inspect", "backup", "token", "version"} {
		t.Run("help "+command, func(t *testing.T) {
			r := runCommand(t, "", append(strings.Fields(command), "--help")...)
			if r.code != exitDone || r.err != "" {
				t.Fatalf("%+v", r)
			}
			examples := examplesOf(command)
			if len(examples) < 2 || len(examples) > 3 {
				t.Errorf("%d examples, want 2 or 3", len(examples))
			}
			if want := "Examples:\n  " + strings.Join(examples, "\n  ") + "\n"; !strings.HasPrefix(r.out, want) {
				t.Errorf("help does not begin with the examples:\n%s", r.out)
			}
			for line := range strings.Lines(r.out) {
				if len(line) > 80 && !strings.Contains(line, "flowsync ") {
					t.Errorf("%d columns: %s", len(line), line)
				}
			}
		})
	}
}

func TestVersion(t *testing.T) {
	if r := runCommand(t, "", "version"); r.code != exitDone || !strings.HasPrefix(r.out, "flowsync ") {
		t.Errorf("%+v", r)
	}
	var m map[string]any
	if r := runCommand(t, "", "version", "--json"); json.Unmarshal([]byte(r.out), &m) != nil || m["version"] == "" || m["protocol"] != 1.0 {
		t.Errorf("%+v", r)
	}
}
