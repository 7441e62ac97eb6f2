package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The process is killed while it pushes; the next one goes on, and each op that
// was answered counts once.
func TestNodeQueueSurvivesKill(t *testing.T) {
	_, url := dev(t)
	file := filepath.Join(t.TempDir(), "q.db")
	sum := 0
	for round := range 4 {
		r := startReplica(t, url, "sensor-1", "--queue", file)
		if round%2 == 0 {
			r.must(`{"do":"offline"}`)
		}
		for i := range 10 {
			amount := 1 << (10*(round%2) + i)
			r.must(`{"do":"push","stream":"counter:value","op":{"op":"increment","amount":%d}}`, amount)
			sum += amount
		}
		if err := r.cmd.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		r.wait()
	}
	r := startReplica(t, url, "sensor-1", "--queue", file)
	if a := r.must(`{"do":"flush"}`); a["pending"] != 0.0 || a["rejected"] != 0.0 {
		t.Fatalf("flush: %v", a)
	}
	if a := r.must(`{"do":"get","stream":"counter:value"}`); a["value"] != float64(sum) {
		t.Fatalf("the counter is %v, want %d", a["value"], sum)
	}
}

// Pushes that are piped in are answered in order, and faster than one sync each
// would allow.
func TestNodeQueuePipe(t *testing.T) {
	const ops = 2000
	_, url := dev(t)
	var in strings.Builder
	for i := range ops {
		fmt.Fprintf(&in, "{\"do\":\"push\",\"stream\":\"counter:value\",\"op\":{\"op\":\"increment\"},\"id\":%d}\n", i)
		if i == 7 {
			in.WriteString("{\"do\":\"push\",\"stream\":\"counter:value\",\"id\":\"bad\"}\n")
		}
	}
	in.WriteString("{\"do\":\"flush\"}\n{\"do\":\"get\",\"stream\":\"counter:value\"}\n")
	begun := time.Now()
	r := runNode(t, in.String(), "--url", url, "--client", "script", "--queue", filepath.Join(t.TempDir(), "q.db"))
	t.Logf("%d ops in %v", ops, time.Since(begun))
	if r.code != exitDone || !strings.Contains(r.out, fmt.Sprintf(`"value":%d`, ops)) {
		t.Fatalf("status %d, stderr %s, stdout ends %s", r.code, r.err, r.out[max(0, len(r.out)-300):])
	}
	next := 0
	for line := range strings.Lines(r.out) {
		if strings.Contains(line, `"bad"`) && next != 8 {
			t.Errorf("the answer of the bad push comes before that of push %d", next)
		}
		if strings.Contains(line, fmt.Sprintf(`"ok":true,"id":%d,`, next)) {
			next++
		}
	}
	if next != ops {
		t.Errorf("push %d is not answered in its place", next)
	}
}

func TestNodeQueueFaults(t *testing.T) {
	_, url := dev(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "q.db")
	r := startReplica(t, url, "sensor-1", "--queue", file)
	r.must(`{"do":"status"}`)
	for _, c := range []struct{ client, file, want string }{
		{"sensor-1", file, "in use"},
		{"sensor-1", filepath.Join(dir, "none", "q.db"), "does not exist"},
	} {
		got := runNode(t, "", "--url", url, "--client", c.client, "--queue", c.file)
		if got.code != exitConfig || !strings.Contains(got.err, c.file) || !strings.Contains(got.err, c.want) {
			t.Errorf("status %d, %q, want %q", got.code, got.err, c.want)
		}
	}
	garbage := filepath.Join(dir, "garbage")
	if err := os.WriteFile(garbage, []byte(strings.Repeat("?", 5000)), 0o600); err != nil {
		t.Fatal(err)
	}
	r = startReplica(t, url, "sensor-2", "--queue", garbage)
	if e := r.event(is("damaged")); e["code"] != "store_corrupt" || !strings.Contains(e["msg"].(string), garbage+".corrupt-") {
		t.Errorf("event %v", e)
	}
	r.must(`{"do":"push","stream":"counter:value","op":{"op":"increment"}}`)
	r.must(`{"do":"flush"}`)
}

// Without a hub the ops stay in the file, and the last line says so.
func TestNodeQueueOffline(t *testing.T) {
	file := filepath.Join(t.TempDir(), "q.db")
	push := `{"do":"push","stream":"counter:value","op":{"op":"increment"}}` + "\n"
	for want := range 2 {
		r := runNode(t, push, "--url", "ws://127.0.0.1:1", "--client", "a", "--queue", file, "--timeout", "50ms")
		if r.code != exitFailed || !strings.Contains(r.err, "they stay in "+file) {
			t.Fatalf("status %d, %s", r.code, r.err)
		}
		if !strings.Contains(r.out, fmt.Sprintf(`{"ok":true,"pending":%d}`, want+1)) {
			t.Fatalf("run %d: %s", want, r.out)
		}
	}
}
