package sqlite

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"os"
)

// errLog: the write-ahead log is damaged below its end.
var errLog = errors.New("a commit in the write-ahead log is damaged, and later ones follow it")

// checkLog looks for damage that SQLite would take for the end of the log. Its
// recovery stops at the first frame whose checksum does not fit, as it must:
// after a crash the last commit may be torn. But each commit is synced before
// the next is written, so whole commits behind the damage prove that more than
// the last one is gone. Format: sqlite.org/fileformat.html, section 4.
func checkLog(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	return scanLog(bufio.NewReaderSize(f, 1<<16))
}

const (
	logHeader   = 32
	frameHeader = 24
)

// scanLog counts the commits behind the first damaged frame. Two of them are
// one too many: the first may belong to the transaction that was torn.
func scanLog(r io.Reader) error {
	header := make([]byte, logHeader)
	if _, err := io.ReadFull(r, header); err != nil {
		return nil // the log was never begun
	}
	var order binary.ByteOrder = binary.LittleEndian
	if header[3]&1 != 0 {
		order = binary.BigEndian
	}
	page := int(binary.BigEndian.Uint32(header[8:]))
	sum := logSum{order: order}
	sum.add(header[:24])
	if !sum.fits(header[24:]) || page < 512 || page > 1<<16 {
		if _, err := io.ReadFull(r, make([]byte, frameHeader)); err != nil {
			return nil // cut off before the first frame
		}
		return errLog // the header is synced before the first frame is written
	}
	frame := make([]byte, frameHeader+page)
	whole := true
	for behind := 0; ; {
		if _, err := io.ReadFull(r, frame); err != nil {
			return nil // the end, or a torn frame
		}
		if string(frame[8:16]) != string(header[16:24]) {
			return nil // left over from before the log was last begun anew
		}
		if whole {
			sum.add(frame[:8])
			sum.add(frame[frameHeader:])
			whole = sum.fits(frame[16:24])
		}
		if commit := binary.BigEndian.Uint32(frame[4:]) != 0; !whole && commit {
			if behind++; behind == 2 {
				return errLog
			}
		}
	}
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
