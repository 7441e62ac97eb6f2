package flowsync

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/wavesiddhartha/flowsync/wire"
)

// badFrames are inputs after the upgrade and how the connection closes. before
// is what the same connection must have answered by then.
var badFrames = []struct {
	name   string
	input  []byte
	before []string
	code   wire.CloseCode
}{
	{"unmasked text", unmaskedFrame(bitFin|opText, []byte("hi")), nil, wire.CloseBadFrame},
	{"unmasked ping", unmaskedFrame(bitFin|opPing, nil), nil, wire.CloseBadFrame},
	{"unmasked close", unmaskedFrame(bitFin|opClose, nil), nil, wire.CloseBadFrame},
	{"unmasked behind a good one", join(textFrame("good"), unmaskedFrame(bitFin|opText, []byte("hi"))), []string{"good"}, wire.CloseBadFrame},
	{"first reserved bit", rawFrame(bitFin|0x40|opText, []byte("hi")), nil, wire.CloseBadFrame},
	{"second reserved bit", rawFrame(bitFin|0x20|opText, []byte("hi")), nil, wire.CloseBadFrame},
	{"third reserved bit", rawFrame(bitFin|0x10|opText, []byte("hi")), nil, wire.CloseBadFrame},
	{"reserved bit on a ping", rawFrame(bitFin|0x40|opPing, nil), nil, wire.CloseBadFrame},
	{"unknown data opcode", rawFrame(bitFin|0x3, []byte("hi")), nil, wire.CloseBadFrame},
	{"unknown last data opcode", rawFrame(bitFin|0x7, nil), nil, wire.CloseBadFrame},
	{"unknown control opcode", rawFrame(bitFin|0xB, nil), nil, wire.CloseBadFrame},
	{"unknown last opcode", rawFrame(bitFin|0xF, nil), nil, wire.CloseBadFrame},
	{"oversized ping", rawFrame(bitFin|opPing, make([]byte, maxControlBody+1)), nil, wire.CloseBadFrame},
	{"oversized close", rawFrame(bitFin|opClose, make([]byte, 70000)), nil, wire.CloseBadFrame},
	{"fragmented ping", rawFrame(opPing, []byte("p")), nil, wire.CloseBadFrame},
	{"fragmented close", rawFrame(opClose, nil), nil, wire.CloseBadFrame},
	{"continuation of nothing", rawFrame(bitFin|opContinuation, []byte("hi")), nil, wire.CloseBadFrame},
	{"message inside a message", join(rawFrame(opText, []byte("a")), textFrame("b")), nil, wire.CloseBadFrame},
	{"binary inside a message", join(rawFrame(opText, nil), rawFrame(bitFin|opBinary, nil)), nil, wire.CloseBadFrame},
	{"too many fragments", fragments(maxFragments+1, "x"), nil, wire.CloseBadFrame},
	{"too many empty fragments", fragments(maxFragments+1, ""), nil, wire.CloseBadFrame},
	{"negative length", rawHeader(bitFin|opText, bitMask, 1<<63), nil, wire.CloseBadFrame},
	{"negative length before a flood", join(rawHeader(bitFin|opText, bitMask, 1<<64-1), make([]byte, 3), pings), nil, wire.CloseBadFrame},
	{"unmasked before a flood", join(unmaskedFrame(bitFin|opText, nil), make([]byte, 4), pings), nil, wire.CloseBadFrame},
	{"all ones length", rawHeader(bitFin|opText, bitMask, 1<<64-1), nil, wire.CloseBadFrame},
	{"close with half a code", rawFrame(bitFin|opClose, []byte{3}), nil, wire.CloseBadFrame},
	{"close with code 0", rawClose(0, ""), nil, wire.CloseBadFrame},
	{"close with code 1005", rawClose(1005, ""), nil, wire.CloseBadFrame},
	{"close with code 1006", rawClose(1006, ""), nil, wire.CloseBadFrame},
	{"close with code 2999", rawClose(2999, ""), nil, wire.CloseBadFrame},
	{"close with code 5000", rawClose(5000, ""), nil, wire.CloseBadFrame},
	{"close with a reason that is no UTF-8", rawClose(1000, "\xff"), nil, wire.CloseBadUTF8},
	{"binary", rawFrame(bitFin|opBinary, []byte("hi")), nil, wire.CloseBinary},
	{"empty binary", rawFrame(bitFin|opBinary, nil), nil, wire.CloseBinary},
	{"lone continuation byte", textFrame("a\x80"), nil, wire.CloseBadUTF8},
	{"surrogate in UTF-8", textFrame("\xed\xa0\x80"), nil, wire.CloseBadUTF8},
	{"overlong slash", textFrame("\xc0\xaf"), nil, wire.CloseBadUTF8},
	{"character cut at the end", textFrame("\xe2\x82"), nil, wire.CloseBadUTF8},
	{"one byte over the limit", textFrame(string(bytes.Repeat([]byte("x"), testLimit+1))), nil, wire.CloseTooBig},
	{"over the limit in two", join(rawFrame(opText, make([]byte, testLimit)), rawFrame(bitFin, []byte("x"))), nil, wire.CloseTooBig},
	{"far over the limit", textFrame(string(make([]byte, 8<<20))), nil, wire.CloseTooBig},
	{"over the limit behind a good one", join(textFrame("good"), textFrame(string(make([]byte, testLimit+1)))), []string{"good"}, wire.CloseTooBig},
	{"ping flood", pings, nil, wire.CloseRate},
	{"pong flood", bytes.Repeat(rawFrame(bitFin|opPong, []byte("p")), 1000), nil, wire.CloseRate},
	{"half a header", []byte{bitFin | opText}, nil, wire.CloseTimeout},
	{"header without its mask", rawHeader(bitFin|opText, bitMask, 5), nil, wire.CloseTimeout},
	{"half a frame", textFrame("half a frame")[:10], nil, wire.CloseTimeout},
	{"half a message", rawFrame(opText, []byte("half")), nil, wire.CloseTimeout},
	{"half a message, then pings", join(rawFrame(opText, []byte("half")), rawFrame(bitFin|opPing, nil)), nil, wire.CloseTimeout},
	{"half a ping", rawFrame(bitFin|opPing, []byte("ping"))[:8], nil, wire.CloseTimeout},
	{"half a frame behind a good one", join(textFrame("good"), textFrame("half")[:7]), []string{"good"}, wire.CloseTimeout},
	{"huge claim", join(rawHeader(bitFin|opText, bitMask, 1<<62), []byte("keys and a little")), nil, wire.CloseTimeout},
}

