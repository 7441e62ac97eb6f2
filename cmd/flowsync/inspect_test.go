package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// furnished makes a file with streams, of a hub that has ended, or of one that
// still runs.
func furnished(t *testing.T, running bool) (file, url string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "flowsync.db")
	p, url := serveOn(t, "serve", file)
	for stream, op := range map[string]string{
		"counter:value": `{"op":"increment","amount":5}`,
		"set:guests":    `{"op":"add","value":"Ada"}`,
		"text:doc":      `{"op":"insert","pos":0,"text":"hi"}`,
		"chat:lobby":    `{"op":"append","value":"a message to find again"}`,
	} {
		for range 2 {
			if r := runCommand(t, "", "push", "--url", url, stream, op); r.code != exitDone {
				t.Fatalf("%s: %+v", stream, r)
			}
		}
	}
	if !running {
		p.interrupt()
		p.wait()
	}
	return file, url
}

// What inspect computes from the file is what the hub serves.
func TestInspectAgreesWithTheHub(t *testing.T) {
	file, url := furnished(t, true)
	r := runCommand(t, "", "inspect", "--json", file)
	lines := strings.Split(strings.TrimSpace(r.out), "\n")
	if r.code != exitDone || len(lines) != 5 {
		t.Fatalf("%+v", r)
	}
	for _, line := range lines[:4] {
		var s streamReport
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			t.Fatal(err)
		}
		value, digest := valueOf(t, url, s.Stream)
		if s.Digest != digest || s.First != 1 || s.Head != 2 || s.Records != 2 || s.Writers != 2 || s.Bytes == 0 || s.Damage != "" {
			t.Errorf("%s, and the hub's digest is %s", line, digest)
		}
		one := runCommand(t, "", "inspect", file, s.Stream)
		if one.code != exitDone || !strings.Contains(one.out, "\n"+value+"\n") {
			t.Errorf("inspect %s: %+v, want the value %s", s.Stream, one, value)
		}
	}
	var sum map[string]any
	if json.Unmarshal([]byte(lines[4]), &sum) != nil || sum["streams"] != 4.0 || sum["ops"] != 8.0 || sum["damaged"] != 0.0 {
		t.Errorf("the sum: %s", lines[4])
	}
	if r := runCommand(t, "", "inspect", file); r.code != exitDone || !strings.HasPrefix(r.out, "stream ") || !strings.Contains(r.out, "4 streams, 8 ops") {
		t.Errorf("%+v", r)
	}
	if r := runCommand(t, "", "inspect", file, "counter:missing"); r.code != exitFailed || !strings.Contains(r.err, "no stream") {
		t.Errorf("%+v", r)
	}
}

// valueOf asks a hub.
func valueOf(t *testing.T, url, stream string) (value, digest string) {
	t.Helper()
	resp, err := http.Get("http" + strings.TrimPrefix(url, "ws") + "/streams/" + stream)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(body)), resp.Header.Get("Flowsync-Digest")
}

// A changed byte is found, in the file and in its copy, and the exit status says so.
func TestInspectFindsDamage(t *testing.T) {
	file, _ := furnished(t, false)
	content := []byte(readFile(t, file))
	at := strings.Index(string(content), "a message to find again")
	if at < 0 {
		t.Fatal("the file does not hold the message in the clear")
	}
	content[at] ^= 1
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	r := runCommand(t, "", "inspect", file)
	if r.code != exitFailed || !strings.Contains(r.out, "✗ chat:lobby: ") || strings.Contains(r.out, "all sound") ||
		!strings.Contains(r.err, "1 of 4 streams") {
		t.Errorf("%+v", r)
	}
	if strings.Contains(r.out+r.err, "message to find") {
		t.Error("damage is told with the payload")
	}
	if r := runCommand(t, "", "backup", file, file+".copy"); r.code != exitFailed || !strings.Contains(r.err, "1 of 4 streams") {
		t.Errorf("a backup of it: %+v", r)
	}
}

func TestBackupCommand(t *testing.T) {
	file, url := furnished(t, true)
	to := file + ".copy"
	if r := runCommand(t, "", "backup", file, to); r.code != exitDone || !strings.Contains(r.out, "4 streams, 8 ops, all sound") {
		t.Fatalf("%+v", r)
	}
	if r := runCommand(t, "", "backup", file, to); r.code != exitFailed || !strings.Contains(r.err, "something is there already") {
		t.Errorf("over what is there: %+v", r)
	}
	if r := runCommand(t, "", "backup", file, filepath.Join(file+".missing", "copy.db")); r.code != exitFailed || !strings.Contains(r.err, "try: ") {
		t.Errorf("into no directory: %+v", r)
	}
	_, copied := serveOn(t, "serve", to)
	for _, stream := range []string{"counter:value", "text:doc"} {
		a, da := valueOf(t, url, stream)
		b, db := valueOf(t, copied, stream)
		if a != b || da != db {
			t.Errorf("%s: %s %s, and in the copy %s %s", stream, a, da, b, db)
		}
	}
}

func TestInspectRefuses(t *testing.T) {
	notes := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(notes, []byte("notes\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, says := range map[string]string{notes: "not a FlowSync store", notes + ".missing": "no such file"} {
		for _, args := range [][]string{{"inspect", file}, {"backup", file, notes + ".copy"}} {
			r := runCommand(t, "", args...)
			if r.code != exitConfig || r.out != "" || !strings.Contains(r.err, says) || !strings.Contains(r.err, "try: ") {
				t.Errorf("%q: %+v", args, r)
			}
		}
	}
}
