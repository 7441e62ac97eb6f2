package node_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wavesiddhartha/flowsync/node"
)

// childOf names, in the environment of this test binary, the hub that it is to
// push to as a child process: url, queue file, first amount.
const childOf = "FLOWSYNC_TEST_CHILD"

func TestMain(m *testing.M) {
	if work := os.Getenv(childOf); work != "" {
		if err := child(strings.Fields(work)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// child pushes growing amounts from four goroutines until it is killed, and
// prints each that was accepted.
func child(args []string) error {
	first, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	n, err := node.Dial(context.Background(), args[0], node.Options{
		Client: "a", Queue: args[1], Logger: quiet(), BackoffMin: time.Millisecond, BackoffMax: 10 * time.Millisecond,
	})
	if err != nil {
		return err
	}
	failed := make(chan error)
	for part := range 4 {
		go func() { // ends with the process
			for amount := first + part; ; amount += 4 {
				if err := n.Push(context.Background(), "n", map[string]any{"op": "increment", "amount": amount}); err != nil {
					failed <- err
				}
				// One write a line: a killed process leaves no half of one.
				os.Stdout.WriteString(strconv.Itoa(amount) + "\n")
			}
		}()
	}
	return <-failed
}

// TestKill kills a process that pushes, again and again, while a hub takes its
// ops. What it said was accepted takes effect once, and so may what it was about
// to say.
func TestKill(t *testing.T) {
	const rounds, span = 12, 1_000_000
	w := newWorld(t)
	file := filepath.Join(t.TempDir(), "q.db")
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0)) // the moments are the kernel's anyway
	accepted := map[int]bool{}
	for round := range rounds {
		for _, amount := range killed(t, w.addr, file, 1+round*span, time.Duration(rng.IntN(120))*time.Millisecond) {
			accepted[amount] = true
		}
		if round%4 == 3 {
			w.down()
			w.up()
		}
	}
	n := w.dialFile("a", file)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	must(t, n.Flush(ctx))
	if dead := n.Rejected(); len(dead) > 0 {
		t.Fatalf("%d dead letters, the first: %+v", len(dead), dead[0])
	}
	committed, sum, extra := map[int]bool{}, 0, map[int]int{}
	for _, amount := range amounts(t, n) {
		if committed[amount] {
			t.Errorf("%d was committed twice", amount)
		}
		if committed[amount] = true; !accepted[amount] {
			extra[amount/span]++
		}
		sum += amount
	}
	for amount := range accepted {
		if !committed[amount] {
			t.Errorf("%d was accepted and is lost", amount)
		}
	}
	for round, more := range extra {
		if more > 4 {
			t.Errorf("round %d: %d ops were committed that no goroutine can have been about to report", round, more)
		}
	}
	requireValue(t, w.dial("b"), "n", fmt.Sprint(sum))
	if len(accepted) < rounds {
		t.Fatalf("only %d ops were accepted in %d rounds: the test saw nothing", len(accepted), rounds)
	}
	t.Logf("%d accepted, %d committed", len(accepted), len(committed))
}

// killed runs a child for a while from its first accepted push on, kills it, and
// returns what it had accepted.
func killed(t *testing.T, addr, file string, first int, after time.Duration) (accepted []int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=ws://%s %s %d", childOf, addr, file, first))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err, cmd.Start())
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		amount, err := strconv.Atoi(lines.Text())
		must(t, err)
		if accepted = append(accepted, amount); len(accepted) == 1 {
			time.AfterFunc(after, func() { cmd.Process.Kill() })
		}
	}
	_, _ = io.Copy(io.Discard, out)
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != -1 {
		t.Fatalf("the child ended by itself: %v", err)
	}
	return accepted
}

// amounts reads what the hub committed.
func amounts(t *testing.T, n *node.Node) (all []int) {
	t.Helper()
	for before, more := uint64(0), true; more; {
		var page []node.Entry
		var err error
		page, more, err = n.History(soon(t), "n", before, 1000)
		if must(t, err); len(page) == 0 {
			return all
		}
		for _, e := range page {
			var op struct{ Amount int }
			must(t, json.Unmarshal(e.Op, &op))
			all = append(all, op.Amount)
		}
		before = page[0].Off
	}
	return all
}
