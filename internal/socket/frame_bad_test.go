package socket

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/wavesiddhartha/flowsync/internal/socket/sockettest"
	"github.com/wavesiddhartha/flowsync/wire"
)

// badFrame is an input after the upgrade and how the connection closes. before is
// what the same connection must have answered by then.
type badFrame struct {
	name   string
	input  []byte
	before []string
	code   wire.CloseCode
}

var badFrames = []badFrame{
	{"unmasked text", sockettest.Unmasked(bitFin|opText, []byte("hi")), nil, wire.CloseBadFrame},
	{"unmasked ping", sockettest.Unmasked(bitFin|opPing, nil), nil, wire.CloseBadFrame},
	{"unmasked close", sockettest.Unmasked(bitFin|opClose, nil), nil, wire.CloseBadFrame},
	{"unmasked behind a good one", join(textFrame("good"), sockettest.Unmasked(bitFin|opText, []byte("hi"))), []string{"good"}, wire.CloseBadFrame},
	{"first reserved bit", sockettest.Frame(bitFin|0x40|opText, []byte("hi")), nil, wire.CloseBadFrame},
	{"second reserved bit", sockettest.Frame(bitFin|0x20|opText, []byte("hi")), nil, wire.CloseBadFrame},
	{"third reserved bit", sockettest.Frame(bitFin|0x10|opText, []byte("hi")), nil, wire.CloseBadFrame},
	{"reserved bit on a ping", sockettest.Frame(bitFin|0x40|opPing, nil), nil, wire.CloseBadFrame},
	{"unknown data opcode", sockettest.Frame(bitFin|0x3, []byte("hi")), nil, wire.CloseBadFrame},
	{"unknown last data opcode", sockettest.Frame(bitFin|0x7, nil), nil, wire.CloseBadFrame},
	{"unknown control opcode", sockettest.Frame(bitFin|0xB, nil), nil, wire.CloseBadFrame},
	{"unknown last opcode", sockettest.Frame(bitFin|0xF, nil), nil, wire.CloseBadFrame},
	{"oversized ping", sockettest.Frame(bitFin|opPing, make([]byte, maxControlBody+1)), nil, wire.CloseBadFrame},
	{"oversized close", sockettest.Frame(bitFin|opClose, make([]byte, 70000)), nil, wire.CloseBadFrame},
	{"fragmented ping", sockettest.Frame(opPing, []byte("p")), nil, wire.CloseBadFrame},
	{"fragmented close", sockettest.Frame(opClose, nil), nil, wire.CloseBadFrame},
	{"continuation of nothing", sockettest.Frame(bitFin|opContinuation, []byte("hi")), nil, wire.CloseBadFrame},
	{"message inside a message", join(sockettest.Frame(opText, []byte("a")), textFrame("b")), nil, wire.CloseBadFrame},
	{"binary inside a message", join(sockettest.Frame(opText, nil), sockettest.Frame(bitFin|opBinary, nil)), nil, wire.CloseBadFrame},
	{"too many fragments", fragments(maxFragments+1, "x"), nil, wire.CloseBadFrame},
	{"too many empty fragments", fragments(maxFragments+1, ""), nil, wire.CloseBadFrame},
	{"negative length", sockettest.Header(bitFin|opText, bitMask, 1<<63), nil, wire.CloseBadFrame},
	{"negative length before a flood", join(sockettest.Header(bitFin|opText, bitMask, 1<<64-1), make([]byte, 3), pings), nil, wire.CloseBadFrame},
	{"unmasked before a flood", join(sockettest.Unmasked(bitFin|opText, nil), make([]byte, 4), pings), nil, wire.CloseBadFrame},
	{"all ones length", sockettest.Header(bitFin|opText, bitMask, 1<<64-1), nil, wire.CloseBadFrame},
	{"close with half a code", sockettest.Frame(bitFin|opClose, []byte{3}), nil, wire.CloseBadFrame},
	{"close with code 0", sockettest.CloseFrame(0, ""), nil, wire.CloseBadFrame},
	{"close with code 1005", sockettest.CloseFrame(1005, ""), nil, wire.CloseBadFrame},
	{"close with code 1006", sockettest.CloseFrame(1006, ""), nil, wire.CloseBadFrame},
	{"close with code 2999", sockettest.CloseFrame(2999, ""), nil, wire.CloseBadFrame},
	{"close with code 5000", sockettest.CloseFrame(5000, ""), nil, wire.CloseBadFrame},
	{"close with a reason that is no UTF-8", sockettest.CloseFrame(1000, "\xff"), nil, wire.CloseBadUTF8},
	{"binary", sockettest.Frame(bitFin|opBinary, []byte("hi")), nil, wire.CloseBinary},
	{"empty binary", sockettest.Frame(bitFin|opBinary, nil), nil, wire.CloseBinary},
	{"lone continuation byte", textFrame("a\x80"), nil, wire.CloseBadUTF8},
	{"surrogate in UTF-8", textFrame("\xed\xa0\x80"), nil, wire.CloseBadUTF8},
	{"overlong slash", textFrame("\xc0\xaf"), nil, wire.CloseBadUTF8},
	{"character cut at the end", textFrame("\xe2\x82"), nil, wire.CloseBadUTF8},
	{"one byte over the limit", textFrame(string(bytes.Repeat([]byte("x"), testLimit+1))), nil, wire.CloseTooBig},
	{"over the limit in two", join(sockettest.Frame(opText, make([]byte, testLimit)), sockettest.Frame(bitFin, []byte("x"))), nil, wire.CloseTooBig},
	{"far over the limit", textFrame(string(make([]byte, 8<<20))), nil, wire.CloseTooBig},
	{"over the limit behind a good one", join(textFrame("good"), textFrame(string(make([]byte, testLimit+1)))), []string{"good"}, wire.CloseTooBig},
	{"ping flood", pings, nil, wire.CloseRate},
	{"pong flood", bytes.Repeat(sockettest.Frame(bitFin|opPong, []byte("p")), 1000), nil, wire.CloseRate},
	{"half a header", []byte{bitFin | opText}, nil, wire.CloseTimeout},
	{"header without its mask", sockettest.Header(bitFin|opText, bitMask, 5), nil, wire.CloseTimeout},
	{"half a frame", textFrame("half a frame")[:10], nil, wire.CloseTimeout},
	{"half a message", sockettest.Frame(opText, []byte("half")), nil, wire.CloseTimeout},
	{"half a message, then pings", join(sockettest.Frame(opText, []byte("half")), sockettest.Frame(bitFin|opPing, nil)), nil, wire.CloseTimeout},
	{"half a ping", sockettest.Frame(bitFin|opPing, []byte("ping"))[:8], nil, wire.CloseTimeout},
	{"half a frame behind a good one", join(textFrame("good"), textFrame("half")[:7]), []string{"good"}, wire.CloseTimeout},
	{"huge claim", join(sockettest.Header(bitFin|opText, bitMask, 1<<62), []byte("keys and a little")), nil, wire.CloseTimeout},
}

