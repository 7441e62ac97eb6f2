//go:build attack

// It measures how slow answers are, so it is played by itself: make attack.

package flowsync

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	runtimemetrics "runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wavesiddhartha/flowsync/acl"
	"github.com/wavesiddhartha/flowsync/auth"
)

// attackLimits are small, so that what they bound in all is far below what the
// attackers could take without them: 200 messages of 10 MiB alone are 2 GiB.
var attackLimits = Limits{
	ConnsPerAddress: attackers + 10, MessageTotal: 32 << 20, InflightTotal: 16 << 20, QueueTotal: 32 << 20,
}

// attackCeiling is how far heap and stacks may grow under these limits. The
// garbage collector lets garbage grow to the size of what is in use, and a
// connection has its goroutines' stacks, buffers and half of 64 KiB below which a
// message is not counted.
const attackCeiling = 2*(32+16+32)<<20 + attackers*(128<<10) + 64<<20

// attackFloor is how much slower than twice the quiet p99 an answer may be: a
// goroutine runs for up to 10 ms before Go's scheduler takes it from its
// processor, so that one large message under way on each costs as much, and on a
// shared machine the system's scheduler has slices of the same size.
const attackFloor = 10 * time.Millisecond

// attackAuth gives every token a subject of its own; the good one has streams of
// its own, too.
func attackAuth(_ context.Context, token string, _ *http.Request) (*Grant, error) {
	rules := []string{"*:noise:*"}
	if token == "good" {
		rules = []string{"*:good:*"}
	}
	g, err := acl.Parse(rules...)
	return &Grant{Subject: token, Rights: g}, err
}

// Two hundred hostile connections of four subjects do their worst at once, as
// fast as they are read. Meanwhile a client of another stream is served: all it
// pushes is acked, its slowest acks come about as fast as when all is quiet,
// memory stays below a ceiling, and all that was taken is given back.
//
// Quiet and attack take turns. The attack is measured once the bursts are spent
// that every subject may send; how slow acks are before that is told, too.
func TestAttack(t *testing.T) {
	rounds, err := strconv.Atoi(os.Getenv("ATTACK_ROUNDS"))
	if err != nil {
		rounds = 1
	}
	hs := serveHub(t, Options{Auth: auth.Func(attackAuth), Limits: attackLimits})
	hs.Stream("good:*", Counter)
	hs.Stream("noise:*", Log)
	good := &goodClient{hs: hs}
	good.peer, _ = hs.joinAs("good", "good-1", rw("good:counter"))
	foes := startAttackers(t, hs)
	var quiet, burst, busy []time.Duration // the p99 of each round
	memory := watchMemory()
	base := census()
	for range rounds {
		quiet = append(quiet, slowest(good.measure(t, 1200*time.Millisecond)))
		foes.say(t, "go", "on")
		burst = append(burst, slowest(good.measure(t, 2*time.Second)))
		busy = append(busy, slowest(good.measure(t, 1200*time.Millisecond)))
		foes.say(t, "stop", "off")
		base.requireBackWithin(t, 10*time.Second+mostBehind)
	}
	quiet = append(quiet, slowest(good.measure(t, 1200*time.Millisecond)))
	grown := memory.end()
	foes.end(t)
	report := fmt.Sprintf("%d rounds, %d pushes\np99 of an ack, median of the rounds: quiet %v, under attack %v, while bursts are spent %v\n"+
		"heap and stacks grew by at most %d MiB of %d; the attackers took %.0f%% of a processor\n",
		rounds, good.seq, middle(quiet), middle(busy), middle(burst),
		grown>>20, attackCeiling>>20, 100*foes.cpu.Seconds()/(float64(rounds)*3.2))
	t.Log(report)
	writeReport(t, report)
	if grown > attackCeiling {
		t.Errorf("heap and stacks grew by %d MiB", grown>>20)
	}
	if most := 2*middle(quiet) + attackFloor; middle(busy) > most {
		t.Errorf("under attack the p99 of an ack is %v, and may be %v", middle(busy), most)
	}
	if v := hs.value("good:counter"); v != fmt.Sprint(good.seq) {
		t.Errorf("the good client's counter is %s after %d acks", v, good.seq)
	}
}