const testLimit = 64 << 10

var pings = bytes.Repeat(rawFrame(bitFin|opPing, nil), 1000)

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func textFrame(s string) []byte { return rawFrame(bitFin|opText, []byte(s)) }

// fragments is one message in n frames.
func fragments(n int, part string) []byte {
	var b []byte
	for i := range n {
		head := byte(opContinuation)
		if i == 0 {
			head = opText
		}
		if i == n-1 {
			head |= bitFin
		}
		b = append(b, rawFrame(head, []byte(part))...)
	}
	return b
}

func TestSocketAnswersBadFrames(t *testing.T) {
	plainAndTLS(t, func(t *testing.T, sv *socketServer) {
		sv.o.maxMessage = testLimit
		sv.o.readTimeout = 300 * time.Millisecond
		witness := dialRaw(t, sv.URL)
		for i, row := range badFrames {
			t.Run(row.name, func(t *testing.T) {
				c := dialRaw(t, sv.URL)
				c.write(row.input)
				for _, want := range row.before {
					c.expectText(want)
				}
				c.expectClose(row.code)
			})
			said := fmt.Sprint("witness ", i)
			witness.text(said)
			witness.expectText(said)
		}
	})
}

// Where the pieces are cut must not matter.
func TestSocketAnswersBadFramesByteByByte(t *testing.T) {
	sv := serveSockets(t)
	sv.o.maxMessage = 64
	sv.o.readTimeout = 300 * time.Millisecond
	for _, row := range badFrames {
		if len(row.input) > 64 || row.code == wire.CloseTooBig {
			continue
		}
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			c := dialRaw(t, sv.URL)
			for _, b := range row.input {
				c.write([]byte{b})
				time.Sleep(100 * time.Microsecond)
			}
			for _, want := range row.before {
				c.expectText(want)
			}
			c.expectClose(row.code)
		})
	}
}

