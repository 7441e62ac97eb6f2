package cross

import (
	"fmt"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wavesiddhartha/flowsync"
	"github.com/wavesiddhartha/flowsync/store"
)

// world is one hub with two clients in Go and two in JavaScript, on some streams.
type world struct {
	t        *testing.T
	r        *rand.Rand
	hub      *hub
	kinds    []kind
	replicas []replica
	offline  map[replica]bool
	ledger   *ledger
	tag      int
	backedUp bool
	late     bool // clients begin offline, and do not know the rules

	// What was seen so far: the digest at each cursor of each stream.
	seen map[string]string
	// How often each thing happened, and which codes ops were rejected with.
	happened map[string]int
}

// newWorld makes a world; its nature follows from the seed.
func newWorld(t *testing.T, seed uint64) *world {
	w := &world{
		t: t, r: rand.New(rand.NewPCG(seed, 0)), offline: map[replica]bool{}, ledger: newLedger(),
		seen: map[string]string{}, happened: map[string]int{},
	}
	w.hub = &hub{
		t: t, addr: "127.0.0.1:0", memory: store.NewMemory(),
		limits: flowsync.Limits{EntryBytes: entryBytes},
		conns:  map[net.Conn]struct{}{}, denied: map[string]map[string]string{},
	}
	if w.r.IntN(3) == 0 {
		w.hub.dir = t.TempDir()
	}
	if w.r.IntN(4) == 0 {
		w.hub.limits.CompactOps = 8
	}
	w.late = w.r.IntN(4) == 0
	if w.r.IntN(4) == 0 {
		// A hub asks for a fresh token 30 s before the end.
		w.hub.expiry = 30*time.Second + time.Duration(50+w.r.IntN(300))*time.Millisecond
	}
	w.hub.up()
	t.Cleanup(w.hub.down)
	for _, i := range w.r.Perm(len(kinds))[:2+w.r.IntN(3)] {
		w.kinds = append(w.kinds, kinds[i])
	}
	return w
}

// populate adds a replica, which uses every stream of the world.
func (w *world) populate(p replica) {
	if w.late {
		w.toggle(p)
	}
	for _, k := range w.kinds {
		p.use(k.stream)
	}
	w.replicas = append(w.replicas, p)
}

func (w *world) url() string { return "ws://" + w.hub.addr }

// step lets something happen.
func (w *world) step() {
	p := either(w.r, w.replicas...)
	k := either(w.r, w.kinds...)
	switch n := w.r.IntN(100); {
	case n < 58:
		w.edit(p, k)
	case n < 68:
		w.toggle(p)
	case n < 74:
		w.note("restart")
		p.restart()
		delete(w.offline, p)
	case n < 79:
		w.note("cut")
		w.hub.cut()
	case n < 82:
		w.restartHub()
	case n < 87:
		w.deny(p, k)
	case n < 95:
		w.observe(p, k)
	default:
		time.Sleep(time.Duration(w.r.IntN(8)) * time.Millisecond)
	}
}

func (w *world) note(what string) { w.happened[what]++ }

// edit pushes a few ops.
func (w *world) edit(p replica, k kind) {
	var ops []string
	for range 1 + w.r.IntN(5) {
		w.tag++
		op := k.op(w.r, w.tag)
		if w.r.IntN(15) == 0 {
			op = bad(w.r, w.tag)
		}
		ops = append(ops, encode(w.t, op))
	}
	w.account(p, k.stream, ops, p.push(k.stream, ops))
}

func (w *world) account(p replica, stream string, ops []string, verdicts []verdict) {
	if stream == ephemeral {
		return // nothing is kept of it
	}
	for i, v := range verdicts {
		w.ledger.pushed(p.name(), stream, ops[i], v)
		w.note([]string{"push", "refused at once", "unanswered"}[v])
	}
}

func (w *world) toggle(p replica) {
	w.note("offline or online")
	w.offline[p] = !w.offline[p]
	p.setOffline(w.offline[p])
}

// restartHub ends the hub and starts it again, sometimes on an older copy of its
// store.
func (w *world) restartHub() {
	w.note("hub restart")
	w.hub.down()
	if w.hub.dir != "" {
		switch {
		case !w.backedUp:
			w.hub.backup()
			w.backedUp = true
		case w.r.IntN(2) == 0:
			w.note("lost tail")
			w.hub.restore()
			w.ledger.lost()
		}
	}
	w.hub.up()
}

