//go:build attack

package flowsync

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wavesiddhartha/flowsync/internal/socket/sockettest"
	"github.com/wavesiddhartha/flowsync/wire"
)

// attackEnv makes this test binary the attackers of TestAttack instead: a process
// of their own, so that their memory and their goroutines are not the hub's.
const attackEnv = "FLOWSYNC_ATTACK"

func TestMain(m *testing.M) {
	if address := os.Getenv(attackEnv); address != "" {
		attack(address)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// How many they are: each subject has one connection of each kind in turn.
const (
	attackers      = 200
	attackSubjects = 4
)

// assaults are what they do. Each writes as fast as the hub reads, so that most
// of them wait for it most of the time.
var assaults = []func(*attacker){
	(*attacker).largest, (*attacker).hoard, (*attacker).fragments, (*attacker).pushes, (*attacker).pings,
	(*attacker).controls, (*attacker).opens, (*attacker).deaf, (*attacker).nonsense, (*attacker).strange,
}

// attack attacks from "go" on its input to "stop", again and again until the
// input ends.
func attack(address string) {
	filler := bytes.Repeat([]byte("x"), 10<<20)
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		stop := make(chan struct{})
		var all sync.WaitGroup
		for i := range attackers {
			all.Go(func() { assault(address, i, filler, stop) })
		}
		fmt.Println("on")
		in.Scan()
		close(stop)
		all.Wait()
		fmt.Println("off")
	}
}

// assault connects and does its worst. Who is thrown out comes back a little
// later.
func assault(address string, i int, filler []byte, stop chan struct{}) {
	for {
		a := &attacker{stop: stop, filler: filler, stream: fmt.Sprint("noise:", i%7)}
		a.play(address, i)
		if !a.rest(200 * time.Millisecond) {
			return
		}
	}
}

// attacker is one hostile connection.
type attacker struct {
	conn   net.Conn
	stream string
	stop   chan struct{}
	filler []byte // of large messages, shared
}

func (a *attacker) play(address string, i int) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer conn.Close()
	a.conn = conn
	over := make(chan struct{})
	defer close(over)
	go func() { // which also ends a write that waits
		select {
		case <-a.stop:
			conn.Close()
		case <-over:
		}
	}()
	kind := i % len(assaults)
	client := fmt.Sprint("attacker-", i)
	upgrade := fmt.Sprintf("GET /flowsync HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer mallory-%d\r\n", i/len(assaults)%attackSubjects)
	for key, values := range sockettest.ValidUpgrade() {
		upgrade += key + ": " + values[0] + "\r\n"
	}
	hello := &wire.Hello{V: [2]int{1, 1}, Client: client, Inc: incOf(client), Streams: []wire.Open{rw(a.stream)}}
	if a.write([]byte(upgrade+"\r\n")) && a.text(string(hello.Append(nil))) {
		assaults[kind](a)
	}
}

// rest waits, and reports whether the attack goes on.
func (a *attacker) rest(d time.Duration) bool {
	select {
	case <-a.stop:
		return false
	case <-time.After(d):
		return true
	}
}

// write reports whether the connection goes on.
func (a *attacker) write(b []byte) bool {
	_, err := a.conn.Write(b)
	return err == nil
}

func (a *attacker) text(s string) bool {
	return a.write(sockettest.Frame(sockettest.Fin|sockettest.Text, []byte(s)))
}

// drain reads what comes and forgets it, until the connection ends.
func (a *attacker) drain() { go func() { _, _ = io.Copy(io.Discard, a.conn) }() }

// flood writes batches that are made as they are needed.
func (a *attacker) flood(next func(n int) string) {
	for n, batch := 0, []byte(nil); ; n++ {
		batch = append(batch, sockettest.Frame(sockettest.Fin|sockettest.Text, []byte(next(n)))...)
		if len(batch) < 4<<10 {
			continue
		}
		if !a.write(batch) {
			return
		}
		batch = batch[:0]
	}
}

// largest sends messages of 10 MiB. Their mask is zero, which is allowed, so that
// they cost the attacker nothing.
func (a *attacker) largest() {
	a.drain()
	head := append(sockettest.Header(sockettest.Fin|sockettest.Text, sockettest.Mask, 10<<20), 0, 0, 0, 0)
	begin := `{"t":"push","stream":"` + a.stream + `","seq":1,"ops":[{"op":"append","value":"`
	for a.write(append(head, begin...)) && a.write(a.filler[:10<<20-len(begin)-5]) && a.write([]byte(`"}]} `)) {
	}
}

// hoard sends all but the end of a large message.
func (a *attacker) hoard() {
	a.drain()
	head := append(sockettest.Header(sockettest.Fin|sockettest.Text, sockettest.Mask, 10<<20), 0, 0, 0, 0)
	if a.write(head) && a.write(a.filler[:9<<20]) {
		<-a.stop
	}
}

// fragments sends a message in more and more pieces.
func (a *attacker) fragments() {
	a.drain()
	for head := byte(sockettest.Text); a.write(bytes.Repeat(sockettest.Frame(head, []byte("x")), 1)); head = sockettest.Continuation {
	}
}

func (a *attacker) pushes() {
	a.drain()
	a.flood(func(n int) string {
		return fmt.Sprintf(`{"t":"push","stream":%q,"seq":%d,"ops":[{"op":"append","value":%d}]}`, a.stream, n+1, n)
	})
}

// pings sends a hundred lines in each message.
func (a *attacker) pings() {
	a.drain()
	lines := strings.TrimSuffix(strings.Repeat(`{"t":"ping","n":1}`+"\n", 100), "\n")
	a.flood(func(int) string { return lines })
}

func (a *attacker) controls() {
	a.drain()
	for a.write(sockettest.Frame(sockettest.Fin|sockettest.Ping, make([]byte, 125))) {
	}
}

func (a *attacker) opens() {
	a.drain()
	a.flood(func(int) string { return `{"t":"sub","ref":"1","stream":"` + a.stream + `","mode":"r","as":"state"}` })
}

// deaf asks for answers and reads none.
func (a *attacker) deaf() {
	a.flood(func(n int) string {
		return `{"t":"sub","ref":"1","stream":"` + a.stream + `","mode":"r","as":"state"}` + "\n" + fmt.Sprintf(`{"t":"ping","n":%d}`, n)
	})
}

func (a *attacker) nonsense() {
	a.drain()
	a.flood(func(int) string { return `{"t":` })
}

// strange sends messages that are well formed and refused.
func (a *attacker) strange() {
	a.drain()
	a.flood(func(n int) string {
		return fmt.Sprintf(`{"t":"push","stream":%q,"seq":%d,"ops":[{"op":"increment","amount":1}]}`, a.stream, n+1)
	})
}