// goodClient is the client that goes on working.
type goodClient struct {
	*peer
	hs  *hubServer
	seq uint64
}

// measure returns how long pushes take to be acked, for a while.
func (c *goodClient) measure(t *testing.T, d time.Duration) (took []time.Duration) {
	t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(3 * time.Millisecond) {
		c.seq++
		begun := time.Now()
		c.push("good:counter", c.seq, `{"op":"increment"}`)
		c.acked(c.seq)
		took = append(took, time.Since(begun))
	}
	return took
}

// slowest is what 99 of a hundred stay below.
func slowest(took []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(took))
	return sorted[len(sorted)*99/100].Round(10 * time.Microsecond)
}

// middle is the median of the rounds: on a shared machine one of them may be hit
// by what others do.
func middle(rounds []time.Duration) time.Duration {
	return slices.Sorted(slices.Values(rounds))[len(rounds)/2]
}

// foes are the attackers' process.
type foes struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
	cpu time.Duration // once it has ended
}

func startAttackers(t *testing.T, hs *hubServer) *foes {
	t.Helper()
	args := []string{os.Args[0]}
	if nice, err := exec.LookPath("nice"); err == nil {
		args = []string{nice, "-n", "19", os.Args[0]} // they are on other machines, and take no processor of the hub's
	}
	f := &foes{cmd: exec.Command(args[0], args[1:]...)}
	f.cmd.Env = append(os.Environ(), attackEnv+"="+strings.TrimPrefix(hs.srv.URL, "http://"))
	f.cmd.Stderr = os.Stderr
	in, err1 := f.cmd.StdinPipe()
	out, err2 := f.cmd.StdoutPipe()
	if err1 != nil || err2 != nil || f.cmd.Start() != nil {
		t.Fatal("the attackers cannot be started")
	}
	f.in, f.out = in, bufio.NewReader(out)
	t.Cleanup(func() { _ = f.cmd.Process.Kill() })
	return f
}

func (f *foes) say(t *testing.T, what, want string) {
	t.Helper()
	fmt.Fprintln(f.in, what)
	if got, err := f.out.ReadString('\n'); strings.TrimSpace(got) != want {
		t.Fatalf("the attackers say %q, %v", got, err)
	}
}

func (f *foes) end(t *testing.T) {
	t.Helper()
	f.in.Close()
	if err := f.cmd.Wait(); err != nil {
		t.Errorf("the attackers: %v", err)
	}
	f.cpu = f.cmd.ProcessState.UserTime() + f.cmd.ProcessState.SystemTime()
}

// memoryWatch follows how much heap and stacks grow.
type memoryWatch struct {
	base, peak uint64
	ended      atomic.Bool
	done       chan struct{}
}

func watchMemory() *memoryWatch {
	runtime.GC()
	w := &memoryWatch{base: memoryInUse(), done: make(chan struct{})}
	go func() {
		defer close(w.done)
		for !w.ended.Load() {
			w.peak = max(w.peak, memoryInUse())
			time.Sleep(20 * time.Millisecond)
		}
	}()
	return w
}

func (w *memoryWatch) end() int64 {
	w.ended.Store(true)
	<-w.done
	return int64(w.peak) - int64(w.base)
}

// writeReport keeps a report where ATTACK_RESULTS says.
func writeReport(t *testing.T, report string) {
	dir := os.Getenv("ATTACK_RESULTS")
	if dir == "" {
		return
	}
	name := filepath.Join(dir, "attack-"+time.Now().UTC().Format("2006-01-02T150405")+".txt")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(report), 0o644); err != nil {
		t.Fatal(err)
	}
}

// memoryInUse is what objects, garbage that was not found yet, and stacks take.
func memoryInUse() uint64 {
	sample := []runtimemetrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	runtimemetrics.Read(sample)
	return sample[0].Value.Uint64() + sample[1].Value.Uint64()
}
