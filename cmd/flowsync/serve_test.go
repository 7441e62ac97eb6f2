package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// serveOn starts a hub with a file and returns its WebSocket address.
func serveOn(t *testing.T, command, file string, args ...string) (*process, string) {
	t.Helper()
	p := start(t, append([]string{command, "--data", file, "--addr", "localhost:0", "--json"}, args...)...)
	ready := p.object()
	if ready["event"] != "ready" || !strings.HasPrefix(ready["storage"].(string), file) {
		t.Fatalf("the first line: %v", ready)
	}
	return p, ready["urls"].(map[string]any)["websocket"].(string)
}

// What was committed is there again after the next start, whichever command.
func TestServeKeepsStreams(t *testing.T) {
	file := filepath.Join(t.TempDir(), "flowsync.db")
	for i, command := range []string{"serve", "dev", "serve"} {
		p, url := serveOn(t, command, file)
		if r := runCommand(t, "", "push", "--url", url, "counter:value", `{"op":"increment","amount":5}`); r.code != exitDone {
			t.Fatalf("%+v", r)
		}
		if r, want := runCommand(t, "", "get", "--url", url, "counter:value"), fmt.Sprintf("%d\n", 5*(i+1)); r.out != want {
			t.Errorf("%s shows %q, want %q", command, r.out, want)
		}
		p.interrupt()
		if code := p.wait(); code != exitDone {
			t.Errorf("%s: exit status %d", command, code)
		}
	}
}

func TestPanelSaysWhereStreamsAre(t *testing.T) {
	file := filepath.Join(t.TempDir(), "flowsync.db")
	for args, want := range map[string]string{
		"dev":                  "storage  memory; state is lost on exit",
		"serve --data " + file: "storage  " + file,
		"dev --data " + file:   "storage  " + file,
	} {
		p := start(t, append(strings.Fields(args), "--addr", "localhost:0")...)
		for !strings.Contains(p.line(), want) { // or the test times out
		}
		p.interrupt()
		p.wait()
	}
}

// Pages of other ports may use dev, and not serve unless they are named.
func TestServeOrigins(t *testing.T) {
	const page = "http://localhost:5173"
	_, url := serveOn(t, "serve", filepath.Join(t.TempDir(), "a.db"))
	if conn, err := dialOrigin(t, url, page); err == nil {
		conn.CloseNow()
		t.Error("a page of another port was let in")
	}
	_, url = serveOn(t, "serve", filepath.Join(t.TempDir(), "b.db"), "--origin", page)
	conn, err := dialOrigin(t, url, page)
	if err != nil {
		t.Fatal(err)
	}
	conn.CloseNow()
}

// A data file that cannot be used is refused with what, why and what to try, and
// stays what it was.
func TestServeRefusesData(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	write := func(name, content string) string {
		t.Helper()
		if err := os.WriteFile(path(name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path(name)
	}
	open, _ := serveOn(t, "serve", path("open.db"))
	defer open.interrupt()
	newer := path("newer.db")
	p, _ := serveOn(t, "serve", newer)
	p.interrupt()
	p.wait()
	content := []byte(readFile(t, newer))
	content[60+3] = 99 // user_version, in the header of the file: sqlite.org/fileformat.html
	if err := os.WriteFile(newer, content, 0o600); err != nil {
		t.Fatal(err)
	}
	write("gone.db.corrupt-20260101T000000Z", "SQLite format 3")
	if err := os.Mkdir(path("folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, file, says string }{
		{"no directory", path("missing/a.db"), "does not exist; create it"},
		{"a directory", path("folder"), "is not a file"},
		{"a directory that is a file", filepath.Join(write("notes.txt", "notes\n"), "a.db"), "not a directory"},
		{"a file of another kind", write("report.txt", strings.Repeat("report\n", 1000)), "not a FlowSync store"},
		{"a newer version", newer, "use the newer FlowSync"},
		{"in use", path("open.db"), "open already"},
		{"put aside before", path("gone.db"), "is kept as"},
		{"a directory that takes no files", "/proc/a.db", "permissions"},
	} {
		for _, command := range []string{"serve", "dev"} {
			t.Run(command+" "+c.name, func(t *testing.T) {
				before, _ := os.ReadFile(c.file)
				_, unlocked := os.Stat(c.file + "-lock")
				r := runCommand(t, "", command, "--data", c.file, "--addr", "localhost:0")
				lines := strings.Split(strings.TrimSpace(r.err), "\n")
				if r.code != exitConfig || r.out != "" || len(lines) != 3 {
					t.Fatalf("want exit status %d and three lines: %+v", exitConfig, r)
				}
				if !strings.HasPrefix(lines[0], "✗ cannot use the data file "+c.file) || !strings.Contains(lines[1], c.says) || !strings.HasPrefix(lines[2], "  try: ") {
					t.Errorf("says:\n%s", r.err)
				}
				if after, _ := os.ReadFile(c.file); c.name != "in use" && string(before) != string(after) {
					t.Error("the file was changed")
				}
				if _, err := os.Stat(c.file + "-lock"); unlocked != nil && err == nil {
					t.Error("a lock was left beside the file")
				}
			})
		}
	}
}

// SIGTERM ends it like Ctrl+C.
func TestServeEndsOnSIGTERM(t *testing.T) {
	p, url := serveOn(t, "serve", filepath.Join(t.TempDir(), "a.db"))
	greet(t, url, "alice")
	begun := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := p.wait(); code != exitDone || time.Since(begun) > 5*time.Second {
		t.Errorf("exit status %d after %v", code, time.Since(begun))
	}
	if status, _ := tryFetch("http" + strings.TrimPrefix(url, "ws") + "/healthz"); status != 0 {
		t.Errorf("it still answers with %d", status)
	}
}

// tryFetch returns status 0 if nobody answers.
func tryFetch(url string) (int, error) {
	resp, err := http.Get(url)
	if err != nil {
		return 0, err
	}
	resp.Body.Close()
	return resp.StatusCode, nil
}
