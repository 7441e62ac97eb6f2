package sqlite

import (
	"bufio"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// killEnv names the file for the process that TestKill starts.
const killEnv = "FLOWSYNC_SQLITE_KILL"

// P1: whatever a killed process had acknowledged is there.
func TestKill(t *testing.T) {
	path := scratch(t)
	dice := rand.New(rand.NewPCG(1, 0))
	end := time.Now().Add(5 * time.Second)
	var acked []place
	rounds := 0
	for ; rounds < 9 && time.Now().Before(end); rounds++ {
		acked = append(acked, killed(t, path, time.Duration(20+dice.IntN(250))*time.Millisecond)...)
		st, err := open(path, "", tiny())
		if err != nil {
			t.Fatal(err)
		}
		requirePlaces(t, st, acked)
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if rounds < 3 || len(acked) == 0 {
		t.Fatalf("%d rounds and %d acknowledged appends show too little", rounds, len(acked))
	}
	t.Logf("%d kills, %d acknowledged appends found again", rounds, len(acked))
}

// killed runs the writing process, kills it, and returns what it had said.
func killed(t *testing.T, path string, after time.Duration) (acked []place) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKillWriter$", "-test.timeout=60s")
	cmd.Env = append(os.Environ(), killEnv+"="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "ready" {
		rest, _ := io.ReadAll(out)
		_ = cmd.Wait()
		t.Fatalf("the writer does not begin: %s %s", lines.Text(), rest)
	}
	timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	for lines.Scan() {
		var p place
		var chain string
		if n, _ := fmt.Sscan(lines.Text(), &p.stream, &p.offset, &chain); n != 3 || !strings.HasSuffix(chain, ".") {
			continue // the line it was writing
		}
		if _, err := hex.Decode(p.chain[:], []byte(strings.TrimSuffix(chain, "."))); err != nil {
			t.Fatalf("the writer said %q: %v", lines.Text(), err)
		}
		acked = append(acked, p)
	}
	_ = cmd.Wait() // it was killed
	return acked
}

// TestKillWriter appends until it is killed, in a process that TestKill starts.
func TestKillWriter(t *testing.T) {
	path := os.Getenv(killEnv)
	if path == "" {
		t.Skip("it is run by TestKill")
	}
	st, err := open(path, "", tiny())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("ready")
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			a, err := newAuthor(context.Background(), st, fmt.Sprintf("counter:%d", i))
			for n := 0; err == nil; n++ {
				var p place
				if p, err = a.append(n%5, i); err == nil {
					fmt.Printf("%s %d %x.\n", p.stream, p.offset, p.chain)
				}
			}
			t.Error(err)
		})
	}
	all.Wait()
}