// deny takes or gives a right, mostly with a new connection, else when the next
// token is asked for.
func (w *world) deny(p replica, k kind) {
	rule := either(w.r, "!write:", "!write:", "!*:", "")
	if rule != "" {
		w.note("right taken")
		rule += k.stream
	}
	w.hub.deny(p.name(), k.stream, rule)
	if !w.offline[p] && w.r.IntN(3) > 0 {
		p.setOffline(true)
		p.setOffline(false)
	}
}

// observe checks that a cursor has one digest, whoever shows it.
func (w *world) observe(p replica, k kind) {
	if s, ok := p.look(k.stream); ok && s.cursor != "" {
		w.same(p.name(), k.stream, s)
	}
}

func (w *world) same(who, stream string, s shown) {
	w.t.Helper()
	at := stream + " " + s.cursor
	if was, ok := w.seen[at]; ok && was != s.digest {
		w.t.Errorf("%s shows the digest %s for %s, somebody else %s", who, s.digest, at, was)
	}
	w.seen[at] = s.digest
}

// heal gives everyone all rights and a connection.
func (w *world) heal() {
	for _, p := range w.replicas {
		for _, k := range w.kinds {
			w.hub.deny(p.name(), k.stream, "")
		}
		p.setOffline(true) // a new connection has the rights of now
		p.setOffline(false)
	}
	for _, p := range w.replicas {
		if err := p.flush(); err != nil {
			w.t.Errorf("%s (%s): flush: %v", p.name(), p.status(), err)
		}
	}
}

// requireEqual waits until everyone is at the hub's cursor, and compares.
func (w *world) requireEqual() {
	for _, p := range w.replicas {
		if n := p.pending(); n > 0 {
			w.t.Errorf("%s has %d ops pending", p.name(), n)
		}
	}
	for _, k := range w.kinds {
		for _, p := range w.replicas {
			if err := w.equal(p, k.stream); err != nil {
				w.t.Errorf("%s of %s (%s): %v", k.stream, p.name(), p.status(), err)
			}
		}
	}
}

func (w *world) equal(p replica, stream string) error {
	if stream == ephemeral {
		return w.equalEphemeral(p)
	}
	var hub, own shown
	for end := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
		var err error
		if hub, err = w.hub.read(stream); err != nil {
			return err
		}
		var ok bool
		if own, ok = p.look(stream); ok && own.cursor == hub.cursor {
			break
		}
		if time.Now().After(end) {
			return fmt.Errorf("at %q, the hub at %q", own.cursor, hub.cursor)
		}
	}
	w.same("the hub", stream, hub)
	if own.digest != hub.digest {
		return fmt.Errorf("digest %s, the hub's is %s", own.digest, hub.digest)
	}
	value, err := p.value(stream)
	if err != nil {
		return err
	}
	if value != hub.value {
		return fmt.Errorf("value %s, the hub's is %s", value, hub.value)
	}
	return nil
}

// equalEphemeral waits until a replica shows what the hub has: there is no cursor
// that would say when it has come to rest.
func (w *world) equalEphemeral(p replica) error {
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		hub, err := w.hub.read(ephemeral)
		if err != nil {
			return err
		}
		value, err := p.value(ephemeral)
		if err != nil {
			return err
		}
		own, _ := p.look(ephemeral)
		if own.digest == hub.digest && value == hub.value {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("digest %s and value %s, the hub's are %s and %s", own.digest, value, hub.digest, hub.value)
		}
	}
}

// requireAccounted compares what was pushed with what became of it.
func (w *world) requireAccounted() {
	letters := map[replica][]letter{}
	for _, p := range w.replicas {
		letters[p] = p.rejected()
		for _, d := range letters[p] {
			w.note("rejected " + d.Code)
		}
	}
	for _, k := range w.kinds {
		if k.stream == ephemeral {
			continue
		}
		log, whole := committed(w.t, w.hub, k.stream)
		for _, p := range w.replicas {
			a := account{p.name(), k.stream}
			w.ledger.settle(w.t, a, log[a], letters[p], whole)
		}
		if !whole {
			w.note("log begins later")
			continue
		}
		hub, err := w.hub.read(k.stream)
		if err != nil {
			w.t.Fatal(err)
		}
		switch k.stream {
		case "counter":
			w.requireTotal(hub.value, total(w.t, "0", log, k.stream))
		case "full":
			w.requireTotal(hub.value, total(w.t, overflowing, log, k.stream))
		}
	}
}

func (w *world) requireTotal(got, want string) {
	if got != want {
		w.t.Errorf("a counter shows %s, its ops sum up to %s", got, want)
	}
}

func (w *world) queue(client string) string {
	return filepath.Join(w.t.TempDir(), strings.ReplaceAll(client, ".", "-"))
}
