// Package load drives a peer and counts what comes back. Every message that is
// pushed carries its room, its number in the room and the time; every subscriber
// checks that the numbers it gets are 1, 2, 3 and so on. What is lost or comes
// twice is an error, never speed.
package load

import (
	"bytes"
	"strconv"
	"time"
)

// A body is 104 bytes of letters and digits, which every peer carries as they
// are: mark, room (8 hex digits), number in the room (16), time (16) and filling.
const (
	mark     = "~~"
	roomAt   = len(mark)
	numberAt = roomAt + 8
	timeAt   = numberAt + 16
	tokenEnd = timeAt + 16
	filling  = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghij"
)

// clock is when this process began: times in bodies are measured from it.
type clock time.Time

func (c clock) now() int64 { return int64(time.Since(time.Time(c))) }

// appendBody appends the body of the number-th message of a room.
func appendBody(b []byte, room uint32, number uint64, now int64) []byte {
	b = append(b, mark...)
	b = appendHex(b, uint64(room), 8)
	b = appendHex(b, number, 16)
	b = appendHex(b, uint64(now), 16)
	return append(b, filling...)
}

func appendHex(b []byte, n uint64, digits int) []byte {
	const digit = "0123456789abcdef"
	for shift := 4 * (digits - 1); shift >= 0; shift -= 4 {
		b = append(b, digit[n>>shift&15])
	}
	return b
}

// token is what a body says.
type token struct {
	room   uint32
	number uint64
	sent   int64
}

// eachToken calls got for every body in a payload, whatever is around it, and
// returns how many there were.
func eachToken(payload []byte, got func(token)) int {
	n := 0
	for {
		i := bytes.Index(payload, []byte(mark))
		if i < 0 || len(payload)-i < tokenEnd {
			return n
		}
		t := payload[i : i+tokenEnd]
		got(token{uint32(hex(t[roomAt:numberAt])), hex(t[numberAt:timeAt]), int64(hex(t[timeAt:]))})
		n++
		payload = payload[i+tokenEnd:]
	}
}

func hex(b []byte) uint64 {
	var n uint64
	for _, c := range b {
		d := c - '0'
		if c >= 'a' {
			d = c - 'a' + 10
		}
		n = n<<4 | uint64(d&15)
	}
	return n
}

// room names are short and the same for all peers.
func roomName(i int) string { return "bench:r" + strconv.Itoa(i) }