const testLimit = 64 << 10

var pings = bytes.Repeat(sockettest.Frame(bitFin|opPing, nil), 1000)

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func textFrame(s string) []byte { return sockettest.Frame(bitFin|opText, []byte(s)) }

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
		b = append(b, sockettest.Frame(head, []byte(part))...)
	}
	return b
}

func TestAnswersBadFrames(t *testing.T) {
	plainAndTLS(t, func(t *testing.T, sv *socketServer) {
		sv.o.MaxMessage = testLimit
		requireClosed(t, sv, func(row badFrame) bool { return row.code != wire.CloseTimeout })
	})
}

// Apart, for a time-out that is short enough to wait for would at times come before
// the end of what was sent.
func TestAnswersFramesThatStop(t *testing.T) {
	plainAndTLS(t, func(t *testing.T, sv *socketServer) {
		sv.o.MaxMessage = testLimit
		sv.o.ReadTimeout = 300 * time.Millisecond
		requireClosed(t, sv, func(row badFrame) bool { return row.code == wire.CloseTimeout })
	})
}

// requireClosed sends bad frames, each on a connection of its own, and requires the
// close frame that fits; a witness goes on working.
func requireClosed(t *testing.T, sv *socketServer, wanted func(badFrame) bool) {
	witness := sockettest.Dial(t, sv.URL)
	for i, row := range badFrames {
		if !wanted(row) {
			continue
		}
		t.Run(row.name, func(t *testing.T) {
			c := sockettest.Dial(t, sv.URL)
			c.Write(row.input)
			for _, want := range row.before {
				c.ExpectText(want)
			}
			c.ExpectClose(row.code)
		})
		said := fmt.Sprint("witness ", i)
		witness.Text(said)
		witness.ExpectText(said)
	}
}

