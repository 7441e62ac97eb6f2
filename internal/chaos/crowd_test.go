package chaos

import (
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/node"
)

// The streams that a crowd writes; what each op did can be told from the state.
const (
	counterStream = "counter:sum"
	setStream     = "set:all"
	textStream    = "text:all"
	logStream     = "log:all"
)

// crowd is several clients that write as fast as the hub commits.
type crowd struct {
	t       *testing.T
	clients []*client
	stop    chan struct{}
	work    sync.WaitGroup
}

// client is one node and what it pushed.
type client struct {
	*node.Node
	id  int
	rng *rand.Rand

	mu     sync.Mutex // guards what follows
	sum    int64
	adds   []string // to the set and, in order, to the log
	typed  int
	pushed int
}

// queueMost is how many ops of a client wait for their acks before it pauses:
// enough that a kill always meets some.
const queueMost = 100

// newCrowd lets n clients write until rest is called.
func newCrowd(t *testing.T, url string, n int, seed uint64) *crowd {
	t.Helper()
	c := &crowd{t: t, stop: make(chan struct{})}
	for i := range n {
		dialed, err := node.Dial(t.Context(), url, node.Options{
			Client: fmt.Sprintf("client-%d", i), Logger: slog.New(slog.DiscardHandler),
			BackoffMin: 10 * time.Millisecond, BackoffMax: 200 * time.Millisecond,
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { dialed.Close() })
		one := &client{Node: dialed, id: i, rng: rand.New(rand.NewPCG(seed, uint64(i)))}
		for stream, rule := range map[string]crdt.Rule{counterStream: crdt.Counter, setStream: crdt.ORSet, textStream: crdt.Text, logStream: crdt.Log} {
			if err := dialed.Open(stream, node.OpenOptions{Rule: rule}); err != nil {
				t.Fatal(err)
			}
		}
		c.clients = append(c.clients, one)
		c.work.Go(func() { one.write(t, c.stop) }) // ends with rest
	}
	t.Cleanup(c.rest)
	return c
}

// rest ends the writing. What is queued goes on being sent.
func (c *crowd) rest() {
	select {
	case <-c.stop:
	default:
		close(c.stop)
	}
	c.work.Wait()
}

func (c *client) write(t *testing.T, stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		default:
		}
		if c.Pending() >= queueMost {
			time.Sleep(time.Millisecond)
			continue
		}
		if err := c.push(); err != nil {
			t.Errorf("a push of %d: %v", c.id, err)
			return
		}
	}
}

// push makes one op that no other equals: amounts, elements, entries and letters
// tell whose it was.
func (c *client) push() error {
	ctx := context.Background()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pushed++
	switch c.rng.IntN(4) {
	case 0:
		amount := int64(c.pushed)*16 + int64(c.id)
		c.sum += amount
		return c.Counter(counterStream).Add(ctx, amount)
	case 1:
		at := c.rng.IntN(c.typed + 1) // in a text that is at least what this client typed
		c.typed++
		return c.Text(textStream).Insert(ctx, at, c.letter())
	case 2:
		name := fmt.Sprintf("%d-%d", c.id, c.pushed)
		c.adds = append(c.adds, name)
		return c.Set(setStream).Add(ctx, name)
	}
	name := fmt.Sprintf("%d-%d", c.id, c.pushed)
	c.adds = append(c.adds, name)
	return c.Log(logStream).Append(ctx, name)
}

func (c *client) letter() string { return string(rune('a' + c.id)) }

// state is how many ops were pushed, and how many of them are not acked.
func (c *crowd) state() (pushed, pending int) {
	for _, one := range c.clients {
		one.mu.Lock()
		pushed += one.pushed
		one.mu.Unlock()
		pending += one.Pending()
	}
	return pushed, pending
}

// flush waits until everything is acked, and fails if anything was refused.
func (c *crowd) flush(within time.Duration) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), within)
	defer cancel()
	for _, one := range c.clients {
		if err := one.Flush(ctx); err != nil {
			c.t.Fatalf("client %d: %v", one.id, err)
		}
		if dead := one.Rejected(); len(dead) > 0 {
			c.t.Errorf("client %d has %d dead letters, the first with %s", one.id, len(dead), dead[0].Code)
		}
	}
}

// requireEqual waits until the hub and all replicas have one digest for each
// stream.
func (c *crowd) requireEqual(h *hub) {
	c.t.Helper()
	for _, stream := range []string{counterStream, setStream, textStream, logStream} {
		var digests []string
		eventually(c.t, patience, "equal digests of "+stream, func() bool {
			digests = []string{h.get("/streams/" + stream).Header.Get("Flowsync-Digest")}
			for _, one := range c.clients {
				d, ok := one.Digest(stream)
				if !ok {
					return false
				}
				digests = append(digests, hex.EncodeToString(d[:]))
			}
			return len(digests[0]) == 64 && len(slices.Compact(digests)) == 1
		})
	}
}

// wanted is what the streams must show.
type wanted struct {
	sum     int64
	letters map[string]int
	set     []string // sorted
	pushed  int
}

func (c *crowd) wanted() wanted {
	w := wanted{letters: make(map[string]int)}
	for _, one := range c.clients {
		one.mu.Lock()
		w.sum += one.sum
		w.letters[one.letter()] = one.typed
		w.set = append(w.set, one.adds...)
		w.pushed += one.pushed
		one.mu.Unlock()
	}
	slices.Sort(w.set)
	return w
}

// lettersOf counts the letters of a text.
func lettersOf(text string) map[string]int {
	n := make(map[string]int)
	for letter := range strings.SplitSeq(text, "") {
		n[letter]++
	}
	return n
}
