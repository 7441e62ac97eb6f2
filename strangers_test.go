package flowsync

import (
	"runtime"
	"runtime/debug"
	runtimemetrics "runtime/metrics"
	"strings"
	"testing"
	"time"

	"github.com/wavesiddhartha/flowsync/internal/socket/sockettest"
)

// A peer that has not said hello holds less than 64 KiB of the hub's memory,
// whatever it sends, and for 5 s: heap, stacks and buffers, over many such peers.
func TestStrangersCost(t *testing.T) {
	const peers = 300
	header := strings.Repeat("x", 36<<10)   // just below what the server takes
	shorter := header[:strangersHeader-200] // and what the hub does
	for name, begin := range map[string]func(c *sockettest.Conn){
		"silent":                  func(c *sockettest.Conn) {},
		"half a request":          func(c *sockettest.Conn) { c.Write([]byte("GET /flowsync HTTP/1.1\r\nX-Long: " + header)) },
		"connected":               func(c *sockettest.Conn) { upgradeOf(c, "") },
		"connected, long headers": func(c *sockettest.Conn) { upgradeOf(c, "X-Long: "+shorter+"\r\n") },
		"refused for its headers": func(c *sockettest.Conn) { upgradeOf(c, "X-Long: "+header+"\r\n") },
		"half a message": func(c *sockettest.Conn) {
			upgradeOf(c, "X-Long: "+shorter+"\r\n")
			c.Write(sockettest.Frame(sockettest.Text, []byte(padded(16<<10-1))))
		},
	} {
		t.Run(name, func(t *testing.T) {
			hs := serveHub(t, Options{Auth: Anonymous, Limits: Limits{ConnsPerAddress: peers + 1}})
			var conns []*sockettest.Conn
			before := held()
			for range peers {
				c := sockettest.DialTCP(t, hs.srv.URL) // it costs 5 KiB itself, which count here
				conns = append(conns, c)
				begin(c)
			}
			time.Sleep(500 * time.Millisecond) // until all of it was read
			each := (held() - before) / peers
			t.Logf("%d bytes a peer, in %d goroutines", each, runtime.NumGoroutine())
			if each > 64<<10 {
				t.Errorf("a peer holds %d bytes", each)
			}
			for _, c := range conns {
				c.Conn.Close()
			}
		})
	}
}

// upgradeOf asks for a connection and reads the answer's first line.
func upgradeOf(c *sockettest.Conn, more string) {
	c.Write([]byte("GET /flowsync HTTP/1.1\r\nHost: h\r\n" + more))
	for key, values := range sockettest.ValidUpgrade() {
		c.Write([]byte(key + ": " + values[0] + "\r\n"))
	}
	c.Write([]byte("\r\n"))
	_, _ = c.Reader.ReadString('\n')
}

// held is what objects and stacks take after a collection.
func held() int64 {
	for range 3 { // what is pooled goes with the second
		debug.FreeOSMemory()
	}
	sample := []runtimemetrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	runtimemetrics.Read(sample)
	return int64(sample[0].Value.Uint64() + sample[1].Value.Uint64())
}
