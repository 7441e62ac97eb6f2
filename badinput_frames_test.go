package flowsync

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wavesiddhartha/flowsync/internal/socket/sockettest"
	"github.com/wavesiddhartha/flowsync/wire"
)

// frames sends bytes as they are on a session that has the stream open.
func frames(parts ...[]byte) func(*trial) {
	return func(a *trial) {
		p := a.join()
		for _, b := range parts {
			p.Write(b)
		}
	}
}

// masked is a frame of a client; head is its first byte.
func masked(head byte, payload string) []byte { return sockettest.Frame(head, []byte(payload)) }

// padded is a ping of n bytes: white space is part of JSON.
func padded(n int) string {
	const ping = `{"n":1,"t":"ping"}`
	return ping + strings.Repeat(" ", n-len(ping))
}

func frameInputs() []badInput {
	closes := func(name string, code wire.CloseCode, parts ...[]byte) badInput {
		return badInput{name: name, send: frames(parts...), want: []string{fmt.Sprintf("close %d", code)}}
	}
	const ping = `{"n":1,"t":"ping"}`
	rows := []badInput{
		closes("unmasked", 1002, sockettest.Unmasked(sockettest.Fin|sockettest.Text, []byte(ping))),
		closes("unmasked ping", 1002, sockettest.Unmasked(sockettest.Fin|sockettest.Ping, nil)),
		closes("compressed without agreement", 1002, masked(sockettest.Fin|0x40|sockettest.Text, ping)),
		closes("second reserved bit", 1002, masked(sockettest.Fin|0x20|sockettest.Text, ping)),
		closes("third reserved bit", 1002, masked(sockettest.Fin|0x10|sockettest.Text, ping)),
		closes("reserved bit on a ping", 1002, masked(sockettest.Fin|0x40|sockettest.Ping, "")),
		closes("oversized ping", 1002, masked(sockettest.Fin|sockettest.Ping, strings.Repeat("p", 126))),
		closes("oversized close", 1002, masked(sockettest.Fin|sockettest.Close, strings.Repeat("\x03\xe8", 63))),
		closes("fragmented ping", 1002, masked(sockettest.Ping, "p")),
		closes("continuation of nothing", 1002, masked(sockettest.Fin|sockettest.Continuation, ping)),
		closes("text inside a text", 1002, masked(sockettest.Text, ping[:4]), masked(sockettest.Fin|sockettest.Text, ping)),
		closes("close of one byte", 1002, masked(sockettest.Fin|sockettest.Close, "\x03")),
		closes("close with code 1005", 1002, masked(sockettest.Fin|sockettest.Close, "\x03\xed")),
		closes("close with code 999", 1002, masked(sockettest.Fin|sockettest.Close, "\x03\xe7")),
		closes("close with a reason that is not UTF-8", 1007, masked(sockettest.Fin|sockettest.Close, "\x03\xe8\xff")),
		closes("length negative", 1002, sockettest.Header(sockettest.Fin|sockettest.Text, sockettest.Mask, 1<<63)),
		closes("binary", 1003, masked(sockettest.Fin|sockettest.Binary, ping)),
		closes("binary in fragments", 1003, masked(sockettest.Binary, ping[:4]), masked(sockettest.Fin|sockettest.Continuation, ping[4:])),
		closes("not UTF-8", 1007, masked(sockettest.Fin|sockettest.Text, "{\"n\":1,\"t\":\"\xff\"}")),
		closes("surrogate as UTF-8", 1007, masked(sockettest.Fin|sockettest.Text, "\xed\xa0\x80")),
		closes("UTF-8 cut off", 1007, masked(sockettest.Fin|sockettest.Text, "\xf0\x9f\x98")),
		closes("not UTF-8 over fragments", 1007, masked(sockettest.Text, "\xf0\x9f"), masked(sockettest.Fin|sockettest.Continuation, "x")),
		closes("one byte over 10 MiB", 1009, masked(sockettest.Fin|sockettest.Text, padded(10<<20+1))),
		closes("one byte over 10 MiB in fragments", 1009, masked(sockettest.Text, padded(10<<20)), masked(sockettest.Fin|sockettest.Continuation, " ")),
		closes("4097 fragments", 1002, masked(sockettest.Text, "{"), bytes.Repeat(masked(sockettest.Continuation, ""), 4096)),
		closes("a flood of pings", 4505, bytes.Repeat(masked(sockettest.Fin|sockettest.Ping, "p"), 2000)),
		closes("a flood of pongs", 4505, bytes.Repeat(masked(sockettest.Fin|sockettest.Pong, "p"), 2000)),
		closes("garbage", 1002, bytes.Repeat([]byte{0xff}, 4096)),
		closes("HTTP again", 1002, []byte("GET /flowsync HTTP/1.1\r\n\r\n")),
		{name: "ten MiB exactly", send: frames(masked(sockettest.Fin|sockettest.Text, padded(10<<20))), want: []string{"pong 1"}},
		{name: "a character over two fragments", send: frames(masked(sockettest.Text, `{"data":"`+"\xc3"), masked(sockettest.Fin|sockettest.Continuation, "\xa9"+`","event":"e","stream":"counter:bad","t":"emit"}`))},
		{name: "a ping between fragments", send: frames(masked(sockettest.Text, ping[:4]), masked(sockettest.Fin|sockettest.Ping, "p"), masked(sockettest.Fin|sockettest.Continuation, ping[4:])), want: []string{"pong 1"}},
		{name: "16 KiB before hello", send: func(a *trial) { a.connect().Text(padded(16 << 10)) }, want: []string{"error not_ready"}},
		{name: "one byte over 16 KiB before hello", send: func(a *trial) { a.connect().Text(padded(16<<10 + 1)) }, want: []string{"close 1009"}},
		{name: "a huge length, and no more", send: claim(1 << 62)},
		{name: "a gigabyte, and no more", send: claim(1 << 30)},
		{name: "half a frame, then silence", slow: true, send: frames(masked(sockettest.Fin|sockettest.Text, ping)[:9]), want: []string{"close 4504"}},
		{name: "half a message, then silence", slow: true, send: frames(masked(sockettest.Text, ping[:4])), want: []string{"close 4504"}},
		{name: "a message byte by byte", slow: true, send: drip, want: []string{"close 4504"}},
		{name: "gone without a close", send: func(a *trial) { a.join().Conn.Conn.Close(); a.p = nil }},
		{name: "gone in the middle of a message", send: func(a *trial) {
			a.join().Write(masked(sockettest.Fin|sockettest.Text, padded(1000))[:500])
			a.p.Conn.Conn.Close()
			a.p = nil
		}},
	}
	for op := byte(3); op < 16; op++ {
		if op < 8 || op > 10 {
			rows = append(rows, closes(fmt.Sprintf("opcode %d", op), 1002, masked(sockettest.Fin|op, "")))
		}
	}
	for i := range rows {
		rows[i].group = "frames"
	}
	return rows
}

// claim sends a header that promises n bytes, and one of them. Nothing may be set
// aside for the others.
func claim(n uint64) func(*trial) {
	return func(a *trial) {
		p := a.join()
		a.cheaply(func() {
			p.Write(slices.Concat(masked(sockettest.Fin|sockettest.Ping, ""), sockettest.Header(sockettest.Fin|sockettest.Text, sockettest.Mask, n), []byte("mask"), []byte("{")))
			if head, _, err := p.Frame(); err != nil || head != sockettest.Fin|sockettest.Pong {
				a.t.Errorf("the hub has not read it: %#x %v", head, err)
			}
			time.Sleep(20 * time.Millisecond) // for what it would do then
		})
		p.Conn.Conn.Close()
		a.p = nil
	}
}

// drip sends a message so slowly that it is never stuck and never done.
func drip(a *trial) {
	p := a.join()
	for _, b := range masked(sockettest.Fin|sockettest.Text, padded(90)) {
		p.Write([]byte{b})
		time.Sleep(50 * time.Millisecond)
	}
}
