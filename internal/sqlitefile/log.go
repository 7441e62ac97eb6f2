package sqlitefile

import (
	"encoding/binary"
	"io"
)

// Sizes of sqlite.org/fileformat.html, section 4.
const (
	logHeader   = 32
	frameHeader = 24
)

// CutShort reads a write-ahead log and reports whether commits follow the first
// damaged frame. SQLite's recovery stops there without a word, as it must: after a
// crash the last commit may be torn. But each was synced before the next was
// written, so a second commit mark behind the damage means that a whole one is lost.
func CutShort(r io.Reader) bool {
	header := make([]byte, logHeader)
	if _, err := io.ReadFull(r, header); err != nil {
		return false // never begun
	}
	sum := logSum{order: binary.LittleEndian}
	if header[3]&1 != 0 {
		sum.order = binary.BigEndian
	}
	sum.add(header[:24])
	page := binary.BigEndian.Uint32(header[8:])
	if !sum.fits(header[24:]) || page < 512 || page > 1<<16 {
		_, err := io.ReadFull(r, make([]byte, frameHeader))
		return err == nil // the header is synced before the first frame is written
	}
	frame := make([]byte, frameHeader+page)
	whole, behind := true, 0
	for behind < 2 {
		if _, err := io.ReadFull(r, frame); err != nil {
			return false
		}
		// Frames with another salt are left over from before the log was begun anew.
		current := string(frame[8:16]) == string(header[16:24])
		if whole {
			sum.add(frame[:8])
			sum.add(frame[frameHeader:])
			whole = current && sum.fits(frame[16:24])
		}
		if !whole && current && binary.BigEndian.Uint32(frame[4:]) != 0 {
			behind++
		}
	}
	return true
}

// logSum is the running checksum of a log.
type logSum struct {
	order binary.ByteOrder
	a, b  uint32
}

func (s *logSum) add(data []byte) {
	for ; len(data) >= 8; data = data[8:] {
		s.a += s.order.Uint32(data) + s.b
		s.b += s.order.Uint32(data[4:]) + s.a
	}
}

func (s *logSum) fits(stored []byte) bool {
	return binary.BigEndian.Uint32(stored) == s.a && binary.BigEndian.Uint32(stored[4:]) == s.b
}
