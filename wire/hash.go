package wire

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

// WriterHash returns H(n), the link that op adds to its writer's hash chain,
// from H of the writer's previous accepted op (zero before the first). op is
// canonical JSON as the author sent it.
func WriterHash(prev [8]byte, seq uint64, op []byte) [8]byte {
	var head [16]byte
	copy(head[:], prev[:])
	binary.BigEndian.PutUint64(head[8:], seq)
	h := sha256.New()
	h.Write(head[:])
	h.Write(op)
	var sum [sha256.Size]byte
	h.Sum(sum[:0])
	return [8]byte(sum[:8])
}

// OpHash returns the hash of a committed op, of which the stream's chain is
// made. client and inc have at most 255 bytes.
func OpHash(client, inc string, seq, at uint64, op []byte) [32]byte {
	var room [256]byte
	head := append(room[:0], byte(len(client)))
	head = append(head, client...)
	head = append(head, byte(len(inc)))
	head = append(head, inc...)
	head = binary.BigEndian.AppendUint64(head, seq)
	head = binary.BigEndian.AppendUint64(head, at)
	h := sha256.New()
	h.Write(head)
	h.Write(op)
	var sum [sha256.Size]byte
	h.Sum(sum[:0])
	return sum
}

// ChainNext returns chain(n) from chain(n−1) and the hash of op n.
func ChainNext(chain, opHash [32]byte) [32]byte {
	var both [64]byte
	copy(both[:], chain[:])
	copy(both[32:], opHash[:])
	return sha256.Sum256(both[:])
}

// FormatHash writes a writer hash as messages carry it: 16 hex digits.
func FormatHash(h [8]byte) string {
	var digits [16]byte
	hex.Encode(digits[:], h[:])
	return string(digits[:])
}

// ParseHash reads a writer hash. The empty string is H(0).
func ParseHash(s string) (h [8]byte, ok bool) {
	if s == "" {
		return h, true
	}
	if !hexDigits(s, 16) {
		return h, false
	}
	unhex(h[:], s)
	return h, true
}

// ValidInc reports whether s has the shape of an incarnation, an epoch or a
// writer hash: 16 lower-case hex digits.
func ValidInc(s string) bool { return hexDigits(s, 16) }

// hexDigits reports whether s is n lower-case hex digits. Upper case is
// refused so that equal values have equal strings.
func hexDigits[S string | []byte](s S, n int) bool {
	if len(s) != n {
		return false
	}
	for i := range n {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// unhex decodes s, of which hexDigits holds for 2·len(dst).
func unhex(dst []byte, s string) {
	for i := range dst {
		dst[i] = nibble(s[2*i])<<4 | nibble(s[2*i+1])
	}
}

func nibble(c byte) byte {
	if c >= 'a' {
		return c - 'a' + 10
	}
	return c - '0'
}
