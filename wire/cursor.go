package wire

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strconv"
	"strings"
)

// Cursor is a position in a stream's history, signed by the hubs. Clients use
// its epoch and offset and hand the rest back as they got it.
type Cursor struct {
	Epoch  string // 16 hex digits
	Offset uint64
	Check  [4]byte // first 32 bits of the chain at Offset
	Mac    [8]byte // proves that a hub made the cursor
}

// SignCursor makes the cursor for offset, where the stream's chain is chain.
// key is the stream's secret.
func SignCursor(key [32]byte, stream, epoch string, offset uint64, chain [32]byte) Cursor {
	c := Cursor{Epoch: epoch, Offset: offset, Check: [4]byte(chain[:4])}
	c.Mac = c.sign(&key, stream)
	return c
}

// Verify reports, in constant time, whether the cursor was made by SignCursor
// with this key for this stream.
func (c Cursor) Verify(key [32]byte, stream string) bool {
	mac := c.sign(&key, stream)
	return subtle.ConstantTimeCompare(mac[:], c.Mac[:]) == 1
}

// Fits reports whether the cursor's check is that of chain, the chain at its
// offset.
func (c Cursor) Fits(chain [32]byte) bool { return c.Check == [4]byte(chain[:4]) }

// String returns epoch.offset.check.mac.
func (c Cursor) String() string {
	var room [64]byte
	return string(c.Append(room[:0]))
}

// Append appends the cursor's string to b.
func (c Cursor) Append(b []byte) []byte {
	b = append(c.appendSigned(b), '.')
	return hex.AppendEncode(b, c.Mac[:])
}

func (c Cursor) appendSigned(b []byte) []byte {
	b = append(append(b, c.Epoch...), '.')
	b = append(strconv.AppendUint(b, c.Offset, 10), '.')
	return hex.AppendEncode(b, c.Check[:])
}

// sign is HMAC-SHA-256 (RFC 2104) written out over one stack buffer:
// crypto/hmac costs five allocations, and cursors are made for every commit.
func (c Cursor) sign(key *[32]byte, stream string) [8]byte {
	var room [sha256.BlockSize + MaxStreamBytes + 64]byte
	b := room[:sha256.BlockSize]
	for i := range b {
		b[i] = 0x36
	}
	subtle.XORBytes(b, b, key[:])
	b = append(append(b, stream...), 0)
	inner := sha256.Sum256(c.appendSigned(b))

	b = room[:sha256.BlockSize]
	for i := range b {
		b[i] = 0x5c
	}
	subtle.XORBytes(b, b, key[:])
	sum := sha256.Sum256(append(b, inner[:]...))
	return [8]byte(sum[:8])
}

// ParseCursor reads a cursor. It checks the form alone, not the signature.
func ParseCursor(s string) (Cursor, bool) {
	epoch, rest, _ := strings.Cut(s, ".")
	offset, rest, _ := strings.Cut(rest, ".")
	check, mac, _ := strings.Cut(rest, ".")
	if !hexDigits(epoch, 16) || !hexDigits(check, 8) || !hexDigits(mac, 16) {
		return Cursor{}, false
	}
	n, ok := parseUint(offset)
	if !ok {
		return Cursor{}, false
	}
	c := Cursor{Epoch: epoch, Offset: n}
	unhex(c.Check[:], check)
	unhex(c.Mac[:], mac)
	return c, true
}

// parseUint reads an integer from 0 to 2^53−1 in its only decimal form.
func parseUint[S string | []byte](s S) (n uint64, ok bool) {
	if len(s) == 0 || len(s) > 16 || s[0] == '0' && len(s) > 1 {
		return 0, false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + uint64(s[i]-'0')
	}
	return n, n <= MaxSafeInt
}