func TestSocketAcceptsOddGoodFrames(t *testing.T) {
	sv := serveSockets(t)
	sv.o.maxMessage = testLimit
	largest := string(bytes.Repeat([]byte("x"), testLimit))
	longForm := append(binary.BigEndian.AppendUint64([]byte{bitFin | opText, bitMask | 127}, 2), 0, 0, 0, 0, 'h', 'i')
	rows := []struct {
		name  string
		input []byte
		want  string
	}{
		{"exactly the limit", textFrame(largest), largest},
		{"exactly the limit in two", join(rawFrame(opText, []byte(largest[1:])), rawFrame(bitFin, []byte("x"))), largest},
		{"the most fragments", fragments(maxFragments, "x"), largest[:maxFragments]},
		{"the most empty fragments", fragments(maxFragments, ""), ""},
		{"a character across fragments", join(rawFrame(opText, []byte("\xe2")), rawFrame(bitFin, []byte("\x82\xac"))), "€"},
		{"length in a longer form than needed", longForm, "hi"},
	}
	c := dialRaw(t, sv.URL)
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			c.write(row.input)
			c.expectText(row.want)
		})
	}
	t.Run("pings between fragments", func(t *testing.T) {
		c.write(join(rawFrame(opText, []byte("a")), rawFrame(bitFin|opPing, []byte("p")), rawFrame(bitFin, []byte("b"))))
		if head, p, err := c.frame(); err != nil || head != bitFin|opPong || string(p) != "p" {
			t.Fatalf("the ping was answered %#x %q %v", head, p, err)
		}
		c.expectText("ab")
	})
}

// A header may claim what it likes; memory is taken for what arrives.
func TestSocketAllocatesForWhatArrives(t *testing.T) {
	sv := serveSockets(t)
	sv.o.maxMessage = 1 << 40
	var conns []*rawConn
	for range 50 {
		conns = append(conns, dialRaw(t, sv.URL))
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, c := range conns {
		c.write(join(rawHeader(bitFin|opText, bitMask, 1<<39), []byte("keys and a little")))
	}
	time.Sleep(100 * time.Millisecond)
	runtime.ReadMemStats(&after)
	if got := (after.TotalAlloc - before.TotalAlloc) / uint64(len(conns)); got > 32<<10 {
		t.Errorf("a claim of 512 GiB allocates %d bytes", got)
	}
}

// A client that sends whole messages for longer than one may take is not late.
func TestSocketTimesEachMessageForItself(t *testing.T) {
	sv := serveSockets(t)
	sv.o.readTimeout = 150 * time.Millisecond
	c := dialRaw(t, sv.URL)
	f := textFrame("ab")
	for range 12 {
		c.write(f[:3])
		time.Sleep(30 * time.Millisecond)
		c.write(f[3:])
		c.expectText("ab")
	}
	time.Sleep(300 * time.Millisecond) // silence between messages is no offence
	c.text("cd")
	c.expectText("cd")
}

// A client must not pay for a hub that is busy with its last message.
func TestSocketDoesNotTimeItsOwnPauses(t *testing.T) {
	sv := serveSockets(t)
	sv.o.readTimeout = 100 * time.Millisecond
	sv.read = func(s *socket, msg []byte) {
		time.Sleep(250 * time.Millisecond)
		s.send(msg)
	}
	c := dialRaw(t, sv.URL)
	second := textFrame("second")
	c.write(join(textFrame("first"), second[:5]))
	c.expectText("first")
	c.write(second[5:])
	c.expectText("second")
}