// Where the pieces are cut must not matter.
func TestAnswersBadFramesByteByByte(t *testing.T) {
	sv := serveSockets(t)
	sv.o.MaxMessage = 64
	sv.o.ReadTimeout = 300 * time.Millisecond
	for _, row := range badFrames {
		if len(row.input) > 64 || row.code == wire.CloseTooBig {
			continue
		}
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			c := sockettest.Dial(t, sv.URL)
			for _, b := range row.input {
				c.Write([]byte{b})
				time.Sleep(100 * time.Microsecond)
			}
			for _, want := range row.before {
				c.ExpectText(want)
			}
			c.ExpectClose(row.code)
		})
	}
}

func TestAcceptsOddGoodFrames(t *testing.T) {
	sv := serveSockets(t)
	sv.o.MaxMessage = testLimit
	largest := string(bytes.Repeat([]byte("x"), testLimit))
	longForm := append(binary.BigEndian.AppendUint64([]byte{bitFin | opText, bitMask | 127}, 2), 0, 0, 0, 0, 'h', 'i')
	rows := []struct {
		name  string
		input []byte
		want  string
	}{
		{"exactly the limit", textFrame(largest), largest},
		{"exactly the limit in two", join(sockettest.Frame(opText, []byte(largest[1:])), sockettest.Frame(bitFin, []byte("x"))), largest},
		{"the most fragments", fragments(maxFragments, "x"), largest[:maxFragments]},
		{"the most empty fragments", fragments(maxFragments, ""), ""},
		{"a character across fragments", join(sockettest.Frame(opText, []byte("\xe2")), sockettest.Frame(bitFin, []byte("\x82\xac"))), "€"},
		{"length in a longer form than needed", longForm, "hi"},
	}
	c := sockettest.Dial(t, sv.URL)
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			c.Write(row.input)
			c.ExpectText(row.want)
		})
	}
	t.Run("pings between fragments", func(t *testing.T) {
		c.Write(join(sockettest.Frame(opText, []byte("a")), sockettest.Frame(bitFin|opPing, []byte("p")), sockettest.Frame(bitFin, []byte("b"))))
		if head, p, err := c.Frame(); err != nil || head != bitFin|opPong || string(p) != "p" {
			t.Fatalf("the ping was answered %#x %q %v", head, p, err)
		}
		c.ExpectText("ab")
	})
}

// A header may claim what it likes; memory is taken for what arrives.
func TestAllocatesForWhatArrives(t *testing.T) {
	sv := serveSockets(t)
	sv.o.MaxMessage = 1 << 40
	var conns []*sockettest.Conn
	for range 50 {
		conns = append(conns, sockettest.Dial(t, sv.URL))
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, c := range conns {
		c.Write(join(sockettest.Header(bitFin|opText, bitMask, 1<<39), []byte("keys and a little")))
	}
	time.Sleep(100 * time.Millisecond)
	runtime.ReadMemStats(&after)
	if got := (after.TotalAlloc - before.TotalAlloc) / uint64(len(conns)); got > 32<<10 {
		t.Errorf("a claim of 512 GiB allocates %d bytes", got)
	}
}

// A client that sends whole messages for longer than one may take is not late.
func TestTimesEachMessageForItself(t *testing.T) {
	sv := serveSockets(t)
	sv.o.ReadTimeout = 150 * time.Millisecond
	c := sockettest.Dial(t, sv.URL)
	f := textFrame("ab")
	for range 12 {
		c.Write(f[:3])
		time.Sleep(30 * time.Millisecond)
		c.Write(f[3:])
		c.ExpectText("ab")
	}
	time.Sleep(300 * time.Millisecond) // silence between messages is no offence
	c.Text("cd")
	c.ExpectText("cd")
}

// A client must not pay for a hub that is busy with its last message.
func TestDoesNotTimeItsOwnPauses(t *testing.T) {
	sv := serveSockets(t)
	sv.o.ReadTimeout = 100 * time.Millisecond
	sv.read = func(s *Socket, msg []byte) {
		time.Sleep(250 * time.Millisecond)
		s.Send(msg)
	}
	c := sockettest.Dial(t, sv.URL)
	second := textFrame("second")
	c.Write(join(textFrame("first"), second[:5]))
	c.ExpectText("first")
	c.Write(second[5:])
	c.ExpectText("second")
}
